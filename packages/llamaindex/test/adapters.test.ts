import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rerank } from "@oscillink/core";
import {
  MetadataMode,
  type NodeWithScore,
  RetrieverQueryEngine,
  Settings,
  storageContextFromDefaults,
  TextNode,
  VectorStoreIndex,
} from "llamaindex";
import { beforeAll, expect, test, vi } from "vitest";
import { embeddingCache, OscillinkPostprocessor, OscillinkRetriever } from "../src/index.ts";
import {
  idsOf,
  indexOf,
  LexicalModel,
  listeningLLM,
  query,
  receiptOf,
  recordOf,
  storeOf,
  textNodes,
  texts,
} from "./world.ts";

let index: VectorStoreIndex;

beforeAll(async () => {
  Settings.llm = listeningLLM();
  Settings.embedModel = new LexicalModel();
  index = await indexOf(textNodes());
});

const everything = (from = index) => from.asRetriever({ similarityTopK: texts.length }).retrieve(query);

test("both return what a call of core returns for the same texts, vectors and query", async () => {
  const candidates = await everything();
  const { bundle, receipt } = rerank({
    query: (await index.embedModel!.getQueryEmbedding({ type: "text", text: query }))!,
    queryText: query,
    candidates: await Promise.all(
      candidates.map(async ({ node }) => ({
        id: node.id_,
        text: node.getContent(MetadataMode.NONE),
        embedding: await storeOf(index).get(node.id_),
      })),
    ),
    vectors: { fromStore: texts.length, reembedded: 0 },
    k: 4,
  });
  const viaRetriever = await new OscillinkRetriever({ attach: "full", index, k: 4 }).retrieve(query);
  const viaPostprocessor = await new OscillinkPostprocessor({ attach: "full", index, k: 4 }).postprocessNodes(
    candidates,
    query,
  );
  for (const nodes of [viaRetriever, viaPostprocessor]) {
    expect(idsOf(nodes)).toEqual(bundle.map(({ id }) => id));
    expect(nodes.map(({ score }) => score)).toEqual(bundle.map(({ relevance }) => relevance));
    expect(nodes.map((node) => recordOf(node).score)).toEqual(bundle.map(({ score }) => score));
    expect(receiptOf(nodes).digest).toBe(receipt.digest);
    expect(nodes.map((node) => recordOf(node).rank)).toEqual([1, 2, 3, 4]);
  }
});

test("a query engine's source nodes carry the record, and the model reads none of it", async () => {
  const engines = [
    new RetrieverQueryEngine(new OscillinkRetriever({ attach: "full", index, k: 3 })),
    index.asQueryEngine({
      similarityTopK: texts.length,
      nodePostprocessors: [new OscillinkPostprocessor({ attach: "full", index, k: 3 })],
    }),
  ];
  for (const engine of engines) {
    const llm = listeningLLM();
    const { message, sourceNodes } = await Settings.withLLM(llm, () => {
      engine.responseSynthesizer = index.asQueryEngine().responseSynthesizer;
      return engine.query({ query });
    });
    expect(message.content).toBe("An organ maker.");
    expect(sourceNodes!.map((node) => recordOf(node).rank)).toEqual([1, 2, 3]);
    const read = llm.prompts.join();
    for (const { node } of sourceNodes!) {
      expect(read).toContain(texts[node.metadata.page]);
      expect(read).toContain(`page: ${node.metadata.page}`);
    }
    expect(read).not.toMatch(/oscillink|sha256/);
  }
});

test("a chat engine reads the bundle without the record", async () => {
  const llm = listeningLLM();
  const { sourceNodes } = await Settings.withLLM(llm, () =>
    index
      .asChatEngine({ retriever: new OscillinkRetriever({ attach: "full", index, k: 3 }) })
      .chat({ message: query }),
  );
  expect(sourceNodes!.map((node) => recordOf(node).rank)).toEqual([1, 2, 3]);
  expect(llm.prompts.join()).toContain(texts[sourceNodes![0]!.node.metadata.page]);
  expect(llm.prompts.join()).not.toMatch(/oscillink|sha256/);
});

