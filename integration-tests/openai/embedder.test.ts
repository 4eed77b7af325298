import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { EmbedderError } from "@oscillink/core";
import { completeVectors } from "@oscillink/core/adapter";
import { LexicalEmbedder } from "@oscillink/lexical";
import { type OpenAIEmbedderOptions, openaiEmbedder } from "@oscillink/openai";
import OpenAI from "openai";
import OpenAI5 from "openai5";
import OpenAI6 from "openai6";
import { afterEach, describe, expect, test } from "vitest";
import { type OpenAIServer, type OpenAIServerOptions, openaiServer } from "../servers/openai.ts";

const model = "text-embedding-3-small";
const texts = Array.from({ length: 10 }, (_, i) => `Passage ${i} tells of the ${"great ".repeat(i)}gale.`);
const lexical = LexicalEmbedder.fit([]);
const expected = await lexical.embedDocuments(texts);
/** The client repeats a request at once if the server says so; else after half a second. */
const AT_ONCE = { "retry-after-ms": "1" };

const servers: OpenAIServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

async function started({
  server: behaviour = {},
  client: fields = {},
  ...options
}: Partial<OpenAIEmbedderOptions> & {
  server?: OpenAIServerOptions;
  client?: { maxRetries?: number; timeout?: number };
} = {}) {
  const server = await openaiServer(behaviour);
  servers.push(server);
  const client = new OpenAI({ apiKey: "test", baseURL: server.url, logLevel: "off", ...fields });
  return { server, embedder: openaiEmbedder(client, { model, ...options }) };
}

const failureOf = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => Promise.reject(new Error("it did not fail")),
    (error) => error,
  );

describe("openaiEmbedder over the openai client", () => {
  test("sends all in one request, and sorts the vectors by their index", async () => {
    const { server, embedder } = await started();
    expect(await embedder.embedDocuments(texts)).toEqual(expected);
    expect(await embedder.embedQuery(texts[3]!)).toEqual(expected[3]);
    expect(server.answered).toEqual([
      { model, input: texts, encoding_format: "base64" },
      { model, input: [texts[3]], encoding_format: "base64" },
    ]);
  });

  test("asks for the dimensions that it was given", async () => {
    const { server, embedder } = await started({ dimensions: 24 });
    const vectors = await embedder.embedDocuments(texts);
    expect(vectors).toEqual(expected.map((vector) => vector.slice(0, 24)));
    expect(server.answered[0]!.dimensions).toBe(24);
  });

  describe("a server that sends float arrays gives the same vectors as one that sends base64", () => {
    /** Writes numbers, whatever was asked for. */
    const spoil = (data: Record<string, unknown>[]) =>
      data.map((entry) => {
        if (typeof entry.embedding !== "string") return entry;
        const bytes = Buffer.from(entry.embedding, "base64");
        const floats = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
        return { ...entry, embedding: floats };
      });
    // By themselves, some of the former versions take any answer for base64.
    test.each([
      ["5.0.1", OpenAI5],
      ["6.49.0", OpenAI6],
      ["of today", OpenAI],
    ])("over the client %s", async (_, Client) => {
      for (const behaviour of [{}, { spoil }]) {
        const server = await openaiServer(behaviour);
        servers.push(server);
        const client = new Client({ apiKey: "test", baseURL: server.url });
        for (const encodingFormat of ["base64", "float"] as const) {
          const embedder = openaiEmbedder(client, { model, encodingFormat });
          expect(await embedder.embedDocuments(texts)).toEqual(expected);
          expect(server.answered.at(-1)).toMatchObject({ encoding_format: encodingFormat });
        }
      }
    });
  });

  test("the API's limits hold by default: 2048 texts, and 300000 tokens in the worst script", async () => {
    const { server, embedder } = await started({
      server: { embedder: LexicalEmbedder.fit([], { dimensions: 16 }) },
    });
    const short = Array.from({ length: 2050 }, (_, i) => String(i));
    expect(await embedder.embedDocuments(short)).toHaveLength(2050);
    expect(server.answered.map(({ input }) => input.length)).toEqual([2048, 2]);
    // 3 bytes a character.
    const long = Array.from({ length: 5 }, (_, i) => `${i}${"灯台".repeat(15_000)}`);
    expect(await embedder.embedDocuments(long)).toHaveLength(5);
    expect(server.answered.slice(2).map(({ input }) => input.length)).toEqual([3, 2]);
  });

  test("keeps as many requests under way as it may, and the order though the first is the last to end", async () => {
    const done: number[] = [];
    const delay = (input: readonly string[]) => 40 - 4 * texts.indexOf(input[0]!);
    const { server, embedder } = await started({
      server: { delay },
      batchSize: 2,
      concurrency: 3,
      onProgress: (progress) => {
        expect(progress.total).toBe(10);
        done.push(progress.done);
      },
    });
    expect(await embedder.embedDocuments(texts)).toEqual(expected);
    expect(server.answered[0]!.input).not.toEqual(texts.slice(0, 2));
    expect(server.busiest).toBe(3);
    expect(done).toEqual([2, 4, 6, 8, 10]);
    await embedder.embedQuery("a query is no progress");
    expect(done).toHaveLength(5);
  });

  test("fills a LangChain store as its embeddings", async () => {
    const { embedder } = await started();
    const store = await MemoryVectorStore.fromTexts(texts, {}, embedder);
    const [hit] = await store.similaritySearch(texts[7]!, 1);
    expect(hit!.pageContent).toBe(texts[7]);
  });
});

