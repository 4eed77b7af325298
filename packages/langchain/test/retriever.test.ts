import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import { FakeVectorStore } from "@langchain/core/utils/testing";
import { describe, expect, test } from "vitest";
import { type EmbeddingCache, embeddingCache, OscillinkReranker, OscillinkRetriever } from "../src/index.ts";
import {
  CountingEmbeddings,
  closedStore,
  digestOf,
  direct,
  documents,
  idsOf,
  inStoreOrder,
  memoryStore,
  model,
  queries,
  query,
  receiptOf,
  recordOf,
  texts,
} from "./world.ts";

const ordered = await inStoreOrder(documents());

describe("the vectors of OscillinkRetriever", () => {
  test("come from a MemoryVectorStore: only the query is embedded, and once", async () => {
    const embeddings = new CountingEmbeddings();
    const vectorStore = await memoryStore(documents(), embeddings);
    expect(embeddings.batches).toEqual([texts]);
    embeddings.batches.length = 0;

    const bundle = await new OscillinkRetriever({ attach: "full", vectorStore }).invoke(query);
    expect(embeddings.queries).toEqual([query]);
    expect(embeddings.batches).toEqual([]);
    expect(receiptOf(bundle).vectors).toEqual({ fromStore: 20, reembedded: 0 });
  });

  test("come from any store of that shape, such as core's FakeVectorStore", async () => {
    const embeddings = new CountingEmbeddings();
    const vectorStore = await FakeVectorStore.fromDocuments(documents(), model);
    const bundle = await new OscillinkRetriever({ attach: "full", vectorStore, embeddings }).invoke(query);
    expect(embeddings.batches).toEqual([]);
    expect(receiptOf(bundle).vectors).toEqual({ fromStore: 20, reembedded: 0 });
  });

  test("are those that the store holds, even where the embedder would give others", async () => {
    const vectors = texts.map((_, i) => model.embed(texts[(i + 7) % 20]!));
    const vectorStore = new MemoryVectorStore(model);
    await vectorStore.addVectors(
      vectors.map((vector) => [...vector]),
      documents(),
    );
    const found = await vectorStore.similaritySearch(query, 20);
    const bundle = await new OscillinkRetriever({ attach: "full", vectorStore, k: 20 }).invoke(query);
    const expected = direct(found, { k: 20 }, { vectors: found.map((d) => vectors[d.metadata.page]!) });
    expect(digestOf(bundle)).toBe(expected.receipt.digest);
    expect(digestOf(bundle)).not.toBe(direct(found, { k: 20 }).receipt.digest);
  });

  test("are embedded in one call if the store keeps them", async () => {
    const embeddings = new CountingEmbeddings();
    const vectorStore = await closedStore(documents());
    const bundle = await new OscillinkRetriever({ attach: "full", vectorStore, embeddings }).invoke(query);
    expect(embeddings.queries).toEqual([query]);
    expect(embeddings.batches).toEqual([ordered.map(({ pageContent }) => pageContent)]);
    expect(receiptOf(bundle).vectors).toEqual({ fromStore: 0, reembedded: 20 });
  });

  test("that were embedded are kept for the next query, as much as cache takes", async () => {
    const vectorStore = await closedStore(documents());
    const batches = async (cache: EmbeddingCache | false | undefined) => {
      const embeddings = new CountingEmbeddings();
      const field = cache === undefined ? {} : { cache };
      const retriever = new OscillinkRetriever({ attach: "full", vectorStore, embeddings, ...field });
      const bundles = [await retriever.invoke(query), await retriever.invoke(query)];
      for (const bundle of bundles) {
        // Kept or not, the store did not give them.
        expect(receiptOf(bundle).vectors).toEqual({ fromStore: 0, reembedded: 20 });
        expect(digestOf(bundle)).toBe(direct(ordered).receipt.digest);
      }
      expect(embeddings.queries).toEqual([query, query]);
      return embeddings.batches.map((batch) => batch.length);
    };
    expect(await batches(undefined)).toEqual([20]);
    const bytes = ordered.reduce((all, { pageContent }) => all + 2 * pageContent.length + 4 * 256, 0);
    expect(await batches(embeddingCache({ bytes }))).toEqual([20]);
    expect(await batches(embeddingCache({ bytes: bytes - 1 }))).toEqual([20, 1]);
    expect(await batches(false)).toEqual([20, 20]);
  });

  test("are embedded where the store gave none, and only there", async () => {
    const embeddings = new CountingEmbeddings();
    // A store that holds the vectors of every second hit alone.
    const forgotten = ordered.filter((_, i) => i % 2 === 1);
    const { memoryVectors: all } = await memoryStore(documents());
    const memoryVectors = all.filter(({ id }) => !forgotten.some((document) => document.id === id));
    const vectorStore = Object.assign(await closedStore(documents()), { memoryVectors });
    const bundle = await new OscillinkRetriever({ attach: "full", vectorStore, embeddings }).invoke(query);
    expect(embeddings.batches).toEqual([forgotten.map(({ pageContent }) => pageContent)]);
    expect(receiptOf(bundle).vectors).toEqual({ fromStore: 10, reembedded: 10 });
    // Where they came from is no part of what was computed.
    expect(digestOf(bundle)).toBe(direct(ordered).receipt.digest);
  });

  test("are embedded by the store's own embeddings unless others are given", async () => {
    const own = new CountingEmbeddings();
    const vectorStore = await closedStore(documents(), own);
    own.batches.length = 0;
    await new OscillinkRetriever({ attach: "full", vectorStore }).invoke(query);
    expect([own.queries.length, own.batches.length]).toEqual([1, 1]);
    await new OscillinkRetriever({
      attach: "full",
      vectorStore,
      embeddings: new CountingEmbeddings(),
    }).invoke(query);
    expect([own.queries.length, own.batches.length]).toEqual([1, 1]);
  });

  test("are not mixed up between documents of one text", async () => {
    const vectorStore = new MemoryVectorStore(model);
    const [east, north] = [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
    ];
    await vectorStore.addVectors(
      [east!, north!],
      [
        new Document({ pageContent: "The same words.", metadata: { of: "east" } }),
        new Document({ pageContent: "The same words.", metadata: { of: "north" } }),
      ],
    );
    const similarities = await similaritiesTo([0.6, 0.8, 0, 0], vectorStore);
    expect(similarities).toEqual({ east: expect.closeTo(0.6, 6), north: expect.closeTo(0.8, 6) });
  });

  test("are not mixed up between documents of one text that share a metadata object", async () => {
    // As MemoryVectorStore.fromTexts(texts, metadata, …) makes them when it is given one metadata for all.
    const vectorStore = new MemoryVectorStore(model);
    const metadata = { shared: true };
    await vectorStore.addVectors(
      [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
      ],
      ["east", "north"].map((id) => new Document({ pageContent: "The same words.", metadata, id })),
    );
    const similarities = await similaritiesTo([0.6, 0.8, 0, 0], vectorStore);
    expect(similarities).toEqual({ east: expect.closeTo(0.6, 6), north: expect.closeTo(0.8, 6) });
  });

  test("are embedded where one document is stored under two, and which was found is not known", async () => {
    // As for a document indexed by the questions that it answers.
    const vectorStore = new MemoryVectorStore(model);
    const document = new Document({ pageContent: "The same words.", metadata: {}, id: "answer" });
    await vectorStore.addVectors(
      [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
      ],
      [document, document],
    );
    const embeddings = {
      embedQuery: async () => [0.6, 0.8, 0, 0],
      embedDocuments: async () => [[0, 0, 1, 0]],
    };
    for (const pool of [1, 2]) {
      const bundle = await new OscillinkRetriever({
        attach: "full",
        vectorStore,
        embeddings,
        k: 1,
        pool,
      }).invoke("any");
      expect(recordOf(bundle[0]!).parts!.similarity).toBe(0);
      expect(receiptOf(bundle).vectors).toEqual({ fromStore: 0, reembedded: pool });
    }
  });

  async function similaritiesTo(vector: number[], vectorStore: MemoryVectorStore) {
    const bundle = await new OscillinkRetriever({
      attach: "full",
      vectorStore,
      embeddings: { embedQuery: async () => vector, embedDocuments: model.embedDocuments },
    }).invoke("any");
    expect(receiptOf(bundle).vectors).toEqual({ fromStore: 2, reembedded: 0 });
    return Object.fromEntries(
      bundle.map((document) => [document.metadata.of ?? document.id, recordOf(document).parts!.similarity]),
    );
  }
});

