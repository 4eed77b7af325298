import { type RerankRequest, rerank } from "@oscillink/core";
import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refusalFor } from "../src/compatible/shapes.ts";
import { Problem } from "../src/http/problem.ts";
import { given } from "../src/models/given.ts";
import { order } from "../src/models/order.ts";
import { withScores } from "../src/models/texts.ts";
import { clients } from "./clients.ts";
import { survivesReading } from "./hostileShapes.ts";
import { answerAt, readAt } from "./ranking.ts";
import { base64, pool } from "./testing.ts";

const ajv = new Ajv({ strict: false, allErrors: true });

/** What came back, whatever the form: indices and scores, in its order. */
function rankedOf(answer: unknown): { index: number; score: number }[] {
  const list = Array.isArray(answer)
    ? answer
    : ((answer as { results?: unknown[]; data?: unknown[] }).results ?? (answer as { data: unknown[] }).data);
  return (list as { index: number; score?: number; relevance_score?: number }[]).map((one) => ({
    index: one.index,
    score: (one.relevance_score ?? one.score)!,
  }));
}

describe("what each client sends is answered in its form (A49)", () => {
  it.each(clients.map((one) => [one.client, one] as const))(
    "%s",
    async (_, { path, body, answer, count }) => {
      const got = await answerAt(path, body);
      const validate = ajv.compile(answer);
      expect(validate(got) ? [] : validate.errors).toEqual([]);
      if ("scores" in (got as object)) return;
      const ranked = rankedOf(got);
      expect(ranked).toHaveLength(count);
      // The second and the fourth are the same text: whoever zips by index needs both.
      if (count === 4) expect(ranked.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3]);
      expect(ranked[0]!.index).not.toBe(0);
    },
  );

  it("keeps the order of the documents for Weaviate, each with its score", async () => {
    const { body, path } = clients.find(({ client }) => client === "Weaviate")!;
    const { scores } = (await answerAt(path, body)) as { scores: { document: string; score: number }[] };
    expect(scores.map(({ document }) => document)).toEqual(body.documents);
    const { query, documents } = body;
    const ranked = rankedOf(await answerAt("/v1/rerank", { query, documents }));
    for (const { index, score } of ranked) expect(scores[index]!.score).toBe(score);
    // The last is a copy of the second, so that core puts it behind all others.
    expect([ranked[0]!.index, ranked.at(-1)!.index]).toEqual([1, 3]);
  });

  it("uses LibreChat's scores, and tells its chunks of one file apart", () => {
    const { body, path } = clients.find(({ client }) => client === "LibreChat's rag_api")!;
    const { request } = readAt(path, body);
    expect(request.candidates!.map(({ score }) => score)).toEqual(
      [0.9, 0.8, 0.7, 0.6].map((s) => expect.closeTo(s)),
    );
    expect(request.candidates!.some(({ id }) => id !== undefined)).toBe(false);
  });
});

const word = fc.constantFrom("moon", "tide", "sea", "Mond", "潮", "bread", "?", "");
const text = fc.array(word, { maxLength: 6 }).map((words) => words.join(" "));
const document = fc.oneof(text, fc.record({ text, title: text }, { requiredKeys: ["text"] }), text);
const asked = fc.record({
  query: text.filter((one) => one.trim() !== ""),
  documents: fc.array(document, { maxLength: 30 }),
  top: fc.option(fc.integer({ min: 0, max: 40 })),
  raw: fc.boolean(),
});

