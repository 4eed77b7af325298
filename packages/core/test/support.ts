import fc from "fast-check";
import type { Lattice } from "../src/index.ts";

export const float32 = Math.fround;

/** Uniform values in [-1, 1), the same for the same seed (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** n rows of d float32 values: for pools too large to be worth shrinking. */
export function randomRows(n: number, d: number, seed: number): number[][] {
  const next = uniform(seed);
  return Array.from({ length: n }, () => Array.from({ length: d }, () => float32(next())));
}

export const randomRow = (d: number, seed: number): number[] => randomRows(1, d, seed)[0]!;

/** `items` in the order that sorts `keys`. */
export const permuted = <T>(items: readonly T[], keys: readonly number[]): T[] =>
  items
    .map((_, i) => i)
    .sort((a, b) => keys[a % keys.length]! - keys[b % keys.length]! || b - a)
    .map((i) => items[i]!);

// ---------------------------------------------------------------- pools

/** Vectors and a query of one width; every value is a float32, no row is zero. */
export interface Pool {
  readonly rows: number[][];
  readonly query: number[];
}

const thousandth = fc.integer({ min: -1000, max: 1000 }).map((v) => float32(v / 1000));

const nonZero = (row: number[]): number[] => (row.every((v) => v === 0) ? [1, ...row.slice(1)] : row);

const rowOf = (value: fc.Arbitrary<number>, d: number): fc.Arbitrary<number[]> =>
  fc.array(value, { minLength: d, maxLength: d }).map(nonZero);

/** How the rows of a pool may lie to each other: what breaks a ranking is ties, copies and lone documents. */
function rowsArbitrary(n: number, d: number): fc.Arbitrary<number[][]> {
  const many = (row: fc.Arbitrary<number[]>) => fc.array(row, { minLength: n, maxLength: n });
  const generic = rowOf(thousandth, d);
  const smallInteger = rowOf(fc.constantFrom(-2, -1, -0, 0, 1, 2), d);
  const axis = fc
    .tuple(fc.nat(d - 1), fc.constantFrom(1, -1, 2))
    .map(([at, value]) => Array.from({ length: d }, (_, c) => (c === at ? value : 0)));
  const copies = fc
    .array(generic, { minLength: 1, maxLength: 3 })
    .chain((originals) => many(fc.constantFrom(...originals)));
  const nearDuplicates = generic.chain((original) =>
    many(
      rowOf(fc.integer({ min: -5, max: 5 }), d).map((noise) =>
        nonZero(original.map((v, c) => float32(v + noise[c]! * 1e-4))),
      ),
    ),
  );
  return fc.oneof(many(generic), many(smallInteger), many(axis), copies, nearDuplicates);
}

/** Pools of every kind, from one row to `maxN` and from one dimension to `maxD`. */
export function pools({ minN = 1, maxN = 12, maxD = 8 } = {}): fc.Arbitrary<Pool> {
  return fc
    .tuple(fc.integer({ min: minN, max: maxN }), fc.integer({ min: 1, max: maxD }))
    .chain(([n, d]) => fc.record({ rows: rowsArbitrary(n, d), query: rowOf(thousandth, d) }));
}

/** Trusts for `n` candidates, often 1; `least` 0 lets some be excluded. */
export const trusts = (n: number, least = 0.01): fc.Arbitrary<number[]> =>
  fc.array(
    fc.oneof(
      fc.constant(1),
      fc.constant(least),
      fc.constantFrom(0.25, 0.5),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
    ),
    { minLength: n, maxLength: n },
  );

/** Texts for `n` candidates: a small vocabulary, so that words meet and whole texts repeat. */
export const texts = (n: number): fc.Arbitrary<string[]> =>
  fc.array(
    fc
      .array(fc.constantFrom("solar", "sail", "light", "pressure", "a", "Straße", "光"), { maxLength: 5 })
      .map((words) => words.join(" ")),
    { minLength: n, maxLength: n },
  );

