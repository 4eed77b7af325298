import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import { BaseRetriever } from "@langchain/core/retrievers";
import type { RunnableConfig } from "@langchain/core/runnables";
import { OptionError, rerank } from "@oscillink/core";
import { describe, expect, test } from "vitest";
import { createOscillinkTool, OscillinkRetriever } from "../src/index.ts";
import {
  CountingEmbeddings,
  closedStore,
  digestOf,
  documents,
  frozenDocuments,
  idsOf,
  memoryStore,
  model,
  query,
  receiptOf,
  texts,
} from "./world.ts";

/** Returns the same documents for every question, as a search would return them. */
class Found extends BaseRetriever {
  lc_namespace = ["oscillink", "tests"];
  readonly #found: readonly Document[];
  readonly asked: (RunnableConfig["signal"] | undefined)[] = [];

  constructor(found: readonly Document[]) {
    super();
    this.#found = found;
  }
  override invoke(input: string, options?: Partial<RunnableConfig>): Promise<DocumentInterface[]> {
    this.asked.push(options?.signal);
    return super.invoke(input, options);
  }
  override async _getRelevantDocuments(): Promise<Document[]> {
    return [...this.#found];
  }
}

/** A search that fails. */
class Broken extends BaseRetriever {
  lc_namespace = ["oscillink", "tests"];

