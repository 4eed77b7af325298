/** The operator's own store, which the tool `search` asks: a module of theirs. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Candidate } from "@oscillink/core";
import { TimeoutError, type Vector, waitFor } from "@oscillink/core/adapter";
import { isRecord } from "../compute/shape.ts";
import { ConfigError } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { failed } from "../models/texts.ts";

/** What a store is asked. */
export interface SearchCall {
  /** The question, as the assistant wrote it. */
  readonly query: string;
  /** How many candidates it gives at most: the setting `search.pool`. */
  readonly limit: number;
  /** Aborted when the client leaves, or `models.timeoutMs` are over. */
  readonly signal: AbortSignal;
}

/** A document that a store found: what `rerank` of core takes, with its id and its text. */
export type FoundDocument = Omit<Candidate, "id" | "text"> & {
  readonly id: string | number;
  readonly text: string;
};

/** What a store gives: what it found, best first, or that with the vector of the question. */
export type Found =
  | readonly FoundDocument[]
  | { readonly candidates: readonly FoundDocument[]; readonly queryEmbedding?: Vector | undefined };

/** What the module of the setting `search.module` exports as its default. */
export type Search = (asked: SearchCall) => Found | Promise<Found>;

/** What was found, as our own API takes it: plain JSON. */
interface Pool {
  readonly candidates: readonly (Record<string, unknown> & Pick<FoundDocument, "id" | "text">)[];
  readonly query?: unknown;
}

/** Asks the store. @throws {Problem} for one that fails, takes too long, or gives what is no pool. */
export type Store = (query: string, signal: AbortSignal) => Promise<Pool>;

/** @returns null where none is set up. @throws {ConfigError} for a module that cannot be loaded, or that exports no function. */
export async function loadStore({
  search: { module, pool: limit },
  models: { timeoutMs: timeout, failure },
}: Pick<Config, "search" | "models">): Promise<Store | null> {
  if (module === "") return null;
  const search = await searchOf(resolve(module));
  return async (query, signal) => {
    try {
      const ask = (ended: unknown) => search({ query, limit, signal: ended as AbortSignal });
      return poolOf(await waitFor(ask, { signal, timeout }, "the store"), limit);
    } catch (cause) {
      signal.throwIfAborted();
      const why = cause instanceof TimeoutError ? `did not answer within ${timeout} ms` : "failed";
      throw failed(failure, `The store behind the tool search ${why}.`, cause);
    }
  };
}

async function searchOf(path: string): Promise<Search> {
  let exported: { readonly default?: unknown };
  try {
    exported = await import(pathToFileURL(path).href);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`search.module: ${path} cannot be loaded: ${why}`]);
  }
  if (typeof exported.default === "function") return exported.default as Search;
  throw new ConfigError([`search.module: the default export of ${path} must be a function`]);
}

/** @throws {TypeError} for what is no list of documents with ids and texts, of `limit` at most. All else of them is judged where they are ranked. */
function poolOf(found: unknown, limit: number): Pool {
  const { candidates, queryEmbedding } = isRecord(found)
    ? found
    : { candidates: found, queryEmbedding: undefined };
  if (!Array.isArray(candidates)) {
    throw new TypeError(
      "the store must give an array of candidates, or an object that holds it as `candidates`",
    );
  }
  if (candidates.length > limit) {
    throw new TypeError(`the store gave ${candidates.length} candidates, and was asked for ${limit}`);
  }
  for (const [i, one] of candidates.entries()) {
    const { id, text } = isRecord(one) ? one : {};
    if (typeof id !== "string" && typeof id !== "number")
      throw new TypeError(`candidates[${i}].id: must be a string or a number`);
    if (typeof text !== "string") throw new TypeError(`candidates[${i}].text: must be a string`);
  }
  return {
    candidates: candidates.map((row) => {
      // Whatever else a row holds stays here. What a table has no value for is null.
      const { id, text, title, embedding, score, trust, links } = Object.fromEntries(
        Object.entries(row).filter(([, value]) => value !== null),
      ) as Record<string, unknown> & Pick<FoundDocument, "id" | "text">;
      return {
        ...{ id, text, title, score, trust, links },
        ...(embedding !== undefined && { embedding: written(embedding) }),
      };
    }),
    ...(queryEmbedding !== undefined && { query: written(queryEmbedding) }),
  };
}

/** A vector as JSON has it, float32 as base64. What is none stays, and is refused where it is read. */
function written(vector: unknown): unknown {
  if (vector instanceof Float32Array)
    return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
  return vector instanceof Float64Array ? [...vector] : vector;
}
