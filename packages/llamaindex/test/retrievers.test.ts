import { OptionError, rerank } from "@oscillink/core";
import {
  type BaseNode,
  ImageNode,
  type NodeWithScore,
  Settings,
  TextNode,
  VectorStoreIndex,
} from "llamaindex";
import { describe, expect, test } from "vitest";
import { OscillinkRetriever } from "../src/index.ts";
import { LexicalModel, model, query, texts } from "./world.ts";

const nodeOf = (place: number): TextNode => new TextNode({ id_: `n${place}`, text: texts[place]! });
const embedModel = new LexicalModel();
const found = (...nodes: (NodeWithScore | number)[]) => ({
  retrieve: async () => nodes.map((node) => (typeof node === "number" ? { node: nodeOf(node) } : node)),
});
const broken = {
  retrieve: async (): Promise<NodeWithScore[]> => {
    throw new Error("the index of words is away");
  },
};
const receiptOf = (nodes: readonly { node: BaseNode }[]) => nodes[0]!.node.metadata.oscillink.receipt;
const idsOf = (nodes: readonly { node: BaseNode }[]) => nodes.map(({ node }) => node.id_).sort();
const candidate = (place: number, score?: number) => ({
  id: `n${place}`,
  text: texts[place]!,
  embedding: model.embed(texts[place]!),
  ...(score !== undefined && { score }),
});

describe("the lists of OscillinkRetriever", () => {
  test("come beside an index's own search, whose store has the vectors of all", async () => {
    const nodes = texts.map((_, i) => nodeOf(i));
    const index = await Settings.withEmbedModel(embedModel, () => VectorStoreIndex.init({ nodes }));
    embedModel.asked.length = 0;
    const words = { name: "words", retriever: found(13, 1) };
    const retriever = new OscillinkRetriever({
      attach: "full",
      index,
      embedModel,
      retrievers: [words],
      pool: 5,
    });
    const bundle = await retriever.retrieve(query);
    const near = await index.asRetriever({ similarityTopK: 5 }).retrieve(query);
    const lists = [
      { name: "vector", items: near.map(({ node }) => candidate(Number(node.id_.slice(1)))) },
      { name: "words", items: [candidate(13), candidate(1)] },
    ];
    const { receipt } = rerank({ query: model.embed(query), queryText: query, lists });
    expect(receiptOf(bundle).digest).toBe(receipt.digest);
    expect(receiptOf(bundle).vectors).toEqual({ fromStore: receipt.inputs.n, reembedded: 0 });
    // No text but the question's.
    expect(new Set(embedModel.asked)).toEqual(new Set([query]));
  });

  test("count by the nodes' scores, by others where these are said, and by ranks without", async () => {
    const scored = (place: number, score: number) => ({ node: nodeOf(place), score });
    const near = found(1, 2, 5);
    const digest = async (...words: Parameters<typeof found>) => {
      const retrievers = [near, found(...words)];
      return receiptOf(
        await new OscillinkRetriever({ attach: "full", retrievers, embedModel }).retrieve(query),
      ).digest;
    };
    const expected = (...items: ReturnType<typeof candidate>[]) => {
      const lists = [
        { name: "retriever_1", items: [1, 2, 5].map((place) => candidate(place)) },
        { name: "retriever_2", items },
      ];
      return rerank({ query: model.embed(query), queryText: query, lists }).receipt.digest;
    };
    const byScore = expected(candidate(13, 9), candidate(2, 1), candidate(4, 0.5));
    const byRank = expected(candidate(13), candidate(2), candidate(4));
    expect(byScore).not.toBe(byRank);
    expect(await digest(scored(13, 9), scored(2, 1), scored(4, 0.5))).toBe(byScore);
    expect(await digest(13, 2, 4)).toBe(byRank);
    const retriever = found(scored(13, 9), scored(2, 1), scored(4, 0.5));
    const retrievers = [near, { retriever, score: () => undefined }];
    const nodes = await new OscillinkRetriever({ attach: "full", retrievers, embedModel }).retrieve(query);
    expect(receiptOf(nodes).digest).toBe(byRank);
  });

  test("are united by id, else by content", async () => {
    const twin = new TextNode({ id_: "other", text: texts[2]! });
    const retrievers = [found(1, 2), found(2, 3), found({ node: twin })];
    const nodes = await new OscillinkRetriever({ attach: "full", retrievers, embedModel }).retrieve(query);
    expect(idsOf(nodes)).toEqual(["n1", "n2", "n3"]);
    expect(receiptOf(nodes).inputs.n).toBe(3);
  });

  test("are left out where their search failed and failures pass through", async () => {
    const warnings: string[] = [];
    const passing = {
      embedModel,
      onError: "passthrough",
      onWarning: (error: unknown) => warnings.push(String(error)),
    } as const;
    const retrievers = [found(1, 2, 5), broken];
    await expect(
      new OscillinkRetriever({ attach: "full", retrievers, embedModel }).retrieve(query),
    ).rejects.toThrow("is away");
    const nodes = await new OscillinkRetriever({ attach: "full", retrievers, ...passing }).retrieve(query);
    expect(idsOf(nodes)).toEqual(["n1", "n2", "n5"]);
    expect(receiptOf(nodes).inputs.n).toBe(3);
    const embedded = expect.stringMatching(/vectors: came for none of 3 documents: all were embedded anew/);
    expect(warnings).toEqual(["Error: the index of words is away", embedded]);
    await expect(
      new OscillinkRetriever({ attach: "full", retrievers: [broken], ...passing }).retrieve(query),
    ).rejects.toThrow("away");
    // What cannot be ranked comes back as it came.
    const image = { node: new ImageNode({ id_: "picture", image: "file:///salt.png" }) };
    const mixed = new OscillinkRetriever({
      attach: "full",
      retrievers: [found(1), found(image)],
      ...passing,
    });
    expect((await mixed.retrieve(query)).map(({ node }) => node.id_)).toEqual(["n1", "picture"]);
    expect(warnings).toHaveLength(3);
  });
});

test.each<[string, object, RegExp]>([
  ["retrievers", { retrievers: [] }, /array of retrievers/],
  ["retrievers[1]", { retrievers: [broken, {}] }, /needs retrieve/],
  ["retrievers[0].name", { retrievers: [{ name: "", retriever: broken }] }, /1 to 40 letters/],
  ["retrievers", { retriever: broken, retrievers: [broken] }, /must not come with retriever/],
  ["pool", { retrievers: [broken], pool: 50 }, /similarityTopK/],
  ["filters", { retrievers: [broken], filters: { filters: [] } }, /similarityTopK/],
])("%s that cannot be is refused when the retriever is made: %o", (parameter, options, message) => {
  const make = () => new OscillinkRetriever(options as never);
  expect(make).toThrow(OptionError);
  expect(make).toThrow(message);
  expect(make).toThrow(expect.objectContaining({ parameter }));
});
