import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { type Collection, entryOf, type Pool } from "./collection.ts";
import { evaluate, gain } from "./evaluate.ts";
import { cosine, type Settings, standard, withFound } from "./methods.ts";
import { mean, meanOf } from "./metrics.ts";

const METRIC = "nDCG@10";
const SEED = 1;
/** How much larger than the pool the pool with random documents is. */
const RANDOM_SHARE = 0.1;
/** How many Householder reflections make a rotation: one already mixes all dimensions. */
const REFLECTIONS = 32;

type Rows = (row: Float32Array) => Float32Array;
type Perturb = (pool: Pool) => Pool;

type Random = ReturnType<typeof xoroshiro128plus>;

/** A random direction: uniform in the cube, at length 1. */
const direction = (random: Random, dimensions: number): Float32Array =>
  unit(Float32Array.from({ length: dimensions }, () => uniformInt(random, -1e6, 1e6)));

const length = (row: Float32Array): number => Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
const scaled = (row: Float32Array, factor: number): Float32Array => row.map((v) => v * factor);
const unit = (row: Float32Array): Float32Array => scaled(row, 1 / (length(row) || 1));

/** Multiplication by a random orthogonal matrix: a product of reflections `x - 2 (v · x) v`. */
export function rotation(dimensions: number): Rows {
  const random = xoroshiro128plus(SEED);
  const mirrors = Array.from({ length: REFLECTIONS }, () => direction(random, dimensions));
  return (row) => {
    const turned = Float64Array.from(row);
    for (const mirror of mirrors) {
      let dot = 0;
      for (let c = 0; c < dimensions; c++) dot += mirror[c]! * turned[c]!;
      for (let c = 0; c < dimensions; c++) turned[c]! -= 2 * dot * mirror[c]!;
    }
    return Float32Array.from(turned);
  };
}

/** Adds the same vector, as long as documents are on average, to every row, and scales rows to length 1. */
export function offset({ vectors, dimensions, documents }: Collection): Rows {
  const norms = documents.map((_, i) => length(vectors!.subarray(i * dimensions, (i + 1) * dimensions)));
  const common = scaled(direction(xoroshiro128plus(SEED), dimensions), mean(norms));
  return (row) => unit(row.map((v, c) => v + common[c]!));
}

/** Rounds a row to 8 bits: integers from -127 to 127, the largest absolute value at the end of the range. */
export function quantized(row: Float32Array): Float32Array {
  const largest = row.reduce((top, v) => Math.max(top, Math.abs(v)), 0);
  return largest === 0 ? row : row.map((v) => Math.round((v / largest) * 127));
}

/** Documents of the collection, drawn at random, behind those that the first stage found. */
export function withRandom(collection: Collection): Perturb {
  const random = xoroshiro128plus(SEED);
  return (pool) => {
    const { query, entries } = pool;
    const taken = new Set([...entries.map(({ id }) => id), ...query.excluded]);
    const rest = [...collection.documents.keys()].filter((i) => !taken.has(collection.documents[i]!.id));
    const count = Math.min(rest.length, Math.round(RANDOM_SHARE * entries.length));
    const drawn = Array.from({ length: count }, () => {
      const [i] = rest.splice(uniformInt(random, 0, rest.length - 1), 1);
      return entryOf(collection, i!);
    });
    return withFound(pool, drawn);
  };
}

/** The same change to every document's vector and to the query's. */
const onRows =
  (rows: Rows): Perturb =>
  (pool) => ({
    ...pool,
    query: { ...pool.query, vector: rows(pool.query.vector!) },
    entries: pool.entries.map((entry) => ({ ...entry, embedding: rows(entry.embedding!) })),
  });

/** The first is the plain pool. */
const perturbations: Readonly<Record<string, (collection: Collection) => Perturb>> = {
  plain: () => (pool) => pool,
  "10 % random documents": withRandom,
  rotated: ({ dimensions }) => onRows(rotation(dimensions)),
  "times 1000": () => onRows((row) => scaled(row, 1e3)),
  "times 0.001": () => onRows((row) => scaled(row, 1e-3)),
  "common offset": (collection) => onRows(offset(collection)),
  "half the dimensions": ({ dimensions }) => onRows((row) => row.slice(0, Math.ceil(dimensions / 2))),
  int8: () => onRows(quantized),
};

/** What a perturbation leaves: means over the collections. */
export interface Robustness {
  readonly robust: string;
  /** The nDCG@10 of `cosine`, and of `default`. */
  readonly baseline: number;
  readonly default: number;
  /** The gain of the one over the other in percent, and the worst of the collections. */
  readonly gain: number;
  readonly worst: number;
  /** The gain over that on the plain pools. */
  readonly ratio: number;
}

/**
 * How much of the gain is left when the vectors are not as they were. The pools are those of the cosine on the vectors as
 * they are; the baseline is `cosine` on the perturbed pool, so both methods see the same.
 */
export function robustness(
  collections: readonly (readonly [Collection, readonly Pool[]])[],
  settings: Settings,
): Robustness[] {
  const methods = { cosine, default: standard(settings) };
  const rows = Object.entries(perturbations).map(([robust, make]) => {
    const evaluations = collections.map(([collection, pools]) =>
      evaluate(collection, pools.map(make(collection)), methods, [10]),
    );
    const gains = evaluations.map((e) => gain(e, "default", METRIC)).filter(Number.isFinite);
    const of = (method: string) => mean(evaluations.map((e) => meanOf(e.metrics[method]!, METRIC)));
    return {
      robust,
      baseline: of("cosine"),
      default: of("default"),
      gain: mean(gains),
      worst: Math.min(...gains),
    };
  });
  return rows.map((row) => ({ ...row, ratio: row.gain / rows[0]!.gain }));
}
