import type { NullPoint } from "../diagnose/nullPoints.ts";
import type { Adjacency } from "../graph/adjacency.ts";

/**
 * The published rule for null points: z is, for each node, over all n columns of its row, zeros included, and of each row
 * only the largest is looked at. With it, every node is a null point once n exceeds ten times the degree.
 *
 * @returns by rising index.
 */
export function publishedNullPoints(
  { n, rowStart, columns }: Adjacency,
  residuals: Float64Array,
  threshold: number,
): NullPoint[] {
  const points: NullPoint[] = [];
  for (let i = 0; i < n; i++) {
    const row = residuals.subarray(rowStart[i]!, rowStart[i + 1]!);
    const { best, z } = largestInRow(row, n);
    if (z > threshold) points.push({ edge: [i, columns[rowStart[i]! + best]!], z, residual: row[best]! });
  }
  return points;
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
