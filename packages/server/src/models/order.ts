import type { Config } from "../config/schema.ts";
import type { Model } from "./models.ts";
import { isComplete, withScores, wordsOf } from "./texts.ts";

/**
 * The order of the documents stands in for the scores of the first search: `1 - i / n`, of n documents the i-th from 0. With `"none"`
 * they are all equal, so that the words alone decide: for callers whose order says nothing, such as that of pages, or of lists
 * put one behind the other.
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
    const scoreAt = (i: number) => (prior === "order" ? 1 - i / candidates.length : 0);
    return withScores(request, candidates, scoreAt);
  },
});
