import { naturalLog, zScores } from "./math.ts";

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
 * `score = z(settled) + textWeight z(text) + trustWeight ln(trust)`, with z over the pool.
 *
 * The parts are put on one scale before they are added: the cosines of a pool differ in the second decimal, BM25 in
 * units, and a sum of raw values would let one of them decide alone.
 */
export function score(evidence: Evidence, weights: { textWeight: number; trustWeight: number }): Scores {
  const settled = zScores(evidence.settled);
  const text = evidence.text
    ? zScores(evidence.text).map((z) => weights.textWeight * z)
    : settled.map(() => 0);
  const trust = Float64Array.from(evidence.trust, (t) => (t < 1 ? weights.trustWeight * naturalLog(t) : 0));
  return { score: settled.map((z, i) => z + text[i]! + trust[i]!), settled, text, trust };
}
