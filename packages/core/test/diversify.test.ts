import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DiversityMethod } from "../src/options/types.ts";
import { diversify, ranking } from "../src/rank/diversify.ts";
import { cosine, type Dense, permuted, pools, randomRow, randomRows } from "./support.ts";

const METHODS: DiversityMethod[] = ["mmr", "msd", "dpp"];

/** What is chosen from: vectors, and a relevance for each. */
interface Task {
  readonly rows: Dense;
  readonly relevance: Float64Array;
}

const between =
  ({ rows }: Task) =>
  (i: number, j: number) =>
    cosine(rows[i]!, rows[j]!);

const orderOf = ({ relevance }: Task) => ranking(relevance, [...relevance.keys()]);

const choose = (task: Task, k: number, diversity: number, method: DiversityMethod) =>
  diversify(orderOf(task), task.relevance, k, diversity, between(task), method);

/** Vectors of every kind, copies and dependent ones too; relevances that often tie. */
const tasks: fc.Arbitrary<Task> = pools().chain(({ rows }) =>
  fc
    .array(fc.oneof(fc.constantFrom(-0.5, 0, 0.25, 1), fc.double({ min: -1, max: 1, noNaN: true })), {
      minLength: rows.length,
      maxLength: rows.length,
    })
    .map((relevance) => ({ rows, relevance: Float64Array.from(relevance) })),
);

/** Independent vectors in general position: no two candidates tie, so that rounding decides nothing. */
const generic: fc.Arbitrary<Task> = fc
  .record({ n: fc.integer({ min: 1, max: 9 }), extra: fc.nat(6), seed: fc.integer() })
  .map(({ n, extra, seed }) => ({
    rows: randomRows(n, n + extra, seed),
    relevance: Float64Array.from(randomRow(n, seed + 1)),
  }));

const shares = fc.constantFrom(0.1, 0.3, 0.5, 0.8, 1);
const sizes = fc.integer({ min: 1, max: 14 });

/** The first of the ranking, then always the largest value given what is chosen, computed anew. */
function naive(task: Task, k: number, value: (i: number, chosen: number[]) => number): number[] {
  const order = orderOf(task);
  const chosen = [order[0]!];
  while (chosen.length < Math.min(k, order.length)) {
    const left = order.filter((i) => !chosen.includes(i));
    chosen.push(left.reduce((a, b) => (value(b, chosen) > value(a, chosen) ? b : a)));
  }
  return chosen;
}

/** By elimination with partial pivoting. */
function determinant(matrix: Dense): number {
  const m = matrix.map((row) => [...row]);
  let product = 1;
  for (let p = 0; p < m.length; p++) {
    let pivot = p;
    for (let i = p + 1; i < m.length; i++) if (Math.abs(m[i]![p]!) > Math.abs(m[pivot]![p]!)) pivot = i;
    if (m[pivot]![p] === 0) return 0;
    if (pivot !== p) {
      [m[p], m[pivot]] = [m[pivot]!, m[p]!];
      product = -product;
    }
    product *= m[p]![p]!;
    for (let i = p + 1; i < m.length; i++) {
      const factor = m[i]![p]! / m[p]![p]!;
      for (let c = p; c < m.length; c++) m[i]![c]! -= factor * m[p]![c]!;
    }
  }
  return product;
}

const gram = (rows: Dense): Dense => rows.map((a) => rows.map((b) => cosine(a, b)));

/** The determinant of the kernel `q_i S_ij q_j` over `set`. */
function kernelDeterminant({ rows, relevance }: Task, diversity: number, set: number[]): number {
  const quality = set.map((i) => Math.exp(((1 - diversity) / diversity) * relevance[i]!));
  const S = gram(set.map((i) => rows[i]!));
  return determinant(S.map((row, a) => row.map((s, b) => quality[a]! * s * quality[b]!)));
}

function meanSimilarity(task: Task, chosen: number[]): number {
  const pairs = chosen.flatMap((i, at) => chosen.slice(0, at).map((j) => between(task)(i, j)));
  return pairs.reduce((sum, s) => sum + s, 0) / pairs.length;
}

