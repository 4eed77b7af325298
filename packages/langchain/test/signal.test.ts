import type { Document } from "@langchain/core/documents";
import { RunnableLambda } from "@langchain/core/runnables";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { OscillinkRetriever, type OscillinkRetrieverFields } from "../src/index.ts";
import {
  type ClosedStore,
  CountingEmbeddings,
  closedStore,
  documents,
  embedderWith,
  idsOf,
  inStoreOrder,
  memoryStore,
  model,
  query,
} from "./world.ts";

const reason = new Error("the user left");
const ordered = await inStoreOrder(documents());
const late = () => new Promise((resolve) => setTimeout(resolve, 60));
let failed = false;
/** Never answers, and fails when nobody listens any more. */
const hang = () =>
  new Promise<never>((_, reject) => {
    const fail = () => {
      failed = true;
      reject(new Error("too late"));
    };
    setTimeout(fail, 40);
  });
const failureOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => expect.fail("it came back"),
    (error) => error,
  );

const unhandled: unknown[] = [];
const listen = (error: unknown) => void unhandled.push(error);
beforeEach(() => {
  unhandled.length = 0;
  failed = false;
  process.on("unhandledRejection", listen);
});
afterEach(async () => {
  await late();
  process.off("unhandledRejection", listen);
  expect(unhandled).toEqual([]);
});

type Fields = Omit<OscillinkRetrieverFields, "vectorStore" | "retrievers"> & {
  vectorStore?: ClosedStore;
  retrievers?: OscillinkRetrieverFields["retrievers"];
};

/** A store of which the n-th search, from 1, hangs. */
const hangingAt = async (nth: number, store: Pick<ClosedStore, "similaritySearchVectorWithScore">) => {
  const search = store.similaritySearchVectorWithScore.bind(store);
  let calls = 0;
  return Object.assign(store, {
    similaritySearchVectorWithScore: (
      ...given: Parameters<ClosedStore["similaritySearchVectorWithScore"]>
    ) => (++calls >= nth ? hang() : search(...given)),
  });
};

/** Where a retriever may wait: each hangs there. */
const places: readonly [where: string, make: () => Promise<Fields>][] = [
  [
    "embedQuery",
    async () => ({
      vectorStore: await closedStore(documents()),
      embeddings: embedderWith({ embedQuery: hang }),
    }),
  ],
  [
    "the search",
    async () => ({ vectorStore: (await hangingAt(1, await closedStore(documents()))) as ClosedStore }),
  ],
  [
    "the reading of vectors",
    async () => ({
      vectorStore: Object.assign(await closedStore(documents()), {
        similaritySearchVectorWithScoreAndEmbedding: hang,
      }),
    }),
  ],
  [
    "embedDocuments",
    async () => ({
      vectorStore: await closedStore(documents()),
      embeddings: embedderWith({ embedDocuments: hang }),
    }),
  ],
  [
    "the second search of expand",
    async () => ({
      vectorStore: (await hangingAt(2, await memoryStore(documents()))) as unknown as ClosedStore,
      pool: 5,
      expand: { seeds: 2, perSeed: 5 },
    }),
  ],
  [
    "the embedding of the seeds of expand",
    async () => ({
      vectorStore: await closedStore(documents()),
      embeddings: embedderWith({ embedDocuments: hang }),
      pool: 5,
      expand: { seeds: 2, perSeed: 5 },
    }),
  ],
  [
    "a second retriever",
    async () => ({
      vectorStore: await closedStore(documents()),
      retrievers: [RunnableLambda.from(hang) as never],
    }),
  ],
  [
    "a second retriever that does not know of signals",
    async () => ({ vectorStore: await closedStore(documents()), retrievers: [{ invoke: hang } as never] }),
  ],
  [
    "the embedding beside a second retriever",
    async () => ({
      vectorStore: await closedStore(documents()),
      retrievers: [{ invoke: async () => ordered.slice(0, 3) } as never],
      embeddings: embedderWith({ embedDocuments: hang }),
    }),
  ],
  [
    "the signer",
    async () => ({
      vectorStore: await closedStore(documents()),
      signer: { algorithm: "Ed25519", keyId: "k", sign: hang } as never,
    }),
  ],
];

