import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import golden from "./fixtures/study.json" with { type: "json" };
import { CLUSTER, D, gaussian, makeTrial, mulberry32, N, TRAPS } from "./generator.ts";

const sha256 = (rows: readonly Float32Array[]): string => {
  const hash = createHash("sha256");
  for (const row of rows) hash.update(new Uint8Array(row.buffer, row.byteOffset, row.byteLength));
  return hash.digest("hex");
};

describe("the random numbers", () => {
  const { seed, first_uniforms, first_gauss } = golden.prng;

  test("are those of the golden check, bit for bit", () => {
    const uniform = mulberry32(seed);
    expect(first_uniforms.map(() => uniform())).toEqual(first_uniforms);
    const another = mulberry32(seed);
    expect(first_gauss.map(() => gaussian(another))).toEqual(first_gauss);
  });

  test("take two uniform values for a normal one", () => {
    const [left, right] = [mulberry32(7), mulberry32(7)];
    gaussian(left);
    right();
    right();
    expect(left()).toBe(right());
  });

  test("have the moments of their distributions", () => {
    const uniform = mulberry32(3);
    const draws = Array.from({ length: 20_000 }, () => gaussian(uniform));
    const mean = draws.reduce((sum, v) => sum + v, 0) / draws.length;
    const square = draws.reduce((sum, v) => sum + v * v, 0) / draws.length;
    // Four standard errors: 4 / √20000 = .028, and √2 times that.
    expect(Math.abs(mean)).toBeLessThan(0.028);
    expect(Math.abs(square - 1)).toBeLessThan(0.04);
  });
});

describe("a draw", () => {
  test.each(golden.draws)("of seed $seed is the golden one, bit for bit", ({ seed, sha256: hash, traps }) => {
    const trial = makeTrial(seed - 20240);
    expect(sha256([trial.query])).toBe(hash.query);
    expect(sha256(trial.vectors)).toBe(hash.vectors);
    expect([...trial.traps].sort((a, b) => a - b)).toEqual(traps);
  });

  test("begins with the golden values", () => {
    const { query, vectors } = makeTrial(0);
    const { first } = golden.draws[0]!;
    const start = (row: Float32Array) => Array.from(row.subarray(0, 4));
    expect(start(query)).toEqual(first!.query);
    expect(start(vectors[0]!)).toEqual(first!.clustered);
    expect(start(vectors[CLUSTER]!)).toEqual(first!.other);
  });

  test("is of unit vectors, the first of them about the query", () => {
    const { query, vectors, traps } = makeTrial(11);
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, c) => sum + v * b[c]!, 0);
    expect(vectors).toHaveLength(N);
    expect(traps.size).toBe(TRAPS);
    for (const row of [query, ...vectors]) {
      expect(row).toHaveLength(D);
      expect(dot(row, row)).toBeCloseTo(1, 6);
    }
    // About 1/√2 inside; outside about 0, with a deviation of 1/√D = .125.
    const cosines = vectors.map((row) => dot(row, query));
    expect(Math.min(...cosines.slice(0, CLUSTER))).toBeGreaterThan(0.5);
    expect(Math.max(...cosines.slice(CLUSTER))).toBeLessThan(0.5);
  });
});
