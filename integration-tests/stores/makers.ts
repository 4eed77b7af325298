import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { HNSWLib } from "@langchain/community/vectorstores/hnswlib";
import { LanceDB } from "@langchain/community/vectorstores/lancedb";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import type { VectorStore } from "@langchain/core/vectorstores";
import type { Receipt } from "@oscillink/core";
import { OscillinkRetriever } from "@oscillink/langchain";
import type { Corpus, Retrieve } from "../contract.ts";
import { folder } from "../script.ts";
import { SqliteVecStore } from "./sqlite.ts";

/** The passages as documents; the id stands in the metadata too, for stores whose documents have none. */
export const documentsOf = ({ passages }: Corpus): Document[] =>
  passages.map(({ id, text }) => new Document({ id, pageContent: text, metadata: { passage: id } }));

/** Fills a new store with the corpus. */
export type MakeStore = (corpus: Corpus) => Promise<VectorStore>;

export const memoryStore: MakeStore = (corpus) =>
  MemoryVectorStore.fromDocuments(documentsOf(corpus), corpus.embeddings);

export const hnswStore: MakeStore = (corpus) => HNSWLib.fromDocuments(documentsOf(corpus), corpus.embeddings);

export const lanceStore: MakeStore = (corpus) =>
  LanceDB.fromDocuments(documentsOf(corpus), corpus.embeddings, { uri: folder() });

export const sqliteStore: MakeStore = async (corpus) => {
  const store = new SqliteVecStore(corpus.embeddings, corpus.passages[0]!.vector.length);
  await store.addDocuments(documentsOf(corpus));
  return store;
};

/** The receipt that came with a bundle. */
export const receiptOf = ([first]: readonly DocumentInterface[]): Receipt =>
  first!.metadata.oscillink.receipt;

/** A retriever over a store of the whole corpus, as the contract asks for; all vectors must come from the store. */
export const retrieveFrom =
  (makeStore: MakeStore) =>
  async (corpus: Corpus): Promise<Retrieve> => {
    const vectorStore = await makeStore(corpus);
    const pool = corpus.passages.length;
    return async ({ text }, k) => {
      const documents = await new OscillinkRetriever({ vectorStore, k, pool, attach: "full" }).invoke(text);
      const { digest, vectors } = receiptOf(documents);
      if (vectors?.fromStore !== pool) throw new Error(`not all from the store: ${JSON.stringify(vectors)}`);
      return { ids: documents.map(({ metadata }) => metadata.passage), digest };
    };
  };
