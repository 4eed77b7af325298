import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Found } from "../src/index.ts";
import { address, ask, clientOf, hand, handed, ledger, moduleOf, serverOf } from "./searching.ts";
import { bearer, pool, temporary } from "./testing.ts";

test("a client that leaves is told to the store, and costs nothing", async () => {
  const server = await serverOf(handed);
  onTestFinished(() => server.close());
  const begun = Promise.withResolvers<AbortSignal>();
  hand(({ signal }) => {
    begun.resolve(signal);
    return new Promise(() => {});
  });
  const client = new AbortController();
  const body = {
    ...{ jsonrpc: "2.0", id: 1, method: "tools/call" },
    params: { name: "search", arguments: { query: "terns" } },
  };
  const asked = fetch(address(server), {
    ...{ method: "POST", body: JSON.stringify(body), signal: client.signal },
    headers: {
      ...{ "content-type": "application/json", accept: "application/json, text/event-stream" },
      ...bearer(server.firstKey!),
    },
  });
  const signal = await begun.promise;
  const left = once(signal, "abort", { signal: AbortSignal.timeout(5000) });
  client.abort();
  await expect(asked).rejects.toThrow();
  await left;
  expect(await ledger(server)).toEqual([]);
});

test("a store that waits holds its place: there are only so many", async () => {
  const server = await serverOf(handed, { LIMITS_IN_FLIGHT: "1" });
  onTestFinished(() => server.close());
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<Found>();
  hand(() => {
    begun.resolve();
    return end.promise;
  });
  const client = await clientOf(server);
  const first = ask(client, { query: "terns" });
  await begun.promise;
  await expect(ask(client, { query: "terns" })).rejects.toThrow("503");
  end.resolve([]);
  expect((await first).structuredContent.results).toEqual([]);
});

describe("candidates without evidence", () => {
  const candidates = ["The ferry leaves at noon.", "Terns nest in May.", "Puffins dig burrows."].map(
    (text, id) => ({ id, text }),
  );

  test.each([
    [{}, "oscillink-order"],
    [{ MODELS_DEFAULT: "oscillink-lexical" }, "oscillink-lexical"],
  ] as const)("are ranked by the configured model: %j", async (settings, model) => {
    const server = await serverOf(handed, settings);
    onTestFinished(() => server.close());
    hand(() => candidates);
    const { structuredContent } = await ask(await clientOf(server), { query: "When do terns nest?", k: 1 });
    expect(structuredContent).toMatchObject({
      model,
      results: [{ id: "1", rank: 1, text: candidates[1]!.text }],
    });
  });

  test("with vectors, and a question without: the embedder is asked for that of the question alone", async () => {
    const vectors = pool(3, 8);
    const inputs: string[] = [];
    const embedder = createServer(async (request, response) => {
      let body = "";
      for await (const part of request) body += part;
      const { input } = JSON.parse(body) as { input: string[] };
      inputs.push(...input);
      const data = input.map((_, index) => ({ index, embedding: [...vectors.query] }));
      response.setHeader("content-type", "application/json").end(JSON.stringify({ data }));
    }).listen(0, "127.0.0.1");
    await once(embedder, "listening");
    onTestFinished(() => void embedder.close());
    const { port } = embedder.address() as AddressInfo;
    const server = await serverOf(handed, {
      MODELS_EMBED_URL: `http://127.0.0.1:${port}/v1`,
      MODELS_EMBED_MODEL: "m",
    });
    onTestFinished(() => server.close());
    hand(() => candidates.map((one, i) => ({ ...one, embedding: vectors.embeddings[i] })));
    const { structuredContent } = await ask(await clientOf(server), { query: "When do terns nest?" });
    expect({ inputs, model: structuredContent.model }).toEqual({
      inputs: ["When do terns nest?"],
      model: "oscillink-embed",
    });
  });
});

test("a key that has no units left is told so", async () => {
  const server = await serverOf(handed, { LIMITS_UNITS: "800" });
  onTestFinished(() => server.close());
  hand(() => [1, 2].map((id) => ({ id, text: `Text ${id}` })));
  const client = await clientOf(server);
  expect((await ask(client, { query: "text" })).isError).toBeFalsy();
  const { isError, content } = await ask(client, { query: "text" });
  expect(isError).toBe(true);
  expect(content[0]!.text).toBe('The request counts 768 units, and the key has 32 of "units" left.');
});

test("503 in place of 424, and the id by which the log says more", async () => {
  const server = await serverOf(handed, { MODELS_FAILURE: "503" });
  onTestFinished(() => server.close());
  hand(() => Promise.reject(new Error("down")));
  const { content } = await ask(await clientOf(server), { query: "terns" });
  expect(content[0]!.text).toMatch(
    /^The store behind the tool search failed\.\nThe id of this request is [0-9a-f-]{36}\.$/,
  );
});

describe("a module that is wrong ends the start, and is named", () => {
  test.each([
    ["is not there", null, "cannot be loaded: Cannot find module"],
    ["is no module", "export default (", "cannot be loaded: "],
    [
      "throws",
      "throw new Error('no database at 127.0.0.1:1');",
      "cannot be loaded: no database at 127.0.0.1:1",
    ],
    ["has no default", "export const search = () => [];", "must be a function"],
    ["has another default", "export default { search: () => [] };", "must be a function"],
  ])("one that %s", async (_, text, says) => {
    const file = text === null ? join(temporary(), "none.mjs") : moduleOf(text);
    const error = await serverOf(file).catch((error) => error);
    expect(error).toMatchObject({ name: "ConfigError", faults: [expect.stringContaining(file)] });
    expect(error.message).toMatch(/^search\.module: /);
    expect(error.message).toContain(says);
  });

  test("so does a pool that is more than a request may hold", async () => {
    const settings = { SEARCH_POOL: "51", LIMITS_DOCUMENTS: "50" };
    await expect(serverOf(handed, settings)).rejects.toThrow(
      "OSCILLINK_SEARCH_POOL: 51 is more than a request may hold, OSCILLINK_LIMITS_DOCUMENTS 50",
    );
  });

  test.each([
    ["the command ends with 78", [], "export default 1", 78],
    ["doctor ends with 78", ["doctor"], "export default 1", 78],
    [
      "doctor ends with 0 for a good one, though it holds on to something",
      ["doctor"],
      "setInterval(() => {}, 1000); export default () => [];",
      0,
    ],
  ])(
    "%s",
    async (_, command, text, code) => {
      const file = moduleOf(text);
      const main = new URL("../src/main.ts", import.meta.url).pathname;
      const flags = ["--search-module", file, "--data", temporary(), "--port", "0", "--admin-port", "0"];
      const child = spawn(process.execPath, [main, ...command, ...flags, "--threads", "1"]);
      let said = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
      const [ended] = await once(child, "close");
      expect({ ended, said }).toEqual({ ended: code, said: expect.stringContaining(file) });
    },
    20_000,
  );
});
