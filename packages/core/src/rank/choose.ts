import { cosineOf, rowProducts } from "../pool/matrix.ts";
import type { Problem } from "../solve/problem.ts";
import { COSINE, copiesLast, nearCopies } from "./copies.ts";
import { diversify } from "./diversify.ts";

/** Which nodes make the bundle, best first. */
export interface Choice {
  readonly chosen: readonly number[];
  /** The near-copies that were passed over, each with the better document that it is one of. */
  readonly copies: readonly { readonly node: number; readonly of: number }[];
  /** How near to the least cosine of copies a cosine lay that decided; Infinity where none did. */
  readonly nearest: number;
}

/**
 * Chooses the k nodes of the bundle.
 *
 * @param query the query's words; null if none came.
 * @param order the nodes, best first.
 * @param relevance their scores, on the scale of cosines: what novelty is traded against, where it counts.
 */
export function choose(
  { pool, params, words }: Problem,
  query: string | null,
  order: readonly number[],
  relevance: () => Float64Array,
): Choice {
  const { k, copies, diversity, diversityMethod } = params;
  const { vectors, norms } = pool;
  const productOf = rowProducts(vectors);
  const cosine = (a: number, b: number) => cosineOf(productOf(a, b), norms[a]! * norms[b]!);
  // What stands in for vectors in a pool of scores is made of the words, which the rule for copies judges itself.
  let nearest = Infinity;
  const likeness = (a: number, b: number) => {
    if (pool.scores || norms[a] === 0 || norms[b] === 0) return null;
    const value = cosine(a, b);
    nearest = Math.min(nearest, Math.abs(value - COSINE));
    return value;
  };
  const { order: distinctFirst, passed } =
    copies === "last"
      ? copiesLast(order, diversity === 0 ? k : order.length, nearCopies(query, words(), likeness))
      : { order, passed: [] };
  const distinct = distinctFirst.slice(0, order.length - passed.length);
  const diverse =
    diversity === 0
      ? distinct.slice(0, k)
      : diversify(distinct, relevance(), k, diversity, cosine, diversityMethod);
  const chosen = [...diverse, ...distinctFirst.slice(order.length - passed.length)].slice(0, k);
  return { chosen, copies: passed, nearest };
}
