import { CandidateError, show } from "../errors.ts";
import { Lattice } from "../lattice.ts";
import type { Scale } from "../options/scales.ts";
import type { Candidate } from "../pool/candidates.ts";
import { checkObjects } from "../pool/candidates.ts";
import type { Vector } from "../pool/matrix.ts";
import { TuneError, within } from "./labelled.ts";

/** A query, and what the search found for it. */
export interface SeenPool {
  readonly query: Vector;
  /** At least one of them has an `embedding`. */
  readonly candidates: readonly Candidate[];
}

/** From fewer pools the median may be off by a fifth of the spread. */
const FEWEST = 10;
/** The distance between the quartiles of a normal distribution, in standard deviations. */
const QUARTILES = 1.349;

/**
 * Learns the scale of an embedder from pools seen, without labels: of the highest cosine of each query in the pool of each other
 * query, the median, and the distance between the quartiles over 1.349. To four decimals.
 *
 * Learn it once, and hand it to `rerank` as `relevanceScale` from then on: under another scale relevance is another. Questions to
 * one collection are not quite foreign to one another, so the level may lie higher or lower than between collections; which
 * documents are more relevant than others stays the same.
 *
 * @param pools at least ten, of different questions, all of one embedder.
 *
 * @example
 * const relevanceScale = learnScale(pools);
 * rerank({ query, queryText, candidates, relevanceScale, minRelevance: 0.2 });
 *
 * @throws {TuneError} for fewer than ten; it says how many are missing.
 * @throws {VectorError | CandidateError} naming the pool at fault.
 */
export function learnScale(pools: readonly SeenPool[]): Scale {
  const seen = checkObjects(pools, "pools");
  if (seen.length < FEWEST) {
    const missing = FEWEST - seen.length;
    throw new TuneError(`${seen.length} tell too little: see ${missing} more`, FEWEST, missing, "pools");
  }
  const lattices = seen.map(({ candidates }, p) =>
    within(`pools[${p}]`, () => {
      const embeddings = checkObjects(candidates, "candidates").map(({ embedding }) => embedding ?? null);
      if (embeddings.every((vector) => vector === null)) {
        throw new CandidateError("candidates", `must hold a vector, not ${show(candidates)} without`);
      }
      const nameOf = (i: number) => `candidates[${i}].embedding`;
      return new Lattice({ embeddings, nameOf }, { profile: "cosine", k: 1, missing: "drop" });
    }),
  );
  const highest = seen.flatMap(({ query }, q) =>
    within(`pools[${q}]`, () =>
      lattices
        .filter((_, p) => p !== q)
        .map((lattice) => lattice.setQuery(query).bundle()[0]?.parts?.similarity ?? Number.NaN),
    ),
  );
  const sorted = Float64Array.from(highest).sort();
  const spread = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / QUARTILES;
  const rounded = (value: number) => Math.round(value * 1e4) / 1e4;
  return { mean: rounded(quantile(sorted, 0.5)), spread: Math.max(1e-3, rounded(spread)) };
}

/** Between two values of a sorted list, in proportion. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  return low + (at % 1) * (sorted[Math.ceil(at)]! - low);
}
