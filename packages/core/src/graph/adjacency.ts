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

/** `d_i = sum_j w_ij`. */
export function degrees({ n, rowStart, weights }: Adjacency): Float64Array {
  const degree = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) degree[i]! += weights[e]!;
  }
  return degree;
}

/**
 * Makes the directed lists of nearest neighbours a symmetric graph, weighted by similarity: `union` keeps an edge that
 * either end lists, `mutual` only what both list.
 */
export function symmetrize(n: number, edges: Edges, rule: "union" | "mutual"): Adjacency {
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
      if (twice || rule === "union") {
        columns[at] = j;
        weights[at++] = weight[e]!;
      }
    }
    rowStart[i + 1] = at;
  }
  return { n, rowStart, columns: columns.slice(0, at), weights: weights.slice(0, at) };
}

/** The graph of the given edges: each between two of n nodes, and there once. */
export function adjacencyOf(
  n: number,
  edges: readonly { readonly i: number; readonly j: number; readonly weight: number }[],
): Adjacency {
  return symmetrize(
    n,
    {
      from: Int32Array.from(edges, ({ i }) => i),
      to: Int32Array.from(edges, ({ j }) => j),
      weight: Float32Array.from(edges, ({ weight }) => weight),
    },
    "union",
  );
}

/**
 * Scales edges by `sqrt(r_i r_j)`, `r_i = min(1, cap / sum_j w_ij)`, which bounds what a hub gathers. (It does not bring
 * a hub's sum down to the cap: its neighbours' own factors are larger than its. The published rule, kept as it is.)
 */
export function capRowSums(graph: Adjacency, cap: number): Adjacency {
  const { n, rowStart, columns, weights } = graph;
  const factor = degrees(graph).map((sum) => Math.min(1, cap / sum));
  const scaled = weights.slice();
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++)
      scaled[e]! *= Math.sqrt(factor[i]! * factor[columns[e]!]!);
  }
  return { ...graph, weights: scaled };
}
