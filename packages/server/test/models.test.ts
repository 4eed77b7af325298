import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { rerank } from "@oscillink/core";
import { LexicalEmbedder } from "@oscillink/lexical";
import { describe, expect, it, onTestFinished } from "vitest";
import { buffersOf } from "../src/compute/vectors.ts";
import { loadConfig } from "../src/config/load.ts";
import { Problem } from "../src/http/problem.ts";
import { type Model, modelsOf, serveModels } from "../src/models/models.ts";

const candidates = [
  { text: "Bread rises when yeast eats sugar." },
  { title: "Tides", text: "The moon pulls the water of the seas." },
  { text: "" },
  { text: "Tides are low and high water, by the moon." },
];
const request = { queryText: "moon and tides", candidates, k: 4 };
const { signal } = new AbortController();

const settingsOf = (more: Record<string, string>) =>
  loadConfig({
    environment: Object.fromEntries(
      Object.entries(more).map(([name, value]) => [`OSCILLINK_MODELS_${name}`, value]),
    ),
  }).models;
const modelOf = (name: string, more: Record<string, string> = {}): Model =>
  modelsOf(settingsOf(more)).find((model) => model.name === name)!;

/** Another server, on loopback. */
async function other(answer: (body: never, request: IncomingMessage) => unknown): Promise<string> {
  const server: Server = createServer(async (incoming, response) => {
    let body = "";
    for await (const part of incoming) body += part;
    const value = await answer(JSON.parse(body) as never, incoming);
    response.statusCode = typeof value === "number" ? value : 200;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(typeof value === "number" ? { error: "a secret of the other's" } : value));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server of embeddings, and what it was asked. */
async function embeddings() {
  const asked: { input: string[]; model: string; key: string | undefined }[] = [];
  const embedder = LexicalEmbedder.fit([], { dimensions: 64 });
  const url = await other(({ input, model }: { input: string[]; model: string }, { headers }) => {
    asked.push({ input, model, key: headers.authorization });
    return { data: input.map((text, index) => ({ index, embedding: [...embedder.embed(text)] })) };
  });
  return { url: `${url}/v1`, asked, embedder };
}

const problemOf = async (work: () => unknown): Promise<Problem> => {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    return error as Problem;
  }
  throw new Error("nothing was refused");
};

describe("names", () => {
  const servedBy = (more: Record<string, string> = {}) => {
    const settings = settingsOf(more);
    return serveModels(modelsOf(settings), settings);
  };

  it("are found by themselves and by an alias", () => {
    const served = servedBy({ ALIASES: "rerank-v3.5=oscillink-order" });
    expect(served.find("oscillink-lexical", true).name).toBe("oscillink-lexical");
    expect(served.find("rerank-v3.5", true).name).toBe("oscillink-order");
    expect(servedBy({ ALIASES: "*=oscillink-order" }).find("anything", true).name).toBe("oscillink-order");
    expect(served.all.filter(({ available }) => !available).map(({ name }) => name)).toEqual([
      "oscillink-embed",
      "oscillink-cascade",
    ]);
  });

  it.each([
    ["what was configured", { DEFAULT: "oscillink-lexical" }, "oscillink-lexical"],
    ["an embedder", { EMBED_URL: "http://127.0.0.1:9/v1", EMBED_MODEL: "m" }, "oscillink-embed"],
    ["an upstream", { UPSTREAM_URL: "http://127.0.0.1:9/rerank" }, "oscillink-cascade"],
    ["their order", {}, "oscillink-order"],
  ])("are left out: texts are ranked by %s", (_, settings, name) => {
    expect(servedBy(settings).find(null, true).name).toBe(name);
    expect(servedBy(settings).find(null, false).name).toBe("oscillink");
  });

  it.each(["rerank-v4", "toString", "__proto__", ""])("that nobody gave are not found: %j", async (name) => {
    const problem = await problemOf(() => servedBy().find(name, true));
    expect(problem.status).toBe(404);
    expect(problem.message).toContain("model not found");
  });
});

describe("oscillink", () => {
  const given = modelOf("oscillink");

  it("refuses texts alone, and says what else there is", async () => {
    const problem = await problemOf(() => given.complete(request, signal));
    expect(problem.status).toBe(422);
    expect(problem.message).toContain("oscillink-embed");
  });

  it("leaves vectors, scores, lists and nothing at all to core", () => {
    for (const one of [
      { ...request, query: [1, 2] },
      { ...request, candidates: candidates.map((c) => ({ ...c, score: 1 })) },
      { queryText: "q", lists: [] },
      { queryText: "q", candidates: [] },
    ]) {
      expect(given.complete(one, signal)).toBe(one);
    }
  });
});

describe("oscillink-order", () => {
  it("takes the order for scores, or nothing", () => {
    const scoresOf = (prior: string) =>
      (
        modelOf("oscillink-order", { PRIOR: prior }).complete(request, signal) as typeof request
      ).candidates.map((one) => (one as { score?: number }).score);
    expect(scoresOf("order")).toEqual([1, 2, 3, 4].map((place) => expect.closeTo(-Math.log(place), 6)));
    expect(scoresOf("none")).toEqual([0, 0, 0, 0]);
  });

  it("uses what came along", () => {
    const scored = { ...request, candidates: candidates.map((c, i) => ({ ...c, score: i })) };
    expect(modelOf("oscillink-order").complete(scored, signal)).toBe(scored);
  });
});

describe("oscillink-lexical", () => {
  it("makes vectors, and ranks by them; an empty text comes last", () => {
    const completed = modelOf("oscillink-lexical").complete(request, signal) as typeof request;
    const { bundle } = rerank(completed);
    expect(bundle.map(({ inputRank }) => inputRank)).toEqual([4, 2, 1, 3]);
    expect(bundle.at(-1)!.score).toBe(null);
  });

  it.each([
    ["a question without a word", { ...request, queryText: "???" }],
    ["texts without a word", { ...request, candidates: [{ text: "" }, { text: " " }] }],
    ["no documents", { ...request, candidates: [] }],
  ])("ranks %s too", (_, one) => {
    const completed = modelOf("oscillink-lexical").complete(one, signal) as typeof request;
    expect(rerank(completed).bundle).toHaveLength(one.candidates.length);
  });
});

describe("oscillink-embed", () => {
  it("embeds the query and what has words, with its prefixes, and remembers documents", async () => {
    const { url, asked, embedder } = await embeddings();
    const model = modelOf("oscillink-embed", {
      ...{ EMBED_URL: url, EMBED_MODEL: "m", EMBED_KEY: "k", EMBED_SCALE: "multilingual-e5-small" },
      ...{ EMBED_QUERY_PREFIX: "query: ", EMBED_DOCUMENT_PREFIX: "passage: " },
    });
    const completed = await model.complete(request, signal);
    expect(asked.map(({ input }) => input).sort((a, b) => a.length - b.length)).toEqual([
      ["query: moon and tides"],
      [
        "passage: Bread rises when yeast eats sugar.",
        "passage: Tides\nThe moon pulls the water of the seas.",
        "passage: Tides are low and high water, by the moon.",
      ],
    ]);
    expect(asked[0]).toMatchObject({ model: "m", key: "Bearer k" });
    expect(completed.query).toEqual(embedder.embed("query: moon and tides"));
    expect(completed.candidates![2]!.embedding).toBe(null);
    expect(completed).toMatchObject({
      relevanceScale: "multilingual-e5-small",
      vectors: { fromStore: 0, reembedded: 3 },
    });
    const { bundle, receipt } = rerank(completed);
    expect(bundle.at(-1)).toMatchObject({ inputRank: 3, score: null });
    expect(receipt.relevance!.basis).toBe("scale+words");

    // What was remembered must outlive the memory that goes to a thread.
    structuredClone(null, { transfer: buffersOf(completed) });
    const again = await model.complete(request, signal);
    expect(asked).toHaveLength(3);
    expect(rerank(again).receipt.digest).toBe(receipt.digest);
  });

  it("keeps the vectors that came along, and refuses those of another length", async () => {
    const { url, asked } = await embeddings();
    const model = modelOf("oscillink-embed", { EMBED_URL: url, EMBED_MODEL: "m" });
    const whole = {
      ...request,
      query: [1, 0],
      candidates: candidates.map((c) => ({ ...c, embedding: [1, 1] })),
    };
    expect(await model.complete(whole, signal)).toBe(whole);
    expect(asked).toEqual([]);
    const problem = await problemOf(() => model.complete({ ...whole, query: undefined as never }, signal));
    expect(problem.status).toBe(422);
    expect(problem.message).toContain("two models");
  });

  it("ranks texts that are all empty", async () => {
    const { url } = await embeddings();
    const model = modelOf("oscillink-embed", { EMBED_URL: url, EMBED_MODEL: "m" });
    const completed = await model.complete({ ...request, candidates: [{ text: "" }, { text: " " }] }, signal);
    expect(rerank(completed).bundle.map(({ inputRank }) => inputRank)).toEqual([1, 2]);
  });
});

describe("oscillink-cascade", () => {
  it.each([
    ["text-embeddings-inference", "", "texts", (n: number) => scored(n, "score")],
    ["Cohere, Jina and vLLM", "m", "documents", (n: number) => ({ results: scored(n, "relevance_score") })],
    ["Voyage", "m", "documents", (n: number) => ({ data: scored(n, "relevance_score") })],
  ])("asks and understands %s", async (_, name, field, answer) => {
    let asked: Record<string, unknown> = {};
    const url = await other((body: Record<string, unknown>) => {
      asked = body;
      return answer((body[field] as string[]).length);
    });
    const model = modelOf("oscillink-cascade", { UPSTREAM_URL: `${url}/rerank`, UPSTREAM_MODEL: name });
    const completed = await model.complete({ ...request, query: [1] }, signal);
    expect(asked).toMatchObject({ query: "moon and tides", ...(name !== "" && { model: name }) });
    expect((asked[field] as string[])[1]).toBe("Tides\nThe moon pulls the water of the seas.");
    expect(completed.candidates!.map(({ score }) => score)).toEqual([0, 0.25, 0.5, 0.75]);
    expect(rerank(completed).bundle).toHaveLength(4);
  });

  /** Best first, by falling index. */
  const scored = (n: number, name: string) =>
    Array.from({ length: n }, (_, i) => ({ index: n - 1 - i, [name]: (n - 1 - i) / n }));
});

describe("what fails elsewhere is a refusal in our words (A52)", () => {
  const bad: [string, (body: never) => unknown][] = [
    ["a status", () => 500],
    ["an answer of another form", () => ({ hello: "world" })],
    ["a score that is missing", () => ({ results: [{ index: 0, relevance_score: 1 }], data: [] })],
    ["silence", () => new Promise((resolve) => setTimeout(resolve, 2000, 500).unref())],
  ];
  const all = bad.flatMap(([what, answer]) =>
    (["424", "503"] as const).flatMap((status) =>
      ["embed", "cascade"].map((model) => [what, model, status, answer] as const),
    ),
  );
  it.each(all)("%s, of %s: %s", async (_, name, status, answer) => {
    const url = await other(answer);
    const model = modelOf(`oscillink-${name}`, {
      ...(name === "embed"
        ? { EMBED_URL: `${url}/v1`, EMBED_MODEL: "m" }
        : { UPSTREAM_URL: `${url}/rerank`, UPSTREAM_MODEL: "m" }),
      ...{ TIMEOUT_MS: "300", FAILURE: status },
    });
    const problem = await problemOf(() => model.complete(request, signal));
    expect(problem.status).toBe(Number(status));
    expect(problem.headers).toEqual(status === "503" ? { "Retry-After": "5" } : {});
    expect(problem.message).toContain(`behind oscillink-${name}`);
    expect(problem.message).not.toMatch(/secret|127\.0\.0\.1|ECONN|status|fetch/);
  });

  it.each(["embed", "cascade"])("%s that was not set up is 424", async (name) => {
    const problem = await problemOf(() => modelOf(`oscillink-${name}`).complete(request, signal));
    expect(problem.status).toBe(424);
    expect(problem.message).toContain("is not set up");
  });

  it.each(["embed", "cascade"])("%s ends at once when the client leaves", async (name) => {
    const url = await other(() => new Promise((resolve) => setTimeout(resolve, 5000, 500).unref()));
    const settings = { EMBED_URL: `${url}/v1`, EMBED_MODEL: "m", UPSTREAM_URL: url };
    const left = new AbortController();
    const work = modelOf(`oscillink-${name}`, settings).complete(request, left.signal);
    setTimeout(() => left.abort(), 50);
    await expect(work).rejects.toMatchObject({ name: "AbortError" });
  });
});