  override async _getRelevantDocuments(): Promise<Document[]> {
    throw new Error("the index of words is away");
  }
}

const all = documents();
const some = (...places: number[]) => places.map((place) => all[place]!);
const candidate = ({ id, pageContent }: Document) => ({
  id: id!,
  text: pageContent,
  embedding: model.embed(pageContent),
});
/** The same by a call of core. */
const directLists = (lists: { name: string; found: readonly Document[]; similarity?: boolean }[], k = 5) =>
  rerank({
    query: model.embed(query),
    queryText: query,
    lists: lists.map(({ found, ...list }) => ({ ...list, items: found.map(candidate) })),
    k,
  }).receipt;

describe("the lists of OscillinkRetriever", () => {
  test("are united with the store's own: by id, and with the store's vectors for what others found", async () => {
    const embeddings = new CountingEmbeddings();
    const vectorStore = await memoryStore(documents(), embeddings);
    embeddings.batches.length = 0;
    const retrievers = [{ name: "words", retriever: new Found(some(1, 19, 18)) }];
    const retriever = new OscillinkRetriever({ attach: "full", vectorStore, retrievers, pool: 5 });
    const near = (await vectorStore.similaritySearch(query, 5)).map(({ id }) => id);
    const bundle = await retriever.invoke(query);
    const { inputs, vectors } = receiptOf(bundle);
    expect(inputs.n).toBe(new Set([...near, "p1", "p19", "p18"]).size);
    expect(vectors).toEqual({ fromStore: inputs.n, reembedded: 0 });
    expect(embeddings.batches).toEqual([]);
    const byVectors = near.map((id) => all.find((document) => document.id === id)!);
    const expected = directLists([
      { name: "vector", found: byVectors },
      { name: "words", found: some(1, 19, 18) },
    ]);
    expect(digestOf(bundle)).toBe(expected.digest);
  });

  test.each([
    ["the first made by asRetriever is the search by vectors, wherever it stands", true, undefined],
    ["that of the first retriever is, where no store shows", false, undefined],
    ["the one that says so is", false, 1],
  ])("%s", async (_, isStore, says) => {
    const vectorStore = await memoryStore(documents());
    const byVectors = some(1, 2, 17);
    const search = isStore ? vectorStore.asRetriever(3) : new Found(byVectors);
    const near = isStore ? await vectorStore.similaritySearch(query, 3) : byVectors;
    const words = new Found(some(19, 1));
    const main = isStore || says === 1 ? 1 : 0;
    const entries = [
      { name: "words", retriever: words },
      { name: "near", retriever: search, ...(says === 1 && { similarity: true }) },
    ];
    const retrievers = main === 1 ? entries : entries.toReversed();
    const bundle = await new OscillinkRetriever({ attach: "full", retrievers, embeddings: model }).invoke(
      query,
    );
    const lists = [
      { name: "words", found: some(19, 1), similarity: false },
      { name: "near", found: near.map(({ id }) => all.find((one) => one.id === id)!), similarity: true },
    ];
    expect(digestOf(bundle)).toBe(directLists(main === 1 ? lists : lists.toReversed()).digest);
  });

  test("are named by their places, and heed scores where they are said", async () => {
    const scored = (score: number, place: number) =>
      new Document({ ...all[place]!, metadata: { words: score } });
    const words = new Found([scored(9, 19), scored(1, 3), scored(0.5, 4)]);
    const near = new Found(some(1, 2, 17));
    const digest = async (score?: (document: DocumentInterface) => number) => {
      const retrievers = [near, score ? { retriever: words, score } : words];
      const bundle = await new OscillinkRetriever({
        attach: "full",
        retrievers,
        embeddings: model,
        k: 6,
      }).invoke(query);
      return digestOf(bundle);
    };
    const lists = (scores: readonly number[] | null) => [
      { name: "retriever_1", items: some(1, 2, 17).map(candidate) },
      {
        name: "retriever_2",
        items: some(19, 3, 4).map((one, i) => ({ ...candidate(one), ...(scores && { score: scores[i]! }) })),
      },
    ];
    const expected = (scores: readonly number[] | null) =>
      rerank({ query: model.embed(query), queryText: query, lists: lists(scores), k: 6 }).receipt.digest;
    expect(await digest()).toBe(expected(null));
    expect(await digest(({ metadata }) => metadata.words)).toBe(expected([9, 1, 0.5]));
    expect(expected(null)).not.toBe(expected([9, 1, 0.5]));
  });

  const unnamed = (place: number) => new Document({ pageContent: texts[place]! });
  const named = (place: number, id: string) => new Document({ pageContent: texts[place]!, id });
  test.each<[string, Document[], Document[], string[]]>([
    ["of one id are one", some(1, 2), some(2, 3), ["p1", "p2", "p3"]],
    [
      "without ids, of one content are one",
      [unnamed(1), unnamed(2)],
      [unnamed(2), unnamed(3)],
      ["0", "1", "2"],
    ],
    [
      "of one content are one where one list has no ids",
      some(1, 2),
      [unnamed(2), unnamed(3)],
      ["p1", "p2", "2"],
    ],
    ["are one by content where each list has ids of its own", some(1, 2), [named(2, "x")], ["p1", "p2"]],
    [
      "of one content and two ids in one list are two",
      [named(1, "a"), named(1, "b")],
      [unnamed(2)],
      ["a", "b", "2"],
    ],
    [
      "with the ids of files are told apart by their content",
      [named(1, "file"), named(2, "file")],
      [named(2, "file"), named(3, "other")],
      ["file", "file#1", "other"],
    ],
    ["that stand in a list twice count once", some(1, 2, 1), some(2, 2), ["p1", "p2"]],
  ])("documents %s", async (_, near, words, ids) => {
    const retrievers = [new Found(near), new Found(words)];
    const bundle = await new OscillinkRetriever({
      attach: "full",
      retrievers,
      embeddings: model,
      copies: "keep",
      k: 20,
    }).invoke(query);
    const { inputs } = receiptOf(bundle);
    expect(inputs.n).toBe(ids.length);
    expect(
      receiptOf(bundle)
        .bundle.map(({ id }) => id)
        .sort(),
    ).toEqual([...ids].sort());
  });

  test("leave what was found as it is, and may be empty", async () => {
    const frozen = frozenDocuments();
    const asked = (lists: Document[][]) =>
      new OscillinkRetriever({
        attach: "full",
        retrievers: lists.map((found) => new Found(found)),
        embeddings: model,
        k: 2,
      }).invoke(query);
    const bundle = await asked([frozen.slice(0, 4), frozen.slice(2, 8)]);
    for (const { id, pageContent, metadata } of bundle) {
      const original = all.find((document) => document.id === id)!;
      expect(pageContent).toBe(original.pageContent);
      expect(metadata).toMatchObject(original.metadata);
    }
    expect(idsOf(await asked([[], frozen.slice(0, 2)])).sort()).toEqual(["p0", "p1"]);
    expect(await asked([[], []])).toEqual([]);
  });

  test("go without vectors where these are never wanted", async () => {
    const embeddings = new CountingEmbeddings();
    const retrievers = [new Found(some(1, 2, 17)), new Found(some(2, 19))];
    const bundle = await new OscillinkRetriever({
      attach: "full",
      retrievers,
      embeddings,
      vectors: "never",
    }).invoke(query);
    expect([embeddings.queries, embeddings.batches]).toEqual([[], []]);
    const { digest } = rerank({
      queryText: query,
      lists: [
        {
          name: "retriever_1",
          items: some(1, 2, 17).map(({ id, pageContent: text }) => ({ id: id!, text })),
        },
        { name: "retriever_2", items: some(2, 19).map(({ id, pageContent: text }) => ({ id: id!, text })) },
      ],
    }).receipt;
    expect(digestOf(bundle)).toBe(digest);
  });

  test("take part in a second search, too", async () => {
    const vectorStore = await memoryStore(documents());
    const asked = async (fields: object) => {
      const retrievers = [new Found(some(19))];
      const retriever = new OscillinkRetriever({
        attach: "full",
        vectorStore,
        retrievers,
        pool: 5,
        ...fields,
      });
      return receiptOf(await retriever.invoke(query)).inputs.n;
    };
    expect(await asked({ expand: { seeds: 2, perSeed: 8 } })).toBeGreaterThan(await asked({}));
  });

  test("reach the tool", async () => {
    const retrievers = [new Found(some(1, 2, 17)), new Found(some(2, 19))];
    const search = createOscillinkTool({ retrievers, embeddings: model, k: 2 });
    const call = { type: "tool_call", id: "1", name: search.name, args: { query } } as const;
    const { artifact } = await search.invoke(call);
    expect(artifact.receipt.inputs.n).toBe(4);
  });
});

describe("a store that refuses the ids of others", () => {
  /** In the shape of a PGVectorStore, whose column of ids takes its own kind alone. */
  const strict = async (fails = false) => {
    const asked: string[][] = [];
    const pool = {
      async query(_: string, [ids]: [string[]]) {
        asked.push(ids);
        if (fails || ids.some((id) => !/^p\d+$/.test(id)))
          throw new Error("invalid input syntax for type uuid");
        return { rows: ids.map((id) => ({ id, vector: model.embed(texts[Number(id.slice(1))]!) })) };
      },
    };
    const columns = { computedTableName: "t", idColumnName: "id", vectorColumnName: "vector" };
    return { asked, vectorStore: Object.assign(await closedStore(documents()), { pool, ...columns }) };
  };
  const foreign = new Found([new Document({ id: "annals#7", pageContent: "A tooth was found in 1930." })]);

  test("is asked for its own; what others found is embedded", async () => {
    const { asked, vectorStore } = await strict();
    const bundle = await new OscillinkRetriever({
      attach: "full",
      vectorStore,
      retrievers: [foreign],
      pool: 5,
    }).invoke(query);
    expect(asked.map((ids) => ids.includes("annals#7"))).toEqual([true, false]);
    expect(receiptOf(bundle).vectors).toEqual({ fromStore: 5, reembedded: 1 });
  });

  test("is heard of where it refuses these too", async () => {
    const { vectorStore } = await strict(true);
    const retriever = new OscillinkRetriever({ attach: "full", vectorStore, retrievers: [foreign], pool: 5 });
    await expect(retriever.invoke(query)).rejects.toThrow("reading the vectors of 5 documents");
  });
});

describe("the searches of OscillinkRetriever", () => {
  test("are under way at the same time", async () => {
    let arrived = 0;
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    /** Answers when all three have been asked: one after the other, none ever would. */
    class Waiting extends Found {
      override async _getRelevantDocuments(): Promise<Document[]> {
        if (++arrived === 3) open();
        await gate;
        return super._getRelevantDocuments();
      }
    }
    const retrievers = [1, 2, 3].map((place) => new Waiting(some(place)));
    const bundle = await new OscillinkRetriever({ attach: "full", retrievers, embeddings: model }).invoke(
      query,
    );
    expect(idsOf(bundle).sort()).toEqual(["p1", "p2", "p3"]);
  });

  test("are runs under that of the retriever, each with the name of its list as a tag", async () => {
    const runs: { id: string; parent: string | undefined; tags: string[] | undefined }[] = [];
    class Recorder extends BaseCallbackHandler {
      override name = "recorder";
      override handleRetrieverStart(
        ...[, , id, parent, tags]: Parameters<NonNullable<BaseCallbackHandler["handleRetrieverStart"]>>
      ): void {
        runs.push({ id, parent, tags });
      }
    }
    const retrievers = [{ name: "near", retriever: new Found(some(1, 2)) }, new Found(some(3))];
    const retriever = new OscillinkRetriever({ attach: "full", retrievers, embeddings: model });
    await retriever.invoke(query, { callbacks: [new Recorder()] });
    expect(runs.map(({ tags }) => tags)).toEqual([[], ["near"], ["retriever_2"]]);
    expect(runs.map(({ parent }) => parent)).toEqual([undefined, runs[0]!.id, runs[0]!.id]);
  });

  test("are told a signal that ends with the call's, and end with it", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const near = new Found(some(1, 2));
    const words = new Found(some(3));
    const embeddings = new CountingEmbeddings();
    const retriever = new OscillinkRetriever({ attach: "full", retrievers: [near, words], embeddings });
    await retriever.invoke(query, { signal });
    await retriever.invoke(query);
    expect([...near.asked, ...words.asked]).toEqual([
      ...[expect.any(AbortSignal), undefined],
      ...[expect.any(AbortSignal), undefined],
    ]);

    class Aborting extends Found {
      override async _getRelevantDocuments(): Promise<Document[]> {
        controller.abort();
        return super._getRelevantDocuments();
      }
    }
    embeddings.batches.length = 0;
    const passing = { onError: "passthrough", embeddings } as const;
    const stopped = new OscillinkRetriever({
      attach: "full",
      retrievers: [near, new Aborting(some(4))],
      ...passing,
    });
    await expect(stopped.invoke(query, { signal })).rejects.toMatchObject({ name: "AbortError" });
    expect(embeddings.batches).toEqual([]);
    near.asked.length = 0;
    await expect(retriever.invoke(query, { signal })).rejects.toMatchObject({ name: "AbortError" });
    expect(near.asked).toEqual([]);
  });

  test("fail the call with theirs, or are left out where failures pass through", async () => {
    const near = new Found(some(1, 2, 17));
    const retrievers = [near, { name: "words", retriever: new Broken() }];
    const failing = new OscillinkRetriever({ attach: "full", retrievers, embeddings: model });
    await expect(failing.invoke(query)).rejects.toThrow("the index of words is away");

    const warnings: unknown[] = [];
    const heard: unknown[] = [];
    const onWarning = (error: unknown) => void warnings.push((error as Error).message);
    const passing = { embeddings: model, onError: "passthrough", onWarning } as const;
    const embedded = expect.stringMatching(/^vectors: came for none of 3 documents: all were embedded anew/);
    const bundle = await new OscillinkRetriever({ attach: "full", retrievers, ...passing }).invoke(query, {
      callbacks: [
        {
          handleCustomEvent: (event: string, data: unknown) => void heard.push([event, data]),
          awaitHandlers: true,
        },
      ],
    });
    const alone = new OscillinkRetriever({ attach: "full", retrievers: [near], embeddings: model });
    expect(digestOf(bundle)).toBe(digestOf(await alone.invoke(query)));
    expect(warnings).toEqual(["the index of words is away", embedded]);
    expect(heard[0]).toEqual(["oscillink_warning", { name: "Error", message: "the index of words is away" }]);

    const none = new OscillinkRetriever({
      attach: "full",
      retrievers: [new Broken(), new Broken()],
      ...passing,
    });
    await expect(none.invoke(query)).rejects.toThrow("the index of words is away");
  });

  test("need no search by vectors to come through", async () => {
    const embeddings = {
      embedQuery: async () => {
        throw new Error("no model today");
      },
      embedDocuments: model.embedDocuments.bind(model),
    };
    const vectorStore = await memoryStore(documents());
    const warnings: string[] = [];
    const retriever = new OscillinkRetriever({
      attach: "full",
      vectorStore,
      retrievers: [new Found(some(3, 4))],
      embeddings,
      onError: "passthrough",
      onWarning: (error) => warnings.push(String(error)),
    });
    expect(idsOf(await retriever.invoke(query))).toEqual(["p3", "p4"]);
    expect(warnings).toHaveLength(2);
    for (const warning of warnings) expect(warning).toContain("no model today");
  });
});

