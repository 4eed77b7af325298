import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { EmbedderError, OscillinkError, VectorError } from "@oscillink/core";
import { describe, expect, test } from "vitest";
import { OscillinkReranker, OscillinkRetriever } from "../src/index.ts";
import { closedStore, documents, embedderWith, model, query } from "./world.ts";

const all = documents();
const vectorStore = await closedStore(all);

const askers: [string, (embeddings: EmbeddingsInterface) => Promise<unknown>][] = [
  ["OscillinkReranker", (embeddings) => new OscillinkReranker({ embeddings }).compressDocuments(all, query)],
  ["OscillinkRetriever", (embeddings) => new OscillinkRetriever({ vectorStore, embeddings }).invoke(query)],
];

async function faultOf(asked: Promise<unknown>): Promise<OscillinkError> {
  const outcome = await asked.then(
    () => "it was accepted",
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(OscillinkError);
  return outcome as OscillinkError;
}

describe.each(askers)("%s, when its embedder", (_, ask) => {
  const answering = (answer: (texts: string[]) => unknown) =>
    faultOf(ask(embedderWith({ embedDocuments: async (batch) => (await answer(batch)) as number[][] })));

  test.each([[new Error("429 too many requests")], [new TypeError("fetch failed")]])(
    "fails with %o says so, and names the cause",
    async (cause) => {
      const fault = await answering(() => Promise.reject(cause));
      expect(fault).toBeInstanceOf(EmbedderError);
      expect(fault.parameter).toBe("embeddings");
      expect(fault.message).toBe(`embeddings: embedding 20 documents failed: ${cause.message}`);
      expect(fault.cause).toBe(cause);
    },
  );

  test("repeats a key that was refused does not hand it on in a message", async () => {
    for (const [text, masked] of [
      ["Incorrect API key provided: sk-proj-abcDEF_123456789.", "Incorrect API key provided: sk-…."],
      ["bad header Authorization: Bearer eyJhbGciOi.J9", "bad header Authorization: Bearer …"],
      ["AIzaSyA1234567890abcdefghijk is not valid", "… is not valid"],
    ] as const) {
      const fault = await answering(() => Promise.reject(new Error(text)));
      expect(fault.message).toBe(`embeddings: embedding 20 documents failed: ${masked}`);
    }
  });

  test("throws at once, or something that is no error, says so too", async () => {
    const thrower = embedderWith({
      embedDocuments: () => {
        throw "out of quota";
      },
    });
    const fault = await faultOf(ask(thrower));
    expect(fault).toBeInstanceOf(EmbedderError);
    expect(fault.message).toContain("out of quota");
    expect(fault.cause).toBe("out of quota");
  });

  test.each([
    ["too few vectors", (batch: string[]) => model.embedDocuments(batch.slice(1)), "19 vectors"],
    ["too many", (batch: string[]) => model.embedDocuments([...batch, "more"]), "21 vectors"],
    ["no vectors", () => [], "0 vectors"],
    ["nothing", () => undefined, "undefined"],
    ["an object", () => ({ data: [] }), "an object"],
  ])("returns %s says how many came", async (_, answer, came) => {
    const fault = await answering(answer);
    expect(fault).toBeInstanceOf(EmbedderError);
    expect(fault.message).toBe(`embeddings: returned ${came} for 20 documents`);
  });

  test.each([[undefined], [null]])("returns %o in place of a vector says so", async (hole) => {
    const fault = await answering(async (batch) => {
      const vectors: unknown[] = await model.embedDocuments(batch);
      vectors[4] = hole;
      return vectors;
    });
    expect(fault).toBeInstanceOf(EmbedderError);
    expect(fault.parameter).toBe("embeddings");
  });

  test.each([
    ["another width", [1, 2, 3], "has 3 values where the others have 256"],
    ["NaN", new Array(256).fill(Number.NaN), "value 0 must be a finite float32 number, not NaN"],
    ["infinity", [...new Array(255).fill(0.1), 1e39], "value 255 must be a finite float32 number"],
    ["text", "0.1, 0.2", "must be an array of numbers"],
    ["a number", 7, "must be an array of numbers"],
  ])("returns a vector of %s names the candidate", async (_, vector, message) => {
    const fault = await answering(async (batch) => {
      const vectors: unknown[] = await model.embedDocuments(batch);
      vectors[4] = vector;
      return vectors;
    });
    expect(fault).toBeInstanceOf(VectorError);
    expect(fault.parameter).toBe("candidates[4].embedding");
    expect(fault.message).toContain(message);
  });

  test("is of another model for documents than for queries says so", async () => {
    const fault = await answering((batch) => batch.map(() => [1, 0, 0]));
    expect(fault).toBeInstanceOf(VectorError);
    expect(fault.message).toBe(
      "query: has 256 values where the others have 3; were they made by the same model?",
    );
  });

  const querying = (answer: () => unknown) =>
    faultOf(ask(embedderWith({ embedQuery: async () => (await answer()) as number[] })));

  test("fails on the query says so, and names the cause", async () => {
    const cause = new Error("429 too many requests");
    const fault = await querying(() => Promise.reject(cause));
    expect(fault).toBeInstanceOf(EmbedderError);
    expect(fault.parameter).toBe("embeddings");
    expect(fault.message).toContain("429 too many requests");
    expect(fault.cause).toBe(cause);
  });

  test.each([
    ["nothing", undefined],
    ["null", null],
    ["no values", []],
    ["NaN", new Array(256).fill(Number.NaN)],
    ["another width", [1, 2]],
    ["zeros", new Array(256).fill(0)],
  ])("returns %s for the query says so", async (_, vector) => {
    expect((await querying(() => vector)).message).toMatch(/^(query|embeddings): /);
  });
});

test("an empty text among documents costs no other its place: it is not sent, and comes back as a document without a vector", async () => {
  const sent: string[] = [];
  const embeddings = embedderWith({
    embedDocuments: async (batch) => {
      sent.push(...batch);
      if (batch.includes("")) throw new Error("400 input cannot be an empty string");
      return await model.embedDocuments(batch);
    },
  });
  const documents = ["tea", "", "party \ud83c"].map((pageContent) => ({ pageContent, metadata: {} }));
  const ranked = await new OscillinkReranker({ embeddings, k: 3 }).compressDocuments(documents, "tea");
  expect(sent).toEqual(["tea", "party \ufffd"]);
  expect(ranked.map(({ pageContent }) => pageContent)).toEqual(["tea", "party \ud83c", ""]);
  expect(ranked[2]!.metadata.oscillink).toMatchObject({ rank: 3, score: null });
});
