import type { Pattern } from "../kernels/kernel.ts";
import { type Adjacency, degrees } from "./adjacency.ts";

/** A Laplacian `L = diag(diagonal) - weights`. */
export interface Laplacian extends Pattern {
  readonly diagonal: Float64Array;
  readonly weights: Float32Array;
}

/**
 * The symmetric normalized Laplacian `L = I - D^-1/2 A D^-1/2`. Its eigenvalues lie in [0, 2] (Chung 1997, lemma 1.7),
 * whatever the scale of the weights.
 *
 * @param isolated what becomes of a node without neighbours: `"stay"` gives it `L_ii = 0`, for it has nothing to agree
 *   with; `"shrink"` the published `L_ii = 1`, which draws it towards zero.
 */
export function normalizedLaplacian(graph: Adjacency, isolated: "stay" | "shrink"): Laplacian {
  const { n, rowStart, columns } = graph;
  const degree = degrees(graph);
  const inverse = degree.map((d) => (d > 0 ? 1 / Math.sqrt(d) : 0));
  const weights = graph.weights.slice();
  for (let i = 0; i < n; i++) {
    const own = inverse[i]!;
    for (let e = rowStart[i]!, end = rowStart[i + 1]!; e < end; e++)
      weights[e]! *= own * inverse[columns[e]!]!;
  }
  const diagonal = degree.map((d) => (d > 0 || isolated === "shrink" ? 1 : 0));
  return { n, diagonal, rowStart, columns, weights };
}

/** The plain Laplacian `L = D - A`: zero on constants, and on nodes without neighbours. */
export function plainLaplacian(graph: Adjacency): Laplacian {
  const { n, rowStart, columns, weights } = graph;
  return { n, diagonal: degrees(graph), rowStart, columns, weights };
}
