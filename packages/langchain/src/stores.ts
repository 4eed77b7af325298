import type { DocumentInterface } from "@langchain/core/documents";
import type { Vector } from "@oscillink/core";

/** One entry of a `MemoryVectorStore`. */
interface MemoryVector {
  readonly content: string;
  readonly embedding: Vector;
  readonly metadata: unknown;
}

/**
 * The vectors that a store holds of the documents that it just returned, one entry a document; undefined where it does
 * not hand them over. Stores are known by their shape, so that no store's package is imported.
 */
export function storedVectors(
  store: object,
  documents: readonly DocumentInterface[],
): (Vector | undefined)[] {
  if ("memoryVectors" in store && Array.isArray(store.memoryVectors)) {
    return memoryVectors(store.memoryVectors, documents);
  }
  return documents.map(() => undefined);
}

/** A `MemoryVectorStore` returns each entry's metadata object itself, so that and the content identify the entry. */
function memoryVectors(
  entries: readonly MemoryVector[],
  documents: readonly DocumentInterface[],
): (Vector | undefined)[] {
  const wanted = new Map<string, MemoryVector[]>(documents.map(({ pageContent }) => [pageContent, []]));
  for (const entry of entries) wanted.get(entry.content)?.push(entry);
  return documents.map(
    ({ pageContent, metadata }) =>
      wanted.get(pageContent)?.find((entry) => entry.metadata === metadata)?.embedding,
  );
}
