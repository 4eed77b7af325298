import type { Pool } from "./collection.ts";
import type { Methods } from "./methods.ts";
import { bootstrapInterval, type Metrics, mean, meanOf, metricNames, metricsOf } from "./metrics.ts";

/** What methods made of the pools of a collection, query by query. The first method is the baseline. */
export interface Evaluation {
  readonly collection: string;
  readonly rankings: Readonly<Record<string, readonly { query: string; ids: readonly string[] }[]>>;
  readonly metrics: Readonly<Record<string, readonly Metrics[]>>;
}

/** Ranks every pool by every method and judges the rankings at the cuts. */
export function evaluate(
  collection: string,
  pools: readonly Pool[],
  methods: Methods,
  cuts: readonly number[],
): Evaluation {
  const ranked = Object.entries(methods).map(([name, method]) => {
    const lines = pools.map((pool) => ({ query: pool.query.id, ids: method(pool) }));
    const metrics = lines.map(({ ids }, i) => metricsOf(ids, pools[i]!.query.gold, cuts));
    return { name, lines, metrics };
  });
  return {
    collection,
    rankings: Object.fromEntries(ranked.map(({ name, lines }) => [name, lines])),
    metrics: Object.fromEntries(ranked.map(({ name, metrics }) => [name, metrics])),
  };
}

export const baselineOf = ({ metrics }: Evaluation): string => Object.keys(metrics)[0]!;

/** By how many percent the mean of a metric is above the baseline's. */
export function gain(evaluation: Evaluation, method: string, metric: string): number {
  const of = (which: string) => meanOf(evaluation.metrics[which]!, metric);
  return 100 * (of(method) / of(baselineOf(evaluation)) - 1);
}

/** A method on one collection: its means, and its difference to the baseline in nDCG at the last cut. */
export interface Row {
  readonly method: string;
  readonly queries: number;
  readonly means: Readonly<Record<string, number>>;
  readonly difference: number;
  readonly interval: readonly [low: number, high: number];
}

export function compare(evaluation: Evaluation, cuts: readonly number[]): Row[] {
  const main = `nDCG@${cuts.at(-1)}`;
  const baseline = evaluation.metrics[baselineOf(evaluation)]!;
  return Object.entries(evaluation.metrics).map(([method, all]) => {
    const differences = all.map((m, i) => m[main]! - baseline[i]![main]!);
    return {
      method,
      queries: all.length,
      means: Object.fromEntries(metricNames(cuts).map((metric) => [metric, meanOf(all, metric)])),
      difference: mean(differences),
      interval: bootstrapInterval(differences),
    };
  });
}

/** A method over collections with the same baseline: mean gains in percent, and the worst in nDCG at the last cut. */
export interface Summary {
  readonly method: string;
  readonly collections: number;
  readonly gains: Readonly<Record<string, number>>;
  readonly worst: number;
}

export function summarize(evaluations: readonly Evaluation[], cuts: readonly number[]): Summary[] {
  const methods = [...new Set(evaluations.flatMap(({ metrics }) => Object.keys(metrics)))];
  return methods.map((method) => {
    const having = evaluations.filter(({ metrics }) => method in metrics);
    const gains = (metric: string) => having.map((e) => gain(e, method, metric)).filter(Number.isFinite);
    return {
      method,
      collections: having.length,
      gains: Object.fromEntries(metricNames(cuts).map((metric) => [metric, mean(gains(metric))])),
      worst: Math.min(...gains(`nDCG@${cuts.at(-1)}`)),
    };
  });
}
