import { indices } from "../math.ts";
import type { Pool } from "../pool/pool.ts";
import type { Query } from "../pool/query.ts";
import type { LeftOut } from "../rank/bundle.ts";
import type { Choice } from "../rank/choose.ts";
import { type Digest, digestJson, digestTexts, digestVectors } from "./digest.ts";
import { type Receipt, significant } from "./receipt.ts";

/** Digests of what the candidates of a pool came with: the part of a receipt's inputs that is the same for all queries. */
export type PoolDigests = Pick<
  Receipt["inputs"],
  "candidates" | "scores" | "found" | "lists" | "ids" | "trust" | "texts" | "titles" | "links" | "edges"
>;

export const poolDigests = (pool: Pool): PoolDigests => {
  const { raw, scores, found, lists, ids, trust, texts, titles, links, edges } = pool;
  return {
    candidates: scores ? null : digestVectors(raw),
    scores: scores && digestScores(scores),
    found: found && digestJson(found),
    lists: lists.map((list) => ({ name: list.name, scores: digestScores(list.scores) })),
    ids: digestJson(ids),
    trust: trust.every((t) => t === 1) ? null : digestJson(Array.from(trust)),
    texts: texts && digestTexts(texts),
    titles: titles && digestTexts(titles),
    links: links && digestJson(links),
    edges: edges && digestJson(edges),
  };
};

const digestScores = (scores: Float64Array): Digest =>
  digestJson(Array.from(scores, (s) => (Number.isNaN(s) ? null : s)));

/** The counts of a receipt's inputs, and the digests of its query. */
export const inputsOf = (pool: Pool, query: Query) => ({
  n: pool.n,
  d: pool.scores ? 0 : query.raw.columns,
  missing: pool.missing.length,
  excluded: pool.excluded,
  query: pool.scores ? null : digestVectors(query.raw),
  queryText: query.text === null ? null : digestTexts([query.text]),
});

/** What a receipt says of candidates that are not in the bundle: see `Receipt.left_out`. */
export function leftOutOf(
  { candidate, ids, n }: Pool,
  k: number,
  bundle: readonly { readonly inputRank: number }[],
  {
    order,
    score,
    copies,
  }: {
    readonly order: readonly number[];
    readonly score: Float64Array;
    readonly copies: Choice["copies"];
  },
): LeftOut[] {
  const taken = new Set(bundle.map(({ inputRank }) => inputRank - 1));
  const copyOf = new Map(copies.slice(0, k).map(({ node, of }) => [candidate[node]!, ids[candidate[of]!]!]));
  const first = indices(Math.min(k, n));
  return [...new Set([...first, ...copyOf.keys()])]
    .filter((index) => !taken.has(index))
    .sort((a, b) => a - b)
    .map((index) => {
      const place = order.findIndex((node) => candidate[node] === index);
      return {
        id: ids[index]!,
        inputRank: index + 1,
        rank: place < 0 ? null : place + 1,
        score: place < 0 ? null : significant(score[order[place]!]!),
        copyOf: copyOf.get(index) ?? null,
      };
    });
}
