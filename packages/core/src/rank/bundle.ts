import { appended } from "../pool/missing.ts";
import type { Pool } from "../pool/pool.ts";
import type { Problem } from "../solve/problem.ts";
import { type Choice, choose } from "./choose.ts";
import { onScaleOf, placeOf } from "./diversify.ts";
import type { Ranking } from "./rank.ts";
import { fallingAlong } from "./relevance.ts";

/** Figures by name, of a document: in the profiles of our own as the table of rank/evidence.ts names them, further lists as `list:NAME`. */
export type Figures = Readonly<Record<string, number>>;

/** What a neighbour added to a document's evidence, or took from it. */
export interface Influence {
  readonly id: string;
  /** In standard deviations of the pool. */
  readonly by: number;
}

/** One document of a bundle, as it is ranked and as the receipt records it. */
export interface BundleEntry {
  readonly id: string;
  /** Its place in the bundle, from 1. */
  readonly rank: number;
  /** Its place among the candidates as they came, from 1. */
  readonly inputRank: number;
  /** The sum of `terms`, in standard deviations of the pool; null for a document that could not be ranked. */
  readonly score: number | null;
  /**
   * How relevant it is, in [0, 1]: comparable between the queries of one embedder, never rising along the bundle, and a
   * probability once `tune` has calibrated it. Null where nothing tells (see `Receipt.relevance`), and for a document that could not
   * be ranked.
   */
  readonly relevance: number | null;
  /** Its place by its own evidence, before its neighbours and its trust had a say; null for one that could not be ranked. */
  readonly ownRank: number | null;
  /**
   * The raw evidence: `similarity` (cosine with the query, or the score that came), BM25 by `grams`, `words`, `phrases` and
   * `title`, the score of each further list as `list:NAME`, `feedback` (mean cosine to the best), and `trust`. What says nothing
   * in this pool is not there.
   */
  readonly parts: Figures | null;
  /**
   * What each of them adds to the score; `links` is what it gained as a better document names it, `neighbours` what the lattice
   * added or took, `trust` what distrust took.
   */
  readonly terms: Figures | null;
  /** The document whose naming added the term `links`; null where none did. */
  readonly namedBy: string | null;
  /** The neighbours that moved it most, two at most. */
  readonly neighbours: readonly Influence[] | null;
}

/** A document of a bundle: what the receipt says of it, and its index among the candidates. */
export interface RankedEntry extends BundleEntry {
  readonly index: number;
}

/** A candidate that one might have expected in the bundle, and why it is not there. */
export interface LeftOut {
  readonly id: string;
  /** Its place among the candidates as they came, from 1. */
  readonly inputRank: number;
  /** Its place by score, from 1; null for one that could not be ranked, or was excluded by trust 0. */
  readonly rank: number | null;
  readonly score: number | null;
  /** The better document of which it is a near-copy; null if it is none. */
  readonly copyOf: string | null;
}

/** What was chosen, and why. */
export interface Answer {
  readonly ranking: Ranking;
  readonly choice: Choice;
}

/**
 * Chooses the documents of the bundle from the ranking for a query of these words: among those that are as relevant as was
 * asked for.
 */
export function answer(problem: Problem, query: string | null, ranking: Ranking): Answer {
  const [similarity] = ranking.evidence.channels;
  const relevance = () => onScaleOf(similarity!.values, ranking.score);
  const reached = ranking.order.slice(0, reachedOf(ranking));
  return { ranking, choice: choose(problem, query, reached, relevance) };
}

/** How many of the first in a ranking are as relevant as was asked for. */
export const reachedOf = ({ relevance, order }: Ranking): number => relevance?.reached ?? order.length;

/**
 * The documents to hand back, best first; those that could not be ranked last, if `missing` is `"append"` and no relevance is
 * asked for, of which they have none.
 */
