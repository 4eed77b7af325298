import { latticeFigures } from "../diagnose/figures.ts";
import { chainOfCandidates } from "../graph/chain.ts";
import { kernel } from "../kernels/fastest.ts";
import type { ReceiptOptions } from "../options/calls.ts";
import type { Query } from "../pool/query.ts";
import { inputsOf, leftOutOf, type PoolDigests, poolDigests } from "../receipt/inputs.ts";
import { contentDigest, figures, significant } from "../receipt/receipt.ts";
import type { Problem } from "../solve/problem.ts";
import type { Space } from "../solve/space.ts";
import { type Moved, settleVectors, spaceOf, type VectorProblem, vectorProblem } from "../solve/vectors.ts";
import { version } from "../version.ts";
import type { LatticeEntry, LatticeReceipt } from "./latticeReceipt.ts";
import { type PublishedAnswer, publishedAnswer, publishedBundle } from "./rank.ts";
import { publishedStateOf, publishedStateSignature } from "./state.ts";

/** What a receipt of the profile `reference` tells of. */
export interface Told {
  readonly problem: VectorProblem;
  readonly query: Query;
  readonly space: Space;
  /** Null where no step was taken. */
  readonly moved: Moved | null;
  readonly answer: PublishedAnswer;
  readonly digests: PoolDigests;
  /** How the solution was come by: not covered by the digest. */
  readonly counts: Pick<LatticeReceipt["meta"], "ustar_cached" | "ustar_solves" | "ustar_cache_hits">;
}

/** The record of a lattice of vectors, but for the time that it took. */
export function writeLatticeReceipt(
  { problem, query, space, moved, answer, digests, counts }: Told,
  options: Required<ReceiptOptions>,
): Omit<LatticeReceipt, "t_ms"> {
  const { params, pool, chain, network } = problem;
  const { solution } = answer;
  const documents = publishedBundle(problem, query, answer).map(
    ({ index: _, neighbours: __, ownRank: ___, namedBy: ____, relevance: _____, ...entry }) => ({
      ...entry,
      score: significant(entry.score!),
      // The schema has more parts than this ranking.
      parts: { ...NO_PARTS, ...figures(entry.parts!) },
      terms: { ...NO_TERMS, ...figures(entry.terms!) },
    }),
  ) as unknown as readonly LatticeEntry[];
  const { meta, bound, ...told } = latticeFigures(problem, query, space, solution, moved, options);
  const { convergence } = solution;
  const content = {
    schema: "oscillink-receipt/2",
    version,
    profile: params.profile,
    params,
    inputs: { ...inputsOf(pool, query), ...publishedColumns(digests) },
    ...(options.context && { context: options.context }),
    ...(options.focus && { focus: options.focus }),
    chain: chain && chainOfCandidates(pool, chain),
    bundle: documents,
    left_out: leftOutOf(pool, params.k, documents, { ...answer, copies: answer.choice.copies }),
    ...told,
    null_points: told.null_points?.map(figures) ?? null,
    meta: {
      ...counts,
      ...meta,
      crowding: { share: network.crowded, passed: answer.choice.copies.length },
      state_sig: publishedStateSignature(publishedStateOf(problem, query)),
    },
    certificate: {
      residual: significant(convergence.residual),
      bound: significant(bound),
      margin: null,
      orderCertified: false,
    },
    kernel: { name: kernel.name, version: kernel.version },
    vectors: options.vectors,
  } as const;
  return { ...content, digest: contentDigest(content) };
}

/** The digests of what the lattice of vectors is made of: it knows one list, and no links. */
export const publishedColumns = ({ found: _, lists: __, links: ___, ...columns }: PoolDigests) => columns;

const NO_PARTS = { text: null, phrases: null, title: null, feedback: null, coherence: null };
const NO_TERMS = { text: 0, feedback: 0, trust: 0 };

/** The bundle and the record of one request, in the profile `reference`. */
export function publishedResult(problem: Problem, query: Query, options: Required<ReceiptOptions>) {
  const vectors = vectorProblem(problem);
  const space = spaceOf(problem, query);
  const zero = new Float32Array(space.start.length);
  const { tolerance, maxIterations, preconditioner } = problem.params;
  const solution = settleVectors(vectors, query, space, zero, { tolerance, maxIterations, preconditioner });
  const answer = publishedAnswer(vectors, query, space, solution);
  const counts = { ustar_cached: false, ustar_solves: 1, ustar_cache_hits: 0 };
  const write = () => {
    const digests = poolDigests(problem.pool);
    return writeLatticeReceipt(
      { problem: vectors, query, space, moved: null, answer, digests, counts },
      options,
    );
  };
  return { entries: publishedBundle(vectors, query, answer), write };
}
