import type { Strategies } from "../options/profiles.ts";
import type { Params } from "../options/types.ts";
import { cosineOf, product } from "../pool/matrix.ts";
import type { Pool } from "../pool/pool.ts";
import { copiesLast, nearCopies } from "./copies.ts";
import { diversify } from "./diversify.ts";
import { wordsOfNodes } from "./evidence.ts";
import { relevanceOf } from "./fuse.ts";
import type { Ranking } from "./rank.ts";

/** Which nodes make the bundle, best first. */
export interface Choice {
  readonly chosen: readonly number[];
  /** The near-copies that were passed over, each with the better document that it is one of. */
  readonly copies: readonly { readonly node: number; readonly of: number }[];
}

/**
 * Chooses the k nodes of the bundle from a ranking.
 *
 * @param similarity cosine of a node's own vector with the query, or the score that it came with: asked for only where
 *   it is needed.
 */
export function choose(
  pool: Pool,
  { order: ranked, last }: Ranking,
  similarity: (node: number) => number,
  { k, copies, diversity, diversityMethod }: Params,
  strategies: Strategies,
): Choice {
  const { score } = last.scores;
  const { vectors, norms } = pool;
  const { stride, data } = vectors;
  const cosine = (a: number, b: number) =>
    cosineOf(product(data, a * stride, data, b * stride, stride), norms[a]! * norms[b]!);
  const { order, passed } =
    copies === "last"
      ? copiesLast(ranked, diversity === 0 ? k : ranked.length, nearCopies(wordsOfNodes(pool), cosine))
      : { order: ranked, passed: [] };
  const distinct = order.slice(0, order.length - passed.length);
  const relevance =
    diversity === 0 || strategies.score === "published"
      ? score
      : relevanceOf(
          score,
          score.map((_, i) => similarity(i)),
        );
  const diverse = diversify(distinct, relevance, k, diversity, cosine, diversityMethod);
  const chosen = [...diverse, ...order.slice(order.length - passed.length)].slice(0, k);
  return { chosen, copies: passed };
}
