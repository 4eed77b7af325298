import { once } from "./once.ts";
import type { Query } from "./pool/query.ts";
import type { PublishedAnswer } from "./python/rank.ts";
import type { Answer } from "./rank/bundle.ts";
import { type PoolDigests, poolDigests } from "./receipt/inputs.ts";
import type { Problem } from "./solve/problem.ts";
import type { Space } from "./solve/space.ts";
import { type Moved, type Solution, spaceOf, type VectorProblem, vectorProblem } from "./solve/vectors.ts";

/**
 * Where a lattice stands: what it is made of, and what has been computed of that so far. It is replaced whole, never
 * changed: what a change invalidates is not carried over into the next one.
 */
export interface Standing {
  readonly problem: Problem;
  readonly query: Query | null;
  /** What is made when it is first asked for: digests of the pool, and what the lattice of vectors needs. */
  readonly digests: () => PoolDigests;
  readonly vectors: () => VectorProblem;
  readonly space: () => Space;
  /** What the lattice of vectors came to. */
  readonly moved: Moved | null;
  readonly solution: Solution | null;
  /** What the query's ranking came to; the published one in the profile `reference`. */
  readonly answer: Answer | null;
  readonly published: PublishedAnswer | null;
}

/** Where a lattice stands before anything was computed. */
export const begin = (problem: Problem, query: Query | null, digests?: () => PoolDigests): Standing => ({
  problem,
  query,
  digests: digests ?? once(() => poolDigests(problem.pool)),
  vectors: once(() => vectorProblem(problem)),
  space: once(() => spaceOf(problem, query)),
  moved: null,
  solution: null,
  answer: null,
  published: null,
});

/** The same after another query. One that pulls is part of the problem; any other changes the ranking alone. */
export const ask = (standing: Standing, query: Query): Standing =>
  standing.problem.params.lamQ > 0
    ? begin(standing.problem, query, standing.digests)
    : { ...standing, query, answer: null, published: null };
