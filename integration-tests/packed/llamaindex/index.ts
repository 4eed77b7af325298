import { BaseRetriever } from "@llamaindex/core/retriever";
import { type NodeWithScore, TextNode } from "@llamaindex/core/schema";
import { OscillinkPostprocessor, OscillinkRetriever } from "@oscillink/llamaindex";

const nodes: NodeWithScore[] = [
  { node: new TextNode({ id_: "c", text: "Bread and butter.", embedding: [0, 1] }) },
  { node: new TextNode({ id_: "a", text: "Tidal power stations.", embedding: [1, 0] }) },
  { node: new TextNode({ id_: "b", text: "Power from tides.", embedding: [0.9, 0.3] }) },
];
const embedModel = {
  getQueryEmbedding: async () => [1, 0.2],
  getTextEmbeddingsBatch: async (texts: string[]) => texts.map(() => [0, 0]),
};
const postprocessor = new OscillinkPostprocessor({ embedModel, k: 2 });
const best = await postprocessor.postprocessNodes(nodes, "tidal power");
console.log(best.map(({ node }) => node.id_).join(" ")); // a b

class Shelf extends BaseRetriever {
  // biome-ignore lint/complexity/noUselessConstructor: that of the base is protected.
  constructor() {
    super();
  }
  _retrieve = async () => nodes;
}
const retriever = new OscillinkRetriever({ retriever: new Shelf(), embedModel, k: 2 });
const found = await retriever.retrieve("tidal power");
const digests = [...best, ...found].map(({ node }) => node.metadata.oscillink.receipt);
console.log(new Set(digests).size); // 1
