import { CandidateError, show } from "../errors.ts";
import { exponential, naturalLog } from "../math.ts";
import { resolveOptions } from "../options/options.ts";
import type { Calibration } from "../options/scales.ts";
import type { Options } from "../options/types.ts";
import { type RerankResult, rerank } from "../rerank.ts";
import { type LabelledQuery, readLabelled, TuneError, within } from "./labelled.ts";
import { generator } from "./random.ts";

/** What {@link calibrate} learned. */
export interface Calibrated {
  /** What to hand to `rerank` as `relevanceCalibration`. */
  readonly relevanceCalibration: Calibration;
  /** How many queries it was learned from. */
  readonly queries: number;
  /**
   * By how much relevance misses the share of relevant documents, in ten bins of equal width (expected calibration error), on
   * halves of the queries: as it was, and with what was learned from the other half. Mean of both halves and of five ways to deal
   * them.
   */
  readonly error: { readonly before: number; readonly learned: number };
}

/** A document among the first: its logit, and 1 if it is relevant. */
export interface Sample {
  readonly logit: number;
  readonly label: number;
}

/** From fewer queries what is learned misses as much as what is there. */
const FEWEST = 10;
/** How many documents of a query are looked at. */
export const FIRST = 10;
/** In how many ways the queries are dealt into halves. */
const SPLITS = 5;

/**
 * Learns from labelled queries how relevance becomes a probability: the two numbers of `level + slope logit`, from the first ten
 * documents of each query. They minimize `Σ (ln(1 + exp z) - label z) + .05 level² + 2.5 (slope - 1)²` (Platt 1999 with a pull
 * towards what is there), with a slope of at least .1. Order and comparability stay as they are.
 *
 * They hold for the same options, above all the same `relevanceScale`, and for queries and collections of the kind. Ten queries
 * are enough to halve the error; from twenty on little is gained. Deterministic; the order of the queries matters to `error` alone.
 *
 * @param queries labelled queries; those whose candidates hold nothing relevant count too.
 * @param options those that `rerank` will be given.
 *
 * @example
 * const { relevanceCalibration } = calibrate(queries, { relevanceScale: "all-MiniLM-L6-v2" });
 * rerank({ query, queryText, candidates, relevanceScale: "all-MiniLM-L6-v2", relevanceCalibration });
 *
 * @throws {TuneError} if fewer than ten queries have documents of known relevance; it says how many are missing.
 * @throws {OptionError | VectorError | CandidateError} naming the query at fault.
 */
export function calibrate(queries: readonly LabelledQuery[], options: Options = {}): Calibrated {
  if (!Array.isArray(queries)) throw new CandidateError("queries", `must be an array, not ${show(queries)}`);
  const asked = { ...options, minRelevance: 0, k: FIRST };
  resolveOptions(asked);
  const samples = (queries as readonly LabelledQuery[]).map((query, index) =>
    within(`queries[${index}]`, () => {
      const { request, grades } = readLabelled(query);
      return samplesOf(rerank({ ...asked, ...request }), grades);
    }),
  );
  const learned = calibrationOf(samples);
  if (learned !== null) return learned;
  const found = samples.filter(isSome).length;
  const missing = FEWEST - found;
  throw new TuneError(
    `${found} labelled queries have documents of known relevance; ${FEWEST} are needed to calibrate it: ` +
      `label ${missing} more`,
    FEWEST,
    missing,
  );
}

/** The same for the samples of queries; null where too few have any. */
export function calibrationOf(all: readonly (readonly Sample[])[]): Calibrated | null {
  const samples = all.filter(isSome);
  if (samples.length < FEWEST) return null;
  const errors = Array.from({ length: SPLITS }, (_, split) => {
    const below = generator(split);
    const dealt = samples
      .map((of) => ({ of, draw: below(2 ** 32) }))
      .sort((a, b) => a.draw - b.draw)
      .map(({ of }) => of);
    const half = Math.floor(dealt.length / 2);
    const [one, other] = [dealt.slice(0, half).flat(), dealt.slice(half).flat()];
    return {
      before: (errorOf(one) + errorOf(other)) / 2,
      learned: (errorOf(calibrated(one, learn(other))) + errorOf(calibrated(other, learn(one)))) / 2,
    };
  });
  const mean = (of: "before" | "learned") => errors.reduce((sum, error) => sum + error[of], 0) / SPLITS;
  return {
    relevanceCalibration: learn(samples.flat()),
    queries: samples.length,
    error: { before: mean("before"), learned: mean("learned") },
  };
}

