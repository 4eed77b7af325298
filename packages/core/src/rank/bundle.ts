import { appended } from "../pool/missing.ts";
import { type Query, similarity } from "../pool/query.ts";
import type { Problem } from "../solve/settle.ts";
import type { Answer } from "./answer.ts";
import { CHANNELS, type Parts, TERMS, type Terms } from "./evidence.ts";

/** One document of a bundle, as the lattice ranks it and the receipt records it. */
export interface BundleEntry {
  readonly id: string;
  /** Its place in the bundle, from 1. */
  readonly rank: number;
  /** Its place among the candidates as they came, from 1. */
  readonly inputRank: number;
  /** The sum of `terms`, in standard deviations of the pool; null for a document that could not be ranked. */
  readonly score: number | null;
  readonly parts: Parts | null;
  readonly terms: Terms | null;
}

/** A document of a bundle: what the receipt says of it, and its index among the candidates. */
export interface RankedEntry extends BundleEntry {
  readonly index: number;
}

/** A record that is being filled. */
type Filled<T> = { -readonly [name in keyof T]: number | null };

/** The documents to hand back, best first; those that could not be ranked last, if `missing` is `"append"`. */
export function bundle({ pool, params }: Problem, query: Query, { ranking, choice }: Answer): RankedEntry[] {
  const { evidence, scores } = ranking.last;
  const placed = (index: number, place: number) => ({
    index,
    id: pool.ids[index]!,
    rank: place + 1,
    inputRank: index + 1,
  });
  const ranked = choice.chosen.map((node, place): RankedEntry => {
    // Filled by name, for lists of entries take twice the time.
    const parts = { similarity: similarity(pool, query, node) } as Filled<Parts>;
    for (const { part } of CHANNELS) parts[part] = evidence[part]?.[node] ?? null;
    parts.trust = evidence.trust[node]!;
    const terms = {} as Filled<Terms>;
    for (const term of TERMS) terms[term] = scores.terms[term][node]!;
    terms.trust = scores.terms.trust[node]!;
    return {
      ...placed(pool.candidate[node]!, place),
      score: scores.score[node]!,
      parts: parts as Parts,
      terms: terms as Terms,
    };
  });
  const others = appended(pool, params.missing, params.k, ranked.length);
  return [
    ...ranked,
    ...others.map((index, at) => ({
      ...placed(index, ranked.length + at),
      score: null,
      parts: null,
      terms: null,
    })),
  ];
}
