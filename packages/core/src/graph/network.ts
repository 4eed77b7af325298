import type { Kernel } from "../kernels/kernel.ts";
import type { Strategies } from "../options/profiles.ts";
import type { Params } from "../options/types.ts";
import type { Edge } from "../pool/input.ts";
import { type Matrix, unitRows } from "../pool/matrix.ts";
import type { Pool } from "../pool/pool.ts";
import { cheaperSpace } from "../solve/space.ts";
import { assemble, type System } from "../solve/system.ts";
import { type Adjacency, adjacencyOf, capRowSums, symmetrize } from "./adjacency.ts";
import { normalizedLaplacian, plainLaplacian } from "./laplacian.ts";
import { gramMatrix, nearestNeighbors } from "./neighbors.ts";
import { type Chain, pathGraph } from "./path.ts";

/** The graph of a pool's nodes and the system that it makes. */
export interface Network {
  readonly graph: Adjacency;
  /** The nodes' Gram matrix, where it is kept. */
  readonly gram: Matrix | null;
  /** Whether the weights are the cosines of vectors of length 1. */
  readonly cosines: boolean;
  readonly system: System;
}

/** Joins the nodes of a pool to their neighbours, or as the pool's own edges say, and the nodes of the chain. */
export function connect(
  pool: Pool,
  params: Params,
  strategies: Strategies,
  chain: Chain | null,
  kernel: Kernel,
): Network {
  const { vectors, nodeTrust } = pool;
  const { lamG, lamC, lamQ, neighbors } = params;
  const n = vectors.rows;
  // A node has at most twice as many neighbours as it lists, on average, under either rule.
  const kind = cheaperSpace(n, vectors.columns, n * Math.min(2 * neighbors, n));
  const gram = kind === "span" ? gramMatrix(vectors, kernel) : null;
  const graph = pool.edges === null ? neighborGraph() : adjacencyOf(n, edgesOfNodes(pool, pool.edges));
  const pull = Float32Array.from(nodeTrust, (b) => lamQ * (strategies.trust === "pull" ? b : 1));
  const path = chain && pathGraph(n, chain);
  const links = path && {
    laplacian: strategies.chain === "plain" ? plainLaplacian(path) : normalizedLaplacian(path, "shrink"),
    lamP: chain!.lamP,
  };
  const laplacian = normalizedLaplacian(graph, strategies.isolated);
  const cosines = pool.edges === null && params.normalize && params.rowCap === null;
  return { graph, gram, cosines, system: assemble(laplacian, lamG, lamC, pull, links) };

  function neighborGraph(): Adjacency {
    const { normalize, similarityFloor, graph: rule, rowCap } = params;
    const unit = normalize ? vectors : unitRows(vectors);
    const known = normalize ? gram : null;
    const lists = nearestNeighbors(unit, known, neighbors, similarityFloor, strategies.ties, kernel);
    const symmetric = symmetrize(n, lists, rule);
    return rowCap === null ? symmetric : capRowSums(symmetric, rowCap);
  }
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