const isSome = ({ length }: readonly Sample[]): boolean => length > 0;

/** The first documents of a bundle of known relevance, before any calibration. */
export function samplesOf(
  { bundle, receipt }: RerankResult,
  grades: ReadonlyMap<string, number>,
): readonly Sample[] {
  const { level, slope } = receipt.params.relevanceCalibration;
  return bundle.slice(0, FIRST).flatMap(({ id, relevance }) => {
    if (relevance === null) return [];
    const logit = naturalLog(relevance) - naturalLog(1 - relevance);
    return [{ logit: (logit - level) / slope, label: Number((grades.get(id) ?? 0) > 0) }];
  });
}

/** Pulls of level and slope towards 0 and 1. */
const LEVEL_PULL = 0.1;
const SLOPE_PULL = 5;
const LEAST_SLOPE = 0.1;

/** The minimum by Newton's method, with steps halved as long as they lead up. To four decimals. */
function learn(all: readonly Sample[]): Calibration {
  // Sums must not depend on the order of the queries.
  const samples = all.toSorted((a, b) => a.logit - b.logit || a.label - b.label);
  let at = [0, 1] as readonly [number, number];
  let loss = lossOf(samples, at);
  for (let step = 0; step < 50; step++) {
    const [level, slope] = at;
    let [g0, g1] = [LEVEL_PULL * level, SLOPE_PULL * (slope - 1)];
    let [h00, h01, h11] = [LEVEL_PULL, 0, SLOPE_PULL];
    for (const { logit, label } of samples) {
      const p = probability(level + slope * logit);
      const weight = p * (1 - p);
      g0 += p - label;
      g1 += (p - label) * logit;
      h00 += weight;
      h01 += weight * logit;
      h11 += weight * logit * logit;
    }
    const determinant = h00 * h11 - h01 * h01;
    const [d0, d1] = [(h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant];
    let share = 1;
    let next = [level - d0, slope - d1] as const;
    while (share > 1e-6 && lossOf(samples, next) > loss) {
      share /= 2;
      next = [level - share * d0, slope - share * d1];
    }
    at = next;
    loss = lossOf(samples, at);
    if (share * Math.max(Math.abs(d0), Math.abs(d1)) < 1e-9) break;
  }
  const rounded = (value: number) => Math.round(value * 1e4) / 1e4;
  return { level: rounded(at[0]), slope: Math.max(LEAST_SLOPE, rounded(at[1])) };
}

function lossOf(samples: readonly Sample[], [level, slope]: readonly [number, number]): number {
  const pulled = (LEVEL_PULL * level * level + SLOPE_PULL * (slope - 1) * (slope - 1)) / 2;
  return samples.reduce((sum, { logit, label }) => {
    const z = level + slope * logit;
    return sum + Math.max(0, z) + naturalLog(1 + exponential(-Math.abs(z))) - label * z;
  }, pulled);
}

function probability(z: number): number {
  const e = exponential(-Math.abs(z));
  return z < 0 ? e / (1 + e) : 1 / (1 + e);
}

const calibrated = (samples: readonly Sample[], { level, slope }: Calibration): Sample[] =>
  samples.map(({ logit, label }) => ({ logit: level + slope * logit, label }));

/** The expected calibration error in ten bins of equal width. */
function errorOf(samples: readonly Sample[]): number {
  const bins = Map.groupBy(samples, ({ logit }) => Math.min(9, Math.floor(10 * probability(logit))));
  let sum = 0;
  for (const bin of bins.values()) {
    sum += Math.abs(bin.reduce((gap, { logit, label }) => gap + probability(logit) - label, 0));
  }
  return sum / samples.length;
}
