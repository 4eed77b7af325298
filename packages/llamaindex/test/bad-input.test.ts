import {
  CandidateError,
  EmbedderError,
  OptionError,
  type OscillinkError,
  VectorError,
} from "@oscillink/core";
import {
  type BaseEmbedding,
  ImageNode,
  type NodeWithScore,
  Settings,
  TextNode,
  type VectorStoreIndex,
} from "llamaindex";
import { describe, expect, test } from "vitest";
import { type NodeOptions, OscillinkPostprocessor, OscillinkRetriever } from "../src/index.ts";
import {
  idsOf,
  indexOf,
  LexicalModel,
  model,
  modelWith,
  query,
  recordOf,
  storeOf,
  textNodes,
  texts,
} from "./world.ts";

type Ask = (index: VectorStoreIndex, options: NodeOptions) => Promise<NodeWithScore[]>;

const everything = (index: VectorStoreIndex) =>
  index.asRetriever({ similarityTopK: texts.length }).retrieve(query);
const askers: [string, Ask][] = [
  [
    "OscillinkRetriever",
    async (index, options) => new OscillinkRetriever({ attach: "full", ...options, index }).retrieve(query),
  ],
  [
    "OscillinkPostprocessor",
    async (index, options) =>
      new OscillinkPostprocessor({ attach: "full", ...options, index }).postprocessNodes(
        await everything(index),
        query,
      ),
  ],
];

const whole = await indexOf(textNodes());
const hidden = await indexOf(textNodes(), new LexicalModel(), { hidden: true });
/** An index whose store answers `get` in another way. */
async function answering(get: (id: string) => unknown): Promise<VectorStoreIndex> {
  const index = await indexOf(textNodes());
  return Object.assign(index, {
    vectorStores: { TEXT: Object.assign(Object.create(storeOf(index)), { get }) },
  });
}

const batch = (answer: (texts: string[]) => unknown): BaseEmbedding =>
  modelWith({ getTextEmbeddingsBatch: async (asked) => (await answer(asked)) as number[][] });
const down = new Error("429 too many requests");
const timeout = AbortSignal.abort(new DOMException("too slow", "TimeoutError")).reason as DOMException;

/** What is wrong; the index and options that make it so; the kind of error, its message, its cause. */
const faults: [string, VectorStoreIndex, NodeOptions, new (...args: never[]) => Error, RegExp, unknown?][] = [
  [
    "an embedder that is down",
    hidden,
    { embedModel: batch(() => Promise.reject(down)) },
    EmbedderError,
    /14 documents failed: 429 too many/,
    down,
  ],
  [
    "an embedder that times out",
    hidden,
    { embedModel: batch(() => Promise.reject(timeout)) },
    EmbedderError,
    /too slow/,
    timeout,
  ],
  [
    "too few vectors",
    hidden,
    { embedModel: batch((asked) => model.embedDocuments(asked.slice(1))) },
    EmbedderError,
    /returned 13 vectors for 14 documents/,
  ],
  [
    "vectors of another width",
    hidden,
    { embedModel: batch((asked) => asked.map(() => [1, 0, 0])) },
    VectorError,
    /256 values where the others have 3; were they made by the same model/,
  ],
  [
    "values that are text",
    hidden,
    { embedModel: batch((asked) => asked.map(() => new Array(256).fill("0.1"))) },
    VectorError,
    /value 0 must be a finite float32 number, not "0.1"/,
  ],
  [
    "a query embedder that is down",
    whole,
    { embedModel: modelWith({ getQueryEmbedding: () => Promise.reject(down) }) },
    EmbedderError,
    /embedding the query failed: 429/,
    down,
  ],
  [
    "a model that embeds no text",
    whole,
    { embedModel: modelWith({ getQueryEmbedding: async () => null }) },
    EmbedderError,
    /getQueryEmbedding returned null; give an embedModel that embeds text/,
  ],
  ["a store that is down", await answering(() => Promise.reject(down)), {}, Error, /429/],
  [
    "stored vectors of another width",
    await answering(() => [1, 0]),
    {},
    VectorError,
    /256 values where the others have 2;/,
  ],
  [
    "one stored vector of another width",
    await answering((id) => (id === "n3" ? [1, 0] : model.embed(texts[Number(id.slice(1))]!))),
    {},
    VectorError,
    /^candidates\[\d+\].embedding: has 2 values where the others have 256/,
  ],
  [
    "stored values that are text",
    await answering(() => new Array(256).fill("0.1")),
    {},
    VectorError,
    /"0.1"/,
  ],
];

