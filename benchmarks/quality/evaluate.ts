import type { Collection, Pool } from "./collection.ts";
import type { Methods } from "./methods.ts";
import { bootstrapInterval, type Metrics, mean, meanOf, metricNames, metricsOf } from "./metrics.ts";

/** What methods made of the pools of a collection, query by query. The first method is the baseline. */
export interface Evaluation {
  readonly collection: string;
  readonly rankings: Readonly<Record<string, readonly { query: string; ids: readonly string[] }[]>>;
  readonly metrics: Readonly<Record<string, readonly Metrics[]>>;
}

/** Ranks every pool of a collection by every method and judges the rankings at the cuts. */
export function evaluate(
  { name: collection, copies }: Pick<Collection, "name" | "copies">,
  pools: readonly Pool[],
  methods: Methods,
  cuts: readonly number[],
): Evaluation {
  const ranked = Object.entries(methods).map(([name, method]) => {
    const lines = pools.map((pool) => ({ query: pool.query.id, ids: method(pool) }));
    const metrics = lines.map(({ ids }, i) => metricsOf(ids, pools[i]!.query.gold, cuts, copies));
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

/** The mean difference of two methods in nDCG at the last cut, query by query, and its 95 % interval. */
export interface Difference {
  readonly difference: number;
  readonly interval: readonly [low: number, high: number];
}

export function differenceOf(
  { metrics }: Evaluation,
  method: string,
  against: string,
  cuts: readonly number[],
): Difference {
  const main = mainOf(cuts);
  const differences = metrics[method]!.map((m, i) => m[main]! - metrics[against]![i]![main]!);
  return { difference: mean(differences), interval: bootstrapInterval(differences) };
}

/** What the intervals and the worst cases are of: nDCG at the last cut. */
const mainOf = (cuts: readonly number[]): string => `nDCG@${cuts.at(-1)}`;

/** A method on one collection: its means, its gain over the baseline in percent and its difference to it. */
export interface Row extends Difference {
  readonly method: string;
  readonly queries: number;
  readonly means: Readonly<Record<string, number>>;
  readonly gain: number;
}

export function compare(evaluation: Evaluation, cuts: readonly number[]): Row[] {
  const baseline = baselineOf(evaluation);
  return Object.entries(evaluation.metrics).map(([method, all]) => ({
    method,
    queries: all.length,
    means: Object.fromEntries(metricNames(cuts).map((metric) => [metric, meanOf(all, metric)])),
    gain: gain(evaluation, method, mainOf(cuts)),
    ...differenceOf(evaluation, method, baseline, cuts),
  }));
}

/** The peer that the default is held against, beside the baseline: what a hybrid search does by itself. */
export const RIVAL = "weighted-sum";

/** How the default stands against another method: on how many collections it is ahead and behind. */
export interface Standing {
  readonly against: string;
  readonly collections: number;
  readonly ahead: number;
  readonly behind: number;
  /** Those of them where the whole 95 % interval is. */
  readonly surelyAhead: number;
  readonly surelyBehind: number;
}

export function standings(evaluations: readonly Evaluation[], cuts: readonly number[]): Standing[] {
  return [baselineOf(evaluations[0]!), RIVAL].map((against) => {
    const all = evaluations.map((evaluation) => differenceOf(evaluation, "default", against, cuts));
    const count = (holds: (d: Difference) => boolean) => all.filter(holds).length;
    return {
      against,
      collections: all.length,
      ahead: count(({ difference }) => difference > 0),
      behind: count(({ difference }) => difference < 0),
      surelyAhead: count(({ interval }) => interval[0] > 0),
      surelyBehind: count(({ interval }) => interval[1] < 0),
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
      worst: Math.min(...gains(mainOf(cuts))),
    };
  });
}
