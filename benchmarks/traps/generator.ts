/**
 * The data of the traps study: the published paper gives none, so this is a generator that any language can repeat,
 * value for value, from a seed.
 *
 * `CLUSTER` of the `N` documents lie about the query, each as far from it as noise of the query's own length takes it;
 * the others point anywhere. Of all of them, `TRAPS` drawn at random are false and labelled so.
 */
export const N = 120;
export const D = 64;
export const CLUSTER = 40;
export const TRAPS = 36;
/** How many documents a method chooses. */
export const K = 5;
const FIRST_SEED = 20240;

/** One draw of the study. */
export interface Trial {
  /** The query: the centre of the cluster. */
  readonly query: Float32Array;
  /** Unit vectors; those of the cluster come first. */
  readonly vectors: readonly Float32Array[];
  /** The documents that are labelled false, by index. */
  readonly traps: ReadonlySet<number>;
}

/** Uniform values in [0, 1): Tommy Ettinger's mulberry32. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A standard normal value from two uniform ones (Box & Muller 1958); the second that they would give is left. */
export function gaussian(uniform: () => number): number {
  // 1 - u is never 0. The order of the two draws is part of the generator.
  const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
  return radius * Math.cos(2 * Math.PI * uniform());
}

/** Draw `t` of the study, from 0. Computed in float64, rounded to float32 at the end. */
export function makeTrial(t: number): Trial {
  const uniform = mulberry32(FIRST_SEED + t);
  const noise = () => Array.from({ length: D }, () => gaussian(uniform));
  const query = unit(noise());
  const vectors = Array.from({ length: N }, (_, i) => {
    const drawn = noise();
    return unit(i < CLUSTER ? drawn.map((v, c) => query[c]! + v / Math.sqrt(D)) : drawn);
  });
  const order = Array.from({ length: N }, (_, i) => i);
  for (let i = N - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return {
    query: Float32Array.from(query),
    vectors: vectors.map((row) => Float32Array.from(row)),
    traps: new Set(order.slice(0, TRAPS)),
  };
}

function unit(row: number[]): number[] {
  const length = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
  return row.map((v) => v / length);
}
