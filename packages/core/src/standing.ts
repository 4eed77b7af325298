import { once } from "./once.ts";
import type { ReceiptOptions } from "./options/calls.ts";
import type { Query } from "./pool/query.ts";
import { type PublishedAnswer, publishedAnswer, publishedBundle } from "./python/rank.ts";
import { writeLatticeReceipt } from "./python/write.ts";
import { type Answer, answer, bundle, type RankedEntry } from "./rank/bundle.ts";
import { rank } from "./rank/rank.ts";
import { type PoolDigests, poolDigests } from "./receipt/inputs.ts";
import { writeReceipt } from "./receipt/write.ts";
import type { Problem } from "./solve/problem.ts";
import type { Space } from "./solve/space.ts";
import {
  asked,
  type Moved,
  type Solution,
  spaceOf,
  type VectorProblem,
  vectorProblem,
} from "./solve/vectors.ts";

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
  readonly answer: Answer | PublishedAnswer | null;
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
});

/** The same after another query. One that pulls is part of the problem; any other changes the ranking alone. */
export const ask = (standing: Standing, query: Query): Standing =>
  standing.problem.params.lamQ > 0
    ? begin(standing.problem, query, standing.digests)
    : { ...standing, query, answer: null };

/** The ranking of a query and what was chosen of it; by the settled vectors in the profile `reference`. */
export const answerOf = (
  { problem, vectors, space }: Standing,
  query: Query,
  solution: Solution | null,
): Answer | PublishedAnswer =>
  solution === null
    ? answer(problem, query.text, rank(problem, query))
    : publishedAnswer(vectors(), query, space(), solution);

export const bundleOf = (
  { problem, query, vectors }: Standing,
  found: Answer | PublishedAnswer,
): RankedEntry[] =>
  "ranking" in found ? bundle(problem, found) : publishedBundle(vectors(), asked(query), found);

/** The record of an answer, but for the time that it took. */
export function receiptOf(
  { problem, query, digests, vectors, space, moved }: Standing,
  found: Answer | PublishedAnswer,
  counts: Parameters<typeof writeLatticeReceipt>[0]["counts"],
  options: Required<ReceiptOptions>,
) {
  const question = asked(query);
  if ("ranking" in found) {
    return writeReceipt(problem, question, found, bundle(problem, found), digests(), options);
  }
  const state = {
    problem: vectors(),
    query: question,
    space: space(),
    moved,
    answer: found,
    digests: digests(),
    counts,
  };
  return writeLatticeReceipt(state, options);
}
