import { CandidateError, OscillinkError, show } from "../errors.ts";
import type { Candidate } from "../pool/candidates.ts";
import type { Vector } from "../pool/matrix.ts";
import type { RerankRequest } from "../rerank.ts";

/** A query as {@link rerank} takes it, and which documents answer it. */
export interface LabelledQuery {
  /** The query's vector, as {@link rerank} wants it. */
  readonly query?: Vector;
  /** The query's words. */
  readonly queryText?: string;
  /** What the search returned; its order is the baseline. */
  readonly candidates: readonly Candidate[];
  /** The grade, > 0, of each relevant document by its id, those that the search missed included. 0: not relevant. */
  readonly relevance: Readonly<Record<string, number>>;
  /** Where it is from. Of several collections, none is split between choosing and measuring. */
  readonly collection?: string;
}

/** The labelled queries, or the pools seen, are too few for an answer. */
export class TuneError extends OscillinkError {
  override readonly name = "TuneError";
  /** How many queries it takes, or pools. */
  readonly needed: number;
  /** How many of them are missing. */
  readonly missing: number;

  constructor(message: string, needed: number, missing: number, parameter = "queries") {
    super(parameter, message);
    this.needed = needed;
    this.missing = missing;
  }
}

/** What `rerank` is asked for a labelled query, and the grades of its documents; both judged. */
export function readLabelled(query: LabelledQuery): {
  readonly request: RerankRequest;
  readonly grades: ReadonlyMap<string, number>;
} {
  const { query: vector, queryText, candidates, relevance, collection } = query ?? {};
  if (typeof relevance !== "object" || relevance === null || Array.isArray(relevance)) {
    throw new CandidateError("relevance", `must be an object of grades by id, not ${show(relevance)}`);
  }
  const grades = new Map(Object.entries(relevance));
  for (const [id, grade] of grades) {
    if (typeof grade !== "number" || !(grade >= 0 && grade < Infinity)) {
      throw new CandidateError(`relevance[${show(id)}]`, `must be a number > 0, not ${show(grade)}`);
    }
  }
  if (collection !== undefined && typeof collection !== "string") {
    throw new CandidateError("collection", `must be a string, not ${show(collection)}`);
  }
  return { request: { query: vector!, candidates, ...(queryText !== undefined && { queryText }) }, grades };
}

/** Acts, and has its errors name the place too. */
export function within<T>(place: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof OscillinkError)) throw error;
    const { parameter, message } = error;
    const Kind = error.constructor as typeof OscillinkError;
    throw new Kind(`${place}.${parameter}`, message.slice(parameter.length + 2), { cause: error });
  }
}