test("the index's nodes stay as they are, to their hash", async () => {
  const fresh = await indexOf(textNodes());
  const before = JSON.stringify(fresh.indexStruct);
  const nodes = await new OscillinkRetriever({ attach: "full", index: fresh, k: 4 }).retrieve(query);
  expect(JSON.stringify(fresh.indexStruct)).toBe(before);
  for (const { node } of nodes) {
    const own = fresh.indexStruct.nodesDict[node.id_]!;
    expect(node).not.toBe(own);
    expect(node.hash).toBe(own.hash);
    expect(node.getContent(MetadataMode.EMBED)).toBe(own.getContent(MetadataMode.EMBED));
    expect(node.getContent(MetadataMode.LLM)).toBe(own.getContent(MetadataMode.LLM));
    expect(own.metadata).not.toHaveProperty("oscillink");
  }
});

test("metadata are handed back as they are: a URL, an ObjectId, a function", async () => {
  class ObjectId {
    toString() {
      return "64b0";
    }
  }
  const values = [new ObjectId(), new URL("https://example.org"), () => "later", new Date(0)];
  const nodes = values.map((value, i) => ({ node: new TextNode({ text: texts[i]!, metadata: { value } }) }));
  const hashes = nodes.map(({ node }) => node.hash);
  const ranked = await new OscillinkPostprocessor({
    attach: "full",
    embedModel: new LexicalModel(),
    k: 4,
  }).postprocessNodes(nodes, query);
  expect(ranked).toHaveLength(4);
  for (const { node } of ranked) {
    const i = nodes.findIndex((given) => given.node.id_ === node.id_);
    expect(node).toBeInstanceOf(TextNode);
    expect(node).not.toBe(nodes[i]!.node);
    expect(node.metadata.value).toBe(values[i]);
    expect(node.hash).toBe(hashes[i]);
    expect(nodes[i]!.node.metadata).toEqual({ value: values[i] });
  }
});

test("a bundle re-ranked again names its key once", async () => {
  const once = await new OscillinkRetriever({ attach: "full", index, k: 6 }).retrieve(query);
  const twice = await new OscillinkPostprocessor({ attach: "full", index, k: 3 }).postprocessNodes(
    once,
    query,
  );
  expect(recordOf(twice[0]!).receipt).not.toEqual(recordOf(once[0]!).receipt);
  expect(recordOf(once[0]!).rank).toBe(1);
  for (const { node } of twice) {
    expect(node.excludedLlmMetadataKeys).toEqual(["oscillink"]);
    expect(node.excludedEmbedMetadataKeys).toEqual(["place", "oscillink"]);
  }
});

test("vectors come from the store; a store that keeps them to itself has the nodes embedded as at ingest", async () => {
  const embedModel = new LexicalModel();
  const hidden = await indexOf(textNodes(), embedModel, { hidden: true });
  const ingested = embedModel.asked.splice(0);
  const reembedded = await new OscillinkRetriever({ attach: "full", index: hidden, k: 5 }).retrieve(query);
  expect(embedModel.asked.filter((text) => text !== query).toSorted()).toEqual(ingested.toSorted());
  expect(ingested[3]).toBe(`page: 3\n\n${texts[3]}`);

  const stored = await new OscillinkRetriever({ attach: "full", index, k: 5 }).retrieve(query);
  expect(receiptOf(stored).vectors).toEqual({ fromStore: texts.length, reembedded: 0 });
  expect(receiptOf(reembedded).vectors).toEqual({ fromStore: 0, reembedded: texts.length });
  expect(idsOf(reembedded)).toEqual(idsOf(stored));
  expect(reembedded.map(({ score }) => score)).toEqual(stored.map(({ score }) => score));
});

