import { type Adjacency, onceEach } from "../graph/adjacency.ts";

/** An edge that disagrees far more than the others: where the lattice is under tension. */
export interface NullPoint {
  readonly edge: readonly [number, number];
  /** By how many standard deviations its residual exceeds the mean. */
  readonly z: number;
  readonly residual: number;
}

/**
 * The edges whose residual `lamC w_ij |U_i/√d_i - U_j/√d_j|²` lies more than `threshold` standard deviations above the
 * mean; mean and deviation are over the graph's edges, each once.
 *
 * @returns by falling z.
 */
export function nullPoints(graph: Adjacency, residuals: Float64Array, threshold: number): NullPoint[] {
  const { n, rowStart, columns } = graph;
  const points: NullPoint[] = [];
  const { mean, deviation } = spread(onceEach(graph, residuals));
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
      const z = deviation > 0 ? (residuals[e]! - mean) / deviation : 0;
      const j = columns[e]!;
      if (z > threshold && j > i) points.push({ edge: [i, j], z, residual: residuals[e]! });
    }
  }
  return points.sort((a, b) => b.z - a.z);
}

/**
 * Mean and deviation of what the graph's edges disagree by. Where they differ by less than a thousandth of their mean,
 * as those of a regular graph do by rounding, they count as equal: the deviation is 0.
 */
export function spread(values: Float64Array): { mean: number; deviation: number } {
  const { length } = values;
  if (length === 0) return { mean: 0, deviation: 0 };
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / length;
  let squares = 0;
  for (const value of values) squares += (value - mean) * (value - mean);
  const deviation = Math.sqrt(squares / length);
  return { mean, deviation: deviation > 1e-3 * mean ? deviation : 0 };
}