test.each<[string, object, RegExp]>([
  ["retrievers", { retrievers: [] }, /array of retrievers/],
  ["retrievers", { retrievers: new Found([]) }, /array of retrievers/],
  ["retrievers[1]", { retrievers: [new Found([]), {}] }, /needs invoke/],
  ["retrievers[0]", { retrievers: [null] }, /needs invoke/],
  ["retrievers[0]", { retrievers: [{ name: "a", retriever: all }] }, /needs invoke/],
  ["retrievers[0].nane", { retrievers: [{ nane: "a", retriever: new Found([]) }] }, /did you mean name/],
  ["retrievers[0].name", { retrievers: [{ name: "a b", retriever: new Found([]) }] }, /1 to 40 letters/],
  [
    "retrievers[1].name",
    { retrievers: [{ name: "retriever_2", retriever: new Found([]) }, new Found([])] },
    /earlier list/,
  ],
  ["retrievers[0].score", { retrievers: [{ retriever: new Found([]), score: 1 }] }, /function/],
  [
    "retrievers[0].similarity",
    { retrievers: [{ retriever: new Found([]), similarity: 1 }] },
    /true or false/,
  ],
  ["pool", { retrievers: [new Found([])], pool: 50 }, /when it is made/],
  ["filter", { retrievers: [new Found([])], filter: {} }, /when it is made/],
  ["expand", { retrievers: [new Found([])], expand: { seeds: 1, perSeed: 1 } }, /vectorStore/],
  ["embeddings", { retrievers: [new Found([])], embeddings: undefined }, /LangChain embeddings/],
  ["vectorStore", { vectorStore: {}, retrievers: [new Found([])] }, /vector store/],
])("%s that cannot be is refused when the retriever is made: %o", (parameter, fields, message) => {
  const make = () => new OscillinkRetriever({ attach: "full", embeddings: model, ...fields } as never);
  expect(make).toThrow(OptionError);
  expect(make).toThrow(message);
  expect(make).toThrow(expect.objectContaining({ parameter }));
});

test("the name of the store's own list is taken", async () => {
  const vectorStore = await memoryStore(documents());
  const retrievers = [{ name: "vector", retriever: new Found([]) }];
  expect(() => new OscillinkRetriever({ attach: "full", vectorStore, retrievers })).toThrow(
    /retrievers\[0\]\.name.*earlier/,
  );
});
