/** Clients of other services in JavaScript, as they are: another base URL is all they are told (A47, A48). */
import { createCohere } from "@ai-sdk/cohere";
import { CohereRerank } from "@langchain/cohere";
import { Document } from "@langchain/core/documents";
import { rerank } from "ai";
import { CohereClient, CohereClientV2, CohereError, CohereTimeoutError } from "cohere-ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VoyageAIClient } from "voyageai";
import { answering, documents, query } from "./passages.ts";
import { runServer } from "./running.ts";

let server: Awaited<ReturnType<typeof runServer>>;
let token: string;
beforeAll(async () => {
  server = await runServer();
  token = server.firstKey!;
});
afterAll(() => server[Symbol.asyncDispose]());

const inOrder = (scores: readonly number[]) => {
  expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
  expect([...scores].sort((a, b) => b - a)).toEqual(scores);
};

describe("cohere-ai", () => {
  test.each(["environment", "baseUrl"] as const)("version 2, by %s", async (option) => {
    const client = new CohereClientV2({ token, [option]: server.url });
    const { results, id, meta } = await client.rerank({ model: "rerank-v3.5", query, documents, topN: 3 });
    expect(results[0]!.index).toBe(answering);
    expect(results).toHaveLength(3);
    inOrder(results.map(({ relevanceScore }) => relevanceScore));
    expect(id).toMatch(/./);
    expect(meta?.billedUnits?.searchUnits).toBe(1);
  });

  test.each(["environment", "baseUrl"] as const)(
    "version 1, by %s, with documents that come back",
    async (option) => {
      const client = new CohereClient({ token, [option]: server.url });
      const { results } = await client.rerank({
        model: "rerank-v3.5",
        query,
        documents: documents.map((text) => ({ text })),
        returnDocuments: true,
      });
      expect(results).toHaveLength(documents.length);
      expect(results[0]!.document?.text).toBe(documents[answering]);
    },
  );

  test("its errors are of its own classes, with our reason", async () => {
    const client = (key: string) =>
      new CohereClientV2({ token: key, environment: server.url, maxRetries: 0 } as never);
    const failure = async (work: Promise<unknown>) => {
      const error = await work.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(CohereError);
      expect(error).not.toBeInstanceOf(CohereTimeoutError);
      return error as CohereError & { body: { message: string } };
    };
    const request = { model: "rerank-v3.5", query, documents };
    const unknown = await failure(client("osk_live_none").rerank(request));
    expect([unknown.constructor.name, unknown.statusCode]).toEqual(["UnauthorizedError", 401]);
    expect(unknown.body.message).toContain("key");
    const missing = await failure(client(token).rerank({ ...request, model: "rerank-none" }));
    expect([missing.constructor.name, missing.statusCode]).toEqual(["NotFoundError", 404]);
    const blank = await failure(client(token).rerank({ ...request, query: " " }));
    expect([blank.constructor.name, blank.statusCode]).toEqual(["UnprocessableEntityError", 422]);
    expect(blank.body.message).toContain("/query");
  });

  test("a limit that is reached is its TooManyRequestsError", async () => {
    await using small = await runServer({ OSCILLINK_LIMITS_UNITS: String(384 * documents.length) });
    const options = { token: small.firstKey!, environment: small.url };
    const request = { model: "rerank-v3.5", query, documents };
    const client = new CohereClientV2(options);
    await client.rerank(request, { maxRetries: 0 });
    await expect(client.rerank(request, { maxRetries: 0 })).rejects.toMatchObject({
      statusCode: 429,
      name: "TooManyRequestsError",
    });
  });
});

test("@langchain/cohere's CohereRerank", async () => {
  const client = new CohereClient({ token, environment: server.url });
  const reranker = new CohereRerank({ client: client as never, model: "rerank-v3.5", topN: 2 });
  const found = await reranker.compressDocuments(
    documents.map((pageContent) => new Document({ pageContent })),
    query,
  );
  expect(found.map(({ pageContent }) => pageContent)[0]).toBe(documents[answering]);
  expect(found[0]!.metadata.relevanceScore).toBeGreaterThan(found[1]!.metadata.relevanceScore);
});

test("the AI SDK's Cohere provider", async () => {
  const cohere = createCohere({ baseURL: `${server.url}/v2`, apiKey: token });
  const { ranking } = await rerank({ model: cohere.reranking("rerank-v3.5"), query, documents, topN: 2 });
  expect(ranking[0]!.document).toBe(documents[answering]);
  expect(ranking).toHaveLength(2);
});

test("voyageai", async () => {
  const client = new VoyageAIClient({ apiKey: token, environment: `${server.url}/voyage/v1` });
  const { data } = await client.rerank({
    model: "rerank-2.5",
    query,
    documents,
    topK: 2,
    returnDocuments: true,
  });
  expect(data![0]).toMatchObject({ index: answering, document: documents[answering] });
  inOrder(data!.map(({ relevanceScore }) => relevanceScore!));
});