test("an index that was written to disk and read again gives the same receipt", async () => {
  const persistDir = await mkdtemp(join(tmpdir(), "oscillink-"));
  try {
    await indexOf(textNodes(), new LexicalModel(), { persistDir });
    const read = await VectorStoreIndex.init({
      storageContext: await storageContextFromDefaults({ persistDir }),
    });
    const [again, first] = await Promise.all(
      [read, index].map((from) =>
        new OscillinkRetriever({ attach: "full", index: from, k: 5 }).retrieve(query),
      ),
    );
    expect(receiptOf(again!).digest).toBe(receiptOf(first!).digest);
  } finally {
    await rm(persistDir, { recursive: true });
  }
});

test("a node's own vector is taken first, and an absent one filled in", async () => {
  const [own, ...others] = textNodes();
  own!.embedding = await new LexicalModel().getTextEmbedding("something else");
  const embedModel = new LexicalModel();
  const nodes = [own!, ...others].map((node) => ({ node }));
  const bundle = await new OscillinkPostprocessor({ attach: "full", embedModel }).postprocessNodes(
    nodes,
    query,
  );
  expect(receiptOf(bundle).vectors).toEqual({ fromStore: 1, reembedded: texts.length - 1 });
  expect(embedModel.asked).toHaveLength(texts.length);
});

test("the model is the one given, else the index's, else that of the settings", async () => {
  const [given, indexed, ambient] = [new LexicalModel(), new LexicalModel(), new LexicalModel()];
  const own = { vectorStores: {}, embedModel: indexed };
  const stored = { vectorStores: { TEXT: { embedModel: given } } };
  const nodes = textNodes().map((node) => ({ node }));
  const ask = (options: object) => new OscillinkPostprocessor(options).postprocessNodes(nodes, query);
  await Settings.withEmbedModel(ambient, async () => {
    await ask({ index: own, embedModel: given });
    expect([given, indexed, ambient].map(({ asked }) => asked.length > 0)).toEqual([true, false, false]);
    await ask({ index: own });
    expect([indexed, ambient].map(({ asked }) => asked.length > 0)).toEqual([true, false]);
    given.asked.length = 0;
    await ask({ index: stored });
    expect([given, ambient].map(({ asked }) => asked.length > 0)).toEqual([true, false]);
    await ask({});
    expect(ambient.asked).toContain(query);
  });
});

test("a retriever that knows its index gives its vectors too; another has the nodes embedded again", async () => {
  const inner = index.asRetriever({ similarityTopK: 9 });
  const known = await new OscillinkRetriever({ attach: "full", retriever: inner, k: 2 }).retrieve(query);
  expect(receiptOf(known).vectors).toEqual({ fromStore: 9, reembedded: 0 });
  const wrapped = { retrieve: (asked: string) => inner.retrieve(asked) };
  const unknown = await new OscillinkRetriever({
    attach: "full",
    retriever: wrapped as never,
    k: 2,
  }).retrieve(query);
  expect(receiptOf(unknown).vectors).toEqual({ fromStore: 0, reembedded: 9 });
});

test("the pool is ten times k, at least 50, or what is asked for", () => {
  const searched: unknown[] = [];
  const asRetriever = (options: object) => {
    searched.push(options);
    return { retrieve: async () => [] };
  };
  for (const options of [{ k: 3 }, { k: 6 }, { k: 3, pool: 8 }]) {
    new OscillinkRetriever({ attach: "full", index: { vectorStores: {}, asRetriever }, ...options });
  }
  expect(searched).toEqual([{ similarityTopK: 50 }, { similarityTopK: 60 }, { similarityTopK: 8 }]);
});

