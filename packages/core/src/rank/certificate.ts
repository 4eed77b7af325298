import { moments } from "./math.ts";
import { type Evidence, ROUNDING, type Scores, type ScoreWeights } from "./score.ts";

/**
 * How far the cosine of a vector with any other may be from that of the exact vector, which lies within `bound` of it:
 * `|u/|u| - v/|v|| <= 2 |u - v| / (|u| + |v|)` (Dunkl & Williams 1964). Float32 products add their rounding.
 *
 * @param length of the vector; 0 stands for one whose cosine is 0 by definition.
 */
export function cosineRadius(bound: number, length: number): number {
  if (bound >= length) return length === 0 && bound === 0 ? 0 : 2;
  return (2 * bound) / (2 * length - bound) + ROUNDING;
}

/**
 * How far each score may be from the exact one, for evidence that is known to within a radius. Words and trust are
 * exact; see {@link standardizedScore} for the formula.
 *
 * For `z = (c - mean) / deviation` and radii r: the mean is off by `mean(r)` at most and the deviation, a seminorm, by
 * the root mean square of r, so z by `(r + mean(r) + |z| rms(r)) / (deviation - rms(r))`.
 *
 * @param settled radius of each settled cosine.
 * @param feedback radius of each feedback; null where there is none.
 */
export function scoreRadii(
  evidence: Evidence,
  settled: Float64Array,
  feedback: Float64Array | null,
  weights: ScoreWeights,
  { terms }: Scores,
): Float64Array {
  const ofSettled = zRadii(evidence.settled, terms.settled, settled);
  const ofFeedback =
    evidence.feedback && feedback && zRadii(evidence.feedback, terms.feedback, feedback, weights.feedback);
  const sum = ofSettled.map((radius, i) => radius + (ofFeedback?.[i] ?? 0));
  const largest = sum.reduce((a, b) => Math.max(a, b), 0);
  // trust s + (1 - trust) (lowest - 1), and the lowest is off by no more than the largest radius.
  return sum.map((radius, i) => evidence.trust[i]! * radius + (1 - evidence.trust[i]!) * largest);
}

/** Radii of weighted z-scores of values that are known to within a radius. */
function zRadii(
  values: Float64Array,
  weighted: Float64Array,
  radius: Float64Array,
  weight = 1,
): Float64Array {
  const n = values.length;
  const mean = radius.reduce((sum, r) => sum + r, 0) / n;
  const rms = Math.sqrt(radius.reduce((sum, r) => sum + r * r, 0) / n);
  const { deviation } = moments(values);
  // Whether there is a spread at all is then itself uncertain.
  if (Math.abs(deviation - ROUNDING) <= rms) return radius.map(() => Infinity);
  if (deviation <= ROUNDING) return radius.map(() => 0);
  return radius.map((r, i) => (weight * (r + mean) + Math.abs(weighted[i]!) * rms) / (deviation - rms));
}

/**
 * By how much the narrowest of the gaps that decide the first places of a ranking exceeds what its two scores may be off
 * by together: above 0, the exact scores have the same order there. Infinite where nothing is to be decided, and
 * -Infinity where two scores tie by chance, or may be off by anything.
 *
 * @param order the indices by falling score.
 * @param places how many of the first places are to be decided: their order, and that no other belongs there.
 * @param same whether two indices are equal in all that their scores depend on, so that they tie in any arithmetic.
 */
export function orderMargin(
  order: readonly number[],
  places: number,
  score: Float64Array,
  radius: Float64Array,
  same: (i: number, j: number) => boolean,
): number {
  let margin = Infinity;
  order.slice(0, places).forEach((i, place) => {
    for (const j of order.slice(place + 1)) {
      if (same(i, j)) continue;
      const excess = score[i]! - radius[i]! - (score[j]! + radius[j]!);
      margin = Math.min(margin, score[i] === score[j] || Number.isNaN(excess) ? -Infinity : excess);
    }
  });
  return margin;
}
