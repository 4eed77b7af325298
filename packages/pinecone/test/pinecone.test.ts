import { type Candidate, CandidateError, OptionError, rerank, VectorError } from "@oscillink/core";
import { LexicalEmbedder } from "@oscillink/lexical";
import type { QueryResponse } from "@pinecone-database/pinecone";
import { describe, expect, test } from "vitest";
import { OscillinkPinecone, type RerankMatchesRequest, rerankMatches, toMetadata } from "../src/index.ts";

const texts = [
  "The pier at Hallow was built by Mina Orr in 1888.",
  "Mina Orr grew up above a chandler's shop in Brack.",
  "The pier at Hallow is four hundred metres long and has a tea room.",
  "Brack lies two hours inland and is known for its rope walk.",
  "A rope walk is a long shed in which strands are twisted into rope.",
];
const queryText = "Where did the builder of the pier at Hallow grow up?";
const model = LexicalEmbedder.fit(texts, { dimensions: 128 });
const query = model.embed(queryText);

/** An answer of `index.query`, of which nothing may be changed. */
function answer(metadata: (text: string, i: number) => object = (text) => ({ text })) {
  const matches = texts.map((text, i) => ({
    id: `r${i}`,
    score: 0.9 - i / 10,
    values: [...model.embed(text)],
    metadata: metadata(text, i) as Record<string, string>,
  }));
  return freeze({ matches, namespace: "__default__" }) as QueryResponse;
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}

function direct(k: number, more: (i: number) => Partial<Candidate> = () => ({})) {
  const candidates = texts.map((text, i) => ({
    id: `r${i}`,
    text,
    embedding: model.embed(text),
    ...more(i),
  }));
  return rerank({ query, queryText, candidates, k });
}

