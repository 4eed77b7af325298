import { describe, expect, test } from "vitest";
import { type Matrix, matrix } from "../src/embeddings.ts";
import type { Kernel, SparseSymmetric } from "../src/kernels/kernel.ts";
import { uniform } from "./support.ts";

/** What the arithmetic of float32 treats apart. Each fills an array from a seed. */
const values: Record<string, (next: () => number) => number> = {
  "uniform values": (next) => next(),
  "small integers": (next) => Math.round(3 * next()),
  "zeros of both signs": (next) => (next() < 0 ? -0 : 0),
  "one value among zeros": (next) => (next() < 0.9 ? 0 * next() : next()),
  "denormal values": (next) => Math.round(100 * next()) * 2 ** -149,
  "values about the smallest normal one": (next) => next() * 2 ** -125,
  "values whose products underflow": (next) => next() * 2 ** -74,
  "values of all magnitudes": (next) => next() * 2 ** Math.round(60 * next()),
  "values that cancel": (next) => (next() < 0 ? -1 : 1) * (1 + next() * 2 ** -22),
  "values whose products overflow": (next) => next() * 2 ** 100,
};

/** The widths that remainders, lanes and blocks make special, and those of common models. */
const dimensions = [1, 3, 4, 5, 383, 1536];

/** Stands where a kernel has no business to write. */
const untouched = 12345;

function filled(length: number, value: (next: () => number) => number, seed: number): Float32Array {
  const next = uniform(seed);
  return Float32Array.from({ length }, () => value(next));
}

function filledMatrix(
  rows: number,
  columns: number,
  value: (next: () => number) => number,
  seed: number,
): Matrix {
  const m = matrix(rows, columns);
  const data = filled(rows * columns, value, seed);
  for (let i = 0; i < rows; i++) m.data.set(data.subarray(i * columns, (i + 1) * columns), i * m.stride);
  return m;
}

/** A sparse symmetric matrix in which some rows are empty and some are full. */
function sparse(n: number, value: (next: () => number) => number, seed: number): SparseSymmetric {
  const next = uniform(seed);
  const entries: Map<number, number>[] = Array.from({ length: n }, () => new Map());
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      if (i % 5 === 4 || j % 5 === 4 || next() < 0.2) continue;
      const v = Math.fround(value(next));
      entries[i]!.set(j, v);
      entries[j]!.set(i, v);
    }
  }
  const rows = entries.map((row) => [...row].sort((a, b) => a[0] - b[0]));
  const rowStart = new Int32Array(n + 1);
  rows.forEach((row, i) => {
    rowStart[i + 1] = rowStart[i]! + row.length;
  });
  return {
    n,
    diagonal: filled(n, value, seed + 1),
    rowStart,
    columns: Int32Array.from(rows.flatMap((row) => row.map(([j]) => j))),
    values: Float32Array.from(rows.flatMap((row) => row.map(([, v]) => v))),
  };
}

/** Equal in every bit; any NaN equals any other, whose bits no engine promises. */
function expectSameBits(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) expect.fail(`value ${i} is ${actual[i]}, not ${expected[i]}`);
  }
}

/** Runs the same operation by both kernels on copies of the same target, and compares every value of it. */
function compare(
  kernel: Kernel,
  reference: Kernel,
  target: Float32Array,
  run: (kernel: Kernel, target: Float32Array) => void,
): void {
  const actual = target.slice();
  const expected = target.slice();
  run(kernel, actual);
  run(reference, expected);
  expectSameBits(actual, expected);
}

/**
 * What every kernel must satisfy: the same bits as the reference for every operation, and no write outside its own
 * part of the output.
 */
