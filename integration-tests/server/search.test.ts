/** The tool `search` of the server over Postgres with pgvector. */
import { fileURLToPath } from "node:url";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { rerank } from "@oscillink/core";
import { LexicalEmbedder } from "@oscillink/lexical";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answering, documents, query } from "./passages.ts";
import * as store from "./pgvectorStore.ts";
import { runServer } from "./running.ts";

const path = fileURLToPath(new URL("./pgvectorStore.ts", import.meta.url));
let server: Awaited<ReturnType<typeof runServer>>;
beforeAll(async () => {
  await store.fill(documents);
  server = await runServer({ OSCILLINK_SEARCH_MODULE: path, OSCILLINK_SEARCH_POOL: "4" });
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await store.close();
});

test("gives what core makes of the nearest, with their own vectors", async () => {
  const client = new Client({ name: "test", version: "1.0.0" });
  const requestInit = { headers: { Authorization: `Bearer ${server.firstKey}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", server.url), { requestInit }));
  const { structuredContent } = await client.callTool({ name: "search", arguments: { query, k: 2 } });
  await client.close();

  const embedder = LexicalEmbedder.fit([], { dimensions: 128 });
  const asked = embedder.embed(query);
  const cosine = (vector: Float32Array) => vector.reduce((sum, value, i) => sum + value * asked[i]!, 0);
  const candidates = documents
    .map((text, id) => ({ id, text, embedding: embedder.embed(text) }))
    .sort((a, b) => cosine(b.embedding) - cosine(a.embedding))
    .slice(0, 4);
  const { bundle, receipt } = rerank({ query: asked, queryText: query, candidates, k: 2 });
  expect(structuredContent).toMatchObject({
    model: "oscillink",
    results: bundle.map(({ id, rank, relevance }) => ({ id, rank, relevance, text: documents[Number(id)] })),
    receipt: { digest: receipt.digest },
  });
  expect(bundle[0]!.id).toBe(String(answering));
});
