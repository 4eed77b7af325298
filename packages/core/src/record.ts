import type { Pool } from "./pool.ts";
import type { Choice } from "./rank/choose.ts";
import { digestJson, digestTexts, digestVectors } from "./receipt/digest.ts";
import { type BundleEntry, type LeftOut, type Receipt, significant } from "./receipt/receipt.ts";

/** Digests of what the candidates of a pool came with. */
export type PoolDigests = Pick<
  Receipt["inputs"],
  "candidates" | "scores" | "ids" | "trust" | "texts" | "titles" | "edges"
>;

/** The part of a receipt's inputs that is the same for all queries. */
export const poolDigests = ({ raw, scores, ids, trust, texts, titles, edges }: Pool): PoolDigests => ({
  candidates: scores ? null : digestVectors(raw),
  scores: scores && digestJson(Array.from(scores, (s) => (Number.isNaN(s) ? null : s))),
  ids: digestJson(ids),
  trust: trust.every((t) => t === 1) ? null : digestJson(Array.from(trust)),
  texts: texts && digestTexts(texts),
  titles: titles && digestTexts(titles),
  edges: edges && digestJson(edges),
});

/** What a receipt says of candidates that are not in the bundle: see `Receipt.left_out`. */
export function leftOut(
  { candidate, ids, n }: Pool,
  k: number,
  bundle: readonly BundleEntry[],
  { ranked, scores, copies }: Choice,
): LeftOut[] {
  const taken = new Set(bundle.map(({ inputRank }) => inputRank - 1));
  const copyOf = new Map(copies.slice(0, k).map(({ node, of }) => [candidate[node]!, ids[candidate[of]!]!]));
  const placeOf = new Map(ranked.map((node, place) => [candidate[node]!, { node, place }]));
  const first = Array.from({ length: Math.min(k, n) }, (_, index) => index);
  return [...new Set([...first, ...copyOf.keys()])]
    .filter((index) => !taken.has(index))
    .sort((a, b) => a - b)
    .map((index) => {
      const known = placeOf.get(index);
      return {
        id: ids[index]!,
        inputRank: index + 1,
        rank: known ? known.place + 1 : null,
        score: known ? significant(scores.score[known.node]!) : null,
        copyOf: copyOf.get(index) ?? null,
      };
    });
}
