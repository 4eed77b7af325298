import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { OptionError } from "@oscillink/core";
import { describe, expect, test } from "vitest";
import { OscillinkReranker, OscillinkRetriever } from "../src/index.ts";
import { documents, memoryStore, model, query } from "./world.ts";

const store = await memoryStore(documents());

const makers: [string, (fields: object) => unknown][] = [
  ["OscillinkReranker", (fields) => new OscillinkReranker({ embeddings: model, ...fields })],
  ["OscillinkRetriever", (fields) => new OscillinkRetriever({ vectorStore: store, ...fields })],
];

function refusal(make: () => unknown): OptionError {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return error as OptionError;
  }
  throw new Error("it was accepted");
}

// A mistake shows when the adapter is made, not with the first query of the day.
describe.each(makers)("%s refuses when it is made", (_, make) => {
  test.each([
    ["embeddings", {}],
    ["embeddings", { embedQuery: model.embedQuery }],
    ["embeddings", { embedDocuments: model.embedDocuments }],
    ["metadataKey", ""],
    ["metadataKey", 5],
    ["metadataKey", null],
    ["attach", "whole"],
    ["attach", true],
    ["cache", 1000],
    ["cache", true],
    ["cache", {}],
    ["traceCandidates", "yes"],
    ["signal", 5],
    ["signal", new AbortController()],
    ["timeout", 0],
    ["timeout", Number.NaN],
    ["timeout", "1s"],
    ["timeout", 2 ** 31],
    ["signer", {}],
    ["onError", "ignore"],
    ["onWarning", "log"],
    ["title", "title"],
    ["trust", 0.5],
    ["trust", null],
    ["k", 0],
    ["k", -1],
    ["k", 1.5],
    ["k", Number.NaN],
    ["k", "5"],
    ["k", null],
    ["missing", "skip"],
    ["profile", "fast"],
    ["normalize", 1],
    ["neighbors", 0],
    ["graph", "both"],
    ["similarityFloor", 1],
    ["lamG", 0],
    ["lamC", -1],
    ["lamQ", Number.POSITIVE_INFINITY],
    ["tolerance", 0],
    ["maxIterations", 0],
    ["textWeight", -0.5],
    ["diversity", 1.1],
  ])("%s: %o", (name, value) => {
    const error = refusal(() => make({ [name]: value }));
    expect(error.parameter).toBe(name);
    expect(error.message).toMatch(new RegExp(`^${name}: must be`));
  });

  test.each(["topN", "topK", "model", "queryText", "candidates", "query", "K", "toString"])(
    "%s, which it does not know, and lists what it knows",
    (name) => {
      const error = refusal(() => make({ [name]: 3 }));
      expect(error.parameter).toBe(name);
      expect(error.message).toMatch(/^\w+: unknown option; (known|did you mean \w+\? Known) are .*\bk\b.*/);
    },
  );

  test("nothing that is undefined", () => {
    const names = ["metadataKey", "attach", "trust", "k", "profile", "lamC", "diversity", "missing"];
    expect(() => make(Object.fromEntries(names.map((name) => [name, undefined])))).not.toThrow();
  });
});

describe("OscillinkReranker", () => {
  test.each([["vector"], [5], [{}], [null]])("refuses embeddingOf: %o when it is made", (embeddingOf) => {
    const fields = { embeddings: model, embeddingOf: embeddingOf as never };
    expect(refusal(() => new OscillinkReranker(fields)).parameter).toBe("embeddingOf");
  });

  test.each([undefined, null])("refuses embeddings: %o", (embeddings) => {
    const fields = { embeddings: embeddings as never };
    expect(refusal(() => new OscillinkReranker(fields)).parameter).toBe("embeddings");
  });

  test.each(["pool", "vectorStore", "filter", "expand"])(
    "refuses %s, which only the retriever has",
    (name) => {
      const fields = { embeddings: model, [name]: 50 };
      expect(refusal(() => new OscillinkReranker(fields)).parameter).toBe(name);
    },
  );

  test("is known by its name and namespace", () => {
    expect(OscillinkReranker.lc_name()).toBe("OscillinkReranker");
    expect(new OscillinkReranker({ embeddings: model }).lc_namespace).toEqual([
      "oscillink",
      "document_compressors",
    ]);
  });
});