export function bundle({ pool, params }: Problem, { ranking, choice }: Answer): RankedEntry[] {
  const { relevance } = ranking;
  const falling = relevance && fallingAlong(choice.chosen, relevance);
  const ranked = choice.chosen.map((node, at) => ({
    ...placed(pool, pool.candidate[node]!, at),
    score: ranking.score[node]!,
    relevance: falling?.[at] ?? null,
    ownRank: placeOf(node, ranking.fused.y, pool.candidate),
    parts: partsOf(pool, ranking, node),
    terms: termsOf(ranking, node),
    namedBy: namedBy(pool, ranking, node),
    neighbours: strongest(ranking, node).map(({ node: other, by }) => ({
      id: pool.ids[pool.candidate[other]!]!,
      by,
    })),
  }));
  const policy = relevance && params.minRelevance > 0 ? "drop" : params.missing;
  const others = appended(pool, policy, params.k, ranked.length);
  const nothing = {
    ...{ score: null, relevance: null, ownRank: null },
    ...{ parts: null, terms: null, namedBy: null, neighbours: null },
  };
  return [
    ...ranked,
    ...others.map((index, at) => ({ ...placed(pool, index, ranked.length + at), ...nothing })),
  ];
}

/** Where a candidate stands in the bundle, and where it came from. */
export const placed = ({ ids }: Pool, index: number, at: number) => ({
  index,
  id: ids[index]!,
  rank: at + 1,
  inputRank: index + 1,
});

function partsOf({ nodeTrust }: Pool, { evidence, fused }: Ranking, node: number): Figures {
  const all = fused.feedback ? [...evidence.channels, fused.feedback] : evidence.channels;
  return {
    ...Object.fromEntries(all.map(({ name, values }) => [name, values[node]!])),
    trust: nodeTrust[node]!,
  };
}

function namedBy({ ids, candidate }: Pool, { fused }: Ranking, node: number): string | null {
  const by = fused.links?.by[node] ?? -1;
  return by < 0 ? null : ids[candidate[by]!]!;
}

/** The terms of a score: those of the channels, of the feedback, of links, of the neighbours and of distrust. */
export function termsOf({ evidence, fused, settled, distrust }: Ranking, node: number): Figures {
  const all = fused.feedback ? [...evidence.channels, fused.feedback] : evidence.channels;
  return {
    ...Object.fromEntries(all.map(({ name, term }) => [name, term[node]!])),
    ...(fused.links && { links: fused.links.term[node]! }),
    neighbours: settled.f[node]! - fused.y[node]!,
    trust: distrust[node]!,
  };
}

/** The two neighbours that added most to a node's evidence, or took most from it, the stronger first. */
function strongest(ranking: Ranking, node: number): { readonly node: number; readonly by: number }[] {
  const by = influences(ranking, node);
  let first = -1;
  let second = -1;
  let [most, next] = [0, 0];
  for (let other = 0; other < by.length; other++) {
    const size = Math.abs(by[other]!);
    if (size <= next) continue;
    if (size <= most) {
      second = other;
      next = size;
      continue;
    }
    second = first;
    next = most;
    first = other;
    most = size;
  }
  return [first, second].flatMap((other) => (other < 0 ? [] : [{ node: other, by: by[other]! }]));
}

/**
 * What each node added to another's evidence or took from it, 0 where they are no neighbours; together they are `f - y`:
 * `(lamC / lamG) w_ij / √d_i (f_j / √d_j - f_i / √d_i)`, and for a link of the chain `(lamP / lamG) w (f_j - f_i)`.
 */
export function influences({ system, settled }: Ranking, node: number): Float64Array {
  const { lamG, lamC, laplacian, lamP, path, roots, n } = system;
  const { f } = settled;
  const by = new Float64Array(n);
  for (let e = laplacian.rowStart[node]!; e < laplacian.rowStart[node + 1]!; e++) {
    const j = laplacian.columns[e]!;
    // The system's weights are w_ij / (√d_i √d_j).
    by[j] = (lamC / lamG) * laplacian.weights[e]! * (f[j]! - (f[node]! * roots[j]!) / roots[node]!);
  }
  for (let e = path?.rowStart[node] ?? 0; path && e < path.rowStart[node + 1]!; e++) {
    const j = path.columns[e]!;
    by[j]! += (lamP / lamG) * path.weights[e]! * (f[j]! - f[node]!);
  }
  return by;
}