describe.each(places)("while %s hangs", (where, make) => {
  test.each(["throw", "passthrough"] as const)(
    "the signal and the timeout of a call end it, with onError %s",
    async (onError) => {
      const retriever = new OscillinkRetriever({ ...(await make()), onError, onWarning: () => {} } as never);
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), 15);
      expect(await failureOf(retriever.invoke(query, { signal: controller.signal }))).toBe(reason);
      expect(failed).toBe(false);

      const again = new OscillinkRetriever({ ...(await make()), onError, onWarning: () => {} } as never);
      const error = await failureOf(again.invoke(query, { timeout: 15 }));
      expect(error).toBeInstanceOf(DOMException);
      expect(error).toMatchObject({ name: "TimeoutError" });
    },
  );

  const before = where === "embedQuery" || where === "the search";
  test(`a timeout of its own ${before ? "fails it" : "passes through what was found"}`, async () => {
    const heard: unknown[] = [];
    const retriever = new OscillinkRetriever({
      ...(await make()),
      k: 4,
      timeout: 15,
      onError: "passthrough",
      onWarning: (error: unknown) => heard.push(error),
    } as never);
    if (before) {
      expect(String(await failureOf(retriever.invoke(query)))).toContain("gave no answer within 15 ms");
      return;
    }
    const bundle = await retriever.invoke(query);
    expect(bundle).toHaveLength(4);
    const passed = bundle.every(({ metadata }) => metadata.oscillink === undefined);
    // What hung was one search of several, or it came behind them.
    const others = /second (search|retriever)|seeds/.test(where) && !where.includes("beside");
    if (!others) expect(idsOf(bundle)).toEqual(idsOf(ordered.slice(0, 4)));
    expect(passed || others).toBe(true);
    expect(heard.map(String).join()).toContain("gave no answer within 15 ms");
  });
});

describe("a signal that is aborted already", () => {
  test.each([
    ["of the call", (signal: AbortSignal) => [{}, { signal }] as const],
    ["of the retriever", (signal: AbortSignal) => [{ signal }, {}] as const],
  ])("%s starts nothing", async (_, where) => {
    const embeddings = new CountingEmbeddings();
    let searches = 0;
    const search = async (): Promise<[Document, number][]> => {
      searches++;
      return [];
    };
    const retrievers = [
      {
        invoke: async () => {
          searches++;
          return [];
        },
      },
    ] as never;
    const vectorStore = { embeddings, similaritySearchVectorWithScore: search } as never;
    const [own, call] = where(AbortSignal.abort(reason));
    for (const fields of [{ vectorStore }, { vectorStore, retrievers }, { retrievers, embeddings }]) {
      const retriever = new OscillinkRetriever({ onError: "passthrough", ...fields, ...own } as never);
      expect(await failureOf(retriever.invoke(query, call))).toBe(reason);
      expect(await failureOf(retriever.batch([query], call))).toBe(reason);
    }
    expect([searches, embeddings.queries, embeddings.batches]).toEqual([0, [], []]);
  });
});

test("embeddings are told a signal that ends with the call's, the retriever's own, or either, and nothing without", async () => {
  const told: unknown[][] = [];
  const embeddings = {
    embedQuery: async (...given: [string]) => {
      told.push(given.slice(1));
      return model.embedQuery(given[0]);
    },
    embedDocuments: async (...given: [string[]]) => {
      told.push(given.slice(1));
      return model.embedDocuments(given[0]);
    },
  };
  const vectorStore = await closedStore(documents());
  const { signal } = new AbortController();
  const own = new AbortController();
  const make = (fields: object = {}) =>
    new OscillinkRetriever({ vectorStore, embeddings, cache: false, ...fields });
  await make().invoke(query, { signal });
  await make({ signal: own.signal }).invoke(query);
  await make().invoke(query);
  const some = [{ signal: expect.any(AbortSignal) }];
  expect(told).toEqual([some, some, some, some, [], []]);
  for (const place of [0, 1]) {
    told.length = 0;
    const controllers = [new AbortController(), new AbortController()] as const;
    const hanging = {
      ...embeddings,
      embedQuery: (...given: [string]) => new Promise<never>(() => void told.push(given.slice(1))),
    };
    const [first, second] = controllers;
    const asked = make({ signal: first.signal, embeddings: hanging }).invoke(query, {
      signal: second.signal,
    });
    await vi.waitFor(() => expect(told).toHaveLength(1));
    controllers[place]!.abort(reason);
    await expect(asked).rejects.toBe(reason);
    expect((told[0]![0] as { signal: AbortSignal }).signal.reason).toBe(reason);
  }
});

test("a reason that is no error comes as it is", async () => {
  const embeddings = embedderWith({ embedDocuments: hang });
  const retriever = new OscillinkRetriever({ vectorStore: await closedStore(documents()), embeddings });
  const controller = new AbortController();
  setTimeout(() => controller.abort("the user left"), 10);
  expect(await failureOf(retriever.invoke(query, { signal: controller.signal }))).toBe("the user left");
});

test("of two calls at once, a signal ends its own", async () => {
  let calls = 0;
  const embeddings = embedderWith({
    embedDocuments: async (texts) => (++calls === 1 ? hang() : model.embedDocuments(texts)),
  });
  const retriever = new OscillinkRetriever({
    vectorStore: await closedStore(documents()),
    embeddings,
    cache: false,
  });
  const controller = new AbortController();
  const ended = failureOf(retriever.invoke(query, { signal: controller.signal }));
  await new Promise((resolve) => setTimeout(resolve, 5));
  const other = retriever.invoke(query, { signal: new AbortController().signal });
  controller.abort(reason);
  expect(await ended).toBe(reason);
  expect(await other).toHaveLength(5);
});
