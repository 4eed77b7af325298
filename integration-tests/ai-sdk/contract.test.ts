import { oscillinkRerankingModel } from "@oscillink/ai-sdk";
import { openaiEmbedder } from "@oscillink/openai";
import { type RerankResult, rerank } from "ai";
import OpenAI from "openai";
import { afterAll } from "vitest";
import { adapterContract, type Chosen } from "../contract.ts";
import { type OpenAIServer, openaiServer } from "../servers/openai.ts";

const chosen = ({ rerankedDocuments, providerMetadata }: RerankResult<{ id: string }>): Chosen => {
  const digest = providerMetadata!.oscillink!.receipt as string;
  return { ids: rerankedDocuments.map(({ id }) => id), digest };
};

adapterContract("the AI SDK's rerank, embedding all", (corpus) => {
  const model = oscillinkRerankingModel({ embed: corpus.embeddings });
  return async (question, topN) => {
    const documents = corpus.nearest(question).map(({ id, text }) => ({ id, text }));
    return chosen(await rerank({ model, query: question.text, documents, topN }));
  };
});

adapterContract("the AI SDK's rerank, with the vectors in the documents", (corpus) => {
  const model = oscillinkRerankingModel({});
  return async (question, topN) => {
    const documents = corpus
      .nearest(question)
      .map(({ id, text, vector }) => ({ id, text, embedding: vector }));
    const providerOptions = { oscillink: { queryEmbedding: question.vector } };
    return chosen(await rerank({ model, query: question.text, documents, topN, providerOptions }));
  };
});

adapterContract("the AI SDK's rerank, with the vectors in the call", (corpus) => {
  const model = oscillinkRerankingModel({});
  return async (question, topN) => {
    const nearest = corpus.nearest(question);
    const documents = nearest.map(({ id, text }) => ({ id, text }));
    const embeddings = nearest.map(({ vector }) => vector);
    const providerOptions = { oscillink: { embeddings, queryEmbedding: question.vector } };
    return chosen(await rerank({ model, query: question.text, documents, topN, providerOptions }));
  };
});

let server: OpenAIServer;
afterAll(() => server[Symbol.asyncDispose]());

adapterContract("the AI SDK's rerank over the openai client", async (corpus) => {
  server = await openaiServer({ embedder: corpus.embeddings });
  const client = new OpenAI({ apiKey: "test", baseURL: server.url });
  const embed = openaiEmbedder(client, { model: "text-embedding-3-small", batchSize: 7 });
  const model = oscillinkRerankingModel({ embed });
  return async (question, topN) => {
    const documents = corpus.nearest(question).map(({ id, text }) => ({ id, text }));
    return chosen(await rerank({ model, query: question.text, documents, topN }));
  };
});
