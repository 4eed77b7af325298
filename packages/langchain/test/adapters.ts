import { ContextualCompressionRetriever } from "@langchain/classic/retrievers/contextual_compression";
import { DocumentCompressorPipeline } from "@langchain/classic/retrievers/document_compressors";
import type { Callbacks } from "@langchain/core/callbacks/manager";
import type { Document, DocumentInterface } from "@langchain/core/documents";
import { BaseRetriever } from "@langchain/core/retrievers";
import { OscillinkReranker, OscillinkRetriever, type RerankFields } from "../src/index.ts";
import { closedStore, memoryStore, model, query } from "./world.ts";

type Fields = Omit<RerankFields, "embeddings"> & Partial<Pick<RerankFields, "embeddings">>;

/** A way to have documents re-ranked, with whole receipts unless told else: all must do the same. */
export interface Adapter {
  readonly name: string;
  readonly ask: (
    documents: Document[],
    fields?: Fields,
    options?: { text?: string; callbacks?: Callbacks },
  ) => Promise<DocumentInterface[]>;
}

/** Returns its documents, whatever the query. */
class ListRetriever extends BaseRetriever {
  lc_namespace = ["test"];
  readonly #documents: Document[];

  constructor(documents: Document[]) {
    super({});
    this.#documents = documents;
  }
  override async _getRelevantDocuments(): Promise<Document[]> {
    return this.#documents;
  }
}

const config = (callbacks: Callbacks | undefined) => (callbacks === undefined ? {} : { callbacks });

const reranker = (fields: Fields) => new OscillinkReranker({ embeddings: model, attach: "full", ...fields });

export const adapters: readonly Adapter[] = [
  {
    name: "OscillinkReranker",
    ask: (documents, fields = {}, { text = query, callbacks } = {}) =>
      reranker(fields).compressDocuments(documents, text, callbacks),
  },
  {
    name: "OscillinkReranker in a ContextualCompressionRetriever",
    ask: (documents, fields = {}, { text = query, callbacks } = {}) =>
      new ContextualCompressionRetriever({
        baseRetriever: new ListRetriever(documents),
        baseCompressor: reranker(fields),
      }).invoke(text, config(callbacks)),
  },
  {
    name: "OscillinkReranker in a DocumentCompressorPipeline",
    ask: (documents, fields = {}, { text = query, callbacks } = {}) =>
      new DocumentCompressorPipeline({ transformers: [reranker(fields)] }).compressDocuments(
        documents,
        text,
        callbacks,
      ),
  },
  {
    name: "OscillinkRetriever over a MemoryVectorStore",
    ask: async (documents, fields = {}, { text = query, callbacks } = {}) =>
      new OscillinkRetriever({ vectorStore: await memoryStore(documents), attach: "full", ...fields }).invoke(
        text,
        config(callbacks),
      ),
  },
  {
    name: "OscillinkRetriever over a store that keeps its vectors",
    ask: async (documents, fields = {}, { text = query, callbacks } = {}) =>
      new OscillinkRetriever({ vectorStore: await closedStore(documents), attach: "full", ...fields }).invoke(
        text,
        config(callbacks),
      ),
  },
];
