import { expect, test } from "vitest";
import { certified } from "./certified.ts";
import type { Pool } from "./collection.ts";
import { poolOf } from "./testing.ts";

/** A pool of these vectors, none with words, for the query (1, 0). */
const pool = (...vectors: [number, number][]): Pool =>
  poolOf(
    vectors.map((vector, i) => ({ id: `d${i}`, title: "", text: "", embedding: Float32Array.from(vector) })),
    { vector: Float32Array.of(1, 0) },
  );

test("counts the pools whose order no rounding could change, for each k", () => {
  const apart = pool([1, 0.1], [1, 2], [-1, 3], [-1, 0.5], [1, -4]);
  // The pool is its own mirror image: the first two have the same score, and are not the same vector.
  const tied = pool([1, 0.5], [1, -0.5], [-1, 0.2], [-1, -0.2]);
  expect(certified("made up", [apart, tied], [1, 5], { copies: "keep", links: true })).toMatchObject([
    { collection: "made up", k: 1, queries: 2, certified: 0.5 },
    { collection: "made up", k: 5, queries: 2, certified: 0.5 },
  ]);
});
