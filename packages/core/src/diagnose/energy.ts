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
  /** `lamP tr(Uᵀ L_path U)`: how much the links of the chain disagree. */
  readonly chain: number;
  readonly total: number;
}

/** A state, and what was read off it. */
export interface Measured {
  /** The state's coordinates. */
  readonly x: Float32Array;
  /** Its metric: `u_i · u_j` is the dot product of row i of `x` with row j of `xg`. */
  readonly xg: Float32Array;
  /** `|U_i|²` of each node. */
  readonly squares: Float64Array;
  /** `U_i · psi` of each node. */
  readonly products: Float64Array;
  readonly energy: Energy;
}

/**
 * Measures a state: its rows' lengths, their products with the query, and its energy
 * `H(U) = lamG |U - Y|² + lamC tr(Uᵀ L U) + Σ pull_i |U_i - psi|² + lamP tr(Uᵀ L_path U)`.
 *
 * The coherence comes from one product with M: `tr(Uᵀ M U)` less the other terms' quadratic parts.
 *
 * @param target coordinates of the query such that `x_i · target = U_i · psi`.
 */
export function measure(
  { matrix, lamG, pull, path }: System,
  space: Space,
  x: Float32Array,
  target: Float32Array,
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
  const products = new Float64Array(n);
  let anchor = 0;
  let quadratic = 0;
  let query = 0;
  for (let i = 0, at = 0; i < n; i++, at += width) {
    const square = Math.max(0, kernel.dot(x, at, xg, at, width));
    const product = kernel.dot(x, at, target, 0, width);
    squares[i] = square;
    products[i] = product;
    anchor += lamG * Math.max(0, kernel.dot(moved, at, movedG, at, width));
    quadratic += kernel.dot(mx, at, xg, at, width) - (lamG + pull[i]!) * square;
    query += pull[i]! * Math.max(0, square - 2 * product + querySquare);
  }
  let chain = 0;
  if (path !== null) {
    for (let i = 0; i < n; i++) {
      chain += path.diagonal[i]! * squares[i]!;
      for (let e = path.rowStart[i]!; e < path.rowStart[i + 1]!; e++) {
        chain -= path.weights[e]! * kernel.dot(x, i * width, xg, path.columns[e]! * width, width);
      }
    }
    chain = Math.max(0, chain);
  }
  const coherence = Math.max(0, quadratic - chain);
  const energy = { anchor, coherence, query, chain, total: anchor + coherence + query + chain };
  return { x, xg, squares, products, energy };
}

/** `tr((U - V)ᵀ M (U - V))`: with V the minimum, exactly `H(U) - H(V)`, without the cancellation of that difference. */
export function gap(
  { matrix }: System,
  space: Space,
  u: Float32Array,
  v: Float32Array,
  kernel: Kernel,
): number {
  const difference = u.slice();
  kernel.axpy(-1, v, difference, difference.length);
  const image = new Float32Array(difference.length);
  kernel.multiply(matrix, difference, image, space.width);
  const metric = space.metric(difference);
  let sum = 0;
  for (let at = 0; at < image.length; at += space.width)
    sum += kernel.dot(image, at, metric, at, space.width);
  return Math.max(0, sum);
}