describe.each(askers)("%s", (_, ask) => {
  test.each(faults)("says of %s what is wrong", async (_, index, options, Kind, message, cause) => {
    const fault = await ask(index, options).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(Kind);
    expect((fault as Error).message).toMatch(message);
    if (cause !== undefined) expect((fault as Error).cause).toBe(cause);
  });

  test.each(faults)(
    "passes through the first k in spite of %s, if told to",
    async (_, index, options, Kind, message) => {
      const warned: unknown[] = [];
      const nodes = await ask(index, {
        ...options,
        k: 3,
        onError: "passthrough",
        onWarning: (e) => warned.push(e),
      });
      const first = (await everything(index)).slice(0, 3);
      expect(nodes).toEqual(first);
      nodes.forEach(({ node }, i) => {
        expect(node).toBe(first[i]!.node);
      });
      expect(warned).toEqual([expect.any(Kind)]);
      expect((warned[0] as Error).message).toMatch(message);
    },
  );

  test.each<[string, (id: string) => unknown, number]>([
    ["knows some of its rows no more", (id) => (id === "n3" ? undefined : storeOf(whole).get(id)), 1],
    ["hands vectors over as text", async (id) => JSON.stringify(await storeOf(whole).get(id)), texts.length],
    ["has a get of another kind", () => ({ rows: [] }), texts.length],
  ])("embeds again what a store that %s leaves out", async (_, get, reembedded) => {
    const nodes = await ask(await answering(get), { k: texts.length });
    expect(recordOf(nodes[0]!).receipt).toHaveProperty("vectors", {
      fromStore: texts.length - reembedded,
      reembedded,
    });
    expect(idsOf(nodes)).toEqual(idsOf(await ask(whole, { k: texts.length })));
  });

  test.each<[string, object]>([
    ["k", { k: 0 }],
    ["embedModel", { embedModel: { embed: () => [] } }],
    ["embedModel", { embedModel: null }],
    ["cache", { cache: -1 }],
    ["onError", { onError: "ignore" }],
    ["topN", { topN: 3 }],
  ])("refuses a bad %s when it is made", async (parameter, options) => {
    const fault = await ask(whole, options).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(OptionError);
    expect((fault as OscillinkError).parameter).toBe(parameter);
  });
});

test("an image among the nodes is refused, or passed through", async () => {
  const image = new ImageNode({ id_: "chart", image: new URL("file:///chart.png") });
  const nodes = [{ node: image, score: 1 }, ...(await everything(whole))];
  const ask = (options: NodeOptions) =>
    new OscillinkPostprocessor({ attach: "full", ...options, index: whole }).postprocessNodes(nodes, query);
  const fault = await ask({}).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(CandidateError);
  expect((fault as Error).message).toMatch(/^nodes: chart is an image/);
  expect(await ask({ k: 3, onError: "passthrough" })).toEqual(nodes.slice(0, 3));
});

test("a search that names a node without bringing it is refused, or passed through whole", async () => {
  const nodes = [...(await everything(whole)), { node: undefined as never, score: 1 }];
  const retriever = { retrieve: async () => nodes };
  for (const ask of [
    (options: NodeOptions) =>
      new OscillinkRetriever({ attach: "full", ...options, index: whole, retriever }).retrieve(query),
    (options: NodeOptions) =>
      new OscillinkPostprocessor({ attach: "full", ...options, index: whole }).postprocessNodes(nodes, query),
  ]) {
    const fault = await ask({}).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(CandidateError);
    expect((fault as Error).message).toMatch(/nodes: .*undefined; is the index whole/);
    expect(idsOf(await ask({ k: 5, onError: "passthrough" }))).toEqual(idsOf(nodes.slice(0, 5)));
  }
});

test("two nodes of one id are both kept, each with its own text", async () => {
  const embedModel = new LexicalModel();
  const nodes = texts.slice(0, 4).map((text) => ({ node: new TextNode({ id_: "same", text }) }));
  const bundle = await new OscillinkPostprocessor({ attach: "full", embedModel, k: 4 }).postprocessNodes(
    nodes,
    query,
  );
  expect(bundle.map(({ node }) => (node as TextNode).text).toSorted()).toEqual(texts.slice(0, 4).toSorted());
});

test.each([
  ["none", undefined],
  ["null", null],
  ["an empty one", ""],
  ["blanks", " \n"],
  ["an image alone", [{ type: "image_url" as const, image_url: { url: "data:image/png;base64,AA==" } }]],
])("a query that is %s is refused", async (_, asked) => {
  const nodes = await everything(whole);
  const postprocessor = new OscillinkPostprocessor({ attach: "full", index: whole });
  const fault = await postprocessor.postprocessNodes(nodes, asked as string).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(OptionError);
  expect((fault as Error).message).toMatch(/^query: has no text/);
});

test("without a model anywhere, the error says which option to give", async () => {
  const nodes = textNodes().map((node) => ({ node }));
  expect(() => Settings.embedModel).toThrow();
  const fault = await new OscillinkPostprocessor({ attach: "full" })
    .postprocessNodes(nodes, query)
    .catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(OptionError);
  expect((fault as Error).message).toMatch(/^embedModel: .*Settings\.embedModel is not set/);
});

test.each<[string, object, RegExp]>([
  ["index", {}, /VectorStoreIndex; or give a retriever/],
  ["index", { index: { vectorStores: {} } }, /VectorStoreIndex/],
  ["index", { index: "docs", retriever: { retrieve: () => [] } }, /VectorStoreIndex, not string/],
  ["pool", { index: whole, k: 5, pool: 4 }, /at least k = 5, not 4/],
  ["pool", { index: whole, pool: 10.5 }, /not 10.5/],
  ["pool", { retriever: whole.asRetriever(), pool: 9 }, /similarityTopK/],
  ["filters", { retriever: whole.asRetriever(), filters: { filters: [] } }, /similarityTopK/],
  ["retriever", { retriever: { invoke: () => [] } }, /needs retrieve/],
])("a retriever's %s that cannot be is refused when it is made: %o", (parameter, options, message) => {
  const make = () => new OscillinkRetriever(options as never);
  expect(make).toThrow(OptionError);
  expect(make).toThrow(message);
  expect(make).toThrow(expect.objectContaining({ parameter }));
});
