import type { Vector } from "@oscillink/core";
import { LexicalEmbedder } from "@oscillink/lexical";

/** What turns texts into vectors once it knows the corpus. */
export interface Embedder {
  embedDocuments(texts: string[]): Promise<Vector[]>;
  embedQuery(text: string): Promise<Vector>;
}

/** Where vectors come from. */
export interface Embedding {
  /** Equal names give equal vectors for documents: an index remembers it. */
  readonly name: string;
  /**
   * Whether the vectors depend on all documents, as the weights of words do: they are made anew when one of these changes.
   * A model's depend on their own text.
   */
  readonly fitted: boolean;
  /** The embedder for these documents. @param onProgress is told how many texts of a call are done. */
  for(corpus: Iterable<string>, onProgress?: (done: number) => void): Embedder;
}

export const lexicalEmbedding = (): Embedding => ({
  name: "lexical",
  fitted: true,
  for: (corpus) => LexicalEmbedder.fit(corpus),
});
