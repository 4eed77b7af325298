import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import { BaseEmbedding } from "@llamaindex/core/embeddings";
import { oscillinkRerankingModel } from "@oscillink/ai-sdk";
import { type Receipt, rerank } from "@oscillink/core";
import { OscillinkReranker, OscillinkRetriever } from "@oscillink/langchain";
import { OscillinkPostprocessor } from "@oscillink/llamaindex";
import { rerankMatches } from "@oscillink/pinecone";
import { rerank as rerankOfAiSdk } from "ai";
import { Settings, TextNode, VectorStoreIndex } from "llamaindex";
import { measured, type Part } from "../facts.ts";
import { interleaveAsync } from "../measure.ts";
import type { Size } from "../plan.ts";
import { makeVectors } from "../vectors.ts";
import { writer } from "../words.ts";

/** What the adapters add to a call of `rerank`, where the vectors are at hand. */
export const adapters: Part = async function* ({ adapters: size, effort }) {
  const { direct, search, calls } = await makeCalls(size);
  const expected = await direct();
  for (const [name, call] of Object.entries(calls)) {
    const { digest, vectors } = await call();
    if (digest !== expected.digest) throw new Error(`${name} makes another request than the direct call`);
    if (vectors?.fromStore !== size.n) throw new Error(`${name} had not all vectors at hand`);
  }
  const times = await interleaveAsync(effort, { direct, search, ...calls });
  yield* measured(size, times);
  for (const name of Object.keys(calls) as (keyof typeof calls)[]) {
    const others = times.direct.median + (name === "retriever" ? times.search.median : 0);
    yield { ...size, what: `${name} overhead`, unit: "ms", value: times[name].median - others };
  }
};

class Embedding extends BaseEmbedding {
  readonly #embed: (text: string) => number[];

  constructor(embed: (text: string) => number[]) {
    super();
    this.#embed = embed;
  }
  override async getTextEmbedding(text: string): Promise<number[]> {
    return this.#embed(text);
  }
}

/** One request, made directly and through each adapter with its defaults, but that all return the whole receipt. */
async function makeCalls(size: Size) {
  const { n, k } = size;
  const { query, embeddings } = makeVectors(size);
  const write = writer(3);
  const queryText = write(10);
  const vectors = new Map(embeddings.map((embedding) => [write(150), embedding]));
  const model = {
    embedQuery: async () => query,
    embedDocuments: async (texts: string[]) => texts.map((text) => vectors.get(text)!),
  };

  const store = new MemoryVectorStore(model);
  const texts = Array.from(vectors.keys(), (pageContent, i) => new Document({ id: `d${i}`, pageContent }));
  await store.addVectors(embeddings, texts);
  const search = () => store.similaritySearchVectorWithScore(query, n);
  // All take the candidates in the order in which the store finds them.
  const documents = (await search()).map(([document]) => document);
  const passages = documents.map(({ id, pageContent: text }) => ({
    id: id!,
    text,
    embedding: vectors.get(text)!,
  }));

  const reranker = new OscillinkReranker({
    embeddings: model,
    embeddingOf: ({ pageContent }) => vectors.get(pageContent),
    k,
    attach: "full",
  });
  const retriever = new OscillinkRetriever({ vectorStore: store, pool: n, k, attach: "full" });

  // The index leaves the vectors in the nodes that it is made of; those that it finds have none.
  const makeNodes = () => passages.map(({ id, text }) => new TextNode({ id_: id, text }));
  const index = await Settings.withEmbedModel(new Embedding((text) => vectors.get(text) ?? query), () =>
    VectorStoreIndex.init({ nodes: makeNodes() }),
  );
  const postprocessor = new OscillinkPostprocessor({ index, k, attach: "full" });
  const found = makeNodes().map((node) => ({ node, score: 0 }));

  const matches = passages.map(({ id, text, embedding }) => {
    return { id, score: 0, values: embedding, metadata: { text } };
  });

  const values = passages.map(({ id, text }) => ({ id, text }));
  const given = { embeddings: passages.map(({ embedding }) => embedding), queryEmbedding: query };
  const rerankingModel = oscillinkRerankingModel({ attach: "full" });

  return {
    direct: async () => rerank({ query, queryText, candidates: passages, k }).receipt,
    search,
    calls: {
      reranker: async (): Promise<Receipt> => {
        const [first] = await reranker.compressDocuments(documents, queryText);
        return first!.metadata.oscillink.receipt;
      },
      /** Searches as well, which {@link search} does alone. */
      retriever: async (): Promise<Receipt> => {
        const [first] = await retriever.invoke(queryText);
        return first!.metadata.oscillink.receipt;
      },
      LlamaIndex: async (): Promise<Receipt> => {
        const [first] = await postprocessor.postprocessNodes(found, queryText);
        return first!.node.metadata.oscillink.receipt;
      },
      Pinecone: async () => (await rerankMatches({ matches }, { query, queryText, k })).receipt!,
      "AI SDK": async () => {
        const { providerMetadata } = await rerankOfAiSdk({
          model: rerankingModel,
          query: queryText,
          documents: values,
          topN: k,
          providerOptions: { oscillink: given },
        });
        return providerMetadata!.oscillink!.receipt as unknown as Receipt;
      },
    },
  };
}
