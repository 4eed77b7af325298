import { checkObject, refuseUnknown } from "../errors.ts";
import { chainNodes, linkWeights } from "../graph/chain.ts";
import { kernel } from "../kernels/fastest.ts";
import { checkThreshold } from "../options/calls.ts";
import type { Query } from "../pool/query.ts";
import { publishedChainReceipt } from "../python/chain.ts";
import { strategiesOf } from "../solve/problem.ts";
import type { Space } from "../solve/space.ts";
import type { Solution, VectorProblem } from "../solve/vectors.ts";
import { type ChainReceipt, chainReceipt } from "./chain.ts";
import { measure, measureStart } from "./measure.ts";

/** The options of `Lattice.chainReceipt`. */
export interface ChainReceiptOptions {
  /** From which z on a link is broken. Default 2.5. */
  readonly zThreshold?: number;
  /** One weight > 0 a link. Default: all 1. */
  readonly weights?: readonly number[];
}

/**
 * Judges a chain of candidates in the settled state, by the rule of the profile.
 *
 * @param settled gives the coordinates and the solution. It is asked once the chain and the options are found to be in
 *   order, so that nothing is solved for a call that is refused.
 */
export function judgeChain(
  problem: VectorProblem,
  query: Query | null,
  settled: () => { readonly space: Space; readonly solution: Solution },
  candidates: readonly number[],
  options: ChainReceiptOptions,
): ChainReceipt {
  const { zThreshold = 2.5, weights, ...others } = checkObject("options", options);
  refuseUnknown(others, ["zThreshold", "weights"]);
  checkThreshold("zThreshold", zThreshold);
  const { pool, network, params, chain } = problem;
  const chosen = {
    nodes: chainNodes(pool, candidates),
    weights: linkWeights(weights, candidates.length - 1),
  };
  const { space, solution } = settled();
  const question = {
    ...chosen,
    threshold: zThreshold,
    graph: network.graph,
    lamC: params.lamC,
    settled: measure(problem, query, space, solution.state),
    start: measureStart(problem, query, space),
    kernel,
  };
  const published = strategiesOf(problem).baseline === "columns";
  const found = published ? publishedChainReceipt(question, chain) : chainReceipt(question);
  const named = ([a, b]: readonly [number, number]) => [pool.candidate[a]!, pool.candidate[b]!] as const;
  return {
    ...found,
    weakestLink: { ...found.weakestLink, edge: named(found.weakestLink.edge) },
    edges: found.edges.map((link) => ({ ...link, edge: named(link.edge) })),
  };
}