test("a node that cannot be ranked comes last, without a score", async () => {
  // The lexical embedder has nothing to count in it, so its vector is zero.
  const nodes = [new TextNode({ id_: "dots", text: "…" }), ...textNodes()].map((node) => ({
    node,
    score: 1,
  }));
  const bundle = await new OscillinkPostprocessor({ attach: "full", k: nodes.length }).postprocessNodes(
    nodes,
    query,
  );
  expect(bundle.at(-1)!.node.id_).toBe("dots");
  expect(bundle.at(-1)).not.toHaveProperty("score");
  expect(recordOf(bundle.at(-1)!).score).toBeNull();
  expect(bundle.slice(0, -1).every(({ score }) => typeof score === "number")).toBe(true);
});

test("a title in the metadata is the title", async () => {
  const nodes = textNodes();
  const title = "Who taught the person that bored the pipe";
  for (const node of nodes) Object.assign(node.metadata, node.id_ === "n2" && { title });
  const items = nodes.map((node) => ({ node }));
  const [byDefault, named, untitled] = await Promise.all(
    [
      {},
      { title: ({ node }: NodeWithScore) => (node.id_ === "n2" ? title : undefined) },
      { title: () => undefined },
    ].map((options) =>
      new OscillinkPostprocessor({ attach: "full", ...options }).postprocessNodes(items, query),
    ),
  );
  expect(receiptOf(byDefault!).digest).toBe(receiptOf(named!).digest);
  expect(receiptOf(byDefault!).digest).not.toBe(receiptOf(untitled!).digest);
});

test("filters are the search's, and may leave less than k, or nothing", async () => {
  const filtered = (value: number) =>
    new OscillinkRetriever({
      attach: "full",
      index: tagged,
      k: 5,
      filters: { filters: [{ key: "page", value, operator: "<" }] },
    }).retrieve(query);
  // SimpleVectorStore filters only nodes that have a source.
  const nodes = textNodes();
  for (const node of nodes) node.relationships = { SOURCE: { nodeId: "guide", metadata: {} } };
  const tagged = await indexOf(nodes);
  expect((await filtered(3)).map(({ node }) => node.metadata.page).toSorted()).toEqual([0, 1, 2]);
  expect(await filtered(0)).toEqual([]);
});

test("a query of several parts, which finds nodes several times, brings none twice before all came", async () => {
  const parts = [
    { type: "text" as const, text: query },
    { type: "text" as const, text: "Who made the scale?" },
  ];
  const retriever = new OscillinkRetriever({ attach: "full", index, k: texts.length });
  const found = idsOf(await retriever.retrieve({ query: parts }));
  expect(new Set(found).size).toBe(texts.length);
  const asOne = await new OscillinkPostprocessor({ attach: "full", index }).postprocessNodes(
    await everything(),
    parts,
  );
  const joined = parts.map(({ text }) => text).join("\n\n");
  const asText = await new OscillinkPostprocessor({ attach: "full", index }).postprocessNodes(
    await everything(),
    joined,
  );
  expect(receiptOf(asOne).digest).toBe(receiptOf(asText).digest);
});

test("how much is attached, where, and how far a node is trusted and titled, is an option", async () => {
  const candidates = await everything();
  const bundle = (options: object) =>
    new OscillinkPostprocessor({ attach: "full", index, k: 2, ...options }).postprocessNodes(
      candidates,
      query,
    );
  const full = await bundle({});
  const [digest] = await bundle({ attach: "digest", metadataKey: "why" });
  expect(recordOf(digest!, "why")).toEqual({
    rank: 1,
    inputRank: recordOf(full[0]!).inputRank,
    score: recordOf(full[0]!).score,
    receipt: receiptOf(full).digest,
  });
  expect(digest!.node.excludedLlmMetadataKeys).toEqual(["why"]);
  const [none] = await bundle({ attach: "none" });
  expect(none!.node.metadata).toEqual(index.indexStruct.nodesDict[none!.node.id_]!.metadata);
  expect(none!.score).toBe(full[0]!.score);
  const first = full[0]!.node.id_;
  const doubted = await bundle({ trust: ({ node }: (typeof full)[0]) => (node.id_ === first ? 0 : 1) });
  expect(idsOf(doubted)).not.toContain(first);
  const titled = await bundle({
    title: ({ node }: (typeof full)[0]) => `Page ${node.metadata.page}: ${query}`,
  });
  expect(receiptOf(titled).digest).not.toBe(receiptOf(full).digest);
});

