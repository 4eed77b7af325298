import { type Receipt, rerank } from "@oscillink/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../src/index.ts";
import { type McpClient, mcpClients } from "./mcpClients.ts";
import { base64, makeServer, pool, post } from "./testing.ts";

let server: Server;
let address: URL;
beforeAll(async () => {
  server = await makeServer({ AUTH: "keys", LIMITS_UNITS: "100000", LIMITS_DOCUMENTS: "50" });
  await server.listen();
  address = new URL("/mcp", server.url);
});
afterAll(() => server.close());

const clients = mcpClients<Ranked>(() => address);

interface Ranked {
  readonly results: readonly { readonly id: string; readonly index: number; readonly rank: number }[];
  readonly receipt: Receipt;
  readonly signatures: readonly { readonly sig: string }[];
  readonly [name: string]: unknown;
}
const { query, embeddings } = pool(20, 16);
const queryEmbedding = base64(query);
const candidates = embeddings.map((one, i) => ({ id: `d${i}`, embedding: base64(one), text: `Text ${i}` }));

const units = async (): Promise<number> => {
  const { headers } = await post(server, "/v1/receipt", { Y: [[1]] }, { "x-api-key": server.firstKey! });
  return Number(headers["x-quota-remaining"]);
};

describe.each(Object.entries(clients))("%s", (_, connect) => {
  let client: McpClient<Ranked>;
  const call = (tool: string, given: Record<string, unknown>) =>
    client.callTool({ name: tool, arguments: given });
  beforeAll(async () => {
    client = await connect(server.firstKey!);
  });
  afterAll(() => client.close());

  test("finds tools that change nothing", async () => {
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toEqual(["rerank", "verify_receipt", "explain_receipt"]);
    for (const { annotations } of tools) expect(annotations).toMatchObject({ readOnlyHint: true });
  });

  test("ranks vectors as core does, and is charged for them", async () => {
    const before = await units();
    const { content, structuredContent } = await call("rerank", { queryEmbedding, candidates, k: 3 });
    expect(await units()).toBe(before - 20 * 16 - 1);
    const own = rerank({
      query,
      candidates: candidates.map((one, i) => ({ ...one, embedding: embeddings[i]! })),
      k: 3,
    });
    expect(structuredContent.results.map(({ id }) => id)).toEqual(own.bundle.map(({ id }) => id));
    expect(structuredContent.receipt.digest).toBe(own.receipt.digest);
    expect(content[0]!.text).toMatch(
      /^1\. d\d+ \(relevance [01]\.\d\d\)\n2\. .*\n3\. .*\nReceipt: sha256:[0-9a-f]{64}$/,
    );
  });

  test("ranks by scores and words", async () => {
    const texts = ["The ferry leaves at noon.", "Terns nest in May.", "Puffins dig burrows."];
    const scored = texts.map((text, i) => ({ text, score: 0.5 - i / 100 }));
    const { structuredContent } = await call("rerank", {
      query: "When do terns nest?",
      candidates: scored,
      k: 1,
    });
    expect(structuredContent.results[0]).toMatchObject({ index: 1, rank: 1 });
  });

  test("has its receipts verified and explained", async () => {
    const { structuredContent: ranked } = await call("rerank", { queryEmbedding, candidates, k: 3 });
    const { receipt, signatures } = ranked;
    for (const given of [{ receipt, signatures }, { receipt: JSON.stringify(ranked) }]) {
      const verdict = await call("verify_receipt", given);
      expect(verdict.structuredContent).toMatchObject({
        ok: true,
        covers: "receipt",
        digest: receipt.digest,
      });
      expect(verdict.content[0]!.text).toMatch(/^valid: signed by this server/);
    }
    const forged = { ...receipt, bundle: receipt.bundle.slice(1) };
    const verdict = await call("verify_receipt", { receipt: forged, signatures });
    expect(verdict.structuredContent).toMatchObject({ ok: false });
    const { structuredContent } = await call("explain_receipt", { receipt });
    const lines = structuredContent.lines as string[];
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.join("\n")).toContain(receipt.bundle[0]!.id);
  });

  test.each([
    ["vectors of another width", { queryEmbedding: [1, 2], candidates }, "/query: "],
    ["no documents", { query: "terns" }, "must stand in `texts` or in `candidates`"],
    ["documents in both places", { query: "terns", texts: ["a"], candidates }, "not in both"],
    [
      "more documents than are taken",
      { queryEmbedding: [1], candidates: Array(51).fill({ embedding: [1] }) },
      "takes 50",
    ],
    ["a model that there is not", { query: "terns", texts: ["a"], model: "none" }, "model not found: none"],
  ])("is told of %s, and not charged", async (_, given, says) => {
    const before = await units();
    const { isError, content } = await call("rerank", given);
    expect(isError).toBe(true);
    expect(content[0]!.text).toContain(says);
    expect(await units()).toBe(before - 1);
  });

  test("is told of a field that there is not", async () => {
    const { isError, content } = await call("rerank", { queryEmbedding, candidates, topK: 3 });
    expect(isError).toBe(true);
    expect(content[0]!.text).toContain("topK");
  });

  test("several calls at the same time do not disturb each other", async () => {
    const ks = [1, 2, 3, 4, 5];
    const answers = await Promise.all(ks.map((k) => call("rerank", { queryEmbedding, candidates, k })));
    expect(answers.map(({ structuredContent }) => structuredContent.results.length)).toEqual(ks);
  });

  test("is refused without a good key", async () => {
    await expect(connect("wrong")).rejects.toThrow();
  });
});

