import type { Config } from "../config/schema.ts";
import type { LocalModel } from "./local.ts";
import { isComplete, withScores, wordsOf } from "./texts.ts";

/**
 * What stands in for the score of the document in place i, from 0: `-ln(1 + i)`. Over real first searches it never cost more than
 * .6 % of nDCG@10, where `1 - i / n` cost up to 4.9 % and `1 / (60 + i)` .9 %. Rounded, for engines may differ in a logarithm's last bit,
 * and never above 0, so that nobody takes it for a cosine.
 */
export const rankScore = (i: number): number => 0 - Math.fround(Math.log(1 + i));

/**
 * The order of the documents stands in for the scores of the first search. With `"none"` all scores are equal, so that the words alone
 * decide: for callers whose order says nothing, such as that of pages, or of lists put one behind the other. That costs much where
 * words tell little.
 *
 * Scores that come along are used in its place. How relevant documents are is told by their words.
 */
export const order = (prior: Config["models"]["prior"]): LocalModel => ({
  name: "oscillink-order",
  description:
    prior === "order"
      ? "Takes the order in which documents came for that of the first search, and weighs their words."
      : "Ranks by the words of the documents alone.",
  available: true,
  asksOthers: false,
  complete(request) {
    const { candidates } = wordsOf("oscillink-order", request);
    if (isComplete(request, candidates)) return request;
    const scoreAt = (i: number) => (prior === "order" ? rankScore(i) : 0);
    return withScores(request, candidates, scoreAt);
  },
});
