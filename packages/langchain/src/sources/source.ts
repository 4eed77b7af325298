import type { DocumentInterface } from "@langchain/core/documents";
import type { Signal } from "@oscillink/core/adapter";

/** A document that a search returned, and the store's own score of it. */
export type Hit = readonly [document: DocumentInterface, score: number];

/** What was searched for, and what came. */
interface Search {
  readonly hits: readonly Hit[];
  /** The query's vector. */
  readonly query: number[];
  /** The filter of the search; undefined if it had none. */
  readonly filter: unknown;
  /** Ends with the call: after that, nothing more is asked for. */
  readonly signal: Signal | undefined;
}

/** What a store holds of one document. Which document it is, its id says, or its text and metadata. */
export interface Row {
  readonly id?: unknown;
  readonly text?: unknown;
  readonly metadata?: unknown;
  /** As the store's client returns it: numbers, bytes, a string. */
  readonly vector: unknown;
}

/** How one kind of store is known, and how its vectors are read. */
export interface VectorSource<Store extends object> {
  /** Its name in messages. */
  readonly name: string;
  /** What such a store has: names of members, with `()` if they are functions, with a dot if inside another. */
  readonly has: readonly string[];
  /** Whether the vectors come as decimals in an answer that ends at 4 MiB: the default pool then goes by their width. */
  readonly poolByWidth?: true;
  /** The rows of the hits, in any order. Those that are absent are embedded anew. */
  rows(store: Store, search: Search): Promise<readonly Row[]> | readonly Row[];
}

/** Whether a store is of the source's kind: known by what it has, so that no store's package is imported. */
export function fits(store: object, { has }: VectorSource<object>): boolean {
  return has.every((member) => {
    const names = member.replace("()", "").split(".");
    const value = names.reduce<unknown>((at, name) => (at as Record<string, unknown> | null)?.[name], store);
    return member.endsWith("()") ? typeof value === "function" : value !== undefined && value !== null;
  });
}

/** The ids of the hits that have one, each once. */
export function idsOf(hits: readonly Hit[]): string[] {
  const ids = hits.map(([{ id }]) => id).filter((id) => id !== undefined && id !== null);
  return [...new Set(ids)];
}
