import type { ChainLink, ChainQuestion, ChainReceipt } from "../diagnose/chain.ts";
import { pairDistance } from "../diagnose/edges.ts";
import type { Measured } from "../diagnose/energy.ts";
import { type Adjacency, degrees } from "../graph/adjacency.ts";
import { pathGraph } from "../graph/path.ts";
import { rowMoments } from "./nullPoints.ts";

/**
 * The published rule: a link's residual is divided by the lattice's degrees, z is over all n columns of the link's row
 * (so that it depends on n), and the coherence gain counts only links that are edges, and not for the verdict.
 *
 * @param stored the chain that is part of the lattice, whose weights stand in for those asked for.
 */
export function publishedChainReceipt(
  question: ChainQuestion,
  stored: { readonly nodes: readonly number[]; readonly weights: readonly number[] } | null,
): ChainReceipt {
  const { nodes, weights, graph, lamC, start, settled, threshold } = question;
  const n = graph.n;
  // Its floor for the degree of a node without neighbours.
  const root = degrees(graph).map((degree) => Math.sqrt(Math.max(degree, 1e-12)));
  const path = pathGraph(n, stored ?? { nodes, weights });
  const row = (adjacency: Adjacency, i: number, by: number, state: Measured): Map<number, number> => {
    const distance = pairDistance(state);
    const entries = new Map<number, number>();
    for (let e = adjacency.rowStart[i]!; e < adjacency.rowStart[i + 1]!; e++) {
      const j = adjacency.columns[e]!;
      entries.set(j, by * adjacency.weights[e]! * distance(i, j, root[i]!, root[j]!));
    }
    return entries;
  };
  const z = (entries: Map<number, number>, j: number): number => {
    const { mean, deviation } = rowMoments(Float64Array.from(entries.values()), n);
    return ((entries.get(j) ?? 0) - mean) / (deviation + 1e-12);
  };
  let coherenceGain = 0;
  const edges = nodes.slice(0, -1).map((i, link): ChainLink => {
    const j = nodes[link + 1]!;
    const struct = row(graph, i, lamC, settled);
    const links = row(path, i, Math.max(lamC, 1e-6), settled);
    const rStruct = struct.get(j) ?? 0;
    coherenceGain += 0.5 * ((row(graph, i, lamC, start).get(j) ?? 0) - rStruct);
    return {
      link,
      edge: [i, j],
      rStruct,
      zStruct: z(struct, j),
      rPath: links.get(j) ?? 0,
      zPath: z(links, j),
    };
  });
  // There a link is as weak as it is by either measure, and the first of equals is named.
  const weakness = ({ zStruct, zPath }: ChainLink) => Math.max(zStruct!, zPath);
  const weakest = edges.reduce((a, b) => (weakness(b) > weakness(a) ? b : a));
  return {
    verdict: weakness(weakest) <= threshold,
    weakestLink: { link: weakest.link, edge: weakest.edge, z: weakness(weakest) },
    coherenceGain,
    edges,
  };
}
