import { describe, expect, test } from "vitest";
import { compare, differenceOf, type Evaluation, evaluate, standings, summarize } from "./evaluate.ts";
import { bootstrapInterval, withoutCopies } from "./metrics.ts";
import { collectionOf, poolOf } from "./testing.ts";

/** An evaluation with these values of nDCG@10, query by query. */
const evaluation = (metrics: Record<string, number[]>): Evaluation => ({
  collection: "made up",
  rankings: {},
  metrics: Object.fromEntries(
    Object.entries(metrics).map(([name, values]) => [name, values.map((value) => ({ "nDCG@10": value }))]),
  ),
});

const ahead = evaluation({
  cosine: [0.5, 0.5, 0.5],
  "weighted-sum": [0.7, 0.5, 0.3],
  default: [0.6, 0.6, 0.6],
});
const behind = evaluation({
  cosine: [0.5, 0.6, 0.7],
  "weighted-sum": [0.5, 0.4, 0.3],
  default: [0.4, 0.5, 0.6],
});
const even = evaluation({
  cosine: [0.5, 0.6, 0.7],
  "weighted-sum": [0.1, 0.1, 0.9],
  default: [0.5, 0.6, 0.7],
});

test("a difference is that of the means, with its interval over the queries", () => {
  const { difference, interval } = differenceOf(ahead, "default", "weighted-sum", [5, 10]);
  expect(difference).toBeCloseTo(0.1, 12);
  expect(interval).toEqual(bootstrapInterval([0.6 - 0.7, 0.6 - 0.5, 0.6 - 0.3]));
  expect(differenceOf(even, "default", "cosine", [10])).toEqual({ difference: 0, interval: [0, 0] });
});

test("rows have the gain in percent", () => {
  const gains = compare(ahead, [10]).map(({ method, gain }) => [method, gain]);
  expect(gains).toEqual([
    ["cosine", 0],
    ["weighted-sum", expect.closeTo(0, 9)],
    ["default", expect.closeTo(20, 9)],
  ]);
});

describe("the standings", () => {
  test("count the collections on which the default is ahead and behind, and those beyond doubt", () => {
    expect(standings([ahead, behind, even], [5, 10])).toEqual([
      { against: "cosine", collections: 3, ahead: 1, behind: 1, surelyAhead: 1, surelyBehind: 1 },
      // Ahead in the mean of each, but not on every query: all three intervals hold 0.
      { against: "weighted-sum", collections: 3, ahead: 3, behind: 0, surelyAhead: 0, surelyBehind: 0 },
    ]);
  });

  test("take an equal figure for neither", () => {
    expect(standings([even], [10])[0]).toMatchObject({
      ahead: 0,
      behind: 0,
      surelyAhead: 0,
      surelyBehind: 0,
    });
  });
});

test("a summary is of the collections that have the method", () => {
  const more = evaluation({ ...Object.fromEntries([["cosine", [0.5]]]), extra: [1], default: [0.25] });
  const summaries = summarize([ahead, more], [10]);
  expect(summaries.map(({ method, collections, worst }) => [method, collections, worst])).toEqual([
    ["cosine", 2, 0],
    ["weighted-sum", 1, expect.closeTo(0, 9)],
    ["default", 2, expect.closeTo(-50, 9)],
    ["extra", 1, expect.closeTo(100, 9)],
  ]);
});

test("copies are known by the texts of the whole collection", () => {
  // d0 and d2 are copies; d2 is gold and not in the pool, and one gold document is in no collection.
  const collection = collectionOf(["Amber burns.", "Basalt", "amber, burns"], []);
  const gold = new Map([
    ["d0", 1],
    ["d2", 1],
    ["d9", 1],
  ]);
  const pool = poolOf(collection.documents.slice(0, 2), { gold });
  const { metrics } = evaluate(
    collection,
    [pool],
    { all: ({ entries }) => entries.map(({ id }) => id) },
    [5],
  );
  expect(metrics.all![0]![withoutCopies(5)]).toBeCloseTo(1 / (1 + 1 / Math.log2(3)), 12);
});
