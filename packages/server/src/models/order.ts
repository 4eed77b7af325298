import type { Config } from "../config/schema.ts";
import type { Model } from "./models.ts";
import { isComplete, withScores, wordsOf } from "./texts.ts";

/** The constant of reciprocal rank fusion (Cormack, Clarke & Büttcher 2009). */
const K = 60;

/**
 * The order of the documents stands in for the scores of the first search: `1 / (60 + i)`, i from 0, which gained a little more
 * than `1 - i / n` where it was measured, and as much as the first search's own scores do. With `"none"` all scores are equal, so that the words
 * alone decide: for callers whose order says nothing, such as that of pages, or of lists put one behind the other. That costs much
 * where words tell little.
 *
 * Scores that come along are used in its place. How relevant documents are is told by their words.
 */
export const order = (prior: Config["models"]["prior"]): Model => ({
  name: "oscillink-order",
  description:
    prior === "order"
      ? "Takes the order in which documents came for that of the first search, and weighs their words."
      : "Ranks by the words of the documents alone.",
  available: true,
  complete(request) {
    const { candidates } = wordsOf("oscillink-order", request);
    if (isComplete(request, candidates)) return request;
    const scoreAt = (i: number) => (prior === "order" ? 1 / (K + i) : 0);
    return withScores(request, candidates, scoreAt);
  },
});