test("a second copy of the library is served too", async () => {
  // The CommonJS build shares no class with the one that is imported here.
  const warned = vi.spyOn(console, "error").mockReturnValue();
  const other = createRequire(import.meta.url)("llamaindex") as typeof import("llamaindex");
  warned.mockRestore();
  expect(other.TextNode).not.toBe((await import("llamaindex")).TextNode);
  const embedModel = new LexicalModel();
  other.Settings.embedModel = embedModel;
  other.Settings.llm = listeningLLM();
  const nodes = textNodes().map((node) => new other.TextNode(node.toMutableJSON()));
  const foreign = await other.VectorStoreIndex.init({ nodes });
  const retriever = new OscillinkRetriever({ attach: "full", index: foreign, k: 4 });
  const { sourceNodes } = await foreign.asQueryEngine({ retriever }).query({ query });
  const here = await new OscillinkRetriever({ attach: "full", index, k: 4 }).retrieve(query);
  expect(sourceNodes![0]!.node).toBeInstanceOf(other.TextNode);
  expect(receiptOf(sourceNodes!).digest).toBe(receiptOf(here).digest);
});

test("what was embedded again is remembered, a model apart, as far as the cache goes", async () => {
  const [first, second] = [new LexicalModel(), new LexicalModel()];
  const nodes = textNodes().map((node) => ({ node }));
  const pages = (embedModel: LexicalModel) =>
    embedModel.asked.splice(0).filter((text) => text !== query).length;
  const ask = (postprocessor: OscillinkPostprocessor, embedModel: LexicalModel) =>
    Settings.withEmbedModel(embedModel, () => postprocessor.postprocessNodes(nodes, query));
  const remembering = new OscillinkPostprocessor({ attach: "full" });
  const [once, again] = [await ask(remembering, first), await ask(remembering, first)];
  expect(pages(first)).toBe(texts.length);
  expect(receiptOf(again).digest).toBe(receiptOf(once).digest);
  await ask(remembering, second);
  expect(pages(second)).toBe(texts.length);
  const forgetful = new OscillinkPostprocessor({ attach: "full", cache: false });
  await ask(forgetful, first);
  await ask(forgetful, first);
  expect(pages(first)).toBe(2 * texts.length);
  const small = new OscillinkPostprocessor({ attach: "full", cache: embeddingCache({ bytes: 10_000 }) });
  nodes.length = 1;
  await ask(small, first);
  await ask(small, first);
  expect(pages(first)).toBe(1);
});

test("a cache is shared by adapters, and keeps the vectors of two models apart", async () => {
  const [first, second] = [new LexicalModel(), new LexicalModel()];
  const nodes = textNodes().map((node) => ({ node }));
  const cache = embeddingCache();
  const pages = async (embedModel: LexicalModel, kept = cache) => {
    await new OscillinkPostprocessor({ embedModel, cache: kept }).postprocessNodes(nodes, query);
    return embedModel.asked.splice(0).filter((text) => text !== query).length;
  };
  expect(await pages(first)).toBe(texts.length);
  expect(await pages(first)).toBe(0);
  expect(await pages(second)).toBe(texts.length);
  const named = cache.forModel("lexical");
  expect([await pages(first, named), await pages(second, named)]).toEqual([texts.length, 0]);
});

test("a retriever says its k", () => {
  expect(new OscillinkRetriever({ index }).k).toBe(5);
  expect(new OscillinkRetriever({ index, k: 9 }).k).toBe(9);
});

test("no nodes in, none out, whatever the query", async () => {
  expect(await new OscillinkPostprocessor({ attach: "full" }).postprocessNodes([])).toEqual([]);
});
