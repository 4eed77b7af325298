import { moments } from "./math.ts";

/** The indices by falling score; equal scores by rising `tieBreak`, the place where the candidate came. */
export function ranking(score: Float64Array, tieBreak: ArrayLike<number>): number[] {
  return Array.from(score.keys()).sort((a, b) => score[b]! - score[a]! || tieBreak[a]! - tieBreak[b]!);
}

/**
 * The first k of a ranking by maximal marginal relevance (Carbonell & Goldstein 1998): again and again the candidate
 * with the largest `(1 - diversity) relevance_i - diversity max_(j chosen) similarity(i, j)`.
 *
 * The scores are first put on the scale of the cosines with the query (same mean and deviation), so that relevance and
 * similarity are traded like for like. Diversity 0 is exactly the ranking.
 *
 * @param order the ranking to choose from.
 * @param queryCosine the candidates' own cosines with the query.
 * @param similarity the cosine of two candidates.
 */
export function diversify(
  order: readonly number[],
  score: Float64Array,
  queryCosine: Float64Array,
  k: number,
  diversity: number,
  similarity: (i: number, j: number) => number,
): number[] {
  if (diversity === 0) return order.slice(0, k);
  const scores = moments(score);
  const cosines = moments(queryCosine);
  const scale = scores.deviation > 0 ? cosines.deviation / scores.deviation : 0;
  const relevance = score.map((s) => cosines.mean + scale * (s - scores.mean));
  const nearest = new Float64Array(score.length);
  const value = (i: number) => (1 - diversity) * relevance[i]! - diversity * nearest[i]!;
  const left = [...order];
  const chosen: number[] = [];
  while (chosen.length < k && left.length > 0) {
    // The first of equals: `left` runs in the order of the ranking.
    const best = left.reduce((a, b) => (value(b) > value(a) ? b : a));
    left.splice(left.indexOf(best), 1);
    for (const i of left) {
      const s = similarity(i, best);
      nearest[i] = chosen.length === 0 ? s : Math.max(nearest[i]!, s);
    }
    chosen.push(best);
  }
  return chosen;
}
