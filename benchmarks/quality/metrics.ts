import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

import type { Copies } from "./copies.ts";

/** The metrics of one ranking; null where a metric is not defined for the query. */
export type Metrics = Readonly<Record<string, number | null>>;

/** The names of the metrics at these cuts, in the order in which they are shown. */
export const metricNames = (cuts: readonly number[]): string[] =>
  cuts.flatMap((k) => [`nDCG@${k}`, `R@${k}`, `all@${k}`, withoutCopies(k)]);

/** The name of the nDCG in which copies gain nothing. */
export const withoutCopies = (k: number): string => `nDCG@${k} without copies`;

/**
 * - nDCG@k: gains are the grades, discounted by log2(rank + 1); the ideal ranking is made of all gold documents.
 * - R@k: gold documents found in the first k, over min(gold, k).
 * - all@k: 1 if every gold document is in the first k; defined for queries with at most k gold documents.
 * - nDCG@k without copies: a copy of a document that stands before it has no gain; the ideal ranking holds no copies, and of each
 *   text the one with the best grade. A copy has the same text, or nearly the same words and the same grade: where the judges
 *   told two near copies apart, they are two documents.
 */
export function metricsOf(
  ranking: readonly string[],
  gold: ReadonlyMap<string, number>,
  cuts: readonly number[],
  copies: Copies,
): Metrics {
  const metrics: Record<string, number | null> = {};
  const isCopyOf = (id: string) => (other: string) =>
    copies.same(id, other) || (gold.get(id) === gold.get(other) && copies.near(id, other));
  const gains = ranking
    .slice(0, Math.max(...cuts))
    .map((id, i, all) => (gold.has(id) && !all.slice(0, i).some(isCopyOf(id)) ? gold.get(id)! : 0));
  const grades = new Map<string, number>();
  for (const [id, grade] of [...gold].sort(([, a], [, b]) => b - a)) {
    if (![...grades.keys()].some(isCopyOf(id))) grades.set(id, grade);
  }
  for (const k of cuts) {
    const top = ranking.slice(0, k);
    const found = top.filter((id) => gold.has(id)).length;
    metrics[`nDCG@${k}`] = discounted(top.map((id) => gold.get(id) ?? 0)) / discounted(idealOf(gold, k));
    metrics[`R@${k}`] = found / Math.min(gold.size, k);
    metrics[`all@${k}`] = gold.size > k ? null : Number(found === gold.size);
    metrics[withoutCopies(k)] = discounted(gains.slice(0, k)) / discounted(idealOf(grades, k));
  }
  return metrics;
}

const idealOf = (grades: ReadonlyMap<string, number>, k: number): number[] =>
  [...grades.values()].sort((a, b) => b - a).slice(0, k);

const discounted = (gains: readonly number[]): number =>
  gains.reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0);

/** The mean over the queries for which the metric is defined; NaN if there is none. */
export function meanOf(all: readonly Metrics[], metric: string): number {
  return mean(all.map((m) => m[metric]!).filter((v) => v !== null));
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, v) => sum + v, 0) / values.length;

const RESAMPLES = 2000;

/**
 * The 95 % percentile interval of a mean by the paired bootstrap (Efron 1979; Sakai 2006 for retrieval): queries are
 * drawn with replacement, seeded, so that a second run prints the same.
 */
export function bootstrapInterval(differences: readonly number[], seed = 1): [low: number, high: number] {
  return clusterInterval(
    differences.map((difference) => [difference]),
    seed,
  );
}

/**
 * The same where figures come in groups that are alike, such as the turns of one conversation: whole groups are drawn (the cluster
 * bootstrap; Field and Welsh 2007).
 */
export function clusterInterval(
  groups: readonly (readonly number[])[],
  seed = 1,
): [low: number, high: number] {
  const random = xoroshiro128plus(seed);
  const sums = groups.map((group) => group.reduce((sum, v) => sum + v, 0));
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    let [sum, count] = [0, 0];
    for (let draw = 0; draw < groups.length; draw++) {
      const at = uniformInt(random, 0, groups.length - 1);
      sum += sums[at]!;
      count += groups[at]!.length;
    }
    return sum / count;
  }).sort();
  return [means[Math.floor(0.025 * RESAMPLES)]!, means[Math.ceil(0.975 * RESAMPLES) - 1]!];
}
