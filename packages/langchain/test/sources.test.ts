import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import { OscillinkError } from "@oscillink/core";
import { describe, expect, test } from "vitest";
import { type Hit, storedVectors } from "../src/sources/index.ts";
import {
  type Entry,
  fakeChroma,
  fakeElastic8,
  fakeHnsw,
  fakeLance,
  fakeMilvus,
  fakeMongo,
  fakeOwn,
  fakePinecone,
  fakeQdrant,
  fakeRedis,
  fakeSupabase,
  fakes,
  fakeWeaviate,
} from "./fakes.ts";
import { closedStore, documents, model } from "./world.ts";

const query = [0.25, 0.5, 0.75];
const entries: readonly Entry[] = ["Anna", "Boris", "Clara", "Dag"].map((from, i) => ({
  id: `letter-${i}`,
  text: `Dear all, greetings from ${from}.`,
  metadata: { from, place: { town: "Vell", street: i } },
  vector: [i, 0.5, -i / 8],
}));
const ids = entries.map(({ id }) => id);
const vectors = entries.map(({ vector }) => vector);
const ignore = () => undefined;

const hitsOf = (found: readonly Document[]): Hit[] => found.map((document) => [document, 0.5]);

describe.each(fakes)("$name", ({ store, document, requests }) => {
  const hits = hitsOf(entries.map(document));

  test("hands over the vector of every hit, and is asked once", async () => {
    const asked: unknown[] = [];
    const given = store(entries, (request) => asked.push(request));
    expect(await storedVectors(given, hits, query)).toEqual(vectors);
    expect(asked).toEqual(requests(query, ids));
  });

  test("is asked in plain numbers for a query that is a typed array", async () => {
    const asked: unknown[] = [];
    const given = store(entries, (request) => asked.push(request));
    await storedVectors(given, hits, Float32Array.from(query));
    expect(asked).toEqual(requests(query, ids));
  });

  test("may answer in any order", async () => {
    expect(await storedVectors(store(entries.toReversed(), ignore), hits, query)).toEqual(vectors);
  });

  test("may answer with fewer rows than hits, or none: the others have no vector", async () => {
    const some = await storedVectors(store(entries.slice(2), ignore), hits, query);
    expect(some).toEqual([undefined, undefined, ...vectors.slice(2)]);
    expect(await storedVectors(store([], ignore), hits, query)).toEqual(hits.map(ignore));
  });

  test("may answer with rows that nobody asked for, and with a row twice", async () => {
    const stranger = { id: "?", text: "Who am I?", metadata: {}, vector: [9, 9, 9] };
    const given = store([stranger, ...entries, entries[1]!], ignore);
    expect(await storedVectors(given, hits, query)).toEqual(vectors);
  });

  test("with a vector that is none: that document has none, the others have theirs", async () => {
    for (const vector of [[1, Number.NaN, 2], "[0.1,oops]", null, undefined, [], ["1", "2", "3"]]) {
      const spoilt = entries.map((entry, i) => (i === 1 ? { ...entry, vector } : entry));
      const found = await storedVectors(store(spoilt, ignore), hits, query);
      expect(found).toEqual([vectors[0], undefined, vectors[2], vectors[3]]);
    }
  });

  test("that fails: an error with the store's own as its cause", async () => {
    const fault = new Error("the line is dead");
    const given = store(entries, () => {
      throw fault;
    });
    const failure = await storedVectors(given, hits, query).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OscillinkError);
    expect(failure).toMatchObject({ parameter: "vectorStore", cause: fault });
    expect((failure as Error).message).toMatch(
      /reading the vectors of 4 documents from .+ failed: the line is dead$/,
    );
  });

  test("is not asked where there are no hits", async () => {
    const given = store(entries, () => {
      throw new Error("asked");
    });
    expect(await storedVectors(given, [], query)).toEqual([]);
  });

  test("leaves the hits as they are", async () => {
    const before = JSON.stringify(hits);
    await storedVectors(store(entries, ignore), hits, query);
    expect(JSON.stringify(hits)).toBe(before);
  });
});

