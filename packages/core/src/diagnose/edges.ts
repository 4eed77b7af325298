import { type Adjacency, degrees } from "../graph/adjacency.ts";
import type { Kernel } from "../kernels/kernel.ts";
import type { Measured } from "./energy.ts";

/**
 * Squared distances of a state's nodes, each divided by its own number: `|U_i / a - U_j / b|²`.
 *
 * They come from the differences: taken from lengths and products, the distance of two nodes that nearly agree would be
 * their rounding. (i, j) and (j, i) give the same bits.
 */
export function distances(
  { x, xg }: Measured,
  width: number,
  kernel: Kernel,
): (i: number, j: number, a?: number, b?: number) => number {
  const difference = new Float32Array(width);
  const metric = new Float32Array(width);
  return (i, j, a = 1, b = 1) => {
    for (let c = 0, p = i * width, q = j * width; c < width; c++, p++, q++) {
      difference[c] = x[p]! / a - x[q]! / b;
      metric[c] = xg[p]! / a - xg[q]! / b;
    }
    return Math.max(0, kernel.dot(difference, 0, metric, 0, width));
  };
}

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
  const root = degrees(graph).map(Math.sqrt);
  const distance = distances(state, width, kernel);
  const residuals = new Float64Array(columns.length);
  // Rows come by rising index, and so do a row's columns: the mirror of each edge is the next open entry of its row.
  const mirror = rowStart.slice(0, n);
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
      const j = columns[e]!;
      if (j < i) continue;
      residuals[e] = weights[e]! * distance(i, j, root[i]!, root[j]!);
      residuals[mirror[j]!++] = residuals[e]!;
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
