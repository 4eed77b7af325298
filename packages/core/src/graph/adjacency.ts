import type { Pattern } from "../kernels/kernel.ts";
import type { Edges } from "./neighbors.ts";

/** A symmetric weighted graph: every edge stands in both rows. */
export interface Adjacency extends Pattern {
  /** Weights > 0. */
  readonly weights: Float32Array;
}

/** Of values that stand at both entries of each edge, those at i < j. */
export function onceEach({ n, rowStart, columns }: Pattern, values: ArrayLike<number>): Float64Array {
  const once = new Float64Array(columns.length / 2);
  let edge = 0;
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!, end = rowStart[i + 1]!; e < end; e++)
      if (columns[e]! > i) once[edge++] = values[e]!;
  }
  return once;
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
  // Where each node's own list starts, and the list of those that list it: both ascending, as the edges are.
  const listed = new Int32Array(n + 1);
  const listing = new Int32Array(n + 1);
  for (let e = 0; e < from.length; e++) {
    listed[from[e]! + 1]!++;
    listing[to[e]! + 1]!++;
  }
  for (let i = 0; i < n; i++) {
    listed[i + 1]! += listed[i]!;
    listing[i + 1]! += listing[i]!;
  }
  const mirror = new Int32Array(from.length);
  const next = listing.slice(0, n);
  for (let e = 0; e < from.length; e++) mirror[next[to[e]!]!++] = e;

  const rowStart = new Int32Array(n + 1);
  const columns = new Int32Array(2 * from.length + 1);
  const weights = new Float32Array(2 * from.length + 1);
  const either = rule === "union";
  let at = 0;
  for (let i = 0; i < n; i++) {
    let p = listed[i]!;
    let q = listing[i]!;
    const pEnd = listed[i + 1]!;
    const qEnd = listing[i + 1]!;
    while (p < pEnd || q < qEnd) {
      const left = p < pEnd ? to[p]! : n;
      const right = q < qEnd ? from[mirror[q]!]! : n;
      // Written in any case, and kept by moving on.
      columns[at] = Math.min(left, right);
      weights[at] = weight[left <= right ? p : mirror[q]!]!;
      if (either || left === right) at++;
      if (left <= right) p++;
      if (right <= left) q++;
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
  const sorted = edges.toSorted((a, b) => a.i - b.i || a.j - b.j);
  return symmetrize(
    n,
    {
      from: Int32Array.from(sorted, ({ i }) => i),
      to: Int32Array.from(sorted, ({ j }) => j),
      weight: Float32Array.from(sorted, ({ weight }) => weight),
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

/** From which weight on two nodes are crowded together: a cosine, where no row cap and no given graph is. */
const CROWDED = 0.9;

/** The share of the nodes that have such an edge. */
export function crowdedShare({ n, rowStart, weights }: Adjacency): number {
  let crowded = 0;
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
      if (weights[e]! < CROWDED) continue;
      crowded++;
      break;
    }
  }
  return n > 0 ? crowded / n : 0;
}
