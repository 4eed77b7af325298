import type { DocumentInterface } from "@langchain/core/documents";
import type { Vector } from "@oscillink/core";

/** A document that a search returned, and the store's own score of it. */
export type Hit = readonly [document: DocumentInterface, score: number];

/** A `MemoryVectorStore`, as far as it concerns us. */
interface MemoryStore {
  readonly memoryVectors: readonly MemoryVector[];
  similarity(a: Vector, b: Vector): number;
}

/** One entry of a `MemoryVectorStore`. */
interface MemoryVector {
  readonly content: string;
  readonly embedding: Vector;
  readonly metadata: unknown;
  readonly id?: string;
}

/**
 * The vectors that a store holds of the documents that it just returned, one entry a document; undefined where it does
 * not hand them over. Stores are known by their shape, so that no store's package is imported.
 */
export function storedVectors(store: object, hits: readonly Hit[], query: Vector): (Vector | undefined)[] {
  if ("memoryVectors" in store && Array.isArray(store.memoryVectors)) {
    return memoryVectors(store as MemoryStore, hits, query);
  }
  return hits.map(() => undefined);
}

/**
 * A `MemoryVectorStore` returns each entry's metadata object itself, so that, the content and the id tell the entry; of
 * several such entries it is the one that has the score.
 */
function memoryVectors(store: MemoryStore, hits: readonly Hit[], query: Vector): (Vector | undefined)[] {
  const wanted = new Map<string, MemoryVector[]>(hits.map(([{ pageContent }]) => [pageContent, []]));
  for (const entry of store.memoryVectors) wanted.get(entry.content)?.push(entry);
  return hits.map(([{ pageContent, metadata, id }, score]) => {
    const same = wanted.get(pageContent)!.filter((e) => e.metadata === metadata && e.id === id);
    const [first, ...others] = same;
    const entry =
      others.length === 0 ? first : same.find((e) => store.similarity(query, e.embedding) === score);
    return entry?.embedding;
  });
}
