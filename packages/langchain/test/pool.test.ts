import { Document } from "@langchain/core/documents";
import { OptionError } from "@oscillink/core";
import { describe, expect, test } from "vitest";
import { embeddingCache, OscillinkReranker, OscillinkRetriever } from "../src/index.ts";
import { CountingEmbeddings, closedStore, documents, embedderWith, model, query } from "./world.ts";

/** A PineconeStore by its shape, over vectors of a width; it notes how many it was asked for, without and with their values. */
function pineconeStore(width: number) {
  const asked: [what: "documents" | "values", topK: number][] = [];
  const vector = (i: number) => Array.from({ length: width }, (_, c) => Number(c === i % width));
  const search = async (_: number[], topK: number) => {
    asked.push(["documents", topK]);
    return Array.from({ length: topK }, (_, i) => [
      new Document({ id: `p${i}`, pageContent: "tea" }),
      1 - i / topK,
    ]);
  };
  const index = {
    async query({ topK }: { topK: number }) {
      asked.push(["values", topK]);
      return { matches: Array.from({ length: topK }, (_, i) => ({ id: `p${i}`, values: vector(i) })) };
    },
  };
  const vectorStore = {
    textKey: "text",
    embeddings: { embedQuery: async () => vector(0), embedDocuments: async () => [] },
    pineconeIndex: { namespace: () => index },
    similaritySearchVectorWithScore: search,
  };
  return { asked, vectorStore: vectorStore as never };
}

describe("the default pool of a PineconeStore asked for answers of more than 4 MiB", () => {
  test.each([
    [3072, { k: 5 }, 50],
    [3072, { k: 20 }, 78],
    [3072, { k: 100 }, 100],
    [1024, { k: 50 }, 236],
    [16, { k: 50 }, 500],
    // What was said is asked for.
    [3072, { k: 20, pool: 200 }, 200],
  ])("of %d values, with %o: %d", async (width, fields, count) => {
    const { asked, vectorStore } = pineconeStore(width);
    await new OscillinkRetriever({ vectorStore, ...fields }).invoke("tea");
    expect(asked).toEqual([
      ["documents", count],
      ["values", count],
    ]);
    if (count > Math.max(fields.k, 50) && !("pool" in fields)) {
      expect(count * width * 13).toBeLessThanOrEqual(3 * 2 ** 20);
    }
  });

  test("but not where no values are asked for", async () => {
    const { asked, vectorStore } = pineconeStore(3072);
    const retriever = new OscillinkRetriever({ vectorStore, k: 20, vectors: "never" });
    await retriever.invoke("tea");
    expect(asked).toEqual([["documents", 200]]);
    expect(retriever.pool).toBe(200);
  });
});

test("a retriever says its k and its pool", async () => {
  const vectorStore = await closedStore(documents());
  expect(new OscillinkRetriever({ vectorStore })).toMatchObject({ k: 5, pool: 50 });
  expect(new OscillinkRetriever({ vectorStore, k: 9 })).toMatchObject({ k: 9, pool: 90 });
});

describe("a cache", () => {
  test("is shared by those to whom it is given: a pool is embedded once for both", async () => {
    const cache = embeddingCache();
    const embeddings = new CountingEmbeddings();
    const vectorStore = await closedStore(documents());
    await new OscillinkRetriever({ vectorStore, embeddings, cache }).invoke(query);
    await new OscillinkReranker({ embeddings, cache }).compressDocuments(documents(), query);
    expect(embeddings.batches.map(({ length }) => length)).toEqual([20]);
    expect(cache.used).toBeGreaterThan(20 * 256 * 4);
    expect(cache.used).toBeLessThanOrEqual(cache.bytes);
  });

  test("keeps the vectors of two embeddings apart, unless it is said that they are of one model", async () => {
    const cache = embeddingCache();
    const widths: number[] = [];
    const other = embedderWith({
      embedQuery: async () => [1, 0],
      embedDocuments: async (all) => {
        widths.push(all.length);
        return all.map((_, i) => [1, i]);
      },
    });
    await new OscillinkReranker({ embeddings: model, cache }).compressDocuments(documents(), query);
    // With the vectors of the first it would fail, for these have another width.
    await new OscillinkReranker({ embeddings: other, cache }).compressDocuments(documents(), query);
    expect(widths).toEqual([20]);

    // As a handler makes them for each request.
    const asked: number[] = [];
    for (let request = 0; request < 3; request++) {
      const embeddings = new CountingEmbeddings();
      const reranker = new OscillinkReranker({ embeddings, cache: cache.forModel("lexical-256") });
      await reranker.compressDocuments(documents(), query);
      asked.push(embeddings.batches.length);
    }
    expect(asked).toEqual([1, 0, 0]);
  });

  test("that is a number, as it once was, is refused with what to write", () => {
    const make = () => new OscillinkReranker({ embeddings: model, cache: 1000 as never });
    expect(make).toThrow(OptionError);
    expect(make).toThrow("cache: must be what embeddingCache({ bytes }) makes, or false for none, not 1000");
  });
});
