import { ContextualCompressionRetriever } from "@langchain/classic/retrievers/contextual_compression";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import { BaseRetriever } from "@langchain/core/retrievers";
import { FakeVectorStore } from "@langchain/core/utils/testing";
import { createOscillinkTool, OscillinkReranker, OscillinkRetriever } from "@oscillink/langchain";
import { oscillinkMiddleware } from "@oscillink/langchain/middleware";
import { AIMessage, createAgent, fakeModel } from "langchain";
import { expect, test } from "vitest";
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

async function storeOf({ passages, embeddings }: Corpus): Promise<MemoryVectorStore> {
  const store = new MemoryVectorStore(embeddings);
  const documents = passages.map(({ id, text }) => new Document({ id, pageContent: text }));
  const vectors = passages.map(({ vector }) => vector);
  await store.addVectors(vectors, documents);
  return store;
}

const chosen = (documents: Pick<Document, "id" | "metadata">[]): Chosen => ({
  ids: documents.map(({ id }) => id!),
  digest: documents[0]!.metadata.oscillink.receipt,
});

adapterContract("OscillinkReranker in LangChain's ContextualCompressionRetriever", async (corpus) => {
  const baseRetriever = (await storeOf(corpus)).asRetriever(corpus.passages.length);
  return async ({ text }, k) => {
    const baseCompressor = new OscillinkReranker({ embeddings: corpus.embeddings, k });
    return chosen(await new ContextualCompressionRetriever({ baseRetriever, baseCompressor }).invoke(text));
  };
});

adapterContract("the artifact of createOscillinkTool", async (corpus) => {
  const vectorStore = await storeOf(corpus);
  return async ({ text }, k) => {
    const search = createOscillinkTool({ vectorStore, k, attach: "none" });
    const call = { type: "tool_call", id: "1", name: search.name, args: { query: text } } as const;
    const { artifact } = await search.invoke(call);
    return { ids: artifact.documents.map(({ id }: Document) => id!), digest: artifact.receipt.digest };
  };
});

adapterContract("the state of an agent with oscillinkMiddleware", async (corpus) => {
  const vectorStore = await storeOf(corpus);
  return async ({ text }, k) => {
    const model = fakeModel().respond(new AIMessage("So be it."));
    const agent = createAgent({ model, middleware: [oscillinkMiddleware({ vectorStore, k })] });
    const { receipts } = await agent.invoke({ messages: [{ role: "user", content: text }] });
    return { ids: receipts[0]!.bundle.map(({ id }) => id), digest: receipts[0]!.digest };
  };
});

adapterContract("OscillinkRetriever with expand, where the first search found all", async (corpus) => {
  const vectorStore = await storeOf(corpus);
  return async ({ text }, k) =>
    chosen(await new OscillinkRetriever({ vectorStore, k, expand: { seeds: 2, perSeed: 5 } }).invoke(text));
});

/** A search by words over MiniSearch, as a user would write it. */
class WordRetriever extends BaseRetriever {
  lc_namespace = ["oscillink", "tests"];
  readonly #corpus: Corpus;

  constructor(corpus: Corpus) {
    super();
    this.#corpus = corpus;
  }
  override async _getRelevantDocuments(query: string): Promise<Document[]> {
    return this.#corpus.byWords(query).map(({ id, text, score }) => {
      return new Document({ id, pageContent: text, metadata: { score } });
    });
  }
}

adapterContract(
  "OscillinkRetriever over a store and a retriever with scores",
  async (corpus) => {
    const vectorStore = await storeOf(corpus);
    const words = new WordRetriever(corpus);
    const listed = { name: "bm25", retriever: words, score: ({ metadata }: Document) => metadata.score };
    return async ({ text }, k) => {
      const retriever = new OscillinkRetriever({ vectorStore, pool: poolOf(k), retrievers: [listed], k });
      return chosen(await retriever.invoke(text));
    };
  },
  { expected: directLists({ scored: true }) },
);

adapterContract(
  "OscillinkRetriever over two retrievers, the one by vectors last",
  async (corpus) => {
    const vectorStore = await storeOf(corpus);
    const bm25 = { name: "bm25", retriever: new WordRetriever(corpus) };
    return async ({ text }, k) => {
      const retrievers = [bm25, { name: "vector", retriever: vectorStore.asRetriever(poolOf(k)) }];
      return chosen(await new OscillinkRetriever({ retrievers, k }).invoke(text));
    };
  },
  {
    expected: directLists({ scored: false }),
    digest: "the candidates come in another order",
  },
);

const passagesOf = (corpus: Corpus) =>
  corpus.nearest(corpus.questions[0]!).map(({ id, text }) => new Document({ id, pageContent: text }));

/** A store that keeps its vectors to itself. */
class ClosedStore extends FakeVectorStore {
  readonly #found: Document[];