describe("when the server fails", () => {
  test.each([
    ["429", { status: 429, headers: AT_ONCE }],
    ["500", { status: 500, headers: AT_ONCE }],
    ["503", { status: 503, headers: AT_ONCE }],
  ])("with %s and then answers, the client's retry is all that is needed", async (_, fault) => {
    const { server, embedder } = await started({
      server: { faults: [fault, fault] },
      batchSize: 5,
      concurrency: 1,
    });
    expect(await embedder.embedDocuments(texts)).toEqual(expected);
    expect(server.attempts).toEqual([0, 1, 2, 0]);
  });

  test("for longer than the client's maxRetries, nothing is tried again, and the client's error comes through", async () => {
    const faults = Array(10).fill({ status: 429, headers: AT_ONCE });
    const { server, embedder } = await started({ server: { faults }, client: { maxRetries: 1 } });
    expect(await failureOf(embedder.embedDocuments(texts))).toBeInstanceOf(OpenAI.RateLimitError);
    expect(server.attempts).toEqual([0, 1]);
  });

  test("for good in one of the batches, the others are cancelled and no new one is sent", async () => {
    const { server, embedder } = await started({
      server: { faults: [null, { status: 400 }], delay: () => 5000 },
      batchSize: 2,
      concurrency: 2,
    });
    expect(await failureOf(embedder.embedDocuments(texts))).toBeInstanceOf(OpenAI.BadRequestError);
    await expect.poll(() => server.abandoned).toBe(1);
    expect(server.attempts).toHaveLength(2);
  });

  test("with silence, the client's timeout ends it", async () => {
    const { server, embedder } = await started({
      server: { faults: ["silence"] },
      client: { maxRetries: 0, timeout: 50 },
    });
    expect(await failureOf(embedder.embedQuery("a"))).toBeInstanceOf(OpenAI.APIConnectionTimeoutError);
    await expect.poll(() => server.abandoned).toBe(1);
  });

  test("by cutting the connection, before the response or within it, it is an error and never a short list", async () => {
    const { embedder } = await started({
      server: { faults: ["cut", "cut in the middle"] },
      client: { maxRetries: 0 },
    });
    expect(await failureOf(embedder.embedDocuments(texts))).toBeInstanceOf(OpenAI.APIConnectionError);
    expect(await failureOf(embedder.embedDocuments(texts))).toBeInstanceOf(Error);
    expect(await embedder.embedDocuments(texts)).toEqual(expected);
  });

  test("by cutting the connection once, the client tries again", async () => {
    const { server, embedder } = await started({ server: { faults: ["cut"] }, client: { maxRetries: 1 } });
    expect(await embedder.embedDocuments(texts)).toEqual(expected);
    expect(server.attempts).toEqual([0, 1]);
  });

  test.each<[string, OpenAIServerOptions["spoil"], string]>([
    ["one vector too few", (data) => data.slice(1), "holds 9 vectors for 10 texts"],
    ["an index twice", (data) => data.map((entry) => ({ ...entry, index: 0 })), "data[1].index"],
    [
      "a short vector",
      ([first, ...rest]) => [{ ...first, embedding: "AACAPw==" }, ...rest],
      "values instead of",
    ],
  ])("by sending %s, nothing is made of it", async (_, spoil, message) => {
    const { embedder } = await started({ server: { spoil } as OpenAIServerOptions });
    const error = await failureOf(embedder.embedDocuments(texts));
    expect(error).toBeInstanceOf(EmbedderError);
    expect(error.message).toContain(message);
  });

  test("core names the documents, and keeps the client's error as the cause", async () => {
    const { embedder } = await started({ server: { faults: [{ status: 401 }] } });
    const error = await failureOf(completeVectors([null, null], ["a", "b"], embedder));
    expect(error).toBeInstanceOf(EmbedderError);
    expect(error.message).toMatch(/^embeddings: embedding 2 documents failed: 401 /);
    expect(error.cause).toBeInstanceOf(OpenAI.AuthenticationError);
  });
});