export interface TestCandidate {
  readonly id: string;
  readonly embedding: number[];
  readonly text: string;
  readonly trust: number;
}

/** A pool as {@link rerank} takes it, with ids, texts and trusts. */
export const requests = (
  size: { minN?: number; maxN?: number; maxD?: number } = {},
): fc.Arbitrary<{ query: number[]; queryText: string; candidates: TestCandidate[] }> =>
  pools(size).chain(({ rows, query }) =>
    fc.tuple(texts(rows.length), trusts(rows.length)).map(([words, trust]) => ({
      query,
      queryText: "solar sail in the light",
      candidates: rows.map((embedding, i) => ({
        id: `#${i}`,
        embedding,
        text: words[i]!,
        trust: trust[i]!,
      })),
    })),
  );

// ---------------------------------------------------------------- dense float64 algebra

export type Dense = number[][];

export const zeros = (rows: number, columns: number): Dense =>
  Array.from({ length: rows }, () => new Array<number>(columns).fill(0));

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let c = 0; c < a.length; c++) sum += a[c]! * b[c]!;
  return sum;
};

export const norm = (a: ArrayLike<number>): number => Math.sqrt(dot(a, a));

export const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  norm(a) * norm(b) > 0 ? dot(a, b) / (norm(a) * norm(b)) : 0;

export const times = (a: Dense, b: Dense): Dense =>
  a.map((row) => (b[0] ?? []).map((_, c) => row.reduce((sum, v, k) => sum + v * b[k]![c]!, 0)));

/** `a + s b`. */
export const plus = (a: Dense, b: Dense, s = 1): Dense =>
  a.map((row, i) => row.map((v, c) => v + s * b[i]![c]!));

/** The Frobenius norm. */
export const frobenius = (a: Dense): number => Math.sqrt(a.reduce((sum, row) => sum + dot(row, row), 0));

/** Solves `A X = B` by Gaussian elimination with partial pivoting. */
export function solveDense(a: Dense, b: Dense): Dense {
  const n = a.length;
  const m = a.map((row, i) => [...row, ...b[i]!]);
  for (let p = 0; p < n; p++) {
    let pivot = p;
    for (let i = p + 1; i < n; i++) if (Math.abs(m[i]![p]!) > Math.abs(m[pivot]![p]!)) pivot = i;
    [m[p], m[pivot]] = [m[pivot]!, m[p]!];
    for (let i = 0; i < n; i++) {
      if (i === p) continue;
      const factor = m[i]![p]! / m[p]![p]!;
      if (factor !== 0) m[i] = m[i]!.map((v, c) => v - factor * m[p]![c]!);
    }
  }
  return m.map((row, i) => row.slice(n).map((v) => v / row[i]!));
}

/**
 * The lattice as the paper has it: dense matrices in float64, built from the edges that a {@link Lattice} reports. Rows
 * are those of the nodes, that is the candidates with a vector and some trust, in the order they came.
 */
export class DenseLattice {
  readonly nodes: number[];
  readonly Y: Dense;
  readonly psi: number[];
  readonly A: Dense;
  readonly L: Dense;
  readonly M: Dense;
  readonly F: Dense;
  readonly pull: number[];
  readonly lamG: number;
  readonly lamC: number;

