import type { Params } from "./options.ts";

/** A named set of values for every option of the computation (`k` and `missing` belong to the call). */
export type Profile = Readonly<Omit<Params, "profile" | "k" | "missing">>;

const settled: Profile = {
  normalize: true,
  neighbors: 30,
  graph: "union",
  similarityFloor: 1e-3,
  lamG: 1,
  lamC: 2,
  lamQ: 0,
  tolerance: 1e-5,
  maxIterations: 100,
  textWeight: 0.5,
  diversity: 0,
};

/**
 * The named profiles.
 *
 * - `settled`, the default: the documents settle among themselves (no query pull, a wide union graph), then they
 *   are ranked by the cosine of their settled vectors with the query plus half a standard deviation of BM25 on
 *   character 4-grams. Chosen by measurement: docs/design.md.
 * - `cosine`: plain cosine with the query, no lattice and no words. The baseline to compare with; with
 *   `diversity: 0.5` it is LangChain's default maximal marginal relevance.
 */
export const profiles = {
  settled,
  cosine: { ...settled, lamC: 0, textWeight: 0 },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;
