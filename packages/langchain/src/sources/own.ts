import type { DocumentInterface } from "@langchain/core/documents";
import type { VectorSource } from "./source.ts";

interface OwnStore {
  similaritySearchVectorWithScoreAndEmbedding(
    query: number[],
    k: number,
    filter: unknown,
  ): Promise<readonly (readonly [document: DocumentInterface, ...unknown[]])[]>;
}

/**
 * A store of your own: give it the method that LangChain's Weaviate store has. It searches like
 * `similaritySearchVectorWithScore`, and the last entry of each hit is the vector.
 */
export const own: VectorSource<OwnStore> = {
  name: "the store",
  has: ["similaritySearchVectorWithScoreAndEmbedding()"],
  async rows(store, { hits, query, filter }) {
    const found = await store.similaritySearchVectorWithScoreAndEmbedding(query, hits.length, filter);
    return found.map(([{ id, pageContent, metadata }, ...rest]) => {
      return { id, text: pageContent, metadata, vector: rest.at(-1) };
    });
  },
};
