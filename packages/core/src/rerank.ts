import { CandidateError, checkObject, OscillinkError, show, VectorError } from "./errors.ts";
import { once } from "./once.ts";
import {
  type Context,
  type FocusRecord,
  type ReceiptOptions,
  resolveReceiptOptions,
  type VectorCounts,
} from "./options/calls.ts";
import { defined, resolveOptions } from "./options/options.ts";
import { profiles } from "./options/profiles.ts";
import type { Options, Params } from "./options/types.ts";
import { now } from "./platform.ts";
import { type Candidate, checkObjects, FIELDS, idsOf, type ResultList, unite } from "./pool/candidates.ts";
import type { Column, Edge, LatticeInput, NameOf } from "./pool/input.ts";
import { refuseWithoutTexts, refuseWithoutVectors } from "./pool/lost.ts";
import type { Vector } from "./pool/matrix.ts";
import { makePool } from "./pool/pool.ts";
import { makeQuery, type Query } from "./pool/query.ts";
import type { LatticeReceipt } from "./python/latticeReceipt.ts";
import { publishedResult } from "./python/write.ts";
import { answer, type BundleEntry, bundle, type RankedEntry } from "./rank/bundle.ts";
import { rank } from "./rank/rank.ts";
import { poolDigests } from "./receipt/inputs.ts";
import type { AnyReceipt, Receipt } from "./receipt/receipt.ts";
import { writeReceipt } from "./receipt/write.ts";
import { makeProblem, type Problem, strategiesOf } from "./solve/problem.ts";

/** What {@link rerank} takes: the query, the candidates, and any of {@link Options}. */
export interface RerankRequest<C extends Candidate = Candidate> extends Options {
  /**
   * The query's vector. Without it, the candidates' `score` takes the place of their similarity, and the lattice is
   * built from their words. With it, and not one candidate that has a vector, the call is refused; `missing` says that this
   * is meant.
   */
  readonly query?: Vector;
  /**
   * The query's words. Without them the vectors decide alone. With them, and not one candidate that says what its `text` or
   * `title` is, the call is refused; `text: ""` says that there is none.
   */
  readonly queryText?: string;
  /** The documents to choose from, best first as the search returned them: equal scores keep this order. */
  readonly candidates?: readonly C[];
  /** In place of `candidates`: the result lists of several searches, united by id. */
  readonly lists?: readonly ResultList<C>[];
  /** Where the vectors came from, for the receipt; adapters fill it in. */
  readonly vectors?: VectorCounts;
  /** Facts to bind into the receipt, such as a request's id. Default: none. */
  readonly context?: Context;
  /**
   * Where the query is the focus of a conversation: what `QueryFocus.next` returned with it, for the receipt. Default: none.
   */
  readonly focus?: FocusRecord;
}

/** A document of the bundle, with the record of why it was chosen. */
export interface Ranked<C extends Candidate = Candidate> extends BundleEntry {
  /** The candidate, the very object that came in. */
  readonly candidate: C;
}

/** What {@link rerank} returns. */
export interface RerankResult<C extends Candidate = Candidate, R = Receipt> {
  /** The k best documents, best first. */
  readonly bundle: Ranked<C>[];
  /**
   * The record of the computation. It is written when it is first read, and kept: whoever leaves it unread saves a third of the
   * time. What came in may change meanwhile, for it is made of copies.
   */
  readonly receipt: R;
}

/**
 * Re-ranks the candidates of a search: their vectors settle on a lattice, their words are weighed against the query's,
 * and the k documents that score best come back, each with the parts of its score, and a receipt for the whole.
 *
 * Deterministic: the same input gives the same bytes, and the order of the candidates matters to equal scores alone.
 * Nothing that came in is changed.
 *
 * @example
 * const { bundle, receipt } = rerank({ query, queryText, candidates, k: 5 });
 *
 * @throws {OptionError | VectorError | CandidateError} see {@link Lattice}.
 */