describe.each(METHODS)("%s", (method) => {
  test("diversity 0 is exactly the first k of the ranking", () => {
    fc.assert(
      fc.property(tasks, sizes, (task, k) => {
        expect(choose(task, k, 0, method)).toEqual(orderOf(task).slice(0, k));
      }),
    );
  });

  test("the next to no diversity is the ranking too, where relevances differ and no vectors depend", () => {
    fc.assert(
      fc.property(generic, (task) => {
        expect(choose(task, 14, 1e-12, method)).toEqual(orderOf(task));
      }),
    );
  });

  test("chooses min(k, n) different candidates, the first of the ranking first", () => {
    fc.assert(
      fc.property(tasks, sizes, shares, (task, k, diversity) => {
        const chosen = choose(task, k, diversity, method);
        expect(chosen).toHaveLength(Math.min(k, task.rows.length));
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(chosen[0]).toBe(orderOf(task)[0]);
      }),
    );
    expect(diversify([1, 0], Float64Array.of(1, 0), 2, 0.5, () => 0, method)).toEqual([1, 0]);
    expect(diversify([], new Float64Array(0), 3, 0.5, () => 0, method)).toEqual([]);
    expect(diversify([0], new Float64Array(1), 0, 0.5, () => 0, method)).toEqual([]);
  });

  test("a smaller k chooses the first of a larger one's", () => {
    fc.assert(
      fc.property(tasks, sizes, shares, (task, k, diversity) => {
        expect(choose(task, k, diversity, method)).toEqual(choose(task, 14, diversity, method).slice(0, k));
      }),
    );
  });

  test("candidates numbered otherwise are chosen the same, ties by the order given", () => {
    const keys = fc.array(fc.nat(), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(tasks, keys, sizes, shares, (task, by, k, diversity) => {
        const from = permuted([...task.rows.keys()], by);
        const other = {
          rows: permuted(task.rows, by),
          relevance: task.relevance.map((_, i) => task.relevance[from[i]!]!),
        };
        const order = orderOf(task).map((i) => from.indexOf(i));
        const chosen = diversify(order, other.relevance, k, diversity, between(other), method);
        expect(chosen.map((i) => from[i]!)).toEqual(choose(task, k, diversity, method));
      }),
    );
  });

  test("equals keep their order", () => {
    const order = [3, 1, 4, 0, 2];
    for (const s of [0, 0.5, 1]) {
      for (const diversity of [0.3, 1]) {
        expect(diversify(order, new Float64Array(5).fill(0.7), 5, diversity, () => s, method)).toEqual(order);
      }
    }
  });

  test("similarities that no vectors have do no harm", () => {
    const cell = fc.constantFrom(-1, -0.5, 0, 0.5, 0.9, 1);
    const table = fc.array(fc.array(cell, { minLength: 6, maxLength: 6 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(table, shares, (s, diversity) => {
        const similarity = (i: number, j: number) => s[Math.max(i, j)]![Math.min(i, j)]!;
        const chosen = diversify([0, 1, 2, 3, 4, 5], new Float64Array(6), 6, diversity, similarity, method);
        expect(chosen.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
      }),
    );
  });

  // Three topics of unlike size, the most relevant ones all in the first; and vectors in general position.
  const topics: Task = {
    rows: randomRows(12, 6, 1).map((row, i) =>
      row.map((v, c) => 0.3 * v + (c === (i < 7 ? 0 : i < 10 ? 1 : 2) ? 1 : 0)),
    ),
    relevance: Float64Array.from({ length: 12 }, (_, i) => 0.8 - 0.02 * i),
  };
  // All cosines above 0, as among embeddings: what points the other way is unlike to mmr and msd, but flat to dpp.
  const scattered: Task = {
    rows: randomRows(30, 8, 2).map((row) => row.map((v) => v + 1)),
    relevance: Float64Array.from(randomRow(30, 3)),
  };

  // Only from end to end: a greedy choice may step back in between.
  test.each([
    ["topics", topics],
    ["scattered", scattered],
  ])("what is chosen is less alike at diversity 1 than at 0: %s", (_, task) => {
    for (const k of [2, 3, 5, 8]) {
      const [least, most] = [0, 1].map((diversity) =>
        meanSimilarity(task, choose(task, k, diversity, method)),
      );
      expect(most!).toBeLessThan(least!);
    }
  });

  test("takes one of each topic first", () => {
    const topic = (i: number) => (i < 7 ? 0 : i < 10 ? 1 : 2);
    expect(choose(topics, 3, 0.8, method).map(topic).toSorted()).toEqual([0, 1, 2]);
  });
});

test("mmr is what is taken where nothing is named", () => {
  fc.assert(
    fc.property(tasks, sizes, shares, (task, k, diversity) => {
      const order = orderOf(task);
      const chosen = diversify(order, task.relevance, k, diversity, between(task));
      expect(chosen).toEqual(choose(task, k, diversity, "mmr"));
    }),
  );
});

test("mmr is the naive rule", () => {
  fc.assert(
    fc.property(tasks, sizes, shares, (task, k, diversity) => {
      const similarity = between(task);
      const value = (i: number, chosen: number[]) =>
        (1 - diversity) * task.relevance[i]! - diversity * Math.max(...chosen.map((j) => similarity(i, j)));
      expect(choose(task, k, diversity, "mmr")).toEqual(naive(task, k, value));
    }),
  );
});

test("msd is the naive rule: relevance and the mean distance to the chosen", () => {
  fc.assert(
    fc.property(generic, sizes, shares, (task, k, diversity) => {
      const similarity = between(task);
      const value = (i: number, chosen: number[]) =>
        (1 - diversity) * task.relevance[i]! +
        (diversity * chosen.reduce((sum, j) => sum + (1 - similarity(i, j)), 0)) / chosen.length;
      expect(choose(task, k, diversity, "msd")).toEqual(naive(task, k, value));
    }),
  );
});

test("msd and mmr agree on the second", () => {
  fc.assert(
    fc.property(tasks, shares, (task, diversity) => {
      expect(choose(task, 2, diversity, "msd")).toEqual(choose(task, 2, diversity, "mmr"));
    }),
  );
});

test("dpp is the naive rule: the largest determinant of the kernel", () => {
  fc.assert(
    fc.property(generic, sizes, shares, (task, k, diversity) => {
      const value = (i: number, chosen: number[]) => kernelDeterminant(task, diversity, [...chosen, i]);
      expect(choose(task, k, diversity, "dpp")).toEqual(naive(task, k, value));
    }),
  );
});

test("dpp: no candidate left would have made the determinant larger, in any pool, while it is above rounding", () => {
  fc.assert(
    fc.property(tasks, shares, (task, diversity) => {
      const chosen = choose(task, task.rows.length, diversity, "dpp");
      for (let t = 1; t < chosen.length; t++) {
        const before = chosen.slice(0, t);
        const left = chosen.slice(t);
        const volume = determinant(gram(before.map((i) => task.rows[i]!)));
        if (volume < 1e-4) break;
        const heights = left.map((i) => determinant(gram([...before, i].map((j) => task.rows[j]!))) / volume);
        // Those with no height come last, though a quality might outweigh any that is not zero.
        const high = left.filter((_, at) => heights[at]! > 1.1e-5);
        const found = kernelDeterminant(task, diversity, [...before, left[0]!]);
        for (const i of high) {
          expect(found).toBeGreaterThanOrEqual(
            kernelDeterminant(task, diversity, [...before, i]) * (1 - 1e-6),
          );
        }
      }
    }),
  );
});

test("dpp: copies come after all that differ, in the order of the ranking, at any diversity above 0", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.record({ of: fc.nat(5), scale: fc.constantFrom(1, 2, 0.3) }), { maxLength: 6 }),
      fc.integer(),
      fc.oneof(shares, fc.constant(1e-9)),
      (n, copies, seed, diversity) => {
        const originals = randomRows(n, n + 2, seed);
        const source = [...originals.keys(), ...copies.map(({ of }) => of % n)];
        const scales = [...originals.map(() => 1), ...copies.map(({ scale }) => scale)];
        const rows = source.map((of, at) => originals[of]!.map((v) => scales[at]! * v));
        const task = { rows, relevance: Float64Array.from(randomRow(rows.length, seed + 1)) };
        const chosen = choose(task, rows.length, diversity, "dpp");
        expect(new Set(chosen.slice(0, n).map((i) => source[i]!)).size).toBe(n);
        const rest = chosen.slice(n);
        expect(rest).toEqual(orderOf(task).filter((i) => rest.includes(i)));
      },
    ),
  );
});

test("dpp: cosines rounded to float32 do not tell a copy from its original", () => {
  const task: Task = {
    rows: [
      [1, 0],
      [1, 0],
      [0.6, 0.8],
    ],
    relevance: Float64Array.of(1, 1, -1),
  };
  const rounded = (i: number, j: number) => between(task)(i, j) - 2 ** -23;
  expect(diversify([0, 1, 2], task.relevance, 3, 0.1, rounded, "dpp")).toEqual([0, 2, 1]);
});

test("dpp sees a candidate made up of the chosen together, where mmr sees each of them alone", () => {
  // The third lies between the first two; the fourth is nearer to the first, but points out of their plane.
  const task: Task = {
    rows: [
      [1, 0, 0],
      [0, 1, 0],
      [1, 1, 0],
      [0.75, 0, Math.sqrt(1 - 0.75 ** 2)],
    ],
    relevance: Float64Array.of(1, 0.9, 0.8, 0.8),
  };
  expect(choose(task, 3, 0.5, "mmr")).toEqual([0, 1, 2]);
  expect(choose(task, 3, 0.5, "dpp")).toEqual([0, 1, 3]);
});