describe("the pool of OscillinkRetriever", () => {
  // 130 entries of a logbook, each of other words.
  const logbook = Array.from(
    { length: 130 },
    (_, i) =>
      new Document({
        id: `log${i}`,
        pageContent: `Train ${i} left Untersee ${texts[i % 20]!.split(" ").slice(1, 5).join(" ")}, car ${i * 7}.`,
        metadata: { even: i % 2 === 0 },
      }),
  );

  test.each([
    [{}, 50],
    [{ k: 1 }, 50],
    [{ k: 7 }, 70],
    [{ k: 20 }, 130],
    [{ k: 7, pool: 12 }, 12],
    [{ pool: 300 }, 130],
  ])("with %o is %i candidates, the nearest there are", async (fields, n) => {
    const vectorStore = await memoryStore(logbook);
    const bundle = await new OscillinkRetriever({ attach: "full", vectorStore, ...fields }).invoke(query);
    const { inputs } = receiptOf(bundle);
    const found = await vectorStore.similaritySearch(query, n);
    expect(inputs.n).toBe(n);
    expect(bundle).toHaveLength("k" in fields ? fields.k : 5);
    expect(inputs.ids).toBe(direct(found).receipt.inputs.ids);
  });

  test("is filtered every time by what was given, though a store takes the filter apart", async () => {
    const vectorStore = await memoryStore(documents(), model);
    const seen: unknown[] = [];
    const search = vectorStore.similaritySearchVectorWithScore.bind(vectorStore);
    vectorStore.similaritySearchVectorWithScore = async (vector, count, filter) => {
      const given = filter as unknown as { namespace?: string };
      seen.push({ ...given });
      // As PineconeStore does.
      delete given.namespace;
      return search(vector, count);
    };
    const filter = { namespace: "public", year: 1894 } as never;
    const retriever = new OscillinkRetriever({
      attach: "full",
      vectorStore,
      filter,
      expand: { seeds: 2, perSeed: 3 },
    });
    await retriever.invoke(query);
    await retriever.invoke(query);
    expect(seen).toEqual(Array(6).fill({ namespace: "public", year: 1894 }));
    expect(filter).toEqual({ namespace: "public", year: 1894 });
  });

  test("is filtered by the store", async () => {
    const vectorStore = await memoryStore(logbook);
    const filter = (document: Document) => document.metadata.even;
    const bundle = await new OscillinkRetriever({
      attach: "full",
      vectorStore,
      filter,
      k: 65,
      pool: 130,
    }).invoke(query);
    expect(receiptOf(bundle).inputs.n).toBe(65);
    expect(bundle.every(({ metadata }) => metadata.even)).toBe(true);

    const none = new OscillinkRetriever({ attach: "full", vectorStore, filter: () => false });
    expect(await none.invoke(query)).toEqual([]);
  });

  test("is what the store holds now, not what it held when the retriever was made", async () => {
    const vectorStore = await memoryStore([]);
    const retriever = new OscillinkRetriever({ attach: "full", vectorStore });
    expect(await retriever.invoke(query)).toEqual([]);
    await vectorStore.addDocuments(documents());
    expect(await retriever.invoke(query)).toHaveLength(5);
  });
});