describe("what a vector may be", () => {
  const floats = Float32Array.of(0.1, -2, 3e-7);
  const bytes = (offset: number) => {
    const all = new Uint8Array(offset + floats.byteLength);
    all.set(new Uint8Array(floats.buffer), offset);
    return all.subarray(offset);
  };
  /** As Arrow's vectors are: no array, but with a length and in order. */
  const arrow = { length: 3, [Symbol.iterator]: () => floats[Symbol.iterator]() };

  const read = async (vector: unknown) => {
    const [found] = await storedVectors(
      fakeChroma.store([{ ...entries[0]!, vector }], ignore),
      hitsOf([fakeChroma.document(entries[0]!)]),
      query,
    );
    return found && Array.from(found);
  };

  test.each([
    ["an array", [...floats]],
    ["a Float32Array", floats],
    ["a Float64Array", Float64Array.from(floats)],
    ["a string, as of pgvector", JSON.stringify([...floats])],
    ["an Arrow vector", arrow],
    ["bytes", bytes(0)],
    ["bytes that begin anywhere in their buffer", bytes(3)],
    ["a Buffer", Buffer.from(bytes(1))],
  ])("%s", async (_, vector) => {
    expect(await read(vector)).toEqual([...floats]);
  });

  test("of any width: that it is not the query's is for the ranking to say", async () => {
    expect(await read([1])).toEqual([1]);
  });

  test.each([
    ["a sparse vector", "{1:0.5}/5"],
    ["a number", 7],
    ["a number in a string", "7"],
    ["named vectors", { title: [1, 2], body: [3, 4] }],
    ["several vectors", [[1], [2]]],
    ["bytes that are no whole floats", bytes(0).subarray(1)],
    ["no bytes", new Uint8Array(0)],
    ["an infinite value", [1, Number.POSITIVE_INFINITY]],
    ["a bigint", [1n, 2n]],
    ["an array with a hole", Object.assign([1, 2, 3], { length: 4 })],
  ])("not %s", async (_, vector) => {
    expect(await read(vector)).toBeUndefined();
  });
});

describe("which row is whose", () => {
  const ask = (entries: readonly Entry[], found: readonly Document[], fake = fakeOwn) =>
    storedVectors(fake.store(entries, ignore), hitsOf(found), query);
  const [anna, boris] = entries as [Entry, Entry];

  test("two of one id and one text, with different vectors: neither can be told", async () => {
    const other = { ...anna, vector: [7, 7, 7] };
    expect(await ask([anna, other, boris], [anna, boris].map(fakeOwn.document))).toEqual([
      undefined,
      boris.vector,
    ]);
  });

  test("two of one id are told apart by their texts", async () => {
    const other = { ...boris, id: anna.id };
    expect(await ask([anna, other], [other, anna].map(fakeOwn.document))).toEqual([
      boris.vector,
      anna.vector,
    ]);
  });

  test("a row of the id whose text has changed since is not that of the hit", async () => {
    expect(await ask([{ ...anna, text: "Rewritten." }], [fakeOwn.document(anna)])).toEqual([undefined]);
  });

  test("without ids, two of one text are told apart by their metadata, wherever they stand", async () => {
    const other = { ...anna, metadata: { ...anna.metadata, from: "Anna's aunt" }, vector: [7, 7, 7] };
    for (const stored of [
      [anna, other],
      [other, anna],
    ]) {
      const found = await ask(stored, [anna, other].map(fakeLance.document), fakeLance);
      expect(found).toEqual([anna.vector, other.vector]);
    }
    expect(await ask([other], [fakeLance.document(anna)], fakeLance)).toEqual([undefined]);
  });

  test("without ids, two that are the same in all but the vector cannot be told", async () => {
    const other = { ...anna, vector: [7, 7, 7] };
    expect(await ask([anna, other], [fakeLance.document(anna)], fakeLance)).toEqual([undefined]);
    const unreadable = { ...anna, vector: "?" };
    expect(await ask([anna, unreadable], [fakeLance.document(anna)], fakeLance)).toEqual([undefined]);
  });

  test("the order of the keys of metadata says nothing; big integers and dates are compared too", async () => {
    const metadata = { at: new Date(0), count: 2n ** 60n, place: { town: "Vell", street: 1 } };
    const turned = { place: { street: 1, town: "Vell" }, count: 2n ** 60n, at: new Date(0) };
    const stored = { ...anna, metadata: turned };
    expect(await ask([stored], [fakeLance.document({ ...anna, metadata })], fakeLance)).toEqual([
      anna.vector,
    ]);
    for (const change of [{ at: new Date(1) }, { count: 2n ** 60n + 1n }]) {
      const hit = fakeLance.document({ ...anna, metadata: { ...metadata, ...change } });
      expect(await ask([stored], [hit], fakeLance)).toEqual([undefined]);
    }
  });

  test("numbers as ids are the same as their digits", async () => {
    const numbered = { ...anna, id: 7 as unknown as string };
    const hit = new Document({ id: "7", pageContent: anna.text, metadata: {} });
    expect(await ask([numbered], [hit], fakeQdrant)).toEqual([anna.vector]);
  });

  test("a hit that comes twice has its vector twice", async () => {
    const twice = [anna, anna].map(fakeOwn.document);
    expect(await ask([anna], twice)).toEqual([anna.vector, anna.vector]);
  });

  test("hits without ids, of a store that goes by ids, have none", async () => {
    const bare = new Document({ pageContent: anna.text, metadata: anna.metadata });
    expect(await ask([anna], [bare, fakeQdrant.document(boris)], fakeQdrant)).toEqual([undefined, undefined]);
  });
});

