import type { Query } from "./pool/query.ts";
import type { Answer } from "./rank/answer.ts";
import { type PoolDigests, poolDigests } from "./receipt/write.ts";
import { type Moved, type Problem, type Solution, spaceOf } from "./solve/settle.ts";
import type { Space } from "./solve/space.ts";

/**
 * Where a lattice stands: what it is made of, and what has been computed of that so far. It is replaced whole, never
 * changed: what a change invalidates is not carried over into the next one.
 */
export interface Standing {
  readonly problem: Problem;
  readonly query: Query | null;
  /** Both are made when they are first asked for. */
  readonly digests: () => PoolDigests;
  readonly space: () => Space;
  readonly moved: Moved | null;
  readonly solution: Solution | null;
  readonly answer: Answer | null;
}

/** Where a lattice stands before anything was computed. */
export const begin = (problem: Problem, query: Query | null, digests?: () => PoolDigests): Standing => ({
  problem,
  query,
  digests: digests ?? once(() => poolDigests(problem.pool)),
  space: once(() => spaceOf(problem, query)),
  moved: null,
  solution: null,
  answer: null,
});

/** The same after another query. One that pulls is part of the problem; any other changes the ranking alone. */
export const ask = (standing: Standing, query: Query): Standing =>
  standing.problem.params.lamQ > 0
    ? begin(standing.problem, query, standing.digests)
    : { ...standing, query, answer: null };

/** What a function returns, computed at the first call. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
