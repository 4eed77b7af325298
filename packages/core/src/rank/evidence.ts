import { moments, skewness, unitOf } from "../math.ts";
import type { Params } from "../options/types.ts";
import type { Pool } from "../pool/pool.ts";
import { ownSimilarities, type Query } from "../pool/query.ts";
import type { Problem } from "../solve/problem.ts";
import { type TextEvidence, weighTexts } from "../words/bm25.ts";

/** What is found of the documents of a pool before it is weighed: one entry a node. */
interface Findings {
  readonly similarity: Float64Array;
  /** Whether the similarities are cosines, or scores that came. */
  readonly cosines: boolean;
  /** Null where words have nothing to say, or carry no weight. */
  readonly text: TextEvidence | null;
  /** How far the words are to be believed, and how much the grams stand out; see {@link weigh}. */
  readonly belief: number;
  readonly skew: number;
}

/** A part of the score. */
interface Channel {
  /** Its name in receipts. */
  readonly name: ChannelName;
  /** What it says of each node; null where it says nothing. */
  values(found: Findings): Float64Array | null;
  /** Its weight, in standard deviations of the pool. */
  weight(params: Params, found: Findings): number;
  /** Why a document is high by it, for {@link explainReceipt}. */
  readonly reason: string;
}

/** The parts of the score that every pool can have; further lists come on top, as `list:NAME`. */
type ChannelName = "similarity" | "grams" | "words" | "phrases" | "title";

/**
 * The evidence table: each part of the score once. Score, bundle, receipt, certificate and explanation follow it.
 *
 * `y = z(similarity) + belief ((1 + textTail skew) (.4 z(grams) + .2 z(words)) + .2 z(phrases) + .1 z(title)) + .4 z(list)`
 */
const CHANNELS: readonly Channel[] = [
  {
    name: "similarity",
    values: (found) => found.similarity,
    weight: () => 1,
    reason: "the search found it similar to the query",
  },
  {
    name: "grams",
    values: ({ text }) => text?.grams ?? null,
    weight: ({ textWeight, textTail, gramWeight }, { belief, skew }) =>
      textWeight * belief * (1 + textTail * skew) * gramWeight,
    reason: "it holds pieces of the query's words",
  },
  {
    name: "words",
    values: ({ text }) => text?.words ?? null,
    weight: ({ textWeight, textTail, wordWeight }, { belief, skew }) =>
      textWeight * belief * (1 + textTail * skew) * wordWeight,
    reason: "it holds words of the query",
  },
  {
    name: "phrases",
    values: ({ text }) => text?.phrases ?? null,
    weight: ({ textWeight, phraseWeight }, { belief }) => textWeight * belief * phraseWeight,
    reason: "it holds neighbouring words of the query together",
  },
  {
    name: "title",
    values: ({ text }) => text?.title ?? null,
    weight: ({ textWeight, titleWeight }, { belief }) => textWeight * belief * titleWeight,
    reason: "its title holds words of the query",
  },
];

/** A channel with what it says. */
export interface Weighed {
  /** `similarity`, `grams`, …, or `list:NAME`. */
  readonly name: string;
  readonly values: Float64Array;
  readonly weight: number;
  /** What it adds to each node's evidence: `weight z(values)`. */
  readonly term: Float64Array;
  /** What the next three count in: 1, or a power of two near the largest value where squares of values would overflow. */
  readonly unit: number;
  /** The spread of the values; 0 where it says nothing. */
  readonly deviation: number;
  /** A spread that is no larger than this says nothing. */
  readonly least: number;
  /** How far a value may be from the exact one, by rounding. */
  readonly rounding: number;
}

/** The evidence of a pool, before the best were listened to. */
export interface Evidence {
  readonly channels: readonly Weighed[];
  /** Whether words had something to say. */
  readonly hasWords: boolean;
  readonly belief: number;
  readonly skew: number;
  /** The BM25 on grams that no document can exceed; null where words had nothing to say. */
  readonly most: number | null;
}

/** What float32 arithmetic may add to a cosine: a spread below it says nothing about the documents. */
export const ROUNDING = 1e-6;
/** The same for what is summed in float64: relative to the values' size. */
const RELATIVE = 1e-9;
/** The same for scores that came: they are what they are, and only the arithmetic here rounds. */
const GIVEN = 1e-12;