describe("filters and places", () => {
  const requestsOf = async (fake: typeof fakePinecone, filter: unknown, changes: object = {}) => {
    const asked: unknown[] = [];
    const store = Object.assign(
      fake.store(entries, (request) => asked.push(request)),
      changes,
    );
    const found = await storedVectors(store, hitsOf(entries.map(fake.document)), query, { filter });
    return { asked, found };
  };

  test("Pinecone: a namespace in the filter is where to look, the rest is the filter; that itself stays whole", async () => {
    const filter = Object.freeze({ namespace: "north", from: "Anna" });
    const { asked } = await requestsOf(fakePinecone, filter);
    expect(asked).toMatchObject([{ namespace: "north", filter: { from: "Anna" } }]);
    const own = await requestsOf(fakePinecone, undefined, { filter: { from: "Dag" } });
    expect(own.asked).toMatchObject([{ namespace: "letters", filter: { from: "Dag" } }]);
    const bare = await requestsOf(fakePinecone, { namespace: "north" }, { namespace: undefined });
    expect(bare.asked[0]).not.toHaveProperty("filter");
    expect((await requestsOf(fakePinecone, undefined, { namespace: undefined })).asked).toMatchObject([
      { namespace: "" },
    ]);
  });

  test("HNSWLib: a function of a document, asked for each label", async () => {
    const { found } = await requestsOf(fakeHnsw, ({ metadata }: Document) => metadata.from !== "Boris");
    expect(found).toEqual([vectors[0], undefined, vectors[2], vectors[3]]);
  });

  test("HNSWLib: labels without a document are passed over", async () => {
    const { found } = await requestsOf(fakeHnsw, () => true, { docstore: { search: () => "not found" } });
    expect(found).toEqual(entries.map(ignore));
  });

  test("Milvus, Elasticsearch, Supabase, Redis and a store of one's own: as the store was asked", async () => {
    expect((await requestsOf(fakeMilvus, 'from == "Anna"')).asked).toMatchObject([
      { filter: 'from == "Anna"' },
    ]);
    expect((await requestsOf(fakeElastic8, { from: "Anna" })).asked).toMatchObject([
      { knn: { filter: { bool: { must: [{ from: "Anna" }] } } } },
    ]);
    const [redis] = (await requestsOf(fakeRedis, ["Anna"])).asked;
    expect(redis).toMatchObject({ query: [{ filter: ["Anna"] }] });
    for (const fake of [fakeSupabase, fakeOwn]) {
      expect((await requestsOf(fake, { from: "Anna" })).asked).toMatchObject([{ filter: { from: "Anna" } }]);
    }
  });

  test("Elasticsearch: never fewer candidates than hits, which it would refuse", async () => {
    const { asked } = await requestsOf(fakeElastic8, undefined, { candidates: 2 });
    expect(asked).toMatchObject([{ knn: { k: 4, num_candidates: 4 } }]);
  });

  test("Milvus: a status that is no success is an error", async () => {
    const client = {
      search: async () => ({ status: { error_code: "UnexpectedError", reason: "no index" } }),
    };
    await expect(requestsOf(fakeMilvus, undefined, { client })).rejects.toThrow(
      /from Milvus failed.*no index/,
    );
  });

  test("Supabase: so is an error that comes as a result", async () => {
    const error = { message: "permission denied" };
    const client = { from: () => ({ select: () => ({ in: async () => ({ data: null, error }) }) }) };
    const bare = { client, _searchSupabase: async () => [{ id: 1, content: "", metadata: {} }] };
    await expect(requestsOf(fakeSupabase, undefined, bare)).rejects.toMatchObject({ cause: error });
  });

  test("Supabase: many ids are asked for in batches, as they stand in the address", async () => {
    const rows = Array.from({ length: 210 }, (_, i) => ({
      id: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
      content: `text ${i}`,
      metadata: {},
    }));
    const lengths: number[] = [];
    const select = () => ({
      in: async (_: string, ids: string[]) => {
        lengths.push(ids.join(",").length);
        return { data: ids.map((id) => ({ id, embedding: [Number(id.slice(-3)), 1] })), error: null };
      },
    });
    const store = {
      client: { from: () => ({ select }) },
      tableName: "documents",
      _searchSupabase: async () => rows,
    };
    const hits = rows.map(({ content }) => [{ pageContent: content, metadata: {} }, 1] as const);
    const vectors = await storedVectors(store, hits, [1, 0]);
    expect(vectors.map((vector) => Array.from(vector!)[0])).toEqual(rows.map((_, i) => i));
    expect(Math.max(...lengths)).toBeLessThan(4000);
  });

  test("Supabase: once the call has ended no further batch is asked for", async () => {
    const ended = new AbortController();
    const rows = Array.from({ length: 450 }, (_, id) => ({ id, content: `text ${id}`, metadata: {} }));
    let asked = 0;
    const select = () => ({
      in: async () => {
        if (++asked === 2) ended.abort("enough");
        return { data: [], error: null };
      },
    });
    const store = {
      client: { from: () => ({ select }) },
      tableName: "documents",
      _searchSupabase: async () => rows,
    };
    const hits = rows.map(({ content }) => [{ pageContent: content, metadata: {} }, 1] as const);
    await expect(storedVectors(store, hits, [1, 0], { signal: ended.signal })).rejects.toBe("enough");
    expect(asked).toBe(2);
  });

  test("a store's error that is no Error is told all the same, without keys", async () => {
    const error = { message: "permission denied for sk-proj-abcdefghijkl" };
    const client = { from: () => ({ select: () => ({ in: async () => ({ data: null, error }) }) }) };
    const bare = { client, _searchSupabase: async () => [{ id: 1, content: "", metadata: {} }] };
    await expect(requestsOf(fakeSupabase, undefined, bare)).rejects.toThrow(
      /failed: permission denied for sk-…$/,
    );
  });

  test("Weaviate: with several named vectors it is not known which was searched", async () => {
    const objects = entries.map(({ id, text }) => ({
      uuid: id,
      properties: { text },
      vectors: { title: [1, 2, 3], body: [4, 5, 6] },
    }));
    const collection = {
      filter: { byId: () => ({ containsAny: ignore }) },
      query: { fetchObjects: async () => ({ objects }) },
    };
    const client = { collections: { get: () => collection } };
    const { found } = await requestsOf(fakeWeaviate, undefined, { client });
    expect(found).toEqual(entries.map(ignore));
  });

  test("MongoDB: documents without the key, as of a view, are not asked for", async () => {
    const asked: unknown[] = [];
    const store = fakeMongo.store(entries, (request) => asked.push(request));
    const keyless = new Document({ pageContent: entries[0]!.text, metadata: {} });
    const hits = hitsOf([keyless, fakeMongo.document(entries[1]!)]);
    expect(await storedVectors(store, hits, query)).toEqual([undefined, vectors[1]]);
    expect(asked).toMatchObject([{ ids: [ids[1]] }]);
  });
});