export function kernelContract(kernel: Kernel, reference: Kernel): void {
  describe(`kernel ${kernel.name} against ${reference.name}`, () => {
    test("names itself and its version, which receipts record", () => {
      expect(kernel.name).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(Number.isSafeInteger(kernel.version) && kernel.version >= 1).toBe(true);
    });

    describe.each(Object.entries(values))("%s", (_, value) => {
      test.each(dimensions)("dot products of %i dimensions", (d) => {
        const a = filledMatrix(7, d, value, d);
        const b = filledMatrix(5, d, value, d + 1);
        for (let i = 0; i < a.rows; i++) {
          for (let j = 0; j < b.rows; j++) {
            const at = [a.data, i * a.stride, b.data, j * b.stride, a.stride] as const;
            expectSameBits([kernel.dot(...at)], [reference.dot(...at)]);
          }
        }
      });

      test("dot products that start anywhere, of 0 to 64 values", () => {
        const a = filled(80, value, 5);
        const b = filled(80, value, 6);
        for (let length = 0; length <= 64; length += 4) {
          for (const [p, q] of [
            [0, 0],
            [1, 2],
            [4, 15],
          ] as const) {
            expectSameBits([kernel.dot(a, p, b, q, length)], [reference.dot(a, p, b, q, length)]);
          }
        }
      });

      test.each(dimensions)("tiles of the Gram matrix of %i dimensions", (d) => {
        const a = filledMatrix(9, d, value, d + 2);
        const b = filledMatrix(11, d, value, d + 3);
        const out = new Float32Array(9 * 11 + 4).fill(untouched);
        const tiles = [
          [0, 9, 0, 11],
          [2, 7, 3, 4],
          [8, 9, 1, 11],
          [3, 3, 0, 11],
          [0, 9, 5, 5],
        ] as const;
        for (const [i0, i1, j0, j1] of tiles) {
          compare(kernel, reference, out, (k, target) => k.dots(a, i0, i1, b, j0, j1, target));
        }
        compare(kernel, reference, out, (k, target) => k.dots(a, 0, 9, a, 0, 9, target));
      });

      test.each([4, 8, 60, 64])("products of a sparse matrix with rows of %i values", (width) => {
        for (const n of [0, 1, 2, 17]) {
          const m = sparse(n, value, n);
          const x = filled(n * width, value, width);
          const out = new Float32Array(n * width + 4).fill(untouched);
          compare(kernel, reference, out, (k, target) => k.multiply(m, x, target, width));
        }
      });

      test("y += alpha x, and y = x + beta y, for factors that are no float32 too", () => {
        const x = filled(72, value, 7);
        const y = filled(72, value, 8);
        for (const factor of [1, -1, 0, -0, 0.1, -1 / 3, 1e-40, 1e30, 2 ** -149]) {
          for (const length of [0, 4, 8, 60, 72]) {
            compare(kernel, reference, y, (k, target) => k.axpy(factor, x, target, length));
            compare(kernel, reference, y, (k, target) => k.xpby(x, factor, target, length));
          }
        }
      });

      test.each([4, 64])("scaled rows of %i values", (width) => {
        const scale = filled(6, value, 9);
        const x = filled(6 * width, value, 10);
        const out = new Float32Array(6 * width + 4).fill(untouched);
        compare(kernel, reference, out, (k, target) => k.scaleRows(scale, x, target, width));
      });
    });

    test("a product is the same from either side", () => {
      const a = filledMatrix(6, 37, values["uniform values"]!, 11);
      for (let i = 0; i < 6; i++) {
        for (let j = 0; j < 6; j++) {
          const forth = kernel.dot(a.data, i * a.stride, a.data, j * a.stride, a.stride);
          const back = kernel.dot(a.data, j * a.stride, a.data, i * a.stride, a.stride);
          expectSameBits([forth], [back]);
        }
      }
    });

    test("what it only reads stays as it was", () => {
      const x = filled(64, values["uniform values"]!, 12);
      const m = sparse(16, values["uniform values"]!, 13);
      const before = [x, m.diagonal, m.values].map((array) => array.slice());
      const out = new Float32Array(64);
      kernel.multiply(m, x, out, 4);
      kernel.axpy(0.5, x, out, 64);
      kernel.xpby(x, 0.5, out, 64);
      kernel.scaleRows(m.diagonal, x, out, 4);
      kernel.dots(
        { rows: 16, columns: 4, stride: 4, data: x },
        0,
        4,
        { rows: 16, columns: 4, stride: 4, data: x },
        4,
        8,
        out,
      );
      expect([x, m.diagonal, m.values]).toEqual(before);
    });
  });
}
