import { oscillinkRerankingModel } from "@oscillink/ai-sdk";
import { openaiEmbedder } from "@oscillink/openai";
import { type RerankResult, rerank } from "ai";
import OpenAI from "openai";
import { afterAll } from "vitest";
import {
  adapterContract,
  type Chosen,
  corpus,
  guardContract,
  type Stoppable,
  stoppingContract,
} from "../contract.ts";
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

const asked = async (
  { corpus, embeddings: embed, options }: Stoppable,
  signals: { own?: AbortSignal; call?: AbortSignal },
) => {
  const { own, call } = signals;
  const onWarning = () => undefined;
  const model = oscillinkRerankingModel({ embed, ...options, onWarning, ...(own && { signal: own }) });
  const [question] = corpus.questions;
  const documents = corpus.nearest(question!).map(({ id, text }) => ({ id, text }));
  const abortSignal = call && { abortSignal: call };
  const result = await rerank({
    model,
    query: question!.text,
    documents,
    topN: 4,
    maxRetries: 0,
    ...abortSignal,
  });
  return result.rerankedDocuments.map(({ id }) => id);
};

stoppingContract("stopping the AI SDK's rerank by its abortSignal", (given) =>
  asked(given, given.signal ? { call: given.signal } : {}),
);

stoppingContract("stopping the reranking model by a signal of its own", (given) =>
  asked(given, given.signal ? { own: given.signal } : {}),
);

guardContract("guarding the reranking model", async (documents, options) => {
  const [question] = corpus.questions;
  const onWarning = () => undefined;
  const model = oscillinkRerankingModel({ embed: corpus.embeddings, onWarning, ...options });
  // The fields of an object are its metadata.
  const values = documents.map(({ id, text, metadata }) => {
    const properties = { id: { value: id, enumerable: true }, text: { value: text, enumerable: true } };
    return Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(metadata), ...properties });
  });
  const given = { type: "object", values } as never;
  const { ranking } = await model.doRerank({ documents: given, query: question!.text, topN: 4 });
  return ranking.map(({ index }) => documents[index]!.id);
});
