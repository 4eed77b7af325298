import { type Adjacency, degrees, onceEach } from "../graph/adjacency.ts";
import type { Kernel } from "../kernels/kernel.ts";
import { distances, pairDistance } from "./edges.ts";
import type { Measured } from "./energy.ts";
import { spread } from "./nullPoints.ts";

/** One link of a chain. */
export interface ChainLink {
  /** Its place in the chain, from 0. */
  readonly link: number;
  readonly edge: readonly [number, number];
  /** Its disagreement as an edge of the lattice, and that in standard deviations; null where there is no such edge. */
  readonly rStruct: number | null;
  readonly zStruct: number | null;
  /** Its disagreement as a link, and that in standard deviations. */
  readonly rPath: number;
  readonly zPath: number;
}

/** Whether a chain of reasoning holds together in the settled state. */
export interface ChainReceipt {
  /** True if no link's `zPath` exceeds the threshold and the chain did not lose coherence. */
  readonly verdict: boolean;
  /** The link with the largest `zPath`. */
  readonly weakestLink: {
    readonly link: number;
    readonly edge: readonly [number, number];
    readonly z: number;
  };
  /** By how much the links' disagreement fell from the candidates' own vectors to the settled ones. */
  readonly coherenceGain: number;
  readonly edges: readonly ChainLink[];
}

/** What both rules need to know. */
export interface ChainQuestion {
  readonly nodes: readonly number[];
  /** One weight a link. */
  readonly weights: readonly number[];
  readonly threshold: number;
  readonly graph: Adjacency;
  readonly lamC: number;
  /** The candidates' own vectors and the settled ones, measured. */
  readonly start: Measured;
  readonly settled: Measured;
  readonly kernel: Kernel;
}

/**
 * Compares each link's tension `w |U_i - U_j|²` with `|U_a - U_b|²` over the real edges of the lattice: a link is weak if
 * it is stretched further than documents that the lattice holds to be neighbours.
 */
export function chainReceipt(question: ChainQuestion): ChainReceipt {
  const { nodes, weights, graph, lamC, start, settled, threshold, kernel } = question;
  const root = degrees(graph).map(Math.sqrt);
  const before = pairDistance(start);
  const distance = pairDistance(settled);
  const residual = (i: number, j: number, w: number): number => lamC * w * distance(i, j, root[i]!, root[j]!);

  const z = (value: number, { mean, deviation }: { mean: number; deviation: number }): number =>
    deviation > 0 ? (value - mean) / deviation : 0;
  const ones = root.map(() => 1);
  const overTension = spread(onceEach(graph, distances(graph, settled, ones, kernel)));
  const overStrain = spread(
    onceEach(
      graph,
      settled.residuals.map((r) => lamC * r),
    ),
  );
  let coherenceGain = 0;
  const edges = weights.map((weight, link): ChainLink => {
    const i = nodes[link]!;
    const j = nodes[link + 1]!;
    const rPath = weight * distance(i, j);
    coherenceGain += weight * before(i, j) - rPath;
    const w = weightOf(graph, i, j);
    const rStruct = w > 0 ? residual(i, j, w) : null;
    const zStruct = rStruct === null ? null : z(rStruct, overStrain);
    return { link, edge: [i, j], rStruct, zStruct, rPath, zPath: z(rPath, overTension) };
  });
  return {
    // Rounding is no loss of coherence.
    verdict: edges.every(({ zPath }) => zPath <= threshold) && coherenceGain >= -1e-6 * weights.length,
    weakestLink: weakestOf(edges),
    coherenceGain,
    edges,
  };
}

function weakestOf(links: readonly ChainLink[]): ChainReceipt["weakestLink"] {
  const { link, edge, zPath } = links.reduce((a, b) => (b.zPath > a.zPath ? b : a));
  return { link, edge, z: zPath };
}

function weightOf({ rowStart, columns, weights }: Adjacency, i: number, j: number): number {
  const e = columns.subarray(rowStart[i]!, rowStart[i + 1]!).indexOf(j);
  return e < 0 ? 0 : weights[rowStart[i]! + e]!;
}
