import { dispatchCustomEvent } from "@langchain/core/callbacks/dispatch/web";
import type { CallbackManager, CallbackManagerForRetrieverRun } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { BaseRetriever, type BaseRetrieverInput } from "@langchain/core/retrievers";
import type { VectorStoreInterface } from "@langchain/core/vectorstores";
import {
  checkObject,
  type Embedder,
  embedQuery,
  type Likeness,
  OptionError,
  resolvePool,
  show,
  type Vector,
  warn,
} from "@oscillink/core/adapter";
import { type RerankFields, rerankDocuments, resolveFields, type Settings, tellOf } from "./documents.ts";
import { type Expand, expandPool, type PooledDocument, resolveExpand } from "./expand.ts";
import { type Hit, storedVectors } from "./sources/index.ts";

/** The custom event that says what `expand` took and gave: `{ searches, found, added }`. */
const expandEvent = "oscillink_expand";

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
  /**
   * Searches a second time, with the vectors of the first hits, and adds what is new to the pool: passages that lie near
   * the answer and not near the question. Costs `seeds` more searches, made at the same time, and up to
   * `seeds * perSeed` more candidates; not with `vectors: "never"`. Default: off.
   */
  expand?: Expand;
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
  readonly #expand: Expand | undefined;
  readonly #settings: Settings;
  readonly #embedder: Embedder | null;

  /** @throws {OptionError} for a field that is unknown or out of range. */
  constructor(fields: OscillinkRetrieverFields<Store>) {
    const { callbacks, tags, metadata, verbose, vectorStore, embeddings, pool, filter, ...others } =
      checkObject("fields", fields);
    const { vectors = "reembed", expand, ...rest } = others;
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
    if (!["reembed", "store", "never"].includes(vectors)) {
      throw new OptionError("vectors", `must be "reembed", "store" or "never", not ${show(vectors)}`);
    }
    this.#vectors = vectors;
    this.#expand = resolveExpand(expand);
    if (this.#expand && vectors === "never") {
      throw new OptionError("expand", 'searches with vectors, so it cannot go with vectors: "never"');
    }
    this.#settings = resolveFields(
      {
        ...rest,
        // The interface does not name it, but every store of LangChain has it.
        embeddings: embeddings ?? (vectorStore as unknown as RerankFields).embeddings,
      },
      ["vectorStore", "pool", "filter", "vectors", "expand"],
    );
    this.#embedder = vectors === "reembed" ? this.#settings.embedder : null;
    this.pool = resolvePool(pool, this.#settings.params.k);
  }

  override async _getRelevantDocuments(
    query: string,
    runManager?: CallbackManagerForRetrieverRun,
  ): Promise<DocumentInterface[]> {
    const callbacks = runManager?.getChild("oscillink");
    const vector = await embedQuery(query, this.#settings.embedder);
    const hits = await this.#search(vector, this.pool);
    if (hits.length === 0) return [];
    const wider = this.#expand && (await this.#widen(hits, vector, this.#expand, callbacks));
    const documents = wider ? wider.map(({ document }) => document) : hits.map(([document]) => document);
    const likeness = async (): Promise<Likeness> =>
      this.#vectors === "never"
        ? { scores: ascending(hits.map(([, score]) => score)) }
        : {
            // The stores' scores are left aside: the vectors say it again.
            query: vector,
            vectors: (wider ?? (await this.#found(hits, vector))).map((found) => found.vector),
            embedder: this.#embedder,
            store: this.vectorStore,
          };
    return rerankDocuments(documents, query, likeness, this.#settings, callbacks);
  }

  #search(near: Vector, count: number): Promise<Hit[]> {
    // A typed array would reach a store's server as an object.
    const plain = Array.isArray(near) ? near : Array.from(near);
    return this.vectorStore.similaritySearchVectorWithScore(plain, count, copied(this.#filter));
  }

  /** The hits of a search with the vectors that the store hands over. */
  async #found(hits: readonly Hit[], near: Vector): Promise<PooledDocument[]> {
    const vectors = await storedVectors(this.vectorStore, hits, near, { filter: this.#filter });
    return hits.map(([document], i) => ({ document, vector: vectors[i] }));
  }

  /** The hits and what lies near the first of them; null after a failure that is passed through: the hits will do. */
  async #widen(
    hits: readonly Hit[],
    vector: Vector,
    expand: Expand,
    callbacks: CallbackManager | undefined,
  ): Promise<readonly PooledDocument[] | null> {
    const run = callbacks === undefined ? {} : { callbacks };
    const search = async (near: Vector, count: number) => this.#found(await this.#search(near, count), near);
    try {
      const found = await this.#found(hits, vector);
      const { pool, counts } = await expandPool(found, expand, search, this.#embedder);
      await dispatchCustomEvent(expandEvent, counts, run);
      return pool;
    } catch (error) {
      if (this.#settings.onError === "throw") throw error;
      warn(this.#settings, error);
      await tellOf(error, run);
      return null;
    }
  }
}

/** A filter for a store to change as it likes: PineconeStore takes the namespace out of the object that it is given. */
function copied<Filter>(filter: Filter): Filter {
  const plain =
    typeof filter === "object" && filter !== null && Object.getPrototypeOf(filter) === Object.prototype;
  return plain ? { ...filter } : filter;
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
