import type { Adjacency } from "../graph/adjacency.ts";
import type { Kernel } from "../kernels/kernel.ts";
import { product } from "../kernels/scalar.ts";
import type { Space } from "../solve/space.ts";
import type { Coordinates, State } from "../solve/state.ts";
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

/** A state, and what its edges and its energy are. */
export interface Measured extends State {
  /** `w_ij |U_i/√d_i - U_j/√d_j|²`, one value an entry of the graph. */
  readonly residuals: Float64Array;
  readonly energy: Energy;
}

/**
 * Measures a state: the tension of its edges, and its energy
 * `H(U) = lamG |U - Y|² + lamC tr(Uᵀ L U) + Σ pull_i |U_i - psi|² + lamP tr(Uᵀ L_path U)`.
 *
 * @param products `U_i · psi` of each node.
 * @param querySquare `|psi|²`.
 * @param residuals what the edges disagree by in that state: see `edgeResiduals`.
 */
export function energyOf(
  { laplacian, lamG, lamC, pull, path }: System,
  graph: Adjacency,
  space: Space,
  state: State,
  products: Float64Array,
  querySquare: number,
  residuals: Float64Array,
): Measured {
  const { n } = graph;
  const { x, xg, width, squares } = state;
  let disagreement = 0;
  let query = 0;
  for (let i = 0; i < n; i++) {
    const first = graph.rowStart[i]!;
    const end = graph.rowStart[i + 1]!;
    for (let e = first; e < end; e++) disagreement += 0.5 * residuals[e]!;
    // Nothing pulls at a node without edges but its own diagonal, where that is not 0.
    if (first === end) disagreement += laplacian.diagonal[i]! * squares[i]!;
    query += pull[i]! * Math.max(0, squares[i]! - 2 * products[i]! + querySquare);
  }
  let chain = 0;
  if (path !== null) {
    for (let i = 0; i < n; i++) {
      chain += path.diagonal[i]! * squares[i]!;
      for (let e = path.rowStart[i]!; e < path.rowStart[i + 1]!; e++) {
        chain -= path.weights[e]! * product(x, i * width, xg, path.columns[e]! * width, width);
      }
    }
    chain = Math.max(0, chain);
  }
  const anchor = x === space.start ? 0 : lamG * squaredDistance(space, state);
  const coherence = lamC * disagreement;
  const energy = { anchor, coherence, query, chain, total: anchor + coherence + query + chain };
  return { ...state, residuals, energy };
}

/** `|U - Y|²`, from the differences, in the order of four lanes. */
function squaredDistance({ start, startMetric }: Space, { x, xg }: Coordinates): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let at = 0; at < x.length; at += 4) {
    s0 += (x[at]! - start[at]!) * (xg[at]! - startMetric[at]!);
    s1 += (x[at + 1]! - start[at + 1]!) * (xg[at + 1]! - startMetric[at + 1]!);
    s2 += (x[at + 2]! - start[at + 2]!) * (xg[at + 2]! - startMetric[at + 2]!);
    s3 += (x[at + 3]! - start[at + 3]!) * (xg[at + 3]! - startMetric[at + 3]!);
  }
  return Math.max(0, s0 + s2 + (s1 + s3));
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
  return Math.max(0, product(image, 0, space.metric(difference), 0, image.length));
}
