import type { CallbackManagerForRetrieverRun } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { BaseRetriever, type BaseRetrieverInput } from "@langchain/core/retrievers";
import type { VectorStoreInterface } from "@langchain/core/vectorstores";
import { embedQuery, OptionError, type Vector } from "@oscillink/core";
import {
  type Likeness,
  type RerankFields,
  rerankDocuments,
  resolveFields,
  type Settings,
} from "./documents.ts";
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
  /**
   * Where the documents' vectors come from. `"reembed"` (default): from the store, and those that it keeps to itself are
   * embedded anew. `"store"`: from the store alone; documents without cannot be ranked (see `missing`). `"never"`: none;
   * the store's scores stand in for them, and the lattice is built from the words.
   */
  vectors?: "reembed" | "store" | "never";
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
  readonly #vectors: "reembed" | "store" | "never";
  readonly #settings: Settings;

  /** @throws {OptionError} for a field that is unknown or out of range. */
  constructor(fields: OscillinkRetrieverFields<Store>) {
    const { callbacks, tags, metadata, verbose, vectorStore, embeddings, pool, filter, vectors, ...rest } =
      fields;
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
    this.#vectors = vectors ?? "reembed";
    if (!["reembed", "store", "never"].includes(this.#vectors)) {
      throw new OptionError(
        "vectors",
        `must be "reembed", "store" or "never", not ${JSON.stringify(vectors)}`,
      );
    }
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
    const documents = hits.map(([document]) => document);
    const likeness: Likeness =
      this.#vectors === "never"
        ? { scores: ascending(hits.map(([, score]) => score)) }
        : {
            // The stores' scores are left aside: the vectors say it again.
            query: vector,
            vectors: storedVectors(this.vectorStore, hits, vector),
            reembed: this.#vectors === "reembed",
          };
    const callbacks = runManager?.getChild("oscillink");
    return rerankDocuments(documents, query, likeness, this.#settings, callbacks);
  }
}

/**
 * A store's scores as the higher the better. Some stores return similarities, some distances, but all return the best
 * first; a store whose scores are no numbers still has that order.
 */
function ascending(scores: readonly number[]): number[] {
  if (!scores.every(Number.isFinite)) return scores.map((_, place) => -place);
  const sign = scores[0]! >= scores.at(-1)! ? 1 : -1;
  return scores.map((score) => sign * score);
}
