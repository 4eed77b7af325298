import { type NodeRetriever, OscillinkPostprocessor, OscillinkRetriever } from "@oscillink/llamaindex";
import {
  BaseEmbedding,
  type NodeWithScore,
  Settings,
  type SimpleVectorStore,
  TextNode,
  VectorStoreIndex,
} from "llamaindex";
import {
  adapterContract,
  type Chosen,
  type Corpus,
  corpus,
  directLists,
  type Faulty,
  guardContract,
  poolOf,
  type Stoppable,
  stoppingContract,
} from "../contract.ts";

class CorpusModel extends BaseEmbedding {
  readonly #embeddings: Corpus["embeddings"];

  constructor(embeddings: Corpus["embeddings"]) {
    super();
    this.#embeddings = embeddings;
  }
  override getTextEmbedding(text: string): Promise<number[]> {
    return this.#embeddings.embedQuery(text);
  }
}

const indexOf = ({ passages, embeddings }: Corpus): Promise<VectorStoreIndex> =>
  Settings.withEmbedModel(new CorpusModel(embeddings), () =>
    VectorStoreIndex.init({ nodes: passages.map(({ id, text }) => new TextNode({ id_: id, text })) }),
  );

const chosen = (nodes: NodeWithScore[]): Chosen => ({
  ids: nodes.map(({ node }) => node.id_),
  digest: nodes[0]!.node.metadata.oscillink.receipt,
});

adapterContract("OscillinkRetriever over SimpleVectorStore", async (corpus) => {
  const index = await indexOf(corpus);
  return async ({ text }, k) => chosen(await new OscillinkRetriever({ index, k }).retrieve(text));
});

adapterContract("OscillinkPostprocessor, with the index's vectors", async (corpus) => {
  const index = await indexOf(corpus);
  const retriever = index.asRetriever({ similarityTopK: corpus.passages.length });
  return async ({ text }, k) => {
    const postprocessor = new OscillinkPostprocessor({ index, k });
    return chosen(await postprocessor.postprocessNodes(await retriever.retrieve(text), text));
  };
});

adapterContract("OscillinkRetriever over a store that keeps its vectors", async (corpus) => {
  const index = await indexOf(corpus);
  Object.assign(index.vectorStores.TEXT as SimpleVectorStore, { get: undefined });
  return async ({ text }, k) => chosen(await new OscillinkRetriever({ index, k }).retrieve(text));
});

/** A search by words over MiniSearch, as a user would write it: nodes with scores, or without. */
const wordRetriever = ({ byWords }: Corpus, scored: boolean): NodeRetriever => ({
  retrieve: async ({ query }) =>
    byWords(String(query)).map(({ id, text, score }) => {
      return { node: new TextNode({ id_: id, text }), ...(scored && { score }) };
    }),
});

for (const scored of [true, false]) {
  adapterContract(
    `OscillinkRetriever over two retrievers, the nodes of one ${scored ? "with" : "without"} scores`,
    async (corpus) => {
      const index = await indexOf(corpus);
      const bm25 = { name: "bm25", retriever: wordRetriever(corpus, scored) };
      return async ({ text }, k) => {
        const vector = { name: "vector", retriever: index.asRetriever({ similarityTopK: poolOf(k) }) };
        return chosen(await new OscillinkRetriever({ retrievers: [vector, bm25], k }).retrieve(text));
      };
    },
    { expected: directLists({ scored }) },
  );
}

const nodesOf = (corpus: Corpus) =>
  corpus.nearest(corpus.questions[0]!).map(({ id, text }) => ({ node: new TextNode({ id_: id, text }) }));
const made = ({ embeddings, signal, options }: Stoppable) => ({
  embedModel: {
    getQueryEmbedding: ({ text }: { text: string }) => embeddings.embedQuery(text),
    getTextEmbeddingsBatch: (texts: string[]) => embeddings.embedDocuments(texts),
  },
  ...options,
  ...(signal && { signal }),
  onWarning: () => undefined,
  k: 4,
});
const idsOf = (nodes: NodeWithScore[]) => nodes.map(({ node }) => node.id_);

stoppingContract("stopping OscillinkPostprocessor", async (given) => {
  const { text } = given.corpus.questions[0]!;
  return idsOf(await new OscillinkPostprocessor(made(given)).postprocessNodes(nodesOf(given.corpus), text));
});

stoppingContract("stopping OscillinkRetriever of LlamaIndex", async (given) => {
  const retriever: NodeRetriever = { retrieve: async () => nodesOf(given.corpus) };
  const { text } = given.corpus.questions[0]!;
  return idsOf(await new OscillinkRetriever({ retriever, ...made(given) }).retrieve(text));
});

const nodeOf = ({ id, text, metadata }: Faulty): NodeWithScore => {
  const node = Object.assign(new TextNode({ id_: id, text, metadata: {} }), { metadata });
  return Object.isFrozen(metadata) ? Object.freeze({ node: Object.freeze(node) }) : { node };
};
const findingNodes = (documents: readonly Faulty[]): NodeRetriever => ({
  retrieve: async () => documents.map(nodeOf),
});
const quiet = {
  embedModel: {
    getQueryEmbedding: ({ text }: { text: string }) => corpus.embeddings.embedQuery(text),
    // With the metadata, which a vector of the corpus knows nothing of.
    getTextEmbeddingsBatch: async (texts: string[]) => texts.map(() => corpus.passages[0]!.vector),
  },
  k: 4,
  onWarning: () => undefined,
};
const question = corpus.questions[0]!.text;

guardContract("guarding OscillinkPostprocessor", async (documents, options) => {
  const postprocessor = new OscillinkPostprocessor({ ...quiet, ...options });
  return idsOf(await postprocessor.postprocessNodes(documents.map(nodeOf), question));
});

guardContract("guarding OscillinkRetriever of LlamaIndex over two retrievers", async (documents, options) => {
  const retrievers = [findingNodes(documents), findingNodes(documents.slice(2, 5))];
  return idsOf(await new OscillinkRetriever({ retrievers, ...quiet, ...options }).retrieve(question));
});
