import type { Candidate } from "../pool/candidates.ts";
import type { RerankRequest } from "../rerank.ts";

/**
 * What a request costs, about, in millions of multiplications: `(n² d / 2 + c w) / 10⁶` for n candidates of d values whose texts and
 * titles have c characters together. A character costs as much as w = 300 of them, or 2000 where scores stand in for vectors and the
 * lattice is made of the words. The candidates of several lists count once a list.
 */
export function costOf(request: RerankRequest): number {
  const { query, candidates, lists } = request ?? {};
  const all = listOf(candidates ?? listOf(lists).flatMap((list) => listOf(list?.items)));
  const d = query?.length ?? 0;
  const characters = all.reduce((sum, one) => sum + lengthOf(one?.text) + lengthOf(one?.title), 0);
  return ((all.length ** 2 * d) / 2 + characters * (query ? 300 : 2000)) / 1e6;
}

// What came was not judged yet.
const listOf = <T>(list: readonly T[] | undefined): readonly T[] => (Array.isArray(list) ? list : []);
const lengthOf = (text: Candidate["text"]): number => (typeof text === "string" ? text.length : 0);
