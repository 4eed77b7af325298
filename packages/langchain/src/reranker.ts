import type { Callbacks } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { BaseDocumentCompressor } from "@langchain/core/retrievers/document_compressors";
import { checkObject, embedQuery, OptionError, throwIfAborted, type Vector } from "@oscillink/core/adapter";
import { type RerankFields, rerankDocuments, resolveFields, type Settings, settingsOf } from "./documents.ts";

/** The fields of {@link OscillinkReranker}: `embeddings`, and any option of `rerank`. */
export interface OscillinkRerankerFields extends RerankFields {
  /** A document's vector, where you have it; the others are embedded. Default: all are. */
  embeddingOf?: (document: DocumentInterface) => Vector | undefined;
}

/**
 * Re-ranks the documents of any retriever: in a `ContextualCompressionRetriever`, a `DocumentCompressorPipeline`, a
 * `MultiQueryRetriever`, a `ParentDocumentRetriever`, or wherever else LangChain takes a document compressor.
 *
 * A retriever hands over no vectors, so documents that it has not seen lately are embedded again;
 * {@link OscillinkRetriever} takes them from the store.
 *
 * LangChain hands a document compressor no signal of a call: give `timeout`, or a `signal`, where its embedder may hang.
 *
 * @example
 * new ContextualCompressionRetriever({
 *   baseRetriever: vectorStore.asRetriever(50),
 *   baseCompressor: new OscillinkReranker({ embeddings, k: 5 }),
 * });
 */
export class OscillinkReranker extends BaseDocumentCompressor {
  static lc_name(): string {
    return "OscillinkReranker";
  }
  readonly lc_namespace = ["oscillink", "document_compressors"];

  readonly #settings: Settings;
  readonly #embeddingOf: (document: DocumentInterface) => Vector | undefined;

  /** @throws {OptionError} for a field that is unknown or out of range. */
  constructor(given: OscillinkRerankerFields) {
    super();
    const { embeddingOf = () => undefined, ...fields } = checkObject("fields", given);
    if (typeof embeddingOf !== "function")
      throw new OptionError("embeddingOf", "must be a function of a document");
    this.#embeddingOf = embeddingOf;
    this.#settings = resolveFields(fields, ["embeddingOf"]);
  }

  /**
   * The k documents that belong together, best first, as new documents with `relevanceScore` and the record in their
   * metadata. No documents in gives none back.
   *
   * @throws what `rerank` throws, and {@link EmbedderError}; unless `onError` is `"passthrough"`.
   * @throws the reason of an aborted signal, in any case.
   */
  async compressDocuments(
    documents: DocumentInterface[],
    query: string,
    callbacks?: Callbacks,
  ): Promise<DocumentInterface[]> {
    const settings = settingsOf(this.#settings, callbacks);
    const { embedder, waiting } = settings;
    throwIfAborted(waiting.signal);
    if (documents.length === 0) return [];
    const likeness = async () => ({
      query: await embedQuery(query, embedder, waiting),
      vectors: documents.map((document) => this.#embeddingOf(document)),
      embedder,
    });
    return rerankDocuments(documents, query, likeness, settings, callbacks);
  }
}