  constructor(corpus: Corpus, embeddings: Corpus["embeddings"]) {
    super(embeddings, {});
    this.#found = passagesOf(corpus);
  }
  override async similaritySearchVectorWithScore(_: number[], k: number): Promise<[Document, number][]> {
    return this.#found.slice(0, k).map((document, i) => [document, 1 - i / 100]);
  }
}

const made = ({ corpus, embeddings, options }: Stoppable) => ({
  vectorStore: new ClosedStore(corpus, embeddings),
  embeddings,
  ...options,
  onWarning: () => undefined,
  k: 4,
});
const withSignal = (signal: AbortSignal | undefined) => (signal ? { signal } : {});
const idsOf = (documents: Pick<Document, "id">[]) => documents.map(({ id }) => id!);

stoppingContract("stopping OscillinkRetriever by the signal of a call", async (given) => {
  const { text } = given.corpus.questions[0]!;
  return idsOf(await new OscillinkRetriever(made(given)).invoke(text, withSignal(given.signal)));
});

stoppingContract("stopping OscillinkRetriever by a signal of its own", async (given) => {
  const { text } = given.corpus.questions[0]!;
  return idsOf(await new OscillinkRetriever({ ...made(given), ...withSignal(given.signal) }).invoke(text));
});

stoppingContract("stopping OscillinkReranker", async (given) => {
  const { vectorStore: _, ...fields } = made(given);
  const reranker = new OscillinkReranker({ ...fields, ...withSignal(given.signal) });
  const { text } = given.corpus.questions[0]!;
  return idsOf(await reranker.compressDocuments(passagesOf(given.corpus), text));
});

stoppingContract("stopping createOscillinkTool", async (given) => {
  const search = createOscillinkTool(made(given));
  const call = {
    type: "tool_call",
    id: "1",
    name: search.name,
    args: { query: given.corpus.questions[0]!.text },
  } as const;
  const { artifact } = await search.invoke(call, withSignal(given.signal));
  return idsOf(artifact.documents);
});

stoppingContract("stopping oscillinkMiddleware by the signal of its agent", async (given) => {
  let ids: string[] = [];
  const format = (documents: Pick<Document, "id">[]) => {
    ids = idsOf(documents);
    return "";
  };
  const middleware = [oscillinkMiddleware({ ...made(given), format: format as never })];
  const agent = createAgent({ model: fakeModel().respond(new AIMessage("So be it.")), middleware });
  const messages = [{ role: "user", content: given.corpus.questions[0]!.text }];
  await agent.invoke({ messages }, withSignal(given.signal));
  return ids;
});

const documentOf = ({ id, text, metadata }: Faulty): Document => {
  const document = Object.assign(new Document({ id, pageContent: "", metadata }), { pageContent: text });
  return Object.isFrozen(metadata) ? Object.freeze(document) : document;
};
/** A retriever, or a store without vectors, that finds these. */
const finding = (documents: readonly Faulty[]) => ({
  invoke: async () => documents.map(documentOf),
  similaritySearchVectorWithScore: async (_: number[], k: number) =>
    documents.slice(0, k).map((document, i): [Document, number] => [documentOf(document), 1 - i / 100]),
});
const quiet = { embeddings: corpus.embeddings, k: 4, onWarning: () => undefined };
const question = corpus.questions[0]!.text;

guardContract("guarding OscillinkRetriever", async (documents, options) => {
  const vectorStore = finding(documents) as never;
  return idsOf(await new OscillinkRetriever({ vectorStore, ...quiet, ...options }).invoke(question));
});

guardContract("guarding OscillinkRetriever with expand", async (documents, options) => {
  const fields = { vectorStore: finding(documents) as never, expand: { seeds: 2, perSeed: 5 }, pool: 6 };
  return idsOf(await new OscillinkRetriever({ ...fields, ...quiet, ...options }).invoke(question));
});

guardContract("guarding OscillinkRetriever over two retrievers", async (documents, options) => {
  const retrievers = [finding(documents), finding(documents.slice(2, 5))] as never;
  return idsOf(await new OscillinkRetriever({ retrievers, ...quiet, ...options }).invoke(question));
});

guardContract("guarding OscillinkReranker", async (documents, options) => {
  const reranker = new OscillinkReranker({ ...quiet, ...options, traceCandidates: true });
  return idsOf(await reranker.compressDocuments(documents.map(documentOf), question));
});

test("a failing score() of a retriever costs its documents no place", async () => {
  const passages = passagesOf(corpus);
  const scored = {
    name: "words",
    retriever: { invoke: async () => passages },
    score: () => {
      throw new Error("no score");
    },
  } as never;
  const warnings: unknown[] = [];
  const onWarning = (error: unknown) => warnings.push(error);
  const passing = { ...quiet, onError: "passthrough", onWarning } as const;
  const found = await new OscillinkRetriever({ retrievers: [scored], ...passing }).invoke(question);
  expect(found).toHaveLength(4);
  expect(warnings[0]).toMatchObject({ message: "no score" });
  const strict = new OscillinkRetriever({ retrievers: [scored], ...quiet });
  await expect(strict.invoke(question)).rejects.toThrow("no score");
});