describe("scores on the wire (A50)", () => {
  it("lie in [0, 1], never rise, name every document once, and are as many as were asked for", async () => {
    const path = fc.constantFrom("/v1/rerank", "/v2/rerank", "/infinity/rerank", "/voyage/v1/rerank");
    await fc.assert(
      fc.asyncProperty(asked, path, fc.constantFrom("order", "none"), async (one, at, prior) => {
        const { query, documents, top, raw } = one;
        const body = {
          query,
          documents,
          [at.startsWith("/voyage") ? "top_k" : "top_n"]: top,
          raw_scores: raw,
        };
        const model = order(prior);
        const ranked = rankedOf(await answerAt(at, body, model));
        const n = documents.length;
        expect(ranked).toHaveLength(top ? Math.min(top, n) : n);
        expect(new Set(ranked.map(({ index }) => index)).size).toBe(ranked.length);
        ranked.forEach(({ index, score }, i) => {
          expect(Number.isInteger(index) && index >= 0 && index < n).toBe(true);
          expect(Number.isFinite(score)).toBe(true);
          if (!raw) expect(score >= 0 && score <= 1).toBe(true);
          if (i > 0) expect(score).toBeLessThanOrEqual(ranked[i - 1]!.score);
        });
        // Who puts the scores beside the documents and sorts by them, in float32, has our order.
        const sorted = [...ranked].sort((a, b) => a.index - b.index);
        sorted.sort((a, b) => Math.fround(b.score) - Math.fround(a.score));
        expect(sorted).toEqual(ranked);
        const own = rerank(model.complete(readAt(at, body).request));
        expect(ranked.map(({ index }) => index)).toEqual(own.bundle.map(({ inputRank }) => inputRank - 1));
      }),
      { numRuns: 100 },
    );
  });

  it("gives 0 to what could not be ranked, last", async () => {
    const { query, embeddings } = pool(4, 3);
    const documents = embeddings.map((vector, i) => ({
      text: `t${i}`,
      ...(i !== 1 && { embedding: [...vector] }),
    }));
    const body = { query: "a question", query_embedding: [...query], documents };
    const ranked = rankedOf(await answerAt("/v1/rerank", body, given));
    expect(ranked.at(-1)).toEqual({ index: 1, score: 0 });
    expect(ranked[0]!.score).toBeGreaterThan(0);
    const raw = rankedOf(await answerAt("/v1/rerank", { ...body, raw_scores: true }, given));
    expect(raw.at(-1)!.index).toBe(1);
    expect(raw.at(-1)!.score).toBeLessThan(raw.at(-2)!.score);
  });

  it("hands on what the model behind a cascade says of relevance, where that lies in [0, 1]", async () => {
    const body = { query: "moon", documents: ["bread", "the moon", "sun"] };
    const ask = async (scores: readonly number[]) => {
      const complete = (request: RerankRequest) =>
        withScores(request, request.candidates!, (i) => scores[i]!);
      const model = {
        name: "oscillink-cascade",
        description: "",
        available: true,
        asksOthers: true,
        complete,
      };
      return rankedOf(await answerAt("/v1/rerank", body, model)).map(({ index, score }) => [index, score]);
    };
    expect(await ask([0.125, 0.875, 0.0625])).toEqual([
      [1, 0.875],
      [0, 0.125],
      [2, 0.0625],
    ]);
    const logits = await ask([-2, 6, -3]);
    expect(logits.map(([index]) => index)).toEqual([1, 0, 2]);
    expect(logits[0]![1]).toBeLessThanOrEqual(1);
  });

  it("tells a pool without words by its scores, where relevance is null", async () => {
    const ranked = rankedOf(await answerAt("/v1/rerank", { query: "???", documents: ["a", "b", "c"] }));
    expect(ranked.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(ranked[0]!.score).toBeGreaterThan(ranked[2]!.score);
  });
});

describe("what comes beside", () => {
  const { query, embeddings } = pool(25, 8);
  const documents = embeddings.map((_, i) => `document ${i}`);
  const block = new Float32Array(25 * 8);
  for (const [i, vector] of embeddings.entries()) block.set(vector, i * 8);
  const common = { query: "document 3", query_embedding: [...query] };
  const digestOf = async (body: object) =>
    ((await answerAt("/v1/rerank", body, given)) as { oscillink: { digest: string } }).oscillink.digest;

  it("is one ranking, as numbers, as base64, in each document or in one block (A4)", async () => {
    const own = rerank({
      query,
      queryText: "document 3",
      k: 25,
      candidates: documents.map((one, i) => ({ text: one, embedding: embeddings[i]! })),
    }).receipt.digest;
    const data = base64(block);
    for (const body of [
      { ...common, documents, embeddings: embeddings.map((one) => [...one]) },
      { ...common, documents, embeddings: embeddings.map(base64) },
      {
        ...common,
        query_embedding: base64(query),
        documents,
        embeddings: { shape: [25, 8], dtype: "float32", data },
      },
      { ...common, documents: documents.map((one, i) => ({ text: one, embedding: base64(embeddings[i]!) })) },
    ]) {
      expect(await digestOf(body)).toBe(own);
    }
  });

  it("says more of a document: its id, title, score and trust, each by itself or in a list", () => {
    const whole = { id: 7, title: "T", score: 0.5, trust: 0.25 };
    const { request } = readAt("/v1/rerank", {
      query: "q",
      documents: [{ text: "a", ...whole }, "b"],
      scores: [0.1, 0.2],
      trust: [1, 0.75],
      titles: ["U", "V"],
    });
    expect(request.candidates).toEqual([
      { text: "a", ...whole, id: "7" },
      { text: "b", title: "V", score: 0.2, trust: 0.75 },
    ]);
  });

  it("is any option of core, and the receipt", async () => {
    const body = {
      query: "q",
      documents: ["q", "b", "c"],
      oscillink: { k: 2, minRelevance: 0 },
      return_receipt: true,
    };
    const answer = (await answerAt("/v2/rerank", body)) as {
      results: unknown[];
      oscillink: { receipt: { digest: string }; digest: string; signatures: unknown[] };
    };
    expect(answer.results).toHaveLength(2);
    expect(answer.oscillink.receipt.digest).toBe(answer.oscillink.digest);
    expect(answer.oscillink.signatures).toHaveLength(1);
  });

  it("is named in a warning where nobody knows it, and has no effect", async () => {
    const body = { query: "q", documents: ["a"], return_document: true };
    expect(await answerAt("/v2/rerank", body)).toMatchObject({
      meta: { warnings: ["unknown field, without effect: return_document"] },
    });
    expect(await answerAt("/v2/rerank", { query: "q", documents: ["a"] })).not.toHaveProperty(
      "meta.warnings",
    );
  });

  it("counts four bytes a token, and a hundred documents a unit", async () => {
    const answer = await answerAt("/v1/rerank", { query: "äö", documents: ["a", ...Array(100).fill("")] });
    expect(answer).toMatchObject({ usage: { total_tokens: 2 }, meta: { billed_units: { search_units: 2 } } });
  });
});

describe("faults are told with their place", () => {
  const faultsOf = (path: string, body: unknown) => {
    try {
      readAt(path, body);
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
      expect((error as Problem).status).toBe(422);
      return (error as Problem).faults;
    }
    return [];
  };

  it.each([
    [[], "", "must be a JSON object"],
    [{ documents: [] }, "/query", "is missing"],
    [{ question: "q", documents: [] }, "/query", "did you mean `query`?"],
    [{ query: "q", passages: ["a"] }, "/documents", "did you mean `documents`?"],
    [{ query: " ", documents: [] }, "/query", "must not be blank"],
    [{ query: 5, documents: [] }, "/query", "must be a text, not 5"],
    [{ query: "q", documents: "a" }, "/documents", "must be an array"],
    [{ query: "q", documents: ["a", "b", "c", 3] }, "/documents/3", "must be a text"],
    [{ query: "q", documents: ["a", { content: "b" }] }, "/documents/1", "did you mean `text`?"],
    [{ query: "q", documents: [{ image: "x" }] }, "/documents/0", "has no `text`"],
    [{ query: "q", documents: ["a", { text: 3 }] }, "/documents/1/text", "must be a text, not 3"],
    [{ query: "q", documents: [{ a: "b" }], rank_fields: ["c"] }, "/documents/0", "has no field of c"],
    [{ query: "q", documents: ["a"], top_n: -1 }, "/top_n", "must be at least 0"],
    [{ query: "q", documents: ["a"], top_n: 1.5 }, "/top_n", "must be an integer"],
    [{ query: "q", documents: ["a"], scores: [1, 2] }, "/scores", "must be one a document, 1 in all, not 2"],
    [{ query: "q", documents: ["a"], scores: ["1"] }, "/scores/0", "must be a number"],
    [{ query: "q", documents: ["a"], trust: [2] }, "/trust/0", "must be at most 1"],
    [{ query: "q", documents: ["a"], query_embedding: [1, "2"] }, "/query_embedding/1", "must be a number"],
    [{ query: "q", documents: ["a"], embeddings: [[1], [2]] }, "/embeddings", "1 in all, not 2"],
    [
      { query: "q", documents: ["a"], query_embedding: [1, 2], embeddings: [[1, 2, 3]] },
      "/embeddings/0",
      "holds 3 values, and the query's vector 2",
    ],
    [
      { query: "q", documents: [{ text: "a", embedding: [1, null] }] },
      "/documents/0/embedding/1",
      "must be a number",
    ],
    [
      {
        query: "q",
        documents: [
          { text: "a", id: "1" },
          { text: "b", id: 1 },
        ],
      },
      "/documents/1/id",
      "document 0",
    ],
    [{ query: "q", documents: ["a"], oscillink: { k: 0 } }, "/oscillink/k", "must be an integer"],
    [{ query: "q", documents: ["a"], oscillink: { kay: 1 } }, "/oscillink/kay", "unknown option"],
    [{ query: "q", texts: ["a", 5] }, "/texts/1", "must be a text, not 5"],
    [{ query: "q", candidates: [{ id: 1 }] }, "/candidates/0/text", "is missing"],
  ])("%j", (body, pointer, detail) => {
    const [fault] = faultsOf("/rerank", body);
    expect(fault?.pointer).toBe(pointer);
    expect(fault?.detail).toContain(detail);
  });

  it("is read by clients of Cohere and of text-embeddings-inference alike", () => {
    const problem = new Problem(422, "The request cannot be read.", {
      faults: [{ pointer: "/query", detail: "is missing" }],
    });
    const message = "The request cannot be read. /query: is missing";
    expect(refusalFor(problem, { detail: problem.message })).toEqual({
      ...{ detail: problem.message, message, error: message, error_type: "Validation" },
    });
    const types = [400, 404, 413, 424, 429, 500, 503].map(
      (status) => refusalFor(new Problem(status, "x"), { detail: "x" }).error_type,
    );
    expect(types).toEqual([
      "Empty",
      "Validation",
      "Validation",
      "Backend",
      "Overloaded",
      "Backend",
      "Unhealthy",
    ]);
  });
});

it("reads what nobody would send by mistake alone, or refuses it by a problem (A2)", async () => {
  await survivesReading(500);
});
