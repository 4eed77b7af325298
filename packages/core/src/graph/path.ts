import type { Adjacency } from "./adjacency.ts";

/** A chain of reasoning over the lattice: nodes that should agree one after the other. */
export interface Chain {
  /** The nodes, in their order; at least two. */
  readonly nodes: readonly number[];
  /** Weight of the chain's term in the energy. */
  readonly lamP: number;
  /** One weight > 0 a link, `nodes.length - 1` of them. */
  readonly weights: readonly number[];
}

/** The graph of a chain's links among n nodes. A link that comes twice has the larger of its weights. */
export function pathGraph(n: number, { nodes, weights }: Pick<Chain, "nodes" | "weights">): Adjacency {
  const rows = Array.from({ length: n }, () => new Map<number, number>());
  weights.forEach((weight, link) => {
    const i = nodes[link]!;
    const j = nodes[link + 1]!;
    const larger = Math.max(weight, rows[i]!.get(j) ?? 0);
    rows[i]!.set(j, larger);
    rows[j]!.set(i, larger);
  });
  const rowStart = new Int32Array(n + 1);
  const entries = rows.flatMap((row, i) => {
    rowStart[i + 1] = rowStart[i]! + row.size;
    return [...row].sort(([a], [b]) => a - b);
  });
  return {
    n,
    rowStart,
    columns: Int32Array.from(entries, ([j]) => j),
    weights: Float32Array.from(entries, ([, weight]) => weight),
  };
}
