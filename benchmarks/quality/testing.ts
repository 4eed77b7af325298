import type { Collection, Pool } from "./collection.ts";
import { copiesAmong } from "./copies.ts";

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, v, c) => sum + v * b[c]!, 0);

/** A row of length 1. */
export const unitRow = (random: () => number, dimensions: number): Float32Array => {
  const row = Array.from({ length: dimensions }, () => random() - 0.5);
  return Float32Array.from(row, (value) => value / Math.hypot(...row));
};

type Query = Pool["query"];

/** A query without gold, unless it is given. */
export const queryOf = (given: Partial<Query> = {}): Query => ({
  id: "q",
  text: "",
  vector: null,
  gold: new Map(),
  excluded: new Set(),
  run: new Map(),
  crossEncoder: null,
  ...given,
});

/** A pool of these entries, all of which the first stage found, and no keyword list. */
export const poolOf = (
  entries: Pool["entries"],
  query: Partial<Query> = {},
  more: Partial<Pool> = {},
): Pool => ({
  query: queryOf(query),
  entries,
  listed: entries.length,
  lists: "cosine",
  keywords: { list: [], scores: new Map(entries.map(({ id }) => [id, 0])) },
  ...more,
});

/** A collection of these texts: documents d0, d1, …, and their vectors if there are any. */
export function collectionOf(
  texts: readonly string[],
  queries: readonly Query[],
  rows: readonly Float32Array[] | null = null,
): Collection {
  const documents = texts.map((text, i) => ({ id: `d${i}`, title: "", text }));
  return {
    name: "made up",
    documents,
    queries,
    dimensions: rows?.[0]?.length ?? 0,
    vectors: rows && Float32Array.from(rows.flatMap((row) => [...row])),
    copies: copiesAmong(documents),
  };
}
