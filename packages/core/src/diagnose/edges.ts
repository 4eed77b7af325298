import { type Adjacency, degrees } from "../graph/adjacency.ts";
import type { Kernel } from "../kernels/kernel.ts";
import type { Measured } from "./energy.ts";

/**
 * How much each edge disagrees in a state: `w_ij |U_i/√d_i - U_j/√d_j|²`, one value an entry of the graph (so each
 * edge stands twice). Half of their sum is `tr(Uᵀ L U)`.
 */
export function edgeResiduals(
  graph: Adjacency,
  state: Measured,
  width: number,
  kernel: Kernel,
): Float64Array {
  const { n, rowStart, columns, weights } = graph;
  const degree = degrees(graph);
  const residuals = new Float64Array(columns.length);
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
      const j = columns[e]!;
      const product = kernel.dot(state.x, i * width, state.xg, j * width, width);
      const own = state.squares[i]! / degree[i]! + state.squares[j]! / degree[j]!;
      residuals[e] = weights[e]! * Math.max(0, own - (2 * product) / Math.sqrt(degree[i]! * degree[j]!));
    }
  }
  return residuals;
}

/** `½ lamC Σ_j` of what the residuals of each node's edges fell by: how much its neighbourhood gained in coherence. */
export function coherenceDrops(
  { n, rowStart }: Adjacency,
  before: Float64Array,
  after: Float64Array,
  lamC: number,
): Float64Array {
  const drops = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) drops[i]! += 0.5 * lamC * (before[e]! - after[e]!);
  }
  return drops;
}