describe("OscillinkRetriever", () => {
  test.each([[undefined], [null], [{}], ["memory"], [{ similaritySearch: () => [] }]])(
    "refuses vectorStore: %o",
    (vectorStore) => {
      const error = refusal(() => new OscillinkRetriever({ vectorStore: vectorStore as never }));
      expect(error.parameter).toBe("vectorStore");
    },
  );

  test("refuses a store that has no embeddings, unless it is given some", () => {
    const bare = { similaritySearchVectorWithScore: async () => [] } as never;
    expect(refusal(() => new OscillinkRetriever({ vectorStore: bare })).parameter).toBe("embeddings");
    expect(() => new OscillinkRetriever({ vectorStore: bare, embeddings: model })).not.toThrow();
  });

  test.each([[0], [4], [5.5], [Number.NaN], [Number.POSITIVE_INFINITY], ["50"], [2 ** 60]])(
    "refuses a pool of %o for k = 5",
    (pool) => {
      const error = refusal(() => new OscillinkRetriever({ vectorStore: store, k: 5, pool: pool as number }));
      expect(error.parameter).toBe("pool");
      expect(error.message).toBe(
        `pool: must be an integer of at least k = 5, not ${typeof pool === "string" ? '"50"' : pool}`,
      );
    },
  );

  test.each([
    [null, "expand", "must be { seeds, perSeed }"],
    [3, "expand", "must be { seeds, perSeed }"],
    [{}, "expand.seeds", "must be an integer of at least 1, not undefined"],
    [{ seeds: 3 }, "expand.perSeed", "must be an integer of at least 1, not undefined"],
    [{ seeds: 0, perSeed: 5 }, "expand.seeds", "must be an integer of at least 1, not 0"],
    [{ seeds: 3, perSeed: 1.5 }, "expand.perSeed", "must be an integer of at least 1, not 1.5"],
    [{ seeds: 3, perSeed: 5, depth: 2 }, "expand.depth", "unknown option; known are seeds, perSeed"],
  ])("refuses expand: %o", (expand, parameter, message) => {
    const error = refusal(() => new OscillinkRetriever({ vectorStore: store, expand: expand as never }));
    expect(error.parameter).toBe(parameter);
    expect(error.message).toContain(message);
  });

  test("refuses expand without vectors to search with", () => {
    const fields = { vectorStore: store, vectors: "never", expand: { seeds: 1, perSeed: 1 } } as const;
    expect(refusal(() => new OscillinkRetriever(fields)).parameter).toBe("expand");
  });

  test("refuses embeddingOf, which only the reranker has", () => {
    const fields = { vectorStore: store, embeddingOf: () => undefined };
    expect(refusal(() => new OscillinkRetriever(fields)).parameter).toBe("embeddingOf");
  });

  test.each([
    [undefined, 50],
    [1, 50],
    [5, 50],
    [6, 60],
    [20, 200],
  ])("with k = %o has a pool of %i by default", (k, pool) => {
    const fields = k === undefined ? {} : { k };
    expect(new OscillinkRetriever({ vectorStore: store, ...fields }).pool).toBe(pool);
  });

  test("takes a pool as small as k", async () => {
    const retriever = new OscillinkRetriever({ vectorStore: store, k: 5, pool: 5 });
    expect(retriever.pool).toBe(5);
    expect(await retriever.invoke(query)).toHaveLength(5);
  });

  test("is known by its name and namespace, and to LangChain's serializer as one that stays here", () => {
    const retriever = new OscillinkRetriever({ vectorStore: store });
    expect(OscillinkRetriever.lc_name()).toBe("OscillinkRetriever");
    expect(retriever.getName()).toBe("OscillinkRetriever");
    expect(retriever.vectorStore).toBe(store);
    expect(retriever.toJSON()).toMatchObject({
      type: "not_implemented",
      id: ["oscillink", "retrievers", "OscillinkRetriever"],
    });
    // Neither vectors nor keys leave with it.
    expect(JSON.stringify(retriever)).not.toContain("embedding");
  });

  test("knows the type of its store's filter", () => {
    const vectorStore = new MemoryVectorStore(model);
    const build = () => [
      new OscillinkRetriever({ vectorStore, filter: (document) => document.metadata.page > 3 }),
      // @ts-expect-error a MemoryVectorStore filters by a function
      new OscillinkRetriever({ vectorStore, filter: "page > 3" }),
      // @ts-expect-error k is a number
      new OscillinkRetriever({ vectorStore, k: undefined as unknown as string }),
    ];
    expect(build).not.toThrow();
  });
});
