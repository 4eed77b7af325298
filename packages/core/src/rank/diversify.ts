import { indices, moments, naturalLog } from "../math.ts";
import type { DiversityMethod } from "../options/types.ts";

/** The indices by falling score; equal scores in the order in which the candidates came. */
export function ranking(score: Float64Array, place: ArrayLike<number>): number[] {
  return indices(score.length).sort((a, b) => score[b]! - score[a]! || place[a]! - place[b]!);
}

/** The place of one index in their {@link ranking}, from 1. */
export function placeOf(index: number, score: Float64Array, place: ArrayLike<number>): number {
  const [own, came] = [score[index]!, place[index]!];
  return score.reduce((at, s, i) => (s > own || (s === own && place[i]! < came) ? at + 1 : at), 1);
}

/** The cosine of two candidates; symmetric. */
type Similarity = (i: number, j: number) => number;

/** How redundant candidate i is now that j, the `count`-th, is chosen too: told of each choice in turn. */
type Redundancy = (i: number, j: number, count: number) => number;

/** Scores on the scale of the similarities, same mean and same deviation: what novelty is traded against. */
export function onScaleOf(similarity: Float64Array, score: Float64Array): Float64Array {
  const scores = moments(score);
  const cosines = moments(similarity);
  const scale = scores.deviation > 0 ? cosines.deviation / scores.deviation : 0;
  return score.map((s) => cosines.mean + scale * (s - scores.mean));
}

/** `"mmr"`: like one of the chosen. `"msd"`: like the chosen on average. `"dpp"`: made up of the chosen together. */
const REDUNDANCY: Record<DiversityMethod, (n: number, similarity: Similarity) => Redundancy> = {
  mmr: nearest,
  msd: average,
  dpp: flatness,
};

/**
 * The first k of a ranking, few of them redundant: the first of the ranking, then again and again the candidate with
 * the largest `(1 - diversity) relevance_i - diversity redundancy_i`; of equals the first in the ranking. Diversity 0
 * is exactly the ranking; at 1 relevance decides the first alone.
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
  similarity: Similarity,
  method: DiversityMethod = "mmr",
): number[] {
  if (diversity === 0) return order.slice(0, k);
  const redundancyOf = REDUNDANCY[method](relevance.length, similarity);
  const redundancy = new Float64Array(relevance.length);
  const value = (i: number) => (1 - diversity) * relevance[i]! - diversity * redundancy[i]!;
  const left = [...order];
  const chosen: number[] = [];
  while (chosen.length < k && left.length > 0) {
    // The first of equals: `left` runs in the order of the ranking.
    const best = chosen.length === 0 ? left[0]! : left.reduce((a, b) => (value(b) > value(a) ? b : a));
    left.splice(left.indexOf(best), 1);
    chosen.push(best);
    for (const i of left) redundancy[i] = redundancyOf(i, best, chosen.length);
  }
  return chosen;
}

/** Maximal marginal relevance (Carbonell & Goldstein 1998): `max_(j chosen) similarity(i, j)`. */
function nearest(n: number, similarity: Similarity): Redundancy {
  const largest = new Float64Array(n).fill(-Infinity);
  return (i, j) => {
    largest[i] = Math.max(largest[i]!, similarity(i, j));
    return largest[i]!;
  };
}

/**
 * Max-sum dispersion (Gollapudi & Sharma 2009; the greedy algorithm of Borodin, Lee & Ye 2012):
 * `mean_(j chosen) similarity(i, j)`.
 *
 * Each step takes the largest `(1 - diversity) relevance_i + diversity mean_j (1 - similarity(i, j))`, which is the
 * same but for a constant. The papers add up the distances, so that they outgrow relevance as the choice grows; the
 * mean stays on the scale of one similarity, and `diversity` means what it means to maximal marginal relevance: the two
 * agree on the second choice, and a mean is never above the maximum. (The papers' factor of 2 from the optimum is for
 * sums of metric distances; `1 - cosine` is none, and it is not claimed here.)
 */
function average(n: number, similarity: Similarity): Redundancy {
  const sum = new Float64Array(n);
  return (i, j, count) => {
    sum[i]! += similarity(i, j);
    return sum[i]! / count;
  };
}

/**
 * The square of a height from which on it is more than rounding: ten times what float32 may add to a cosine. A cosine
 * of 0.999995 with one of the chosen lies there.
 */
const FLAT = 1e-5;

/**
 * The greedy mode of a determinantal point process (Kulesza & Taskar 2012): `-ln h_i`, h_i the height of candidate i's
 * unit vector above the span of the chosen; infinite where there is none, so that copies come last, in the order of the
 * ranking.
 *
 * Each step takes the largest `det L` over the chosen and i, for `L_ij = q_i S_ij q_j`, S the cosines and
 * `q_i = exp((1 - diversity) / diversity relevance_i)`: i multiplies `√det L`, the volume, by `q_i h_i`, of which
 * `(1 - diversity) relevance_i + diversity ln h_i` is a rising function. Quality thus needs no exponential; at
 * diversity 1 it is 1, and volume alone decides. A cosine s with the only one chosen costs `-ln √(1 - s²)`: 0.02 at 0.2,
 * 0.14 at 0.5, 0.51 at 0.8, 1.16 at 0.95; less than s itself up to 0.91, more from 0.92 on. So does -s: what points the
 * other way adds no volume either.
 *
 * `h_i² = det S(chosen and i) / det S(chosen)` by one more column of the Cholesky factor for each choice, O(n k²) in all
 * (Chen, Zhang & Zhou 2018): `e = (S_ij - row_i · row_j) / h_j`, appended to row i, and `h_i² -= e²`.
 */
function flatness(n: number, similarity: Similarity): Redundancy {
  const row = Array.from({ length: n }, (): number[] => []);
  const square = new Float64Array(n).fill(1);
  return (i, j) => {
    // Once flat, always flat. And j is not: it would have come after i.
    if (square[i]! < FLAT) return Infinity;
    const shared = row[j]!.reduce((sum, e, c) => sum + e * row[i]![c]!, 0);
    const e = (similarity(i, j) - shared) / Math.sqrt(square[j]!);
    row[i]!.push(e);
    square[i]! -= e * e;
    return square[i]! < FLAT ? Infinity : -naturalLog(square[i]!) / 2;
  };
}