test("a timeout is the client's, for each request", async () => {
  const { server, embedder } = await started({ server: { delay: () => 5000 }, timeout: 50 });
  expect(await failureOf(embedder.embedQuery("a"))).toBeInstanceOf(OpenAI.APIConnectionTimeoutError);
  await expect.poll(() => server.abandoned).toBeGreaterThan(0);
});

describe("an abort", () => {
  test("in the middle ends the requests under way and sends no other", async () => {
    const controller = new AbortController();
    const { server, embedder } = await started({
      server: { delay: (input) => (input[0] === texts[0] ? 0 : 5000) },
      batchSize: 2,
      concurrency: 2,
      signal: controller.signal,
      onProgress: () => setTimeout(() => controller.abort(), 20),
    });
    const error = await failureOf(embedder.embedDocuments(texts));
    expect(error).toBe(controller.signal.reason);
    await expect.poll(() => server.abandoned).toBe(2);
    expect(server.attempts).toHaveLength(3);
  });

  test("beforehand sends nothing", async () => {
    const reason = new Error("the user left");
    const { server, embedder } = await started({ signal: AbortSignal.abort(reason) });
    expect(await failureOf(embedder.embedDocuments(texts))).toBe(reason);
    const { server: other, embedder: open } = await started();
    expect(await failureOf(open.embedQuery("a", { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect([...server.attempts, ...other.attempts]).toEqual([]);
  });

  test("while the client waits to try again ends the wait", async () => {
    const controller = new AbortController();
    const { server, embedder } = await started({
      server: { faults: [{ status: 429, headers: { "retry-after": "30" } }] },
      signal: controller.signal,
    });
    const asked = failureOf(embedder.embedQuery("a"));
    await expect.poll(() => server.attempts).toEqual([0]);
    setTimeout(() => controller.abort(), 20);
    expect(await asked).toBe(controller.signal.reason);
  });

  test("of one call ends that call alone, its requests too", async () => {
    const controller = new AbortController();
    const { server, embedder } = await started({
      server: { delay: (input) => (input[0] === texts[0] ? 5000 : 0) },
    });
    const asked = failureOf(embedder.embedDocuments([texts[0]!], { signal: controller.signal }));
    await expect.poll(() => server.attempts).toEqual([0]);
    controller.abort(new Error("the user left"));
    expect(await asked).toBe(controller.signal.reason);
    await expect.poll(() => server.abandoned).toBe(1);
    expect(await embedder.embedDocuments([texts[1]!])).toHaveLength(1);
  });
});
