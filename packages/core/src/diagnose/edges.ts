import { type Adjacency, degrees } from "../graph/adjacency.ts";
import type { Kernel, Pattern } from "../kernels/kernel.ts";
import type { Coordinates } from "../solve/state.ts";

/**
 * Squared distances of the nodes that a symmetric pattern joins, each first divided by its own number:
 * `|U_i / a_i - U_j / a_j|²`. One value an entry; (i, j) and (j, i) have the same.
 *
 * They come from the differences: taken from lengths and products, the distance of two nodes that nearly agree would be
 * their rounding.
 *
 * @param divisor one number a node; 0 stands for a node that has no edge.
 */
export function distances(
  { n, rowStart, columns }: Pattern,
  { x, xg, width }: Coordinates,
  divisor: Float64Array,
  kernel: Kernel,
): Float32Array {
  const inverse = Float32Array.from(divisor, (a) => (a > 0 ? 1 / a : 0));
  const size = x.length;
  // In the ambient space the metric of a state is the state: one copy serves as both.
  const other = x === xg ? x.subarray(0, 0) : xg;
  const placed = kernel.place(inverse, x, size, other, other.length, rowStart, columns, columns.length);
  const [scale, from, rows, fromMetric, scaledMetric, starts, ends, out] = placed;
  kernel.scaleRows(scale, from, rows, width);
  if (x !== xg) kernel.scaleRows(scale, fromMetric, scaledMetric, width);
  const pattern = { n, rowStart: starts, columns: ends };
  kernel.differences(pattern, rows, x === xg ? rows : scaledMetric, out, width);
  const all = out.slice();
  // Rows come by rising index, and so do a row's columns: the mirror of each edge is the next open entry of its row.
  const mirror = rowStart.slice(0, n);
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
      const j = columns[e]!;
      if (j < i) continue;
      // Rounding can take the square of nearly nothing below 0.
      all[e] = Math.max(0, all[e]!);
      all[mirror[j]!++] = all[e]!;
    }
  }
  return all;
}

/** The same for a pair at a time. */
export function pairDistance({
  x,
  xg,
  width,
}: Coordinates): (i: number, j: number, a?: number, b?: number) => number {
  return (i, j, a = 1, b = 1) => {
    let sum = 0;
    for (let c = 0, p = i * width, q = j * width; c < width; c++, p++, q++) {
      sum += (x[p]! / a - x[q]! / b) * (xg[p]! / a - xg[q]! / b);
    }
    return Math.max(0, sum);
  };
}

/**
 * How much each edge disagrees in a state: `w_ij |U_i/√d_i - U_j/√d_j|²`, one value an entry of the graph (so each
 * edge stands twice). Half of their sum is `tr(Uᵀ L U)`.
 */
export function edgeResiduals(graph: Adjacency, state: Coordinates, kernel: Kernel): Float64Array {
  const distance = distances(graph, state, degrees(graph).map(Math.sqrt), kernel);
  const residuals = new Float64Array(distance.length);
  for (let e = 0; e < residuals.length; e++) residuals[e] = graph.weights[e]! * distance[e]!;
  return residuals;
}

/**
 * The same for the candidates' own vectors, where they have length 1 and the weights are their cosines: then it follows
 * from the weights alone, `w_ij (1/d_i + 1/d_j - 2 w_ij / √(d_i d_j))`.
 */
export function residualsOfCosines(graph: Adjacency): Float64Array {
  const { n, rowStart, columns, weights } = graph;
  const degree = degrees(graph);
  const root = degree.map(Math.sqrt);
  const residuals = new Float64Array(columns.length);
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
      const j = columns[e]!;
      const w = weights[e]!;
      // In this order the mirror of the edge has the same bits.
      residuals[e] = w * Math.max(0, 1 / degree[i]! + 1 / degree[j]! - (2 * w) / (root[i]! * root[j]!));
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
