import { connect, type Network } from "../graph/network.ts";
import type { Chain } from "../graph/path.ts";
import { kernel } from "../kernels/fastest.ts";
import { profiles, type Strategies } from "../options/profiles.ts";
import type { Params } from "../options/types.ts";
import type { Pool } from "../pool/pool.ts";
import { cheaperSpace, SPAN_LIMIT } from "./space.ts";

/** What is settled and ranked. */
export interface Problem {
  readonly params: Params;
  readonly pool: Pool;
  /** The chain that was added, by node; null without one. */
  readonly chain: Chain | null;
  readonly network: Network;
}

export const strategiesOf = ({ params }: Pick<Problem, "params">): Strategies =>
  profiles[params.profile].strategies;

/** Connects the nodes of a pool. */
export function makeProblem(pool: Pool, params: Params, chain: Chain | null): Problem {
  const { strategies } = profiles[params.profile];
  const { rows: n, columns } = pool.vectors;
  // The ranking of evidence looks its cosines up; vectors alone are worth a Gram matrix only where they settle in its span.
  const keepGram =
    strategies.score === "evidence"
      ? n <= SPAN_LIMIT
      : cheaperSpace(n, columns, n * Math.min(2 * params.neighbors, n)) === "span";
  return { params, pool, chain, network: connect(pool, params, strategies, keepGram, kernel) };
}
