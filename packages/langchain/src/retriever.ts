import type { CallbackManagerForRetrieverRun } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { BaseRetriever, type BaseRetrieverInput } from "@langchain/core/retrievers";
import type { VectorStoreInterface } from "@langchain/core/vectorstores";
import { embedQuery, OptionError, type Vector } from "@oscillink/core";
import { type RerankFields, rerankDocuments, resolveFields, type Settings } from "./documents.ts";
import { storedVectors } from "./stores.ts";

/** The fields of {@link OscillinkRetriever}: a vector store, and any option of `rerank`. */
export interface OscillinkRetrieverFields<Store extends VectorStoreInterface = VectorStoreInterface>
  extends Omit<RerankFields, "embeddings">,
    BaseRetrieverInput {
  /** The store to search. */
  vectorStore: Store;
  /** Embeds the query and what the store keeps to itself. Default: the store's own embeddings. */
  embeddings?: RerankFields["embeddings"];
  /** How many candidates to fetch and choose from. Integer >= k, default max(50, 10 k). */
  pool?: number;
  /** Passed to the store's search. */
  filter?: Store["FilterType"];
}

/**
 * Fetches `pool` candidates from a vector store, with the store's own vectors where it hands them over, and returns the
 * k that belong together. Works wherever LangChain takes a retriever.
 *
 * @example
 * const retriever = new OscillinkRetriever({ vectorStore, k: 5 });
 * const documents = await retriever.invoke("Who designed the lighthouse?");
 */
export class OscillinkRetriever<
  Store extends VectorStoreInterface = VectorStoreInterface,
> extends BaseRetriever {
  static override lc_name(): string {
    return "OscillinkRetriever";
  }
  lc_namespace = ["oscillink", "retrievers"];

  /** The store that is searched. */
  readonly vectorStore: Store;
  /** How many candidates are fetched. */
  readonly pool: number;
  readonly #filter: Store["FilterType"] | undefined;
  readonly #settings: Settings;

  /** @throws {OptionError} for a field that is unknown or out of range. */
  constructor(fields: OscillinkRetrieverFields<Store>) {
    const { callbacks, tags, metadata, verbose, vectorStore, embeddings, pool, filter, ...rest } = fields;
    super({
      ...(callbacks !== undefined && { callbacks }),
      ...(tags !== undefined && { tags }),
      ...(metadata !== undefined && { metadata }),
      ...(verbose !== undefined && { verbose }),
    });
    if (typeof vectorStore?.similaritySearchVectorWithScore !== "function") {
      throw new OptionError("vectorStore", "must be a LangChain vector store");
    }
    this.vectorStore = vectorStore;
    this.#filter = filter;
    this.#settings = resolveFields({
      ...rest,
      // The interface does not name it, but every store of LangChain has it.
      embeddings: embeddings ?? (vectorStore as unknown as RerankFields).embeddings,
    });
    const { k } = this.#settings;
    this.pool = pool ?? Math.max(50, 10 * k);
    if (!Number.isSafeInteger(this.pool) || this.pool < k) {
      throw new OptionError("pool", `must be an integer of at least k = ${k}, not ${String(pool)}`);
    }
  }

  override async _getRelevantDocuments(
    query: string,
    runManager?: CallbackManagerForRetrieverRun,
  ): Promise<DocumentInterface[]> {
    const vector: Vector = await embedQuery(query, this.#settings.embeddings);
    const hits = await this.vectorStore.similaritySearchVectorWithScore(
      vector as number[],
      this.pool,
      this.#filter,
    );
    if (hits.length === 0) return [];
    // The stores' scores are left aside: some are distances, some similarities. The vectors say it again.
    const documents = hits.map(([document]) => document);
    const found = storedVectors(this.vectorStore, hits, vector);
    return rerankDocuments(
      documents,
      { text: query, vector },
      found,
      this.#settings,
      runManager?.getChild("oscillink"),
    );
  }
}