describe("rerankMatches", () => {
  test("is what core makes of the matches' values and texts, in the form of Pinecone's reranking", async () => {
    const response = answer();
    const { data, receipt, signatures } = await rerankMatches(response, { query, queryText, k: 3 });
    const { bundle, receipt: expected } = direct(3);
    expect(receipt!.digest).toBe(expected.digest);
    expect(receipt!.vectors).toEqual({ fromStore: 5, reembedded: 0 });
    expect(signatures).toEqual([]);
    expect(data.map(({ record }) => record)).toEqual(receipt!.bundle);
    for (const [i, { index, score, document }] of data.entries()) {
      expect(document).toBe(response.matches[index]);
      expect(document.id).toBe(bundle[i]!.id);
      expect(score).toBe(bundle[i]!.relevance);
    }
  });

  test("reads the text where it is told to, or from text or chunk_text", async () => {
    const digest = async (response: QueryResponse, text?: RerankMatchesRequest["text"]) =>
      (await rerankMatches(response, { query, queryText, ...(text && { text }) })).receipt!.inputs.texts;
    const plain = await digest(answer());
    expect(plain).toMatch(/^sha256:/);
    expect(await digest(answer((text) => ({ chunk_text: text })))).toBe(plain);
    expect(await digest(answer((text) => ({ text, chunk_text: "other" })))).toBe(plain);
    expect(
      await digest(
        answer((text) => ({ body: text })),
        "body",
      ),
    ).toBe(plain);
    expect(
      await digest(
        answer((text) => ({ body: text })),
        ({ metadata }) => metadata!.body as string,
      ),
    ).toBe(plain);
    expect(await digest(answer((text) => ({ body: text })))).toBeNull();
    expect(await digest(answer((_, i) => ({ text: i })))).toBeNull();
  });

  test("hands on titles and trust", async () => {
    const response = answer((text, i) => ({ text, title: `Title ${i}`, year: 1900 + i }));
    const trust = ({ id }: { id: string }) => (id === "r0" ? 0 : 1);
    const { data, receipt } = await rerankMatches(response, { query, queryText, trust });
    const expected = direct(5, (i) => ({ title: `Title ${i}`, trust: i === 0 ? 0 : 1 }));
    expect(receipt!.digest).toBe(expected.receipt.digest);
    expect(data.map(({ document }) => document.id)).not.toContain("r0");
  });

  test("scores in Pinecone's answer decide nothing where there are vectors", async () => {
    const { matches } = answer();
    const lying = { matches: matches.map((match, i) => ({ ...match, score: i })) };
    const { receipt } = await rerankMatches(lying, { query, queryText, k: 3 });
    expect(receipt!.digest).toBe(direct(3).receipt.digest);
  });

  test("without a query vector the scores decide, be they similarities or distances", async () => {
    const similar = await rerankMatches(answer(), { queryText });
    const { matches } = answer();
    const distant = await rerankMatches(
      { matches: matches.map((match) => ({ ...match, score: 1 - match.score! })) },
      { queryText },
    );
    expect(similar.receipt!.inputs).toMatchObject({
      d: 0,
      candidates: null,
      scores: expect.stringMatching(/^sha256:/),
    });
    expect(distant.data.map(({ index }) => index)).toEqual(similar.data.map(({ index }) => index));
    const unscored = { matches: matches.map(({ score: _, ...match }) => match) };
    await expect(rerankMatches(unscored, { queryText })).rejects.toThrow(/^query: is missing/);
  });

  test("matches of one id stay apart, and none is lost", async () => {
    const { matches } = answer();
    const twice = { matches: [...matches, { ...matches[1]!, metadata: { text: "Another text of r1." } }] };
    const { data } = await rerankMatches(twice, { query, queryText, k: 10 });
    expect(data.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    for (const { index, document } of data) expect(document).toBe(twice.matches[index]);
    expect(new Set(data.map(({ record }) => record!.id)).size).toBe(6);
  });

  test("a match without values cannot be ranked: appended, dropped or refused, and counted", async () => {
    const { matches } = answer();
    const holes = { matches: matches.map((match, i) => (i === 1 ? { ...match, values: [] } : match)) };
    const { data, receipt } = await rerankMatches(holes, { query, queryText });
    expect(data.at(-1)).toMatchObject({ index: 1, score: null, record: { id: "r1", score: null } });
    expect(receipt!.inputs.missing).toBe(1);
    expect(receipt!.vectors).toEqual({ fromStore: 4, reembedded: 0 });
    const dropped = await rerankMatches(holes, { query, queryText, missing: "drop" });
    expect(dropped.data.map(({ index }) => index)).not.toContain(1);
    await expect(rerankMatches(holes, { query, missing: "error" })).rejects.toThrow(CandidateError);
  });

  test("matches without any values say what to ask Pinecone for", async () => {
    const { matches } = answer();
    const bare = { matches: matches.map(({ values: _, ...match }) => match) };
    const asked = rerankMatches(bare, { query });
    await expect(asked).rejects.toThrow(VectorError);
    await expect(asked).rejects.toThrow(/includeValues: true/);
  });

  test("values of another width are refused, or passed through in Pinecone's order", async () => {
    const { matches } = answer();
    const wrong = { matches: matches.map((match, i) => (i === 2 ? { ...match, values: [1, 2] } : match)) };
    await expect(rerankMatches(wrong, { query })).rejects.toThrow(
      /candidates\[2\]\.embedding: has 2 values where the others have 128/,
    );
    const warnings: unknown[] = [];
    const passed = await rerankMatches(wrong, {
      query,
      k: 2,
      onError: "passthrough",
      onWarning: (error) => warnings.push(error),
    });
    expect(passed.data.map(({ index, score, record }) => [index, score, record])).toEqual([
      [0, null, null],
      [1, null, null],
    ]);
    expect(passed.data[0]!.document).toBe(wrong.matches[0]);
    expect(passed.receipt).toBeNull();
    expect(warnings).toEqual([expect.any(VectorError)]);
  });

  test("no matches give no rows and a receipt that says so", async () => {
    const { data, receipt } = await rerankMatches({ matches: [] }, { query, queryText });
    expect(data).toEqual([]);
    expect(receipt!.inputs.n).toBe(0);
  });

  test.each([
    ["k", { k: 0 }],
    ["text", { text: "" }],
    ["text", { text: 7 }],
    ["trust", { trust: 1 }],
    ["onError", { onError: "ignore" }],
    ["attach", { attach: "full" }],
    ["metadataKey", { metadataKey: "record" }],
    ["topK", { topK: 3 }],
  ])("refuses %s in %o", async (parameter, options) => {
    const asked = rerankMatches(answer(), { query, onError: "passthrough", ...options } as never);
    await expect(asked).rejects.toThrow(OptionError);
    await expect(asked).rejects.toMatchObject({ parameter });
  });

  test.each([[undefined], [{}], [{ matches: "r0" }]])("refuses %o as an answer", async (response) => {
    await expect(rerankMatches(response as never, { query })).rejects.toThrow(CandidateError);
  });
});

describe("toMetadata", () => {
  test("is flat, small, and without null", async () => {
    const { receipt } = direct(3);
    const metadata = toMetadata(receipt);
    expect(metadata).toMatchObject({
      oscillink_digest: receipt.digest,
      oscillink_evidence: "vectors",
      oscillink_candidates: 5,
      oscillink_ids: receipt.bundle.map(({ id }) => id),
    });
    for (const [name, value] of Object.entries(metadata)) {
      expect(name).toMatch(/^oscillink_/);
      const flat = Array.isArray(value) ? value.every((one) => typeof one === "string") : value !== null;
      expect(flat && ["string", "number", "boolean", "object"].includes(typeof value)).toBe(true);
    }
    expect(JSON.stringify(metadata).length).toBeLessThan(JSON.stringify(receipt).length / 4);
    const scored = await rerankMatches(answer(), { queryText });
    expect(toMetadata(scored.receipt!, "")).toMatchObject({ evidence: "scores" });
  });
});

describe("OscillinkPinecone", () => {
  const index = { query: () => {}, fetch: () => {}, searchRecords: () => {} };

  describe.each(["query", "searchRecords", "fetch"] as const)("while %s hangs", (where) => {
    const hits = ["a", "b", "c"].map((id, i) => ({ _id: id, _score: 1 - i / 10, fields: { text: id } }));
    const answers = { searchRecords: async () => ({ result: { hits }, usage: { readUnits: 1 } }) };
    const hang = () => new Promise<never>(() => {});
    const ask = (fields: object) => {
      const hanging = { ...index, ...answers, [where]: hang } as never;
      const searcher = new OscillinkPinecone({ index: hanging, onError: "passthrough", ...fields });
      return where === "query"
        ? searcher.query({ vector: [1, 0], topK: 2 })
        : searcher.searchRecords({ query: { topK: 2, vector: { values: [1, 0] } } });
    };

    test("a signal ends it, whatever onError says", async () => {
      const reason = new Error("the user left");
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), 10);
      await expect(ask({ signal: controller.signal })).rejects.toBe(reason);
      await expect(ask({ signal: controller.signal })).rejects.toBe(reason);
    });

    test("a timeout fails it, or passes through what was found", async () => {
      const heard: unknown[] = [];
      const asked = ask({ timeout: 10, onWarning: (error: unknown) => heard.push(error) });
      if (where !== "fetch") {
        await expect(asked).rejects.toThrow("timeout: Pinecone gave no answer within 10 ms");
        return;
      }
      const { data, receipt } = await asked;
      expect([data.map(({ index: place }) => place), receipt]).toEqual([[0, 1], null]);
      expect(heard).toEqual([expect.objectContaining({ name: "TimeoutError" })]);
    });
  });

  test.each([
    [3072, 20, 78],
    [3072, 100, 100],
    [1536, 20, 157],
    [384, 20, 200],
    [8, 2000, 10_000],
  ])(
    "the default pool follows the width of the vector: %i values, topK %i: %i",
    async (width, topK, fetched) => {
      const asked: number[] = [];
      const query = async (request: { topK: number }) => {
        asked.push(request.topK);
        return { matches: [], namespace: "" };
      };
      const searcher = new OscillinkPinecone({ index: { ...index, query } as never });
      await searcher.query({ vector: Array<number>(width).fill(1), topK });
      expect(asked).toEqual([fetched]);
      // The answer ends at 4 MB; a value such as -0.0123456789, with its comma, takes 14 bytes at most.
      if (fetched > topK) expect(fetched * width * 13).toBeLessThanOrEqual(3 * 2 ** 20);
    },
  );

  test.each([
    ["index", { index: undefined }],
    ["index", { index: {} }],
    ["pool", { index, pool: 0 }],
    ["pool", { index, pool: 1.5 }],
    ["embedder", { index, embedder: () => [1] }],
    ["k", { index, k: 5 }],
    ["diversity", { index, diversity: 2 }],
    ["neighbours", { index, neighbours: 5 }],
  ])("refuses %s in %o", (parameter, options) => {
    const fault = (() => {
      try {
        return new OscillinkPinecone(options as never);
      } catch (error) {
        return error;
      }
    })();
    expect(fault).toBeInstanceOf(OptionError);
    expect(fault).toMatchObject({ parameter });
  });
});
