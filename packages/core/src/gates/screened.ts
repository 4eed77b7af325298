import type { Adjacency } from "../graph/adjacency.ts";
import { kernel } from "../kernels/fastest.ts";
import { conjugateGradients } from "../solve/cg.ts";

/**
 * `M = L + gamma I` of a graph, L its symmetric normalized Laplacian. In the coordinates `x_i = root_i h_i` a walk's
 * equation `(I - D⁻¹A + gamma I) h = g` is `M x = root g`: symmetric, so that Cholesky and conjugate gradients apply.
 *
 * M is positive definite with no positive entry off its diagonal (a Stieltjes matrix), so its inverse has no negative
 * one: what diffuses from sources >= 0 stays >= 0. Float64, because rounding L costs a relative error of 6e-8 / gamma.
 */
export interface Screened extends Omit<Adjacency, "weights"> {
  readonly diagonal: Float64Array;
  /** Off the diagonal: -1 to 0. */
  readonly values: Float64Array;
  /** Square roots of the degrees; 1 for a node without edges. */
  readonly root: Float64Array;
}

/** How far a solution may be from the exact one, in the sense that {@link iterate} says. */
const ACCURACY = 1e-10;

/** One round of refinement. */
const ROUND = { tolerance: 1e-4, maxIterations: 1000, preconditioner: "jacobi" } as const;

/**
 * With `L = I - D^-1/2 A D^-1/2`, and `L_ii = lone` for a node without edges: 0 lets it keep its source. The
 * eigenvalues lie in `gamma + [0, 2]`, so gamma alone bounds the condition number.
 */
export function screen({ n, rowStart, columns, weights }: Adjacency, gamma: number, lone: number): Screened {
  const root = new Float64Array(n);
  const diagonal = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let degree = 0;
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) degree += weights[e]!;
    root[i] = Math.sqrt(degree) || 1;
    diagonal[i] = gamma + (degree > 0 ? 1 : lone);
  }
  const values = new Float64Array(columns.length);
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
      values[e] = -weights[e]! / (root[i]! * root[columns[e]!]!);
    }
  }
  return { n, rowStart, columns, diagonal, values, root };
}

/**
 * Solves `M x = f` for f >= 0 by Cholesky, `M = C Cᵀ`, in n² values. Off its diagonal M is <= 0 and so is C: the
 * substitutions only ever add, nothing cancels, and x >= 0 to the last bit.
 */
export function eliminate(
  { n, rowStart, columns, diagonal, values }: Screened,
  f: Float64Array,
): Float64Array {
  const c = new Float64Array(n * n);
  const x = f.slice();
  for (let i = 0; i < n; i++) {
    const row = i * n;
    c[row + i] = diagonal[i]!;
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) c[row + columns[e]!] = values[e]!;
    for (let j = 0; j <= i; j++) {
      let sum = c[row + j]!;
      for (let k = 0; k < j; k++) sum -= c[row + k]! * c[j * n + k]!;
      c[row + j] = i === j ? Math.sqrt(sum) : sum / c[j * n + j]!;
    }
    for (let k = 0; k < i; k++) x[i]! -= c[row + k]! * x[k]!;
    x[i]! /= c[row + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= c[k * n + i]! * x[k]!;
    x[i]! /= c[i * n + i]!;
  }
  return x;
}

/**
 * Solves `M x = f` by conjugate gradients in float32, refined by residuals in float64 (Moler 1967).
 *
 * By the maximum principle no `x_i / root_i` is off by more than the largest `|r_i| / root_i` over gamma. It stops
 * when that is 1e-10 of the same figure for f, which bounds the solution itself. Three rounds or four get there; the
 * limit is for weights further apart than float64 reaches, 1e-30 beside 1.
 */
export function iterate(system: Screened, f: Float64Array): Float64Array {
  const { n, rowStart, columns, diagonal, values, root } = system;
  const single = {
    n,
    rowStart,
    columns,
    diagonal: new Float32Array(diagonal),
    values: new Float32Array(values),
  };
  const largest = (v: Float64Array) =>
    v.reduce((max, value, i) => Math.max(max, Math.abs(value) / root[i]!), 0);
  const goal = ACCURACY * largest(f);
  const x = new Float64Array(n);
  let r = f;
  for (let round = 0; round < 20 && largest(r) > goal; round++) {
    const scale = r.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    // Kernels work in groups of four columns: three stand empty.
    const rhs = new Float32Array(4 * n);
    const step = new Float32Array(4 * n);
    for (let i = 0; i < n; i++) rhs[4 * i] = r[i]! / scale;
    conjugateGradients(single, rhs, step, 4, ROUND, kernel);
    r = f.slice();
    for (let i = 0; i < n; i++) x[i]! += scale * step[4 * i]!;
    for (let i = 0; i < n; i++) {
      r[i]! -= diagonal[i]! * x[i]!;
      for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) r[i]! -= values[e]! * x[columns[e]!]!;
    }
  }
  return x;
}
