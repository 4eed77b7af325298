import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** The metrics of one ranking; null where a metric is not defined for the query. */
export type Metrics = Readonly<Record<string, number | null>>;

/** The names of the metrics at these cuts, in the order in which they are shown. */
export const metricNames = (cuts: readonly number[]): string[] =>
  cuts.flatMap((k) => [`nDCG@${k}`, `R@${k}`, `all@${k}`]);

/**
 * - nDCG@k: gains are the grades, discounted by log2(rank + 1); the ideal ranking is made of all gold documents.
 * - R@k: gold documents found in the first k, over min(gold, k).
 * - all@k: 1 if every gold document is in the first k; defined for queries with at most k gold documents.
 */
export function metricsOf(
  ranking: readonly string[],
  gold: ReadonlyMap<string, number>,
  cuts: readonly number[],
): Metrics {
  const metrics: Record<string, number | null> = {};
  for (const k of cuts) {
    const top = ranking.slice(0, k);
    const ideal = [...gold.values()].sort((a, b) => b - a).slice(0, k);
    const found = top.filter((id) => gold.has(id)).length;
    metrics[`nDCG@${k}`] = discounted(top.map((id) => gold.get(id) ?? 0)) / discounted(ideal);
    metrics[`R@${k}`] = found / Math.min(gold.size, k);
    metrics[`all@${k}`] = gold.size > k ? null : Number(found === gold.size);
  }
  return metrics;
}

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
  const random = xoroshiro128plus(seed);
  const n = differences.length;
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let draw = 0; draw < n; draw++) sum += differences[uniformInt(random, 0, n - 1)]!;
    return sum / n;
  }).sort();
  return [means[Math.floor(0.025 * RESAMPLES)]!, means[Math.ceil(0.975 * RESAMPLES) - 1]!];
}
