import { moments } from "../math.ts";
import type { Params } from "../options/types.ts";
import type { Pool } from "../pool/pool.ts";
import type { State } from "../solve/state.ts";
import { CHANNELS, type Evidence, ROUNDING, type ScoreWeights } from "./evidence.ts";
import type { Scores } from "./fuse.ts";
import type { Pass, Ranking } from "./rank.ts";

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
 * exact; see {@link fuse} for the formula.
 *
 * For `z = (c - mean) / deviation` and radii r: the mean is off by `mean(r)` at most and the deviation, a seminorm, by
 * the root mean square of r, so z by `(r + mean(r) + |z| rms(r)) / (deviation - rms(r))`.
 *
 * @param settled radius of each settled cosine.
 * @param feedback radius of each feedback; null where there is none.
 */
function scoreRadii(
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

/**
 * By how much the narrowest gap that decided a bundle exceeds what the scores may be off by: above 0, the exact solution
 * gives the same bundle in the same order. Infinite where nothing was to be decided.
 *
 * @param bounds how far each settled vector may be from the exact one.
 * @param places how many of the first places of the ranking are to be decided.
 */
export function marginOf(
  { first, last, best, order }: Ranking,
  places: number,
  { twin, scores: given }: Pool,
  { squares }: State,
  bounds: Float64Array,
  params: Params,
): number {
  const cosines = bounds.map((_, i) => cosineRadius(bounds[twin[i]!]!, Math.sqrt(squares[twin[i]!]!)));
  // Scores that candidates came with are exact.
  const settled = given === null ? cosines : cosines.map(() => 0);
  const radiusOf = ({ evidence, scores }: Pass, feedback: Float64Array | null) =>
    scoreRadii(evidence, settled, feedback, params, scores);
  const { score } = last.scores;
  // Not the scores, which may agree by rounding alone: what they are made of.
  const { evidence } = last;
  const exact = CHANNELS.filter((channel) => channel.exact).map(({ part }) => evidence[part]);
  const same = (i: number, j: number) =>
    twin[i] === twin[j] && [evidence.trust, ...exact].every((values) => values?.[i] === values?.[j]);
  if (best === null) return orderMargin(order, places, score, radiusOf(last, null), same);
  const ofBest = best.reduce((sum, i) => sum + cosines[i]!, 0) / best.length;
  const feedback = cosines.map((own) => own + ofBest);
  return Math.min(
    marginOfBest(best, first.scores.score, radiusOf(first, null), same, params.feedbackDocuments),
    orderMargin(order, places, score, radiusOf(last, feedback), same),
  );
}

/** By how much the best stand above the rest: their order decides nothing, and neither does that of exact ties. */
function marginOfBest(
  best: readonly number[],
  score: Float64Array,
  radius: Float64Array,
  same: (i: number, j: number) => boolean,
  wanted: number,
): number {
  const among = new Set(best);
  const rest = Array.from(score.keys()).filter((i) => !among.has(i));
  if (rest.length === 0) return Infinity;
  const last = best.reduce((a, b) => (score[b]! < score[a]! ? b : a), best[0]!);
  const tied = best.filter((i) => score[i] === score[last]);
  if (best.length > wanted && tied.some((i) => !same(i, last))) return -Infinity;
  const lowest = best.reduce((low, i) => Math.min(low, score[i]! - radius[i]!), Infinity);
  return lowest - rest.reduce((high, i) => Math.max(high, score[i]! + radius[i]!), -Infinity);
}
