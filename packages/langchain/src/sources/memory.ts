import type { VectorSource } from "./source.ts";

interface MemoryStore {
  readonly memoryVectors: readonly {
    readonly content: string;
    readonly embedding: unknown;
    readonly metadata: unknown;
    readonly id?: string;
  }[];
}

/** `MemoryVectorStore`: its entries are at hand. */
export const memory: VectorSource<MemoryStore> = {
  name: "MemoryVectorStore",
  has: ["memoryVectors.filter()"],
  rows({ memoryVectors }, { hits }) {
    const wanted = new Set(hits.map(([{ pageContent }]) => pageContent));
    return memoryVectors
      .filter(({ content }) => wanted.has(content))
      .map(({ id, content, metadata, embedding }) => ({ id, text: content, metadata, vector: embedding }));
  },
};
