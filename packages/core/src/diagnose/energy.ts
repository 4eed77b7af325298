import type { Kernel } from "../kernels/kernel.ts";
import type { Space } from "../solve/space.ts";
import type { System } from "../solve/system.ts";

/** The energy of a state, by term; `total` is their sum. All are >= 0. */
export interface Energy {
  /** `lamG |U - Y|²`: how far the vectors moved. */
  readonly anchor: number;
  /** `lamC tr(Uᵀ L U)`: how much neighbours disagree. */
  readonly coherence: number;
  /** `lamQ Σ b_i |U_i - psi|²`: how far they are from the query that pulls them. */
  readonly query: number;
  readonly total: number;
}

/** What the energy needs to know of a state; see {@link measure}. */
export interface Measured {
  /** `|U_i|²` of each node. */
  readonly squares: Float64Array;
  readonly energy: Energy;
}

/**
 * The energy `H(U) = lamG |U - Y|² + lamC tr(Uᵀ L U) + Σ pull_i |U_i - psi|²` of a state, and its rows' lengths.
 *
 * The coherence comes from one product with M: `tr(Uᵀ M U)` less its anchor and query parts.
 *
 * @param queryProducts `U_i · psi` of each node.
 */
export function measure(
  { matrix, lamG, pull }: System,
  space: Space,
  x: Float32Array,
  queryProducts: Float64Array,
  querySquare: number,
  kernel: Kernel,
): Measured {
  const { width, start } = space;
  const n = matrix.n;
  const xg = space.metric(x);
  const moved = x.slice();
  kernel.axpy(-1, start, moved, moved.length);
  const movedG = space.metric(moved);
  const mx = new Float32Array(x.length);
  kernel.multiply(matrix, x, mx, width);

  const squares = new Float64Array(n);
  let anchor = 0;
  let quadratic = 0;
  let query = 0;
  for (let i = 0, at = 0; i < n; i++, at += width) {
    const square = Math.max(0, kernel.dot(x, at, xg, at, width));
    squares[i] = square;
    anchor += lamG * Math.max(0, kernel.dot(moved, at, movedG, at, width));
    quadratic += kernel.dot(mx, at, xg, at, width) - (lamG + pull[i]!) * square;
    query += pull[i]! * Math.max(0, square - 2 * queryProducts[i]! + querySquare);
  }
  const coherence = Math.max(0, quadratic);
  return { squares, energy: { anchor, coherence, query, total: anchor + coherence + query } };
}