describe("stores that are not known", () => {
  const hits = hitsOf(entries.map(fakeOwn.document));

  test.each([
    ["nothing at all", {}],
    [
      "a client that cannot what is needed",
      { client: {}, collectionName: "letters", contentPayloadKey: "c" },
    ],
    ["a client that is not there", { client: null, collectionName: "letters", contentPayloadKey: "c" }],
    ["the method as a value", { similaritySearchVectorWithScoreAndEmbedding: true }],
  ])("with %s hand over nothing, and throw nothing", async (_, store) => {
    expect(await storedVectors(store, hits, query)).toEqual(hits.map(ignore));
  });

  test("such as one that keeps its vectors to itself", async () => {
    const store = await closedStore(documents());
    const hits = await store.similaritySearchVectorWithScore(model.embed("Tobel") as never, 5);
    expect(await storedVectors(store, hits, model.embed("Tobel"))).toEqual(hits.map(ignore));
  });
});

describe("MemoryVectorStore", () => {
  test("two entries that share their metadata are told apart by their texts", async () => {
    const store = new MemoryVectorStore(model);
    const metadata = { source: "guide" };
    const added = ["one", "two"].map((pageContent) => new Document({ pageContent, metadata }));
    await store.addVectors(
      [
        [1, 0],
        [0, 1],
      ],
      added,
    );
    const hits = await store.similaritySearchVectorWithScore([1, 0.5], 2);
    expect(await storedVectors(store, hits, [1, 0.5])).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  test("metadata that cannot be written, being circular, is still like itself", async () => {
    const store = new MemoryVectorStore(model);
    const added = ["en", "de"].map((language) => {
      const metadata: Record<string, unknown> = { language };
      metadata.self = metadata;
      return new Document({ pageContent: "the same", metadata });
    });
    await store.addVectors(
      [
        [1, 0],
        [0, 1],
      ],
      added,
    );
    const hits = await store.similaritySearchVectorWithScore([1, 0.5], 2);
    expect(await storedVectors(store, hits, [1, 0.5])).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });
});
