import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expandPool, type PooledDocument } from "../src/expand.ts";
import { OscillinkRetriever } from "../src/index.ts";
import {
  ClosedStore,
  CountingEmbeddings,
  closedStore,
  digestOf,
  direct,
  documents,
  idsOf,
  inStoreOrder,
  memoryStore,
  model,
  query,
  receiptOf,
  texts,
} from "./world.ts";

describe("expandPool", () => {
  const entry = fc.record({
    id: fc.constantFrom("a", "b", "c", "d", undefined),
    pageContent: fc.constantFrom("one", "two", "three", "id:a"),
    vector: fc.constantFrom([1, 0], [0, 1], [1, 1], null, undefined),
  });
  const found = fc.array(entry, { maxLength: 6 }).map((entries) =>
    entries.map(
      ({ id, pageContent, vector }): PooledDocument => ({
        document: new Document({ pageContent, ...(id !== undefined && { id }) }),
        vector,
      }),
    ),
  );
  const keyOf = ({ document: { id, pageContent } }: PooledDocument) =>
    JSON.stringify(id === undefined ? [pageContent] : { id });

  test("keeps the pool as it was, and adds each new document of the searches once", async () => {
    const expand = fc.record({
      seeds: fc.integer({ min: 1, max: 4 }),
      perSeed: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(found, found, expand, fc.boolean(), async (pool, others, options, reembed) => {
        const embedded: string[] = [];
        const embedder = {
          embedQuery: async () => [1, 0],
          embedDocuments: async (batch: string[]) => {
            embedded.push(...batch);
            return batch.map(() => [7, 7]);
          },
        };
        const searches: [unknown, number][] = [];
        const search = async (near: unknown, count: number) => {
          searches.push([near, count]);
          return others.slice(searches.length - 1);
        };
        const wider = await expandPool(pool, options, search as never, reembed ? embedder : null, {});

        const first = pool.slice(0, options.seeds);
        const bare = first.filter(({ vector }) => !vector).map(({ document }) => document.pageContent);
        const near = reembed
          ? first.map(({ vector }) => vector ?? [7, 7])
          : first.map(({ vector }) => vector).filter((vector) => !!vector);
        expect(embedded).toEqual(reembed ? bare : []);
        expect(searches).toEqual(near.map((vector) => [vector, options.perSeed]));

        const returned = near.flatMap((_, i) => others.slice(i));
        const had = new Set(pool.map(keyOf));
        const fresh = [...new Set(returned.map(keyOf))].filter((key) => !had.has(key));
        expect(wider.pool.slice(0, pool.length)).toEqual(pool);
        expect(wider.pool.slice(pool.length).map(keyOf)).toEqual(fresh);
        expect(wider.counts).toEqual({
          searches: near.length,
          found: returned.length,
          added: fresh.length,
        });
      }),
    );
  });
});

describe("expand", () => {
  const expand = { seeds: 2, perSeed: 6 };

  test("finds the passage that only the first hit leads to", async () => {
    const vectorStore = await memoryStore(documents());
    // Where its builder learned her trade is nowhere near these words, but shares her name with the first hit.
    const asked = "Who drew the plans of the Tobel viaduct?";
    const fields = { vectorStore, k: 3, pool: 3 };
    expect(idsOf(await new OscillinkRetriever(fields).invoke(asked))).not.toContain("p2");
    const wide = new OscillinkRetriever({
      attach: "full",
      ...fields,
      k: 4,
      pool: 4,
      expand: { seeds: 1, perSeed: 4 },
    });
    expect(idsOf(await wide.invoke(asked))).toContain("p2");
  });

  test("is the ranking of the wider pool: the hits, and behind them what the seeds found", async () => {
    const vectorStore = await memoryStore(documents());
    const hits = await inStoreOrder(documents());
    const pool = hits.slice(0, 5);
    const seeds = pool.slice(0, expand.seeds).map(({ pageContent }) => model.embed(pageContent));
    const found = await Promise.all(
      seeds.map((near) => vectorStore.similaritySearchVectorWithScore([...near], 6)),
    );
    const wider = new Map([...pool, ...found.flat().map(([document]) => document)].map((d) => [d.id, d]));
    expect(wider.size).toBeGreaterThan(5);
    for (const store of [vectorStore, await closedStore(documents())]) {
      const bundle = await new OscillinkRetriever({
        attach: "full",
        vectorStore: store,
        k: 4,
        pool: 5,
        expand,
      }).invoke(query);
      expect(digestOf(bundle)).toBe(direct([...wider.values()] as Document[], { k: 4 }).receipt.digest);
    }
  });

  test("is counted in an event: searches, hits and what was new", async () => {
    const vectorStore = await memoryStore(documents());
    const retriever = new OscillinkRetriever({ attach: "full", vectorStore, pool: 5, expand });
    const events = [];
    for await (const event of retriever.streamEvents(query, { version: "v2" })) {
      if (event.event === "on_custom_event") events.push(event);
    }
    expect(events.map(({ name }) => name)).toEqual(["oscillink_expand", "oscillink_receipt"]);
    const [counts, receipt] = events.map(({ data }) => data as unknown as Record<string, number>);
    expect(counts).toEqual({ searches: 2, found: 12, added: expect.any(Number) });
    expect(receipt).toMatchObject({ inputs: { n: 5 + counts!.added! } });
  });

  test("changes nothing if the pool holds all there is", async () => {
    const vectorStore = await memoryStore(documents());
    const [plain, wide] = await Promise.all([
      new OscillinkRetriever({ attach: "full", vectorStore }).invoke(query),
      new OscillinkRetriever({ attach: "full", vectorStore, expand: { seeds: 20, perSeed: 20 } }).invoke(
        query,
      ),
    ]);
    expect(digestOf(wide)).toBe(digestOf(plain));
    expect(idsOf(wide)).toEqual(idsOf(plain));
  });

  test("is filtered as the first search is", async () => {
    const vectorStore = await memoryStore(documents());
    const filter = ({ metadata }: Document) => metadata.source === "letters";
    const fields = {
      attach: "full" as const,
      vectorStore,
      filter,
      k: 10,
      pool: 10,
      expand: { seeds: 3, perSeed: 10 },
    };
    const bundle = await new OscillinkRetriever(fields).invoke(query);
    expect(receiptOf(bundle).inputs.n).toBe(10);
    expect(bundle.every(({ metadata }) => metadata.source === "letters")).toBe(true);
    const none = new OscillinkRetriever({ ...fields, filter: () => false });
    expect(await none.invoke(query)).toEqual([]);
  });

  test("embeds the seeds once where the store keeps its vectors, and none with vectors: store", async () => {
    const embeddings = new CountingEmbeddings();
    const vectorStore = await closedStore(documents());
    await new OscillinkRetriever({ attach: "full", vectorStore, embeddings, pool: 5, expand }).invoke(query);
    const asked = embeddings.batches.flat();
    expect(embeddings.batches).toHaveLength(2);
    expect(embeddings.batches[0]).toHaveLength(2);
    expect(new Set(asked).size).toBe(asked.length);

    embeddings.batches.length = 0;
    const fields = { attach: "full", vectorStore, embeddings, pool: 5, expand, vectors: "store" } as const;
    const bundle = await new OscillinkRetriever(fields).invoke(query);
    expect(embeddings.batches).toEqual([]);
    expect(receiptOf(bundle).inputs).toMatchObject({ n: 5, missing: 5 });
  });

  test("hands a store plain arrays, also of vectors that come from the cache", async () => {
    const seen: unknown[] = [];
    class Watching extends ClosedStore {
      override similaritySearchVectorWithScore(
        ...given: Parameters<ClosedStore["similaritySearchVectorWithScore"]>
      ) {
        seen.push(given[0]);
        return super.similaritySearchVectorWithScore(...given);
      }
    }
    const vectorStore = new Watching();
    await vectorStore.addDocuments(documents());
    const retriever = new OscillinkRetriever({ attach: "full", vectorStore, pool: 5, expand });
    const [once, twice] = [await retriever.invoke(query), await retriever.invoke(query)];
    expect(digestOf(twice)).toBe(digestOf(once));
    expect(seen).toHaveLength(6);
    expect(seen.every(Array.isArray)).toBe(true);
  });

  const failing = async () => {
    let searches = 0;
    class Failing extends MemoryVectorStore {
      override async similaritySearchVectorWithScore(vector: number[], k: number) {
        if (++searches > 1) throw new Error("connection lost");
        return super.similaritySearchVectorWithScore(vector, k);
      }
    }
    return Failing.fromDocuments(documents(), model);
  };

  test("passes on what a search throws", async () => {
    const retriever = new OscillinkRetriever({
      attach: "full",
      vectorStore: await failing(),
      pool: 5,
      expand,
    });
    await expect(retriever.invoke(query)).rejects.toThrow("connection lost");
  });

  test("with onError passthrough falls back to the pool of the first search, ranked", async () => {
    const warnings: unknown[] = [];
    const bundle = await new OscillinkRetriever({
      attach: "full",
      vectorStore: await failing(),
      pool: 5,
      expand,
      onError: "passthrough",
      onWarning: (error) => warnings.push(error),
    }).invoke(query);
    const plain = { vectorStore: await memoryStore(documents()), pool: 5 };
    expect(digestOf(bundle)).toBe(digestOf(await new OscillinkRetriever(plain).invoke(query)));
    expect(warnings).toEqual([new Error("connection lost")]);
  });

  test("tells documents without ids apart by their content", async () => {
    const unnamed = texts.map((pageContent) => new Document({ pageContent, metadata: {} }));
    const vectorStore = await memoryStore(unnamed);
    const fields = { vectorStore, k: 20, pool: 20, expand: { seeds: 4, perSeed: 9 } };
    const bundle = await new OscillinkRetriever(fields).invoke(query);
    expect(bundle.map(({ pageContent }) => pageContent).sort()).toEqual([...texts].sort());
  });
});

test("expand lost the documents whose id is null, as a database gives them", async () => {
  const vectorStore = await memoryStore(documents(), model);
  for (const entry of vectorStore.memoryVectors) Object.assign(entry, { id: null });
  const search = vectorStore.similaritySearchVectorWithScore.bind(vectorStore);
  vectorStore.similaritySearchVectorWithScore = async (...asked) =>
    (await search(...asked)).map(([document, score]) => [
      Object.assign(new Document(document), { id: null }) as unknown as Document,
      score,
    ]);
  const retriever = new OscillinkRetriever({
    attach: "full",
    vectorStore,
    k: 2,
    pool: 2,
    expand: { seeds: 2, perSeed: 6 },
  });
  const receipt = receiptOf(await retriever.invoke(query));
  expect(receipt.inputs.n).toBeGreaterThan(4);
  expect(receipt.bundle.map(({ id }) => id)).not.toContain("null");
});
