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
 * mean.
 *
 * @param baseline `"edges"`: mean and deviation over the graph's edges, each once. `"columns"`: the published rule, for
 *   each node over all n columns of its row, zeros included, and of each row only the largest. With it, every node is
 *   a null point once n exceeds ten times the degree.
 * @returns by rising index for `"columns"`, by falling z for `"edges"`.
 */
export function nullPoints(
  graph: Adjacency,
  residuals: Float64Array,
  threshold: number,
  baseline: "edges" | "columns",
): NullPoint[] {
  const { n, rowStart, columns } = graph;
  const points: NullPoint[] = [];
  if (baseline === "columns") {
    for (let i = 0; i < n; i++) {
      const row = residuals.subarray(rowStart[i]!, rowStart[i + 1]!);
      const { best, z } = largestInRow(row, n);
      if (z > threshold) points.push({ edge: [i, columns[rowStart[i]! + best]!], z, residual: row[best]! });
    }
    return points;
  }
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

/** The largest entry of a sparse row and its z over all n columns. */
function largestInRow(row: Float64Array, n: number): { best: number; z: number } {
  const { mean, deviation } = rowMoments(row, n);
  const best = row.reduce((top, value, e) => (value > row[top]! ? e : top), 0);
  return { best, z: row.length > 0 ? (row[best]! - mean) / (deviation + 1e-12) : 0 };
}

/** Mean and deviation of a row of n columns, of which only some are not zero. */
export function rowMoments(row: Float64Array, n: number): { mean: number; deviation: number } {
  let sum = 0;
  for (const value of row) sum += value;
  const mean = sum / n;
  let squares = (n - row.length) * mean * mean;
  for (const value of row) squares += (value - mean) * (value - mean);
  return { mean, deviation: Math.sqrt(squares / n) };
}
