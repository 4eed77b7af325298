import { OscillinkError, StateError } from "../errors.ts";
import { chainOfCandidates } from "../graph/chain.ts";
import type { LatticeInput } from "../pool/input.ts";
import { rawVectors } from "../pool/pool.ts";
import type { Query } from "../pool/query.ts";
import type { Problem } from "../solve/problem.ts";
import type { Moved } from "../solve/vectors.ts";
import type { LatticeState } from "./format.ts";

/** All that a lattice is made of. What was computed of it is not stored, but for the steps that it took. */
export function stateToStore(
  { params, pool, chain }: Problem,
  query: Query | null,
  moved: Moved | null,
): LatticeState {
  const { n, d, ids, texts, titles, scores, found, lists, links, trust, edges } = pool;
  const none = new Float32Array(0);
  return {
    params,
    n,
    d,
    ids: [...ids],
    texts: texts && [...texts],
    titles: titles && [...titles],
    scores: scores && scoresToStore(scores),
    found: found && [...found],
    lists: lists.map((list) => ({ name: list.name, scores: scoresToStore(list.scores) })),
    links: links?.map((own) => [...own]) ?? null,
    trust: Array.from(trust),
    edges: edges?.map((edge) => ({ ...edge })) ?? null,
    chain: chain && chainOfCandidates(pool, chain),
    asked: query !== null,
    queryText: query?.text ?? null,
    settled: moved && { ...moved.convergence },
    vectors: rawVectors(pool),
    query: query === null || scores ? none : query.raw.data.slice(0, query.raw.columns),
    present: moved?.state ?? none,
    before: moved?.before ?? none,
  };
}

/** Scores, null where there is none: JSON has no NaN. */
const scoresToStore = (scores: Float64Array): (number | null)[] =>
  Array.from(scores, (score) => (Number.isNaN(score) ? null : score));

const scoresOf = (stored: readonly (number | null)[]): (number | undefined)[] =>
  stored.map((score) => score ?? undefined);

/** The columns that a stored lattice was made from. */
export const storedInput = ({ n, d, scores, vectors: data, ...state }: LatticeState): LatticeInput => ({
  ...(scores
    ? { scores: scoresOf(scores) }
    : { embeddings: d > 0 ? { data, n, d } : new Array<null>(n).fill(null) }),
  ids: state.ids,
  trust: state.trust,
  ...(state.texts && { texts: state.texts }),
  ...(state.titles && { titles: state.titles }),
  ...(state.found && { found: state.found }),
  ...(state.lists && {
    lists: state.lists.map((list) => ({ name: list.name, scores: scoresOf(list.scores) })),
  }),
  ...(state.links && { links: state.links }),
  ...(state.edges && { edges: state.edges }),
});

/**
 * Where the steps of a stored lattice had led, if it had taken any.
 *
 * @param length how many values a state of this lattice has.
 * @throws {StateError} for another number of values.
 */
export function storedSteps({ settled, present, before }: LatticeState, length: number): Moved {
  if (present.length !== length || before.length !== length) {
    throw new StateError("present", `has ${present.length} values where ${length} are needed`);
  }
  return { state: present, before, convergence: settled! };
}

/** Whatever a damaged state makes go wrong is a {@link StateError}. */
export function restoring<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof OscillinkError) throw cause;
    throw new StateError("state", "is damaged: a part is missing or of another kind", { cause });
  }
}
