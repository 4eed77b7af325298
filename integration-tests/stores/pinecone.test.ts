import { Document } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { VectorStore } from "@langchain/core/vectorstores";
import { OscillinkRetriever } from "@oscillink/langchain";
import { type Index, Pinecone } from "@pinecone-database/pinecone";
import { afterAll, expect, test } from "vitest";
import { adapterContract, type Corpus, corpus } from "../contract.ts";
import { startPinecone } from "../servers/pinecone.ts";
import { receiptOf, retrieveFrom } from "./makers.ts";

/*
 * LangChain's PineconeStore wants a client of years ago, so here are its members and its search over the client of today,
 * which speaks to a local index.
 */
class PineconeStore extends VectorStore {
  readonly textKey = "text";
  readonly namespace = "letters";
  readonly pineconeIndex: Index;

  constructor(embeddings: EmbeddingsInterface, pineconeIndex: Index) {
    super(embeddings, {});
    this.pineconeIndex = pineconeIndex;
  }
  override _vectorstoreType(): string {
    return "pinecone";
  }
  override async addDocuments(documents: Document[]): Promise<void> {
    const vectors = await this.embeddings.embedDocuments(documents.map(({ pageContent }) => pageContent));
    await this.addVectors(vectors, documents);
  }
  override async addVectors(vectors: number[][], documents: Document[]): Promise<void> {
    const records = documents.map(({ id, pageContent, metadata }, i) => {
      return { id: id!, values: vectors[i]!, metadata: { ...metadata, [this.textKey]: pageContent } };
    });
    await this.pineconeIndex.namespace(this.namespace).upsert({ records });
  }
  override async similaritySearchVectorWithScore(
    vector: number[],
    topK: number,
    filter?: object,
  ): Promise<[Document, number][]> {
    const index = this.pineconeIndex.namespace(this.namespace);
    const { matches } = await index.query({
      vector,
      topK,
      includeMetadata: true,
      ...(filter && { filter }),
    });
    return matches.map(({ id, score, metadata }) => {
      const { [this.textKey]: text, ...rest } = metadata!;
      return [new Document({ id, pageContent: String(text), metadata: rest }), score!];
    });
  }
}

const server = await startPinecone({ dimension: corpus.passages[0]!.vector.length });
afterAll(() => server.close());

async function pineconeStore({ embeddings, passages }: Corpus): Promise<PineconeStore> {
  const client = new Pinecone({ apiKey: "local", controllerHostUrl: server.url, maxRetries: 0 });
  const store = new PineconeStore(embeddings, client.index({ host: server.url }));
  await store.addDocuments(
    passages.map(({ id, text }) => new Document({ id, pageContent: text, metadata: { passage: id } })),
  );
  return store;
}

adapterContract("PineconeStore", retrieveFrom(pineconeStore));

const question = corpus.questions[0]!.text;

test("the second question has the filter and the namespace of the first, and asks for the values", async () => {
  const vectorStore = await pineconeStore(corpus);
  const some = corpus.passages.slice(2, 6).map(({ id }) => id);
  const filter = { passage: { $in: some } };
  const asked = server.requests.length;
  const documents = await new OscillinkRetriever({
    vectorStore,
    attach: "full",
    k: 4,
    pool: 10,
    filter,
  }).invoke(question);
  expect(documents.map(({ id }) => id).sort()).toEqual(some);
  expect(receiptOf(documents).vectors).toEqual({ fromStore: 4, reembedded: 0 });
  const [first, second, ...others] = server.requests.slice(asked);
  expect(others).toEqual([]);
  expect(first!.body).toMatchObject({ filter, namespace: "letters", topK: 10 });
  expect(second!.body).toMatchObject({ filter, namespace: "letters", topK: 4, includeValues: true });
});

test("if the second question fails, its error is the cause", async () => {
  const vectorStore = await pineconeStore(corpus);
  const search = vectorStore.similaritySearchVectorWithScore.bind(vectorStore);
  vectorStore.similaritySearchVectorWithScore = async (...given) => {
    const hits = await search(...given);
    server.fail("/query", 503);
    return hits;
  };
  await expect(new OscillinkRetriever({ vectorStore }).invoke(question)).rejects.toMatchObject({
    parameter: "vectorStore",
    message: expect.stringContaining("from PineconeStore failed"),
    cause: { name: expect.stringContaining("Pinecone") },
  });
});
