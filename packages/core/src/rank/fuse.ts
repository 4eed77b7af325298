import { moments, skewness, zScores } from "../math.ts";
import { CHANNELS, type Evidence, type ScoreWeights, TERMS, type Terms } from "./evidence.ts";

/** The score of each candidate, and the terms that it is the sum of. */
export interface Scores {
  readonly score: Float64Array;
  readonly terms: { readonly [term in keyof Terms]: Float64Array };
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
export function fuse(evidence: Evidence, weights: ScoreWeights): Scores {
  const { trust, text } = evidence;
  const n = trust.length;
  const skew = text && weights.textTail > 0 ? Math.max(0, skewness(text)) : 0;
  const terms: Partial<Record<keyof Terms, Float64Array>> = {};
  for (const { part, term, weight, noise } of CHANNELS) {
    const values = evidence[part];
    const by = weight(weights, skew);
    const z = values && by > 0 ? zScores(values, noise(values)) : null;
    // By loops, for `map` of a typed array takes several times as long.
    const sum = terms[term];
    if (sum === undefined) {
      const first = new Float64Array(n);
      for (let i = 0; z !== null && i < n; i++) first[i] = by * z[i]!;
      terms[term] = first;
    } else {
      // Nothing is added as 0: -0 becomes 0, as it does where there are words.
      for (let i = 0; i < n; i++) sum[i]! += z === null ? 0 : by * z[i]!;
    }
  }
  const all = terms as Record<keyof Terms, Float64Array>;
  const [head, ...tail] = TERMS.map((term) => all[term]) as [Float64Array, ...Float64Array[]];
  const score = head.slice();
  for (const values of tail) {
    for (let i = 0; i < n; i++) score[i]! += values[i]!;
  }
  let lowest = Infinity;
  for (let i = 0; i < n; i++) lowest = Math.min(lowest, score[i]!);
  all.trust = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    if (trust[i]! < 1) all.trust[i] = (trust[i]! - 1) * (score[i]! - lowest + 1);
    score[i]! += all.trust[i]!;
  }
  return { score, terms: all };
}

/** Scores on the scale of the cosines with the query, same mean and same deviation: what novelty is traded against. */
export function relevanceOf(score: Float64Array, similarity: Float64Array): Float64Array {
  const scores = moments(score);
  const cosines = moments(similarity);
  const scale = scores.deviation > 0 ? cosines.deviation / scores.deviation : 0;
  return score.map((s) => cosines.mean + scale * (s - scores.mean));
}