/** How far words are believed that tell nothing apart. */
const LEAST_BELIEF = 0.2;
/** The share of idf (see `TextEvidence.share`) up to which they are believed no more, and that from which wholly. */
const SHARE_FROM = 0.15;
const SHARE_TO = 0.3;

/**
 * Weighs what is known of each node, channel by channel.
 *
 * Words are believed by what they tell apart: where every candidate holds the query's words, as on pages found for a web
 * question, they tell little. `belief` rises from .2 to 1 as the share of idf rises from .15 to .3. `skew` is the skewness of the
 * grams' scores, if positive: where few documents stand far above the rest, as those that hold a name of the query do, words
 * know what they say.
 */
export function weigh({ pool, params, words: known }: Problem, query: Query): Evidence {
  const words = query.text === null || params.textWeight === 0 ? null : known();
  const text = words && weighTexts(query.text!, words);
  const rise = text ? Math.min(1, Math.max(0, (text.share - SHARE_FROM) / (SHARE_TO - SHARE_FROM))) : 0;
  const found: Findings = {
    similarity: similarities(pool, query),
    cosines: pool.scores === null,
    text,
    belief: LEAST_BELIEF + (1 - LEAST_BELIEF) * rise,
    skew: text ? Math.max(0, skewness(text.grams, RELATIVE * largest(text.grams))) : 0,
  };
  const channels = CHANNELS.flatMap((channel) => {
    const values = channel.values(found);
    if (values === null) return [];
    const cosines = channel.name === "similarity" && found.cosines;
    const rounding = cosines ? pool.vectors.stride * 2 ** -53 : undefined;
    const relative = channel.name === "similarity" ? GIVEN : RELATIVE;
    const noise = cosines ? ROUNDING : 0;
    return [weighed(channel.name, values, channel.weight(params, found), noise, rounding, relative)];
  });
  const lists = pool.lists.map(({ name, scores }) =>
    weighed(
      `list:${name}`,
      filled(pool.norms.map((_, node) => scores[pool.candidate[node]!]!)),
      params.listWeight,
      0,
      undefined,
      GIVEN,
    ),
  );
  const { belief, skew } = found;
  return {
    channels: [...channels, ...lists],
    hasWords: text !== null,
    belief,
    skew,
    most: text?.most ?? null,
  };
}

/**
 * A channel, standardized over the pool.
 *
 * @param noise a spread no larger than this says nothing.
 * @param relative the same as a share of the largest value.
 */
export function weighed(
  name: string,
  values: Float64Array,
  weight: number,
  noise = 0,
  rounding?: number,
  relative = RELATIVE,
): Weighed {
  const unit = unitOf(values);
  const scaled = unit === 1 ? values : values.map((v) => v / unit);
  const size = largest(scaled);
  const least = Math.max(noise / unit, relative * size);
  const { mean, deviation } = moments(scaled);
  const spread = deviation > least ? deviation : 0;
  return {
    name,
    values,
    weight,
    term: scaled.map((v) => (spread > 0 ? weight * ((v - mean) / spread) : 0)),
    unit,
    deviation: spread,
    least,
    rounding: rounding === undefined ? size * 2 ** -46 : rounding / unit,
  };
}

/** Cosine or score of each node; one that the search did not find takes the lowest of those that it did. */
export function similarities(pool: Pool, query: Query): Float64Array {
  const { candidate, found } = pool;
  const own = ownSimilarities(pool, query);
  return filled(
    found === null ? own : own.map((value, node) => (found[candidate[node]!] ? value : Number.NaN)),
  );
}

const largest = (values: Float64Array): number => values.reduce((size, v) => Math.max(size, Math.abs(v)), 0);

/** The lowest of the others in place of each NaN; 0 where there are no others. */
export function filled(values: Float64Array): Float64Array {
  if (!values.some(Number.isNaN)) return values;
  const known = values.filter((v) => !Number.isNaN(v));
  const lowest = known.length > 0 ? known.reduce((a, b) => Math.min(a, b)) : 0;
  return values.map((v) => (Number.isNaN(v) ? lowest : v));
}