describe("one OscillinkRetriever", () => {
  test("asked by twenty at once gives each what it would get alone", async () => {
    const vectorStore = await memoryStore(documents());
    const retriever = new OscillinkRetriever({ vectorStore, attach: "digest" });
    const asked = Array.from({ length: 20 }, (_, i) => queries[i % queries.length]!);
    const alone = [];
    for (const text of asked) alone.push(await retriever.invoke(text));
    expect(await Promise.all(asked.map((text) => retriever.invoke(text)))).toEqual(alone);
    expect(await retriever.batch(asked)).toEqual(alone);
    expect(new Set(alone.map(digestOf)).size).toBe(queries.length);
  });

  test("leaves its store as it was", async () => {
    const vectorStore = await memoryStore(documents());
    const before = JSON.stringify(vectorStore.memoryVectors);
    for (const text of queries)
      await new OscillinkRetriever({ attach: "full", vectorStore, k: 20 }).invoke(text);
    expect(JSON.stringify(vectorStore.memoryVectors)).toBe(before);
  });

  test("pipes, as every Runnable does", async () => {
    const vectorStore = await memoryStore(documents());
    const ids = new OscillinkRetriever({ attach: "full", vectorStore, k: 2 }).pipe((bundle) => idsOf(bundle));
    expect(await ids.invoke(query)).toEqual(direct(ordered, { k: 2 }).bundle.map(({ id }) => id));
  });
});

describe("the vectors of OscillinkReranker", () => {
  test("are embedded, all in one call", async () => {
    const embeddings = new CountingEmbeddings();
    const bundle = await new OscillinkReranker({ attach: "full", embeddings }).compressDocuments(
      ordered,
      query,
    );
    expect(embeddings.queries).toEqual([query]);
    expect(embeddings.batches).toEqual([ordered.map(({ pageContent }) => pageContent)]);
    expect(receiptOf(bundle).vectors).toEqual({ fromStore: 0, reembedded: 20 });
  });

  test("are taken where embeddingOf has them, and the rest is embedded", async () => {
    const embeddings = new CountingEmbeddings();
    const reranker = new OscillinkReranker({
      attach: "full",
      embeddings,
      embeddingOf: ({ metadata, pageContent }) => (metadata.page < 15 ? model.embed(pageContent) : undefined),
    });
    const bundle = await reranker.compressDocuments(ordered, query);
    const rest = ordered.filter(({ metadata }) => metadata.page >= 15);
    expect(embeddings.batches).toEqual([rest.map(({ pageContent }) => pageContent)]);
    expect(receiptOf(bundle).vectors).toEqual({ fromStore: 15, reembedded: 5 });
    expect(digestOf(bundle)).toBe(direct(ordered).receipt.digest);
  });

  test("need no embedder if embeddingOf has them all", async () => {
    const embeddings = new CountingEmbeddings();
    const embeddingOf = ({ pageContent }: { pageContent: string }) => model.embed(pageContent);
    const bundle = await new OscillinkReranker({ attach: "full", embeddings, embeddingOf }).compressDocuments(
      ordered,
      query,
    );
    expect(embeddings.batches).toEqual([]);
    expect(receiptOf(bundle).vectors).toEqual({ fromStore: 20, reembedded: 0 });
  });

  test("are not asked for without documents", async () => {
    const embeddings = new CountingEmbeddings();
    expect(await new OscillinkReranker({ attach: "full", embeddings }).compressDocuments([], query)).toEqual(
      [],
    );
    expect([embeddings.queries, embeddings.batches]).toEqual([[], []]);
  });
});
