import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Kernel, NearestLists, Placed, SparseSymmetric } from "../src/kernels/kernel.ts";
import { type Matrix, matrix } from "../src/kernels/matrix.ts";
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
 * Runs the same operation by both kernels on copies of the same arrays and compares every value of all of them: what is
 * only read must stay as it was. Once on arrays that the kernel placed, once on others.
 */
function compare<const T extends readonly (Float32Array | Float64Array | Int32Array)[]>(
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

/** Similarities as a Gram matrix holds them, and as lists find hard to tell apart. */
const similarities: Record<string, (next: () => number) => number> = {
  "cosines of all sizes": (next) => next(),
  "few values": (next) => Math.round(4 * next()) / 4,
  "one value": () => 0.5,
  "values about 1, some above it": (next) => 1 + Math.round(3 * next()) * 2 ** -23,
  "values a bit apart": (next) => 0.7 + Math.round(2 * next()) * 2 ** -24,
  "zeros of both signs and denormal values": (next) => Math.round(3 * next()) * 2 ** -149,
  "values of all magnitudes": (next) => next() * 2 ** Math.round(60 * next()),
};

/** What a similarity must reach: next to nothing, values that similarities take, 1, and more than any reaches. */
const thresholds = [2 ** -149, 2 ** -149, 0.25, 0.5, Math.fround(0.7), 1, 1 + 2 ** -23];

/** Lists of n rows, still empty. */
function emptyLists(n: number, k: number, capacity: number, keepTies: boolean): NearestLists {
  // What stands behind the last list is nobody's.
  const length = n * capacity + 4;
  return {
    k,
    capacity,
    to: new Int32Array(length).fill(untouched),
    weight: new Float32Array(length).fill(untouched),
    count: new Int32Array(n),
    threshold: new Float32Array(n).fill(2 ** -149),
    keepTies,
  };
}

/**
 * Runs an operation on lists by both kernels, and compares all that the lists hold; what stands after a list's end is
 * free. Then the lists are what the reference made of them.
 */
function compareLists(
  kernel: Kernel,
  reference: Kernel,
  lists: NearestLists,
  products: Float32Array,
  operation: (kernel: Kernel, lists: NearestLists, products: Float32Array) => void,
): void {
  const run = (
    k: Kernel,
    to: Int32Array,
    weight: Float32Array,
    count: Int32Array,
    threshold: Float32Array,
    given: Float32Array,
  ) => {
    const { capacity } = lists;
    operation(k, { ...lists, to, weight, count, threshold }, given);
    for (const [row, length] of count.entries()) {
      to.fill(0, row * capacity + length, (row + 1) * capacity);
      weight.fill(0, row * capacity + length, (row + 1) * capacity);
    }
  };
  const state = [lists.to, lists.weight, lists.count, lists.threshold] as const;
  compare(kernel, reference, [...state, products], run);
  run(reference, ...state, products.slice());
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

      test.each(dimensions)("the Gram matrix of rows of %i dimensions", (d) => {
        for (const n of d > 99 ? [7, 9] : [0, 1, 2, 7, 33, 70]) {
          const rows = filledMatrix(n, d, value, d + n);
          const { stride, data } = matrix(n, n);
          compare(kernel, reference, [data.fill(untouched), rows.data], (k, out, placed) =>
            k.gram({ ...rows, data: placed }, { rows: n, columns: n, stride, data: out }),
          );
        }
      });

      test.each(dimensions)("lengths, products and sums in float64 of rows of %i dimensions", (d) => {
        for (const n of [0, 1, 5]) {
          const rows = filledMatrix(n, d, value, d + n);
          const vector = filledMatrix(1, d, value, d + 9).data;
          const scale = Float64Array.from({ length: n }, (_, i) => [1, 0, 1 / 3, 1e-300, 7][i]!);
          const none = () => new Float64Array(n + 1).fill(untouched);
          compare(kernel, reference, [none(), rows.data], (k, out, data) => k.norms({ ...rows, data }, out));
          compare(kernel, reference, [none(), rows.data, vector], (k, out, data, x) =>
            k.products({ ...rows, data }, x, out),
          );
          const sums = new Float64Array(rows.stride).map((_, c) => c / 3);
          compare(kernel, reference, [sums, rows.data, scale], (k, out, data, by) =>
            k.sumRows({ ...rows, data }, by, out),
          );
        }
      });

      test.each(dimensions)("rows of %i dimensions in another order and of another length", (d) => {
        const rows = filledMatrix(5, d, value, d);
        const scale = Float64Array.of(1, 0, 1 / 3, 1e-300, 7);
        for (const order of [Int32Array.of(), Int32Array.of(4, 0, 0, 2), Int32Array.of(0, 1, 2, 3, 4)]) {
          const expected = reference.gather(rows, order, scale);
          const held = kernel.gather(rows, order, scale);
          expectSameBits(kernel.place(held)[0].data, expected.data);
          expectSameBits(held.data, expected.data);
          // Read after another took its place, it is made again.
          const late = kernel.gather(rows, order, scale);
          kernel.hold(expected);
          expectSameBits(late.data, expected.data);
          expectSameBits(kernel.place(late)[0].data, expected.data);
          expect({ ...late, data: 0 }).toEqual({ ...expected, data: 0 });
        }
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

    describe.each(Object.entries(similarities))("lists of the nearest by %s", (_, value) => {
      /** Tiles of a pool of 23: all of it, such that cross the diagonal, touch it, lie off it, and of every width. */
      const tiles = [
        [0, 23, 0, 23],
        [5, 13, 2, 20],
        [0, 8, 7, 23],
        [3, 4, 0, 23],
        [0, 23, 11, 12],
        [10, 23, 0, 10],
        [10, 23, 0, 11],
        [4, 4, 0, 23],
        [0, 23, 9, 9],
        ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((width) => [0, 6, 9, 9 + width] as const),
      ] as const;
      /** k and the room of a list, which often gets full. */
      const sizes = [
        [1, 2],
        [1, 9],
        [3, 4],
        [3, 8],
        [5, 23],
        [8, 9],
        [22, 23],
      ] as const;

      describe.each([true, false])("ties kept: %s", (keepTies) => {
        test.each(sizes)("k = %i of a list of %i: what tile after tile offers", (k, capacity) => {
          const lists = emptyLists(23, k, capacity, keepTies);
          for (const [row] of lists.threshold.entries()) {
            lists.threshold[row] = thresholds[row % thresholds.length]!;
          }
          for (const [at, [i0, i1, j0, j1]] of tiles.entries()) {
            const stride = j1 - j0 + [0, 1, 5][at % 3]!;
            const products = filled((i1 - i0) * stride + 3, value, 16 + at);
            compareLists(kernel, reference, lists, products, (own, given, tile) =>
              own.offer(given, tile, stride, i0, i1, j0, j1),
            );
          }
        });

        test.each(sizes)("k = %i of a list of %i: cut down from every length", (k, capacity) => {
          // Nothing that is not above 0 is ever listed, and nothing above 1.
          const listed = (next: () => number) => Math.min(1, Math.abs(value(next)) || 2 ** -149);
          const rows = capacity - k + 1;
          const lists = emptyLists(rows, k, capacity, keepTies);
          lists.to.set(Int32Array.from({ length: rows * capacity }, (_, at) => 7 * at));
          lists.weight.set(filled(rows * capacity, listed, k));
          for (let row = 0; row < rows; row++) lists.count[row] = k + row;
          compareLists(kernel, reference, lists, new Float32Array(0), (own, given) => own.keepBest(given));
        });
      });

      test("of every size, at any tile, one offer after the other", () => {
        const tile = fc.tuple(fc.nat(12), fc.nat(12), fc.nat(12), fc.nat(12), fc.nat(6), fc.nat());
        fc.assert(
          fc.property(
            fc.record({ k: fc.integer({ min: 1, max: 4 }), spare: fc.integer({ min: 1, max: 6 }) }),
            fc.boolean(),
            fc.array(tile, { minLength: 1, maxLength: 4 }),
            ({ k, spare }, keepTies, offered) => {
              const lists = emptyLists(24, k, k + spare, keepTies);
              for (const [i0, height, j0, width, more, seed] of offered) {
                const stride = width + more;
                const products = filled(height * stride, value, seed);
                compareLists(kernel, reference, lists, products, (own, given, at) =>
                  own.offer(given, at, stride, i0, i0 + height, j0, j0 + width),
                );
              }
            },
          ),
          { numRuns: 30 },
        );
      });
    });

    test.each(Array.from({ length: 30 }, (_, bit) => bit))(
      "tells similarities apart by bit %i alone",
      (bit) => {
        const bits = (pattern: number) => new Float32Array(Int32Array.of(pattern).buffer)[0]!;
        // From 1 downwards: of positive floats, the larger has the larger pattern.
        const ones = 0x3f7fffff;
        const pair = [bits(ones & ~(1 << bit)), bits(ones | (1 << bit))].filter((v) => v <= 1 && v > 0);
        for (const keepTies of [true, false]) {
          for (const k of [1, 2, 3, 6]) {
            const lists = emptyLists(1, k, 7, keepTies);
            lists.count[0] = 7;
            lists.weight.set(Array.from({ length: 7 }, (_, r) => pair[(r * r) % pair.length]!));
            lists.to.set([1, 2, 3, 4, 5, 6, 7]);
            compareLists(kernel, reference, lists, new Float32Array(0), (own, given) => own.keepBest(given));
          }
        }
      },
    );

    test("what is held stays as it is while others come and go, and memory grows, until another is held", () => {
      const own = values["uniform values"]!;
      const [first, second] = [filledMatrix(4, 15, own, 15), filledMatrix(6, 13, own, 16)];
      const expected = structuredClone({ first, second });
      const order = Int32Array.of(3, 0, 1);
      const scale = Float64Array.of(1, 2, 3, 4);
      const ways = [
        { hold: () => first, as: expected.first },
        { hold: () => kernel.gather(first, order, scale), as: reference.gather(first, order, scale) },
      ];
      for (const { hold, as } of ways) {
        const held = hold();
        kernel.hold(held);
        for (const size of [8, 1 << 20, 8]) {
          const [copy, zeros] = kernel.place(held, size);
          expect(copy).toEqual(as);
          zeros.fill(untouched);
          expect(kernel.place(size, held)[1]).toEqual(as);
        }
        kernel.hold(second);
        const [copy, again] = kernel.place(second, held);
        expect([copy, again]).toEqual([expected.second, as]);
        kernel.hold(second);
        expect(kernel.place(second)[0]).toEqual(expected.second);
      }
      expect({ first, second }).toEqual(expected);
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
