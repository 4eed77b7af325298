import { describe, expect, test } from "vitest";
import { type Matrix, matrix } from "../src/embeddings.ts";
import type { Kernel, Placed, SparseSymmetric } from "../src/kernels/kernel.ts";
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

/**
 * Runs the same operation by both kernels on copies of the same arrays, the first of which it writes, and compares every
 * value of all of them: what is only read must stay as it was. Once on arrays that the kernel placed, once on others.
 */
function compare<const T extends readonly [Float32Array, ...(Float32Array | Int32Array)[]]>(
  kernel: Kernel,
  reference: Kernel,
  arrays: T,
  run: (kernel: Kernel, ...arrays: Placed<T>) => void,
): void {
  const copies = () => arrays.map((array) => array.slice()) as unknown as Placed<T>;
  const expected = copies();
  run(reference, ...expected);
  for (const actual of [kernel.place(...arrays), copies()]) {
    run(kernel, ...actual);
    for (const [a, array] of expected.entries()) expectSameBits(actual[a]!, array);
  }
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
        compare(kernel, reference, [new Float32Array(35), a.data, b.data], (k, out, p, q) => {
          for (let i = 0; i < a.rows; i++) {
            for (let j = 0; j < b.rows; j++) {
              out[i * b.rows + j] = k.dot(p, i * a.stride, q, j * b.stride, a.stride);
            }
          }
        });
      });

      test("dot products that start anywhere, of 0 to 64 values", () => {
        const starts = [
          [0, 0],
          [1, 2],
          [4, 15],
        ] as const;
        const arrays = [new Float32Array(3), filled(80, value, 5), filled(80, value, 6)] as const;
        for (let length = 0; length <= 64; length += 4) {
          compare(kernel, reference, arrays, (k, out, a, b) => {
            for (const [at, [p, q]] of starts.entries()) out[at] = k.dot(a, p, b, q, length);
          });
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
          compare(kernel, reference, [out, a.data, b.data], (k, target, p, q) =>
            k.dots({ ...a, data: p }, i0, i1, { ...b, data: q }, j0, j1, target),
          );
        }
        compare(kernel, reference, [out, a.data], (k, target, data) =>
          k.dots({ ...a, data }, 0, 9, { ...a, data }, 0, 9, target),
        );
      });

      test.each([4, 8, 60, 64, 100])("products of a sparse matrix with rows of %i values", (width) => {
        for (const n of [0, 1, 2, 17]) {
          const m = sparse(n, value, n);
          const x = filled(n * width, value, width);
          const out = new Float32Array(n * width + 4).fill(untouched);
          compare(
            kernel,
            reference,
            [out, m.diagonal, m.rowStart, m.columns, m.values, x],
            (k, target, diagonal, rowStart, columns, values, from) =>
              k.multiply({ n, diagonal, rowStart, columns, values }, from, target, width),
          );
        }
      });

      test.each([4, 60, 64])("differences of the rows of %i values that a pattern joins", (width) => {
        for (const n of [0, 1, 2, 17]) {
          const { rowStart, columns } = sparse(n, value, n);
          const x = filled(n * width, value, width);
          const y = filled(n * width, value, width + 1);
          const out = new Float32Array(columns.length + 4).fill(untouched);
          compare(kernel, reference, [out, rowStart, columns, x, y], (k, target, starts, js, p, q) =>
            k.differences({ n, rowStart: starts, columns: js }, p, q, target, width),
          );
          compare(kernel, reference, [out, rowStart, columns, x], (k, target, starts, js, p) =>
            k.differences({ n, rowStart: starts, columns: js }, p, p, target, width),
          );
        }
      });

      test("y += alpha x, and y = x + beta y, for factors that are no float32 too", () => {
        const arrays = [filled(72, value, 8), filled(72, value, 7)] as const;
        for (const factor of [1, -1, 0, -0, 0.1, -1 / 3, 1e-40, 1e30, 2 ** -149]) {
          for (const length of [0, 4, 8, 60, 72]) {
            compare(kernel, reference, arrays, (k, y, x) => k.axpy(factor, x, y, length));
            compare(kernel, reference, arrays, (k, y, x) => k.xpby(x, factor, y, length));
          }
        }
      });

      test.each([4, 64])("scaled rows of %i values", (width) => {
        const scale = filled(6, value, 9);
        const x = filled(6 * width, value, 10);
        const out = new Float32Array(6 * width + 4).fill(untouched);
        compare(kernel, reference, [out, scale, x], (k, target, s, from) =>
          k.scaleRows(s, from, target, width),
        );
      });
    });

    test("places copies and zeros, and takes their memory for the next", () => {
      const x = filled(5, values["uniform values"]!, 14);
      const [floats, zeros, integers] = kernel.place(x, 7, Int32Array.of(1, -2, 3));
      expect([floats, zeros, integers]).toEqual([x, new Float32Array(7), Int32Array.of(1, -2, 3)]);
      floats.fill(untouched);
      zeros.fill(untouched);
      expect(x).not.toContain(untouched);
      expect(kernel.place(9)[0]).toEqual(new Float32Array(9));
      expect(kernel.place()).toEqual([]);
    });

    test("places more than it ever had, and computes there as before", () => {
      const small = filled(64, values["uniform values"]!, 15);
      for (const length of [2 ** 10, 2 ** 20, 2 ** 22]) {
        const [a, large] = kernel.place(small, length);
        expect(large.length).toBe(length);
        large.set(small, length - 64);
        expectSameBits([kernel.dot(a, 0, large, length - 64, 64)], [reference.dot(small, 0, small, 0, 64)]);
      }
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
  });
}