const message = { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} };
const send = (
  headers: Record<string, string>,
  of: { app: Server["app"]; key: string | null },
  body: unknown = message,
) =>
  of.app.inject({
    ...{ method: "POST", url: "/mcp", payload: JSON.stringify(body) },
    headers: {
      ...{
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        host: "localhost:8080",
      },
      ...(of.key !== null && { authorization: `Bearer ${of.key}` }),
      ...headers,
    },
  });

describe("who may ask", () => {
  const own = () => ({ app: server.app, key: server.firstKey });

  test.each([
    ["no origin, as programs have", {}, 200],
    ["a page of this server's own", { origin: "http://localhost:8080" }, 200],
    ["a page of another", { origin: "https://evil.example" }, 403],
    ["a page at another port", { origin: "http://localhost:9999" }, 403],
    ["a page of nowhere", { origin: "null" }, 403],
    ["a name that was bent to this machine", { host: "evil.example:8080" }, 403],
    ["that, with its own page", { host: "evil.example:8080", origin: "http://evil.example:8080" }, 403],
  ])("%s", async (_, headers, status) => {
    expect((await send(headers as Record<string, string>, own())).statusCode).toBe(status);
  });

  test("pages that the operator names", async () => {
    const named = await makeServer({ CORS: "https://app.example" });
    try {
      const of = { app: named.app, key: null };
      expect((await send({ origin: "https://app.example" }, of)).statusCode).toBe(200);
      expect((await send({ origin: "https://other.example" }, of)).statusCode).toBe(403);
    } finally {
      await named.close();
    }
  });

  test("behind a proxy it goes by other names", async () => {
    const behind = await makeServer({ TRUST_PROXY: "127.0.0.1" });
    try {
      expect((await send({ host: "rank.example" }, { app: behind.app, key: null })).statusCode).toBe(200);
    } finally {
      await behind.close();
    }
  });

  test("nobody without a good key", async () => {
    expect((await send({}, { ...own(), key: null })).statusCode).toBe(401);
    expect((await send({}, { ...own(), key: "wrong" })).statusCode).toBe(401);
  });
});

test("there are no sessions and no streams of their own", async () => {
  for (const method of ["GET", "DELETE"] as const) {
    const headers = {
      authorization: `Bearer ${server.firstKey}`,
      accept: "text/event-stream",
      host: "localhost",
    };
    expect((await server.app.inject({ method, url: "/mcp", headers })).statusCode).toBe(405);
  }
});

test("a body longer than assistants send is refused before it is read", async () => {
  const long = { ...message, params: { filler: "x".repeat(5 * 2 ** 20) } };
  expect((await send({}, { app: server.app, key: server.firstKey }, long)).statusCode).toBe(413);
});
