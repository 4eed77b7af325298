import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { LanceDB } from "@langchain/community/vectorstores/lancedb";
import type { PGVectorStore } from "@langchain/community/vectorstores/pgvector";
import { Document } from "@langchain/core/documents";
import type { VectorStore } from "@langchain/core/vectorstores";
import { OscillinkRetriever, type OscillinkRetrieverFields } from "@oscillink/langchain";
import { afterAll, describe, expect, test } from "vitest";
import { corpus, direct } from "../contract.ts";
import { folder, installed } from "../script.ts";
import { documentsOf, hnswStore, lanceStore, memoryStore, receiptOf, sqliteStore } from "./makers.ts";
import { postgres } from "./postgres.ts";
import { SqliteVecStore } from "./sqlite.ts";

const server = await postgres();
afterAll(() => server[Symbol.asyncDispose]());

const question = corpus.questions[0]!;
const n = corpus.passages.length;

const ask = (vectorStore: VectorStore, fields: Omit<OscillinkRetrieverFields, "vectorStore"> = {}) =>
  new OscillinkRetriever({ vectorStore, attach: "full", k: n, pool: n, ...fields }).invoke(question.text);
const idsOf = (documents: readonly Document[]) => documents.map(({ metadata }) => metadata.passage);

/** Does something between a store's search and whatever it is asked next. */
function afterSearch<Store extends VectorStore>(store: Store, then: () => Promise<unknown>): Store {
  const search = store.similaritySearchVectorWithScore.bind(store);
  store.similaritySearchVectorWithScore = async (...given) => {
    const hits = await search(...given);
    await then();
    return hits;
  };
  return store;
}

const all = direct(question, n);

describe("Postgres", () => {
  test("a row that is deleted after the search: that document is embedded anew, and the bundle is the same", async () => {
    const store = await server.makeStore(corpus);
    afterSearch(store, () => store.delete({ ids: [corpus.passages[3]!.id] }));
    const documents = await ask(store);
    expect(receiptOf(documents).vectors).toEqual({ fromStore: n - 1, reembedded: 1 });
    expect(receiptOf(documents).digest).toBe(all.digest);
  });

  test("two rows of one id: both are embedded anew, and neither is lost", async () => {
    const store = await server.makeStore(corpus);
    const [one, other] = corpus.passages.slice(5, 7).map(({ id }) => id);
    await store.pool.query(`ALTER TABLE ${store.tableName} DROP CONSTRAINT ${store.tableName}_pkey`);
    await store.pool.query(`UPDATE ${store.tableName} SET id = $1 WHERE id = $2`, [one, other]);
    const documents = await ask(store);
    expect(receiptOf(documents).vectors).toEqual({ fromStore: n - 2, reembedded: 2 });
    expect(idsOf(documents)).toEqual(all.ids);
    expect(documents.map(({ pageContent }) => pageContent).sort()).toEqual(
      corpus.passages.map(({ text }) => text).sort(),
    );
  });

  test("ids may be integers, as of a table that was there before", async () => {
    const store = await server.makeStore(corpus);
    await store.pool.query(`ALTER TABLE ${store.tableName}
      ALTER id DROP DEFAULT, ALTER id TYPE integer USING right(id::text, 12)::integer`);
    const documents = await ask(store);
    expect(idsOf(documents)).toEqual(all.ids);
    expect(documents.map(({ id }) => id)).toEqual(all.ids.map((id) => Number(id.slice(-12))));
    expect(receiptOf(documents).vectors).toEqual({ fromStore: n, reembedded: 0 });
  });

  test("a filter narrows the pool, and one that empties it gives none", async () => {
    const store = await server.makeStore(corpus);
    const some = corpus.passages.slice(0, 5).map(({ id }) => id);
    const documents = await ask(store, { filter: { passage: { in: some } } });
    expect(idsOf(documents).sort()).toEqual(some);
    expect(receiptOf(documents).vectors).toEqual({ fromStore: 5, reembedded: 0 });
    expect(await ask(store, { filter: { passage: "nobody" } })).toEqual([]);
  });

  describe("that fails when it is asked for the vectors", () => {
    const failing = async (): Promise<PGVectorStore> => {
      const store = await server.makeStore(corpus);
      return afterSearch(store, () => store.pool.query(`DROP TABLE ${store.tableName}`));
    };

    test("is an error that names the store, with the database's as its cause", async () => {
      await expect(ask(await failing())).rejects.toMatchObject({
        name: "OscillinkError",
        parameter: "vectorStore",
        message: expect.stringMatching(/from PGVectorStore failed: relation .+ does not exist/),
        // "undefined table", in the codes of Postgres.
        cause: { code: "42P01" },
      });
    });

    test("is passed through if so wished: the first k of the search, in its order, and a warning", async () => {
      const warnings: unknown[] = [];
      const documents = await ask(await failing(), {
        k: 4,
        onError: "passthrough",
        onWarning: (error) => warnings.push(error),
      });
      const nearest = corpus.nearest(question).slice(0, 4);
      expect(idsOf(documents)).toEqual(nearest.map(({ id }) => id));
      expect(documents.map(({ metadata }) => Object.keys(metadata))).toEqual(nearest.map(() => ["passage"]));
      expect(warnings).toMatchObject([{ parameter: "vectorStore", cause: { code: "42P01" } }]);
    });
  });
});

