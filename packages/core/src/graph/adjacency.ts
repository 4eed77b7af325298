import type { Edges } from "./neighbors.ts";

/** A symmetric weighted graph in compressed sparse rows: every edge stands in both rows, columns ascending. */
export interface Adjacency {
  readonly n: number;
  /** Row i's edges are at `rowStart[i] … rowStart[i + 1] - 1`; length n + 1. */
  readonly rowStart: Int32Array;
  readonly columns: Int32Array;
  /** Weights > 0. */
  readonly weights: Float32Array;
}

/**
 * Makes the directed lists of nearest neighbours a symmetric graph.
 *
 * `union` keeps an edge that either end lists, `mutual` only what both list. The weight is the similarity times
 * `sqrt(trust_i trust_j)`; an edge of weight 0 is none.
 */
export function symmetrize(
  n: number,
  edges: Edges,
  rule: "union" | "mutual",
  trust: Float32Array,
): Adjacency {
  const { from, to, weight } = edges;
  // Each directed edge goes into both rows; an edge that both ends list is then there twice.
  const start = new Int32Array(n + 1);
  for (let e = 0; e < from.length; e++) {
    start[from[e]! + 1]!++;
    start[to[e]! + 1]!++;
  }
  for (let i = 0; i < n; i++) start[i + 1]! += start[i]!;
  const entry = new Int32Array(2 * from.length);
  const next = start.slice(0, n);
  for (let e = 0; e < from.length; e++) {
    entry[next[from[e]!]!++] = e;
    entry[next[to[e]!]!++] = e;
  }

  const rowStart = new Int32Array(n + 1);
  const columns = new Int32Array(entry.length);
  const weights = new Float32Array(entry.length);
  let at = 0;
  for (let i = 0; i < n; i++) {
    const other = (e: number) => (from[e] === i ? to[e]! : from[e]!);
    const row = entry.subarray(start[i]!, start[i + 1]!).sort((a, b) => other(a) - other(b));
    for (let r = 0; r < row.length; r++) {
      const e = row[r]!;
      const j = other(e);
      const twice = r + 1 < row.length && other(row[r + 1]!) === j;
      if (twice) r++;
      const value = weight[e]! * Math.sqrt(trust[i]! * trust[j]!);
      if ((twice || rule === "union") && value > 0) {
        columns[at] = j;
        weights[at++] = value;
      }
    }
    rowStart[i + 1] = at;
  }
  return { n, rowStart, columns: columns.slice(0, at), weights: weights.slice(0, at) };
}