  constructor(lattice: Lattice, rows: number[][], query: number[], trust: number[] = rows.map(() => 1)) {
    const { lamG, lamC, lamQ, normalize } = lattice.params;
    const scaled = (row: number[]) => (normalize ? row.map((v) => v / norm(row)) : row);
    this.lamG = lamG;
    this.lamC = lamC;
    this.nodes = [...rows.keys()].filter((i) => norm(rows[i]!) > 0 && trust[i]! > 0);
    const node = new Map(this.nodes.map((candidate, at) => [candidate, at]));
    const n = this.nodes.length;
    this.Y = this.nodes.map((i) => scaled(rows[i]!));
    this.psi = scaled(query);
    this.pull = this.nodes.map(() => lamQ);
    this.A = zeros(n, n);
    for (const { i, j, weight } of lattice.edges()) {
      this.A[node.get(i)!]![node.get(j)!] = weight;
      this.A[node.get(j)!]![node.get(i)!] = weight;
    }
    const degree = this.degrees();
    this.L = this.A.map((row, i) =>
      row.map(
        (w, j) => (degree[i]! > 0 && i === j ? 1 : 0) - (w > 0 ? w / Math.sqrt(degree[i]! * degree[j]!) : 0),
      ),
    );
    this.M = this.L.map((row, i) => row.map((l, j) => lamC * l + (i === j ? lamG + this.pull[i]! : 0)));
    this.F = this.Y.map((y, i) => y.map((v, c) => lamG * v + this.pull[i]! * this.psi[c]!));
  }

  degrees(): number[] {
    return this.A.map((row) => row.reduce((sum, w) => sum + w, 0));
  }

  /** H(U), term by term; coherence as a sum over the edges. */
  energy(U: Dense): { anchor: number; coherence: number; query: number; total: number } {
    const degree = this.degrees();
    const square = (a: number[], b: number[]) => a.reduce((sum, v, c) => sum + (v - b[c]!) ** 2, 0);
    const scaled = U.map((u, i) => u.map((v) => (degree[i]! > 0 ? v / Math.sqrt(degree[i]!) : 0)));
    let anchor = 0;
    let coherence = 0;
    let query = 0;
    U.forEach((u, i) => {
      anchor += this.lamG * square(u, this.Y[i]!);
      query += this.pull[i]! * square(u, this.psi);
      for (let j = 0; j < i; j++) coherence += this.lamC * this.A[i]![j]! * square(scaled[i]!, scaled[j]!);
    });
    return { anchor, coherence, query, total: anchor + coherence + query };
  }

  /** The minimum, by elimination. */
  minimum(): Dense {
    return solveDense(this.M, this.F);
  }

  /** One implicit Euler step, `(I + dt M) U⁺ = U + dt F`. */
  step(U: Dense, dt: number): Dense {
    const matrix = this.M.map((row, i) => row.map((v, j) => dt * v + (i === j ? 1 : 0)));
    return solveDense(matrix, plus(U, this.F, dt));
  }

  /** `F - M U`. */
  residual(U: Dense): Dense {
    return plus(this.F, times(this.M, U), -1);
  }

  /** The nodes' rows of packed vectors. */
  rowsOf({ data, d }: { data: Float32Array; d: number }): Dense {
    return this.nodes.map((i) => Array.from(data.subarray(i * d, (i + 1) * d)));
  }

  /** What rounding to float32 may leave of `F - M U`: the sizes of what is subtracted there, times 2^-20. */
  rounding(U: Dense): number {
    const pulls = this.pull.map((b) => [b * norm(this.psi)]);
    const size = this.lamG * frobenius(this.Y) + frobenius(pulls) + frobenius(times(this.M, U));
    return size * 2 ** -20;
  }

  /** What a float32 computation may miss of figures of the size of H: the sizes of what is subtracted, times 2^-20. */
  slack(U: Dense): number {
    const size = (this.lamG + 2 * this.lamC) * frobenius(U) ** 2 + this.lamG * frobenius(this.Y) ** 2;
    const pull = this.pull.reduce((sum, b, i) => sum + b * (norm(U[i]!) + norm(this.psi)) ** 2, 0);
    return (size + pull) * 2 ** -20;
  }
}

/** Options of the computation, over the ranges where float32 has digits to spare. */
export const systems = fc.record({
  normalize: fc.boolean(),
  neighbors: fc.integer({ min: 1, max: 8 }),
  graph: fc.constantFrom("union" as const, "mutual" as const),
  lamG: fc.constantFrom(0.25, 1, 3),
  lamC: fc.constantFrom(0, 0.5, 2, 5),
  lamQ: fc.constantFrom(0, 0, 0.5, 4),
});
