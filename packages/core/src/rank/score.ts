import { moments, skewness, zScores } from "./math.ts";
import type { TextEvidence } from "./text.ts";

/** What is known of each candidate before the score: one entry a candidate. */
export interface Evidence {
  /** Cosine of its settled vector with the query; where there are no vectors, the score that it came with. */
  readonly settled: Float64Array;
  /** What the words say; null where there are none. */
  readonly text: TextEvidence | null;
  /** Mean cosine of its settled vector with those of the best; null if that carries no weight. */
  readonly feedback: Float64Array | null;
  /** How much its neighbourhood gained in coherence; null if that carries no weight. */
  readonly coherence: Float64Array | null;
  /** Trust in [0, 1]. */
  readonly trust: Float64Array;
}

/** The terms that add up to a candidate's score, in standard deviations of the pool. */
export interface Terms {
  readonly settled: number;
  /** Grams, phrases and title together. */
  readonly text: number;
  readonly feedback: number;
  readonly coherence: number;
  readonly trust: number;
}

/** The score of each candidate, and the terms that it is the sum of. */
export interface Scores {
  readonly score: Float64Array;
  readonly terms: { readonly [term in keyof Terms]: Float64Array };
}

/** What float32 arithmetic may add to a cosine: a spread below it says nothing about the documents. */
export const ROUNDING = 1e-6;

/** z of the coherence drops; drops that agree in four digits count as equal: the solver reaches no more. */
function zOfCoherence(drops: Float64Array): Float64Array {
  const largest = drops.reduce((max, drop) => Math.max(max, Math.abs(drop)), 0);
  return zScores(drops, 1e-4 * largest);
}

/** The weights of the parts; see the options of the same names. */
export interface ScoreWeights {
  readonly textWeight: number;
  readonly textTail: number;
  readonly phraseWeight: number;
  readonly titleWeight: number;
  readonly feedback: number;
  readonly coherenceWeight: number;
}

/**
 * `score = z(settled) + text + feedback z(feedback) + coherenceWeight z(coherence) + trust term`, z over the pool, with
 * `text = textWeight ((1 + textTail skew) z(grams) + phraseWeight z(phrases) + titleWeight z(title))`.
 *
 * The parts are put on one scale before they are added: the cosines of a pool differ in the second decimal, BM25 in
 * units, and a sum of raw values would let one of them decide alone. `skew` is the skewness of the grams' scores, if
 * positive: where a few documents stand far above the rest, as those that hold a name of the query do, the words know
 * what they say; where all are alike, they do not.
 *
 * The trust term is `(trust - 1) (s - lowest + 1)`, s the sum of the others: it takes the share `1 - trust` of a
 * candidate's lead over one deviation below the pool's lowest. Trust 1 takes nothing, trust near 0 leaves it last. Raising
 * a candidate's trust changes no other score, so it never lowers its rank. (An added `ln(trust)` would be no match for a
 * passage that repeats the query's own words and stands nine deviations above the rest, as the false ones do.)
 */
export function standardizedScore(evidence: Evidence, weights: ScoreWeights): Scores {
  const { trust } = evidence;
  const none = trust.map(() => 0);
  const part = (values: Float64Array | null | undefined, weight: number, noise = 0): Float64Array =>
    values && weight > 0 ? zScores(values, noise).map((z) => weight * z) : none;
  const words = evidence.text;
  const { textWeight, textTail, phraseWeight, titleWeight } = weights;
  const skew = words && textTail > 0 ? Math.max(0, skewness(words.grams)) : 0;
  const grams = part(words?.grams, textWeight * (1 + textTail * skew));
  const phrases = part(words?.phrases, textWeight * phraseWeight);
  const title = part(words?.title, textWeight * titleWeight);

  const settled = part(evidence.settled, 1, ROUNDING);
  const text = grams.map((g, i) => g + phrases[i]! + title[i]!);
  const feedback = part(evidence.feedback, weights.feedback, ROUNDING);
  const coherence = evidence.coherence
    ? zOfCoherence(evidence.coherence).map((z) => weights.coherenceWeight * z)
    : none;
  const sum = settled.map((z, i) => z + text[i]! + feedback[i]! + coherence[i]!);
  const lowest = sum.reduce((a, b) => Math.min(a, b), Infinity);
  const distrust = sum.map((s, i) => (trust[i]! < 1 ? (trust[i]! - 1) * (s - lowest + 1) : 0));
  const score = sum.map((s, i) => s + distrust[i]!);
  return { score, terms: { settled, text, feedback, coherence, trust: distrust } };
}

/** Scores on the scale of the cosines with the query, same mean and same deviation: what novelty is traded against. */
export function relevanceOf(score: Float64Array, similarity: Float64Array): Float64Array {
  const scores = moments(score);
  const cosines = moments(similarity);
  const scale = scores.deviation > 0 ? cosines.deviation / scores.deviation : 0;
  return score.map((s) => cosines.mean + scale * (s - scores.mean));
}

/** The published `alpha z(coherence drop) + (1 - alpha) cos(U*_i, psi)`: two parts on different scales. */
export function publishedScore(evidence: Evidence, { coherenceWeight: alpha }: ScoreWeights): Scores {
  const none = evidence.settled.map(() => 0);
  const settled = evidence.settled.map((cosine) => (1 - alpha) * cosine);
  const coherence = evidence.coherence ? zOfCoherence(evidence.coherence).map((z) => alpha * z) : none;
  const score = settled.map((s, i) => s + coherence[i]!);
  return { score, terms: { settled, text: none, feedback: none, coherence, trust: none } };
}
