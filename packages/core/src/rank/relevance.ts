import { kernel } from "../kernels/fastest.ts";
import { exponential } from "../math.ts";
import { type Scale, scaleOf } from "../options/scales.ts";
import type { Pool } from "../pool/pool.ts";
import { ownSimilarities, type Query } from "../pool/query.ts";
import type { Problem } from "../solve/problem.ts";
import { gramsOf } from "../words/cut.ts";
import { type Evidence, filled, type Weighed, weighed } from "./evidence.ts";

/**
 * What relevance is judged by: the cosine on the embedder's scale, or on the pool's own where the embedder is not known, with
 * the words or without; or the words alone.
 */
export type Basis = "scale+words" | "scale" | "pool+words" | "pool" | "words";

/** `constant + cosine x + words b + lead g`; see {@link relevanceOf}. */
export interface Coefficients {
  readonly constant: number;
  readonly cosine: number;
  readonly words: number;
  readonly lead: number;
}

/** Fitted on sixteen collections with two embedders, and rounded: docs/ranking.md. */
const COEFFICIENTS: Readonly<Record<Basis, Coefficients>> = {
  "scale+words": { constant: -3.2, cosine: 0.9, words: 2.9, lead: 0.38 },
  scale: { constant: -2.7, cosine: 0.95, words: 0, lead: 0.5 },
  "pool+words": { constant: -1.5, cosine: 2.5, words: 4.6, lead: 0.53 },
  pool: { constant: -0.85, cosine: 3.5, words: 0, lead: 0.63 },
  words: { constant: -1.9, cosine: 0, words: 6.1, lead: 0.44 },
};

/** In fewer documents than this, too few are foreign to the query for the pool to stand in for the embedder. */
const FEWEST = 20;
/** Documents that are nearer to one another than this count as this far, as they do where all are the same. */
const NEAREST = 0.01;
/** Beyond this a logit says no more: relevance is within 1e-13 of 0 or 1. */
const LARGEST = 30;

/** How relevant the nodes of a pool are. */
export interface Relevance {
  readonly basis: Basis;
  readonly coefficients: Coefficients;
  /** What the cosines are measured on; null where they have no share. */
  readonly scale: Scale | null;
  /** The BM25 on grams that no document can exceed; null where words have no share. */
  readonly most: number | null;
  /** In [0, 1], by node; never rising along the ranking. */
  readonly values: Float64Array;
  /** How many of the first in the ranking are as relevant as was asked for. */
  readonly reached: number;
  /** The score, standardized, times its coefficient: `lead g` is its distance from the first's. */
  readonly lead: Weighed;
  /** How far `cosine x + words b` may be off by rounding. */
  readonly rounding: number;
}

/**
 * Judges how relevant each node is, by the pool and its query alone:
 *
 *     l = constant + cosine x + words b + lead g,   relevance = 1 / (1 + exp(-(level + slope l)))
 *
 * - `x = (c - mean) / spread`, c the cosine with the query, on the embedder's scale. Where that is not known the pool's own
 *   stands in, with mean D and spread `1 - D`, D the mean cosine of two of its documents: how much nearer the query is to the
 *   document than documents are to one another.
 * - `b = BM25 / ((k1 + 1) Σ idf)` on the query's grams, those that no document holds included: the share of what it could be.
 * - `g = (s - highest s) / deviation` <= 0, s the score that ranks.
 *
 * Along the ranking relevance is at most that of the document before. Level and slope are the option `relevanceCalibration`.
 *
 * @returns null where nothing tells on an absolute scale: scores on an unknown one, or few vectors, without words.
 */
