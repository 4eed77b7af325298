import { zScores } from "./math.ts";

/** What is known of each candidate before the score: one entry a candidate. */
export interface Evidence {
  /** Cosine of the candidate's own vector with the query. */
  readonly similarity: Float64Array;
  /** Cosine of its settled vector with the query. */
  readonly settled: Float64Array;
  /** BM25 of the query over the pool; null where there are no words. */
  readonly text: Float64Array | null;
  /** Trust in (0, 1]. */
  readonly trust: Float32Array;
}

/** The terms that add up to a candidate's score, in standard deviations of the pool. */
export interface Terms {
  readonly settled: number;
  readonly text: number;
  readonly trust: number;
}

/** The score of each candidate, and the terms that it is the sum of. */
export interface Scores {
  readonly score: Float64Array;
  readonly settled: Float64Array;
  readonly text: Float64Array;
  readonly trust: Float64Array;
}

/**
 * `score = z(settled) + textWeight z(text) + trust term`, with z over the pool.
 *
 * The parts are put on one scale before they are added: the cosines of a pool differ in the second decimal, BM25 in
 * units, and a sum of raw values would let one of them decide alone.
 *
 * The trust term takes from a candidate the share `1 - trust` of what it has over the pool's lowest: trust 1 takes
 * nothing, trust near 0 leaves it last. (An added `ln(trust)` would be no match for a passage that repeats the query's
 * own words and stands nine deviations above the rest, as the false ones do.)
 */
export function score(evidence: Evidence, textWeight: number): Scores {
  const settled = zScores(evidence.settled);
  const text = evidence.text ? zScores(evidence.text).map((z) => textWeight * z) : settled.map(() => 0);
  const relevance = settled.map((z, i) => z + text[i]!);
  const lowest = relevance.reduce((a, b) => Math.min(a, b), Infinity);
  const trust = relevance.map((r, i) =>
    evidence.trust[i]! < 1 ? (evidence.trust[i]! - 1) * (r - lowest) : 0,
  );
  return { score: relevance.map((r, i) => r + trust[i]!), settled, text, trust };
}
