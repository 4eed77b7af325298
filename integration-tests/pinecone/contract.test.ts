import { OscillinkPinecone, type RerankResponse, rerankMatches } from "@oscillink/pinecone";
import { Pinecone } from "@pinecone-database/pinecone";
import { afterAll } from "vitest";
import {
  adapterContract,
  type Corpus,
  corpus,
  guardContract,
  type Retrieve,
  stoppingContract,
} from "../contract.ts";
import { type PineconeServer, type PineconeServerOptions, startPinecone } from "../servers/pinecone.ts";

const servers: PineconeServer[] = [];
afterAll(() => Promise.all(servers.map((server) => server.close())));

/** An index that holds the corpus. */
async function filled({ passages, questions }: Corpus, metric: PineconeServerOptions["metric"] = "cosine") {
  const vectors = new Map([...passages, ...questions].map(({ text, vector }) => [text, vector]));
  const dimension = passages[0]!.vector.length;
  const server = await startPinecone({ dimension, metric, embed: (text) => vectors.get(text)! });
  servers.push(server);
  const index = new Pinecone({ apiKey: "local", maxRetries: 0 }).index({ host: server.url });
  await index.upsertRecords({ records: passages.map(({ id, text }) => ({ _id: id, chunk_text: text })) });
  return index;
}

const chosen = <Document>(
  { data, receipt }: RerankResponse<Document>,
  idOf: (found: Document) => string,
) => ({
  ids: data.map(({ document }) => idOf(document)),
  digest: receipt!.digest,
});

for (const metric of ["cosine", "dotproduct", "euclidean"] as const) {
  adapterContract(`OscillinkPinecone.query, ${metric}`, async (corpus): Promise<Retrieve> => {
    const searcher = new OscillinkPinecone({ index: await filled(corpus, metric) });
    return async ({ text, vector }, k) =>
      chosen(await searcher.query({ vector, queryText: text, topK: k }), ({ id }) => id);
  });
}

adapterContract("OscillinkPinecone.searchRecords", async (corpus): Promise<Retrieve> => {
  const searcher = new OscillinkPinecone({ index: await filled(corpus), embedder: corpus.embeddings });
  return async ({ text }, k) =>
    chosen(await searcher.searchRecords({ query: { topK: k, inputs: { text } } }), ({ _id }) => _id);
});

adapterContract("rerankMatches", async (corpus): Promise<Retrieve> => {
  const index = await filled(corpus);
  return async ({ text, vector }, k) => {
    const all = { topK: corpus.passages.length, includeValues: true, includeMetadata: true };
    const response = await index.query({ vector, ...all });
    return chosen(await rerankMatches(response, { query: vector, queryText: text, k }), ({ id }) => id);
  };
});

stoppingContract(
  "stopping OscillinkPinecone.searchRecords",
  async ({ corpus, embeddings: embedder, signal, options }) => {
    const index = await filled(corpus);
    const own = { ...options, onWarning: () => undefined, ...(signal && { signal }) };
    const searcher = new OscillinkPinecone({ index, embedder, ...own });
    const { text } = corpus.questions[0]!;
    const { data } = await searcher.searchRecords({ query: { topK: 4, inputs: { text } } });
    return data.map(({ document }) => document._id);
  },
  ["embedQuery"],
);

guardContract("guarding rerankMatches", async (documents, options) => {
  const [question] = corpus.questions;
  const matches = documents.map(({ id, text, metadata }, i) => {
    const properties = { text: { value: text, enumerable: true } };
    const all = Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(metadata), ...properties });
    return {
      id,
      score: 1 - i / 100,
      values: corpus.passages.find((one) => one.id === id)!.vector,
      metadata: all,
    };
  });
  const asked = { query: question!.vector, queryText: question!.text, k: 4, onWarning: () => undefined };
  const { data } = await rerankMatches({ matches } as never, { ...asked, ...options });
  return data.map(({ document }) => (document as { id: string }).id);
});