export function relevanceOf(
  { pool, params, words }: Problem,
  query: Query,
  evidence: Evidence,
  score: Float64Array,
  order: readonly number[],
): Relevance | null {
  const known = scaleOf(params.relevanceScale);
  const cosines = cosinesOf(pool, query, evidence, known);
  const scale = cosines && (known ?? poolScale(pool));
  const asksWords = () => params.textWeight > 0 && words() !== null && gramsOf(query.text ?? "").length > 0;
  const basis = basisOf(scale, known, evidence.hasWords, asksWords);
  if (basis === null) return null;
  const coefficients = COEFFICIENTS[basis];
  const { constant, cosine, words: ofWords } = coefficients;
  const { most } = evidence;
  const grams = evidence.channels.find(({ name }) => name === "grams");
  const lead = weighed("lead", score, coefficients.lead);
  const { level, slope } = params.relevanceCalibration;
  const values = new Float64Array(order.length);
  let least = 1;
  let furthest = 0;
  for (const node of order) {
    const x = scale === null ? 0 : (cosines![node]! - scale.mean) / scale.spread;
    const b = most === null ? 0 : grams!.values[node]! / most;
    const l = constant + cosine * x + ofWords * b + lead.term[node]! - lead.term[order[0]!]!;
    least = Math.min(least, logistic(level + slope * l));
    furthest = Math.max(furthest, Math.abs(1 - x));
    values[node] = least;
  }
  const below = order.findIndex((node) => values[node]! < params.minRelevance);
  const ofCosine = evidence.channels[0]!.rounding + (known ? 0 : furthest * meanRounding(pool));
  return {
    basis,
    coefficients,
    scale,
    most,
    values,
    reached: below < 0 ? order.length : below,
    lead,
    rounding:
      (scale === null ? 0 : (cosine * ofCosine) / scale.spread) +
      (most === null ? 0 : (ofWords * grams!.rounding) / most),
  };
}

function basisOf(
  scale: Scale | null,
  known: Scale | null,
  hasWords: boolean,
  asksWords: () => boolean,
): Basis | null {
  // Words that match nothing say so, where they are alone; beside vectors they may be of another language.
  if (scale === null) return asksWords() ? "words" : null;
  if (known) return hasWords ? "scale+words" : "scale";
  return hasWords ? "pool+words" : "pool";
}

/**
 * The cosine of each node with the query; one without a vector takes the lowest. Scores that came are taken for cosines where
 * a scale was named, unless they cannot be any: ranks and distances turned round have nothing above 0.
 */
function cosinesOf(
  pool: Pool,
  query: Query,
  { channels }: Evidence,
  known: Scale | null,
): Float64Array | null {
  const { values } = channels[0]!;
  if (pool.scores !== null) {
    const able = values.every((s) => Math.abs(s) <= 1) && values.some((s) => s > 0);
    return known && able ? values : null;
  }
  // Where the search found all, these are they; what it did not find has the lowest there.
  const own = pool.found === null ? values : ownSimilarities(pool, query);
  const cosines = own.map((value, node) => (hasVector(pool, node) ? value : Number.NaN));
  return cosines.every(Number.isNaN) ? null : filled(cosines);
}

const hasVector = ({ raw, candidate }: Pool, node: number): boolean => raw.norms[candidate[node]!]! > 0;

/** The scale on which the pool's own documents lie; null where there are too few. */
function poolScale(pool: Pool): Scale | null {
  const { vectors, norms } = pool;
  // Each vector at length 1; none where there is none.
  const scale = norms.map((norm, node) => (hasVector(pool, node) ? 1 / norm : 0));
  const n = scale.reduce((count, by) => count + Number(by > 0), 0);
  if (n < FEWEST) return null;
  kernel.hold(vectors);
  const [rows, by, sum] = kernel.place(vectors, scale, new Float64Array(vectors.stride));
  kernel.sumRows(rows, by, sum);
  // |Σ v|² is the sum of the cosines of all pairs, those of each vector with itself, which are 1, included.
  let all = 0;
  for (let c = 0; c < sum.length; c++) all += sum[c]! * sum[c]!;
  const mean = (all - n) / (n * (n - 1));
  const spread = Math.max(NEAREST, 1 - mean);
  return { mean: 1 - spread, spread };
}

/** How far the mean cosine of two documents may be off by rounding. */
const meanRounding = ({ vectors }: Pool): number => 8 * (vectors.rows + vectors.stride) * 2 ** -53;

/** The logistic function, of a logit cut at {@link LARGEST}. */
function logistic(logit: number): number {
  const e = exponential(-Math.min(LARGEST, Math.abs(logit)));
  return logit < 0 ? e / (1 + e) : 1 / (1 + e);
}

/** The relevance of each of a list of nodes: at most that of the one before, wherever the list takes it from. */
export function fallingAlong(nodes: readonly number[], { values }: Relevance): number[] {
  let least = 1;
  return nodes.map((node) => {
    least = Math.min(least, values[node]!);
    return least;
  });
}