export function rerank<C extends Candidate>(
  request: RerankRequest<C> & { readonly profile: "reference" },
): RerankResult<C, LatticeReceipt>;
export function rerank<C extends Candidate>(request: RerankRequest<C>): RerankResult<C>;
export function rerank<C extends Candidate>(request: RerankRequest<C>): RerankResult<C, AnyReceipt> {
  const began = now();
  const asked = poolOf(request);
  const { entries, receipt } = rankPool(asked, began, (text) => refuseLost(request, asked, text));
  return resultOf(entries.map(entryOf(asked.candidates)), receipt);
}

/** Apart from {@link rerank}, for what the getter stands beside lives as long as it does. */
function resultOf<C extends Candidate>(
  bundle: Ranked<C>[],
  receipt: () => AnyReceipt,
): RerankResult<C, AnyReceipt> {
  return {
    bundle,
    get receipt() {
      return receipt();
    },
  };
}

/** An entry of the bundle, with the candidate that it is of. A copy: the receipt is still to be written from the entry itself. */
export const entryOf =
  <C extends Candidate>(candidates: readonly C[]) =>
  ({ index, parts, terms, neighbours, ...entry }: RankedEntry): Ranked<C> => ({
    ...entry,
    parts: parts && { ...parts },
    terms: terms && { ...terms },
    neighbours: neighbours?.map((neighbour) => ({ ...neighbour })) ?? null,
    candidate: candidates[index]!,
  });

/** @throws {CandidateError} for a request that would lose all of one kind of evidence in silence. */
export function refuseLost<C extends Candidate>(
  { missing }: RerankRequest<C>,
  { input, params, query, candidates }: RequestedPool<C>,
  text: string | null,
): void {
  if (query && missing === undefined) refuseWithoutVectors(candidates, query, input.nameOf);
  if (text?.trim() && params.textWeight > 0) refuseWithoutTexts(candidates, input.nameOf);
}

/** What a ranking comes to: the documents of the bundle, and the receipt, which is written at the first call. */
interface RankedPool {
  readonly entries: readonly RankedEntry[];
  readonly receipt: () => AnyReceipt;
}

/**
 * Ranks a pool: all of {@link rerank} but its candidates, which stay with the caller.
 *
 * @param began when the call began, for the receipt.
 * @param refuse called with the query's words once all that came in was judged, column by column.
 */
export function rankPool(
  asked: AskedPool,
  began: number,
  refuse: (text: string | null) => void = () => {},
): RankedPool {
  const { pool, query, record } = judged(asked, refuse);
  const problem = makeProblem(pool, asked.params, null);
  const { entries, write } =
    strategiesOf(problem).score === "published"
      ? publishedResult(problem, query, record)
      : rankedBy(problem, query, record);
  return { entries, receipt: timed(write, now() - began) };
}

/** All that came in, judged: what follows refuses nothing. */
function judged(
  { input, params, query: vector, queryText, vectors = null, context = null, focus = null }: AskedPool,
  refuse: (text: string | null) => void,
) {
  const pool = makePool(input, params, profiles[params.profile].strategies);
  const query = makeQuery(pool, params, vector ?? null, queryText ?? null);
  refuse(query.text);
  return { pool, query, record: resolveReceiptOptions({ vectors, context, focus }) };
}

/**
 * Refuses what {@link rerank} would refuse, and ranks nothing: for whoever takes a request now and ranks it later.
 *
 * @example
 * checkRequest(request);
 * queue.add(request);
 *
 * @throws what {@link rerank} throws.
 */
export function checkRequest<C extends Candidate>(request: RerankRequest<C>): void {
  const asked = poolOf(request);
  judged(asked, (text) => refuseLost(request, asked, text));
}

/**
 * Writes a receipt at the first call, with the time that the ranking and the writing took. A function of its own, so that what the
 * receipt was made of is let go then, however long the receipt is kept.
 */
function timed(write: () => object, ranked: number): () => AnyReceipt {
  return once(() => {
    const started = now();
    const content = write();
    return { ...content, t_ms: Math.round((ranked + now() - started) * 1e3) / 1e3 } as AnyReceipt;
  });
}

