import { expect, test } from "vitest";
import { type Collection, poolsOf } from "./collection.ts";
import { auc, relevanceRows } from "./relevance.ts";
import { collectionOf, queryOf } from "./testing.ts";

test("auc: how often one of the first is above one of the second, ties half", () => {
  expect(auc([0.9, 0.5], [0.1, 0.5])).toBe(3.5 / 4);
  expect(auc([1], [0, 0.2])).toBe(1);
  expect(auc([], [1])).toBeNaN();
});

/** A collection about one subject: its queries lie near its documents, and its words are its own. */
function about(name: string, axis: number, word: string): Collection {
  const row = (i: number) =>
    Float32Array.from({ length: 3 }, (_, c) => (c === axis ? 1 : 0.02 * ((i * (c + 1)) % 7)));
  const unit = (values: Float32Array) => values.map((v) => v / Math.hypot(...values));
  const texts = Array.from({ length: 24 }, (_, i) => `${word} ${"abcdefghijklmnopqrstuvwx"[i]!.repeat(4)}`);
  const queries = texts
    .slice(0, 12)
    .map((text, i) => queryOf({ id: `q${i}`, text, vector: unit(row(i)), gold: new Map([[`d${i}`, 1]]) }));
  return {
    ...collectionOf(
      texts,
      queries,
      texts.map((_, i) => unit(row(i))),
    ),
    name,
  };
}

const all = [
  about("cranes", 0, "lifting"),
  about("seeds-en", 1, "sowing"),
  about("seeds-de", 2, "reaping"),
].map((collection) => [collection, poolsOf(collection, 20, "cosine")] as const);
const settings = { copies: "keep", links: true } as const;

test("tells own pools from foreign ones, by each way, for each collection and for all", () => {
  const rows = relevanceRows(all, 20, settings, { mean: 0.3, spread: 0.1 });
  const ways = [...new Set(rows.map(({ relevance }) => relevance))];
  expect(ways).toEqual([
    "scale, vectors and words",
    "scale, vectors",
    "no scale, vectors and words",
    "no scale, vectors",
    "words",
    "words, pool by BM25",
  ]);
  for (const way of ways) {
    const of = rows.filter(({ relevance }) => relevance === way);
    expect(of.map(({ collection }) => collection)).toEqual(["cranes", "seeds-en", "seeds-de", null]);
    for (const { auc, own } of of) {
      expect(auc).toBeGreaterThan(0.9);
      expect(own).toBeGreaterThan(0.9);
    }
    const [cranes, , , whole] = of;
    expect(whole!.before).toBeCloseTo((of[0]!.before + of[1]!.before + of[2]!.before) / 3, 12);
    expect(whole!.learned).toBeLessThan(whole!.before);
    expect(cranes!.foreign).toBeLessThan(1);
  }
  expect(relevanceRows(all, 20, settings, null).map(({ relevance }) => relevance)).not.toContain(
    "scale, vectors",
  );
});

test("collections of one beginning are not foreign to each other", () => {
  const [, english, german] = all;
  const rows = relevanceRows([english!, german!], 20, settings, null);
  expect(rows.every(({ auc, foreign }) => Number.isNaN(auc) && Number.isNaN(foreign))).toBe(true);
});
