import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Harmonic mean of precision and recall of the first `k`. */
export function f1(ranking: readonly string[], grades: ReadonlyMap<string, number>, k: number): number {
  const top = ranking.slice(0, k);
  const found = top.filter((id) => grades.has(id)).length;
  return (2 * found) / (top.length + grades.size);
}

/** Share of traps among the first `k`. */
export function trapRate(ranking: readonly string[], traps: ReadonlySet<string>, k: number): number {
  const top = ranking.slice(0, k);
  return top.length === 0 ? 0 : top.filter((id) => traps.has(id)).length / top.length;
}

/** nDCG of the first `k`: gains are the grades, discounted by log2(rank + 1), over those of the ideal ranking. */
export function ndcg(ranking: readonly string[], grades: ReadonlyMap<string, number>, k: number): number {
  const gains = ranking.slice(0, k).map((id) => grades.get(id) ?? 0);
  const ideal = [...grades.values()].sort((a, b) => b - a).slice(0, k);
  return discounted(gains) / discounted(ideal);
}

const discounted = (gains: readonly number[]): number =>
  gains.reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0);

/** A figure over questions, and its 95 % interval; null for one question, which says nothing of others. */
export interface Figure {
  readonly value: number;
  readonly interval: readonly [low: number, high: number] | null;
}

const RESAMPLES = 2000;

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A statistic with its percentile interval by the bootstrap (Efron 1979): questions are drawn with replacement, by a seed. */
export function figure(
  values: readonly number[],
  of: (values: readonly number[]) => number,
  seed: number,
): Figure {
  if (values.length < 2) return { value: of(values), interval: null };
  const random = xoroshiro128plus(seed);
  const drawn = Float64Array.from({ length: RESAMPLES }, () =>
    of(values.map(() => values[uniformInt(random, 0, values.length - 1)]!)),
  ).sort();
  return {
    value: of(values),
    interval: [drawn[Math.floor(0.025 * RESAMPLES)]!, drawn[Math.ceil(0.975 * RESAMPLES) - 1]!],
  };
}