function rankedBy(problem: Problem, query: Query, record: Required<ReceiptOptions>) {
  const found = answer(problem, query.text, rank(problem, query));
  const entries = bundle(problem, found);
  const write = () => writeReceipt(problem, query, found, entries, poolDigests(problem.pool), record);
  return { entries, write };
}

/** What a lattice is made of for a request, and what it is asked. */
export interface AskedPool {
  readonly input: LatticeInput;
  readonly params: Params;
  readonly query: Vector | undefined;
  readonly queryText: string | undefined;
  /** For the receipt, not judged yet. */
  readonly vectors: VectorCounts | null | undefined;
  readonly context: Context | null | undefined;
  readonly focus: FocusRecord | null | undefined;
}

interface RequestedPool<C extends Candidate> extends AskedPool {
  readonly input: LatticeInput & { readonly nameOf: NameOf };
  readonly candidates: readonly C[];
}

/**
 * A request, column by column.
 *
 * @param edges the graph to use, if one is given.
 */
export function poolOf<C extends Candidate>(
  request: RerankRequest<C>,
  edges?: readonly Edge[],
): RequestedPool<C> {
  const wanted = "an object with a query and candidates";
  const { query, queryText, candidates, lists, vectors, context, focus, ...options } = checkObject(
    "request",
    request,
    wanted,
  );
  if (lists !== undefined && candidates !== undefined) {
    throw new CandidateError("lists", "must not come with candidates: put those into a list");
  }
  const united = lists === undefined ? null : unite(lists, query !== undefined);
  const all = united ? united.candidates : checkObjects(candidates, "candidates");
  const nameOf = (i: number, column: Column) => {
    const field = FIELDS[column];
    return united ? united.nameOf(i, field) : `candidates[${i}].${field}`;
  };
  const scores = united ? united.scores : all.map((candidate) => candidate.score);
  // A list of similarities may be empty, where another list found something.
  const searched = united?.found.includes(false) ?? false;
  if (query === undefined && !searched && all.length > 0 && scores.every((score) => score === undefined)) {
    throw new VectorError(
      "query",
      "is missing; pass its vector, or candidates with the scores of the search",
    );
  }
  const params = resolveOptions(options);
  const input = {
    ...(query === undefined ? { scores } : { embeddings: all.map((c) => c.embedding) }),
    ids: idsOf(all, (i) => nameOf(i, "ids")),
    texts: all.map((c) => c.text),
    titles: all.map((c) => c.title),
    trust: all.map((c) => c.trust),
    links: all.map((c) => c.links),
    ...(united && { lists: united.lists, found: united.found }),
    ...(edges && { edges }),
    nameOf,
  };
  return { input, params, query, queryText, vectors, context, focus, candidates: all };
}

/**
 * Re-ranks several pools, each for its own query: what {@link rerank} gives for each, in their order. The kernel's
 * memory grows to what the largest needs, once, and serves all.
 *
 * @param requests one a query.
 * @param options for all requests; what a request says itself comes first.
 *
 * @example
 * const results = rerankMany(questions.map(({ vector, hits }) => ({ query: vector, candidates: hits })), { k: 5 });
 *
 * @throws what {@link rerank} throws, of the same class; `parameter` then says of which request, as `requests[3].k`.
 */
export function rerankMany<C extends Candidate>(
  requests: readonly RerankRequest<C>[],
  options: Options = {},
): RerankResult<C>[] {
  if (!Array.isArray(requests)) {
    throw new CandidateError("requests", `must be an array, not ${show(requests)}`);
  }
  resolveOptions(options);
  return (requests as readonly RerankRequest<C>[]).map((request, i) => {
    try {
      const { query, queryText, candidates, lists, vectors, ...own } = checkObject("request", request);
      const given = { query, queryText, candidates, lists, vectors } as Partial<RerankRequest<C>>;
      return rerank({ ...options, ...defined(own), ...defined(given) });
    } catch (cause) {
      throw cause instanceof OscillinkError ? cause.within(`requests[${i}]`) : cause;
    }
  });
}
