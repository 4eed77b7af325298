import { describe, expect, test } from "vitest";
import type { Pool } from "./collection.ts";
import { offset, quantized, rotation, withRandom } from "./robust.ts";
import { collectionOf, poolOf } from "./testing.ts";

const D = 24;
/** Rows that are the same in every run. */
const row = (seed: number): Float32Array => {
  const values = Array.from({ length: D }, (_, c) => Math.sin(1 + 7 * seed + 13 * c * (seed + 1)));
  return Float32Array.from(values, (v) => v / Math.hypot(...values));
};
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, v, c) => sum + v * b[c]!, 0);
const cosine = (a: Float32Array, b: Float32Array): number => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
const rows = Array.from({ length: 100 }, (_, i) => row(i));
const pairs = [
  [0, 1],
  [2, 3],
  [5, 40],
  [17, 80],
] as const;

const collection = collectionOf(
  rows.map((_, i) => `Text ${i}.`),
  [],
  rows,
);
const pool = (size: number, excluded: readonly string[] = []): Pool =>
  poolOf(
    collection.documents.slice(0, size).map((d, i) => ({ ...d, embedding: rows[i]! })),
    { vector: row(1000), excluded: new Set(excluded) },
  );

describe("a rotation", () => {
  test("keeps lengths and angles, and moves every dimension", () => {
    const rotate = rotation(D);
    for (const [i, j] of pairs) {
      expect(dot(rotate(rows[i]!), rotate(rows[j]!))).toBeCloseTo(dot(rows[i]!, rows[j]!), 5);
      expect(dot(rotate(rows[i]!), rotate(rows[i]!))).toBeCloseTo(1, 5);
    }
    const first = Float32Array.from({ length: D }, (_, c) => Number(c === 0));
    const turned = rotate(first);
    expect(turned.filter((v) => v !== 0)).toHaveLength(D);
    expect(Math.abs(turned[0]!)).toBeLessThan(0.9);
  });

  test("is linear, and the same every time", () => {
    const rotate = rotation(D);
    const [a, b] = [rotate(rows[3]!), rotate(rows[4]!)];
    const sum = rotate(rows[3]!.map((v, c) => v + rows[4]![c]!));
    for (let c = 0; c < D; c++) expect(sum[c]).toBeCloseTo(a[c]! + b[c]!, 5);
    expect(rotation(D)(rows[3]!)).toEqual(a);
  });
});

describe("a common offset", () => {
  test("gives unit rows, about halfway to one direction", () => {
    const add = offset(collection);
    for (const r of rows) expect(dot(add(r), add(r))).toBeCloseTo(1, 5);
    const common = add(new Float32Array(D));
    // A random row is almost at right angles to it: as long as the offset, it comes to about 45 degrees.
    const mean = rows.reduce((sum, r) => sum + cosine(add(r), common), 0) / rows.length;
    expect(mean).toBeGreaterThan(0.6);
    expect(mean).toBeLessThan(0.8);
  });

  test("is as long as the documents on average", () => {
    const long = {
      ...collection,
      vectors: collection.vectors!.map((v, i) => v * (1 + 2 * (Math.floor(i / D) % 2))),
    };
    // Lengths 1 and 3: 2 on average. For a row r: add(r) ~ r + 2 c, where add(0) = c.
    const add = offset(long);
    const common = add(new Float32Array(D));
    const expected = rows[7]!.map((v, c) => v + 2 * common[c]!);
    expect(cosine(add(rows[7]!), expected)).toBeCloseTo(1, 6);
  });
});

describe("8 bits", () => {
  test("are integers to 127 that point the same way within the rounding", () => {
    for (const r of rows) {
      const q = quantized(r);
      expect(q.every((v) => Number.isInteger(v) && Math.abs(v) <= 127)).toBe(true);
      expect(Math.max(...q.map(Math.abs))).toBe(127);
      expect(cosine(q, r)).toBeGreaterThan(0.999);
    }
    expect(quantized(new Float32Array(3))).toEqual(new Float32Array(3));
  });
});

describe("random documents", () => {
  test("are a tenth more, none of the pool and none excluded", () => {
    const perturb = withRandom(collection);
    for (const size of [10, 20, 50]) {
      const before = pool(size, ["d60", "d61"]);
      const { entries } = perturb(before);
      expect(entries.slice(0, size)).toEqual(before.entries);
      expect(entries).toHaveLength(size + size / 10);
      expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
      expect(entries.some(({ id }) => id === "d60" || id === "d61")).toBe(false);
      for (const { id, embedding } of entries) expect(embedding).toEqual(rows[Number(id.slice(1))]);
    }
  });

  test("are the same every time, but not for every query", () => {
    const [one, two] = [withRandom(collection), withRandom(collection)];
    const drawn = [one(pool(50)), one(pool(50))].map(({ entries }) => entries.slice(50).map(({ id }) => id));
    expect(
      two(pool(50))
        .entries.slice(50)
        .map(({ id }) => id),
    ).toEqual(drawn[0]);
    expect(drawn[1]).not.toEqual(drawn[0]);
  });

  test("join what the first stage found, before what the keyword list alone found", () => {
    const { entries, ...others } = pool(50);
    const grown = withRandom(collection)({ entries, ...others, listed: 40, lists: "union" });
    expect(grown.listed).toBe(45);
    expect(grown.entries.slice(0, 40)).toEqual(entries.slice(0, 40));
    expect(grown.entries.slice(45)).toEqual(entries.slice(40));
  });

  test("are as many as there are left", () => {
    expect(withRandom(collection)(pool(98)).entries).toHaveLength(100);
    expect(withRandom(collection)(pool(100)).entries).toHaveLength(100);
  });
});
