import type { Adjacency } from "./adjacency.ts";

/** The graph with its weights normalized: `L = diag(connected) - weights`. */
export interface Laplacian extends Adjacency {
  /** `w_ij / sqrt(d_i d_j)` in place of `w_ij`. */
  readonly weights: Float32Array;
  /** 1 where a node has an edge, else 0: a node without neighbours has nothing to agree with, and stays. */
  readonly connected: Uint8Array;
}

/**
 * The symmetric normalized Laplacian `L = I - D^-1/2 A D^-1/2` on the connected nodes, `d_i = sum_j A_ij`.
 * Its eigenvalues lie in [0, 2] (Chung 1997, lemma 1.7), whatever the scale of the weights.
 */
export function normalizedLaplacian(graph: Adjacency): Laplacian {
  const { n, rowStart, columns } = graph;
  const degree = new Float64Array(n);
  const connected = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) degree[i]! += graph.weights[e]!;
    connected[i] = rowStart[i] === rowStart[i + 1] ? 0 : 1;
  }
  const weights = new Float32Array(columns.length);
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
      weights[e] = graph.weights[e]! / Math.sqrt(degree[i]! * degree[columns[e]!]!);
    }
  }
  return { n, rowStart, columns, weights, connected };
}
