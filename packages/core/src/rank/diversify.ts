/** The indices by falling score; equal scores in the order in which the candidates came. */
export function ranking(score: Float64Array, place: ArrayLike<number>): number[] {
  return Array.from(score.keys()).sort((a, b) => score[b]! - score[a]! || place[a]! - place[b]!);
}

/**
 * The first k of a ranking by maximal marginal relevance (Carbonell & Goldstein 1998): again and again the candidate
 * with the largest `(1 - diversity) relevance_i - diversity max_(j chosen) similarity(i, j)`. Diversity 0 is exactly the
 * ranking.
 *
 * @param order the ranking to choose from.
 * @param relevance the scores, on the scale of the similarities.
 * @param similarity the cosine of two candidates.
 */
export function diversify(
  order: readonly number[],
  relevance: Float64Array,
  k: number,
  diversity: number,
  similarity: (i: number, j: number) => number,
): number[] {
  if (diversity === 0) return order.slice(0, k);
  const nearest = new Float64Array(relevance.length);
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
