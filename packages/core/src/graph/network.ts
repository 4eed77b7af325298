import type { Kernel } from "../kernels/kernel.ts";
import type { Matrix } from "../kernels/matrix.ts";
import type { Strategies } from "../options/profiles.ts";
import type { Params } from "../options/types.ts";
import type { Edge } from "../pool/input.ts";
import { unitRows } from "../pool/matrix.ts";
import type { Pool } from "../pool/pool.ts";
import { type Adjacency, adjacencyOf, capRowSums, crowdedShare, symmetrize } from "./adjacency.ts";
import { type Edges, gramMatrix, nearestNeighbors } from "./neighbors.ts";

/** How the nodes of a pool are joined. */
export interface Network {
  readonly graph: Adjacency;
  /** The nodes' Gram matrix, where it is kept. */
  readonly gram: Matrix | null;
  /** The cosine of each node's last neighbour, 0 where it lists fewer than it may; null for a graph that was given. */
  readonly last: Float32Array | null;
  /** The share of the nodes that are crowded together. */
  readonly crowded: number;
  /** Whether the weights are the cosines of vectors of length 1. */
  readonly cosines: boolean;
}

/**
 * Joins the nodes of a pool to their nearest neighbours, or as the pool's own edges say.
 *
 * @param keepGram whether the Gram matrix is wanted later: it is then computed once.
 */
export function connect(
  pool: Pool,
  params: Params,
  strategies: Strategies,
  keepGram: boolean,
  kernel: Kernel,
): Network {
  const { vectors } = pool;
  const n = vectors.rows;
  const gram = keepGram ? gramMatrix(vectors, kernel) : null;
  const { graph, last } =
    pool.edges === null
      ? neighborGraph()
      : { graph: adjacencyOf(n, edgesOfNodes(pool, pool.edges)), last: null };
  const cosines = pool.edges === null && pool.scores === null && params.normalize && params.rowCap === null;
  return { graph, gram, last, crowded: crowdedShare(graph), cosines };

  function neighborGraph(): { graph: Adjacency; last: Float32Array } {
    const { normalize, neighbors, similarityFloor, graph: rule, rowCap } = params;
    // Rows of words are cosines as they are, shorter than 1 by what is theirs alone.
    const asTheyAre = normalize || pool.scores !== null;
    const unit = asTheyAre ? vectors : unitRows(vectors);
    const known = asTheyAre ? gram : null;
    const lists = nearestNeighbors(unit, known, neighbors, similarityFloor, strategies.ties, kernel);
    const symmetric = symmetrize(n, lists, rule);
    const graph = rowCap === null ? symmetric : capRowSums(symmetric, rowCap);
    return { graph, last: lastOf(n, lists, neighbors) };
  }
}

/** The lowest weight of each list that is full. */
function lastOf(n: number, { from, weight }: Edges, neighbors: number): Float32Array {
  const last = new Float32Array(n);
  for (let e = 0; e < from.length; ) {
    const row = from[e]!;
    const start = e;
    let lowest = Infinity;
    for (; e < from.length && from[e] === row; e++) lowest = Math.min(lowest, weight[e]!);
    if (e - start >= neighbors) last[row] = lowest;
  }
  return last;
}

/** The edges of candidates as edges of nodes; those of candidates that are no nodes fall away. */
function edgesOfNodes({ candidate }: Pool, edges: readonly Edge[]): Edge[] {
  const node = new Map(Array.from(candidate, (index, at) => [index, at]));
  return edges.flatMap(({ i, j, weight }) => {
    const [a, b] = [node.get(i), node.get(j)];
    return a === undefined || b === undefined ? [] : [{ i: a, j: b, weight }];
  });
}

/** The edges of a graph, each once, between candidates and in their order. */
export function edgesOfCandidates({ candidate }: Pool, graph: Adjacency): Edge[] {
  const { n, rowStart, columns, weights } = graph;
  const edges: Edge[] = [];
  for (let a = 0; a < n; a++) {
    for (let e = rowStart[a]!; e < rowStart[a + 1]!; e++) {
      const [i, j] = [candidate[a]!, candidate[columns[e]!]!];
      if (i < j) edges.push({ i, j, weight: weights[e]! });
    }
  }
  return edges.sort((a, b) => a.i - b.i || a.j - b.j);
}