describe("a store that hands over vectors of another width", () => {
  class Cut extends SqliteVecStore {
    override async similaritySearchVectorWithScoreAndEmbedding(query: number[], k: number) {
      const found = await super.similaritySearchVectorWithScoreAndEmbedding(query, k);
      const cut = (bytes: Uint8Array, place: number) => (place === 2 ? bytes.subarray(0, 8) : bytes);
      return found.map(([document, distance, bytes], place): [Document, number, Uint8Array] => [
        document,
        distance,
        cut(bytes, place),
      ]);
    }
  }
  const cut = async () => {
    const store = new Cut(corpus.embeddings, question.vector.length);
    await store.addDocuments(documentsOf(corpus));
    return store;
  };

  test("is an error that says which", async () => {
    await expect(ask(await cut())).rejects.toMatchObject({
      name: "VectorError",
      message: expect.stringContaining(`has 2 values where the others have ${question.vector.length}`),
    });
  });

  test("or the search's own order", async () => {
    const documents = await ask(await cut(), { k: 3, onError: "passthrough" });
    const nearest = corpus.nearest(question).slice(0, 3);
    expect(idsOf(documents)).toEqual(nearest.map(({ id }) => id));
  });
});

describe("the same text more than once", () => {
  /** A text in three languages' editions, each with a vector of its own. */
  const editions = ["en", "de", "fr"].map((language, i) => ({
    document: new Document({ pageContent: corpus.passages[0]!.text, metadata: { language } }),
    vector: corpus.passages[i]!.vector,
  }));
  const fill = async <Store extends VectorStore>(store: Store): Promise<Store> => {
    await store.addVectors(
      editions.map(({ vector }) => vector),
      editions.map(({ document }) => document),
    );
    return store;
  };
  const none = { ...corpus, passages: [] };

  test.each([
    ["MemoryVectorStore", async () => fill(new MemoryVectorStore(corpus.embeddings))],
    ["LanceDB", async () => fill(new LanceDB(corpus.embeddings, { uri: folder() }))],
    ["PGVectorStore", async () => fill(await server.makeStore(none))],
  ])("%s: each edition has its own vector", async (_, makeStore) => {
    const documents = await ask(await makeStore(), { k: 3, pool: 3 });
    expect(receiptOf(documents).vectors).toEqual({ fromStore: 3, reembedded: 0 });
    const similar = new Map(
      documents.map(({ metadata }) => [metadata.language, metadata.oscillink.parts.similarity]),
    );
    for (const { document, vector } of editions) {
      const cosine = vector.reduce((sum, value, i) => sum + value * question.vector[i]!, 0);
      expect(similar.get(document.metadata.language)).toBeCloseTo(cosine, 6);
    }
  });
});

describe("a filter that keeps nothing", () => {
  const filterable = [
    ["MemoryVectorStore", memoryStore],
    ...(installed("hnswlib-node") ? [["HNSWLib", hnswStore] as const] : []),
  ] as const;

  test.each(filterable)("%s: no documents, and no error", async (_, makeStore) => {
    expect(await ask(await makeStore(corpus), { filter: () => false })).toEqual([]);
  });

  test.each(filterable)(
    "%s: a filter that keeps some gives those, with their vectors",
    async (_, makeStore) => {
      const some = new Set(corpus.passages.slice(0, 6).map(({ id }) => id));
      const documents = await ask(await makeStore(corpus), {
        filter: ({ metadata }: Document) => some.has(metadata.passage),
      });
      expect(new Set(idsOf(documents))).toEqual(some);
      expect(receiptOf(documents).vectors).toEqual({ fromStore: 6, reembedded: 0 });
    },
  );
});

describe("a pool larger than the store", () => {
  test.each([
    ["MemoryVectorStore", memoryStore],
    ["LanceDB", lanceStore],
    ["sqlite-vec", sqliteStore],
  ])("%s: all there is", async (_, makeStore) => {
    const documents = await ask(await makeStore(corpus), { pool: 10 * n });
    expect(idsOf(documents)).toEqual(all.ids);
  });
});
