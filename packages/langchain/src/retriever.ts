import { dispatchCustomEvent } from "@langchain/core/callbacks/dispatch/web";
import type { CallbackManager, CallbackManagerForRetrieverRun } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import {
  BaseRetriever,
  type BaseRetrieverInput,
  type BaseRetrieverInterface,
} from "@langchain/core/retrievers";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { VectorStoreInterface, VectorStoreRetriever } from "@langchain/core/vectorstores";
import {
  type Asked,
  asking,
  type ConversationFocus,
  type ConversationFocusOptions,
  checkObject,
  checkThread,
  type Embedder,
  embedQuery,
  type FoundList,
  type Likeness,
  type ListedRetriever,
  OptionError,
  poolOfWidth,
  type ResolvedRetriever,
  resolveConversations,
  resolvePool,
  resolveRetrievers,
  scoresOf,
  searchAll,
  show,
  throwIfAborted,
  uniteItems,
  VECTOR_LIST,
  type Vector,
  type Waiting,
  waitFor,
  warn,
} from "@oscillink/core/adapter";
import { carryingCall, handlersOf, type Signal, threadOf } from "./callbacks.ts";
import {
  describe,
  type RerankFields,
  rerankDocuments,
  resolveFields,
  type Settings,
  settingsOf,
  tellOf,
} from "./documents.ts";
import { type Expand, expandPool, type PooledDocument, resolveExpand } from "./expand.ts";
import { goesByWidth, type Hit, storedVectors } from "./sources/index.ts";

/** The custom event that says what `expand` took and gave: `{ searches, found, added }`. */
const expandEvent = "oscillink_expand";

/** The fields of {@link OscillinkRetriever}: a vector store, or retrievers, or both; and any option of `rerank`. */
export type OscillinkRetrieverFields<Store extends VectorStoreInterface = VectorStoreInterface> =
  RetrieverFields<Store> &
    (
      | { vectorStore: Store }
      | { vectorStore?: undefined; retrievers: NonNullable<RetrieverFields<Store>["retrievers"]> }
    );

interface RetrieverFields<Store extends VectorStoreInterface>
  extends Omit<RerankFields, "embeddings">,
    BaseRetrieverInput {
  /** The store to search. */
  vectorStore?: Store | undefined;
  /**
   * Further searches, such as one by keywords, all made at the same time: retrievers, or `{ name, retriever, score }`. The
   * lists that they return are united, documents of one id, else of one content, being one, and what each list says of a
   * document is evidence. Without a `vectorStore`, the search by vectors is the first that was made by
   * `asRetriever()`, else the first. How many each returns is its own option: take as many as `pool`.
   */
  retrievers?: readonly (
    | BaseRetrieverInterface
    | ListedRetriever<BaseRetrieverInterface, DocumentInterface>
  )[];
  /** Embeds the query and what the store keeps to itself. Default: the store's own embeddings. */
  embeddings?: RerankFields["embeddings"];
  /**
   * How many candidates to fetch and choose from. Integer >= k, default max(50, 10 k); of a PineconeStore no more than have their
   * values in 3 MiB, as Pinecone's answers end at 4: 236 of 1024 values, 78 of 3072.
   */
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
  /**
   * Searches and ranks with the focus of the conversation, so that a follow-up question finds what it leaves unsaid: options of
   * `QueryFocus`, or a {@link ConversationFocus} whose states are kept elsewhere. The call's `configurable.thread_id` says which
   * conversation it is, as in LangGraph, and must be there. The words are those of the question, also for the `retrievers`. Embeds the
   * questions so far joined beside the question. Default: none.
   */
  focus?: ConversationFocusOptions | ConversationFocus;
  /** Passed to the store's search. */
  filter?: Store["FilterType"];
}

type Listed = ResolvedRetriever<BaseRetrieverInterface, DocumentInterface>;

/**
 * Fetches `pool` candidates from a vector store, with the store's own vectors where it hands them over, and returns the
 * k that belong together. Works wherever LangChain takes a retriever. With `retrievers`, it takes the place of an
 * `EnsembleRetriever` too.
 *
 * The `signal` and the `timeout` of a call's config end it at once, with the signal's reason, even where store and embedder do not
 * listen, and whatever `onError` says. The option `timeout` limits each wait instead, and is a failure like any other.
 *
 * @example
 * const retriever = new OscillinkRetriever({ vectorStore, k: 5 });
 * const documents = await retriever.invoke("Who designed the lighthouse?");
 * const hybrid = new OscillinkRetriever({ vectorStore, retrievers: [{ name: "bm25", retriever: bm25 }], k: 5 });
 */
export class OscillinkRetriever<
  Store extends VectorStoreInterface = VectorStoreInterface,
> extends BaseRetriever {
  static override lc_name(): string {
    return "OscillinkRetriever";
  }
  lc_namespace = ["oscillink", "retrievers"];

  /** The store that is searched; undefined if the retrievers alone are asked. */
  readonly vectorStore: Store | undefined;
  /** How many documents come back at most. */
  readonly k: number;
  /** How many candidates are fetched; fewer from a PineconeStore of wide vectors, unless it was said. */
  readonly pool: number;
  readonly #byWidth: boolean;
  readonly #filter: Store["FilterType"] | undefined;
  readonly #retrievers: readonly Listed[];
  /** The store that is asked for vectors: the one that is searched, or that of the retriever by vectors. */
  readonly #vectorsFrom: VectorStoreInterface | undefined;
  readonly #vectors: "reembed" | "store" | "never";
  readonly #expand: Expand | undefined;
  readonly #focus: ConversationFocus | null;
  readonly #settings: Settings;
  readonly #embedder: Embedder | null;

  /** @throws {OptionError} for a field that is unknown or out of range. */
  constructor(fields: OscillinkRetrieverFields<Store>) {
    const { callbacks, tags, metadata, verbose, vectorStore, embeddings, pool, filter, ...others } =
      checkObject("fields", fields) as RetrieverFields<Store>;
    const { retrievers, vectors = "reembed", expand, focus, ...rest } = others;
    super({
      ...(callbacks !== undefined && { callbacks }),
      ...(tags !== undefined && { tags }),
      ...(metadata !== undefined && { metadata }),
      ...(verbose !== undefined && { verbose }),
    });
    const searched = vectorStore !== undefined || retrievers === undefined;
    if (searched && typeof vectorStore?.similaritySearchVectorWithScore !== "function") {
      throw new OptionError("vectorStore", "must be a LangChain vector store");
    }
    this.vectorStore = vectorStore;
    this.#retrievers =
      retrievers === undefined
        ? []
        : resolveRetrievers<BaseRetrieverInterface, DocumentInterface>(retrievers, {
            method: "invoke",
            vectors: "vectorStore",
            score: () => undefined,
            searched,
          });
    const main = this.#retrievers.find(({ similarity }) => similarity)?.retriever;
    const { vectorStore: behind, filter: itsFilter } = (main ?? {}) as Partial<VectorStoreRetriever>;
    this.#vectorsFrom = vectorStore ?? behind;
    this.#filter = filter ?? (itsFilter as Store["FilterType"] | undefined);
    if (!["reembed", "store", "never"].includes(vectors)) {
      throw new OptionError("vectors", `must be "reembed", "store" or "never", not ${show(vectors)}`);
    }
    this.#vectors = vectors;
    this.#expand = resolveExpand(expand);
    if (this.#expand && vectors === "never") {
      throw new OptionError("expand", 'searches with vectors, so it cannot go with vectors: "never"');
    }
    this.#focus = resolveConversations(focus);
    if (this.#focus && vectors === "never" && !searched) {
      throw new OptionError(
        "focus",
        'is a vector, so it cannot go with retrievers alone and vectors: "never"',
      );
    }
    for (const [name, value] of Object.entries({ pool, filter, expand })) {
      if (searched || value === undefined) continue;
      throw new OptionError(name, "is for a vectorStore; a retriever is told when it is made");
    }
    this.#settings = resolveFields(
      {
        ...rest,
        // The interface does not name it, but every store of LangChain has it.
        embeddings: embeddings ?? (this.#vectorsFrom as unknown as RerankFields)?.embeddings,
      },
      ["vectorStore", "retrievers", "pool", "filter", "vectors", "expand", "focus"],
    );
    this.#embedder = vectors === "reembed" ? this.#settings.embedder : null;
    this.k = this.#settings.params.k;
    this.pool = resolvePool(pool, this.k);
    this.#byWidth =
      pool === undefined && vectors !== "never" && vectorStore !== undefined && goesByWidth(vectorStore);
  }

  override async invoke(input: string, options?: Partial<RunnableConfig>): Promise<DocumentInterface[]> {
    return super.invoke(input, carryingCall(options));
  }

  override async _getRelevantDocuments(
    query: string,
    runManager?: CallbackManagerForRetrieverRun,
  ): Promise<DocumentInterface[]> {
    const callbacks = runManager?.getChild("oscillink");
    const settings = settingsOf(this.#settings, callbacks);
    const thread = () => checkThread("configurable.thread_id", threadOf(handlersOf(callbacks)));
    const work = (asked: () => Promise<Asked>) =>
      this.#retrievers.length > 0
        ? this.#hybrid(query, asked, runManager, callbacks, settings)
        : this.#byVectors(query, asked, callbacks, settings);
    const { embedder, waiting } = settings;
    const embed = (text: string) => embedQuery(text, embedder, waiting);
    return asking(this.#focus, thread, query, embed, waiting.signal, work);
  }

  /** Asks the store alone, and re-ranks what it found. */
  async #byVectors(
    query: string,
    asked: () => Promise<Asked>,
    callbacks: CallbackManager | undefined,
    settings: Settings,
  ): Promise<DocumentInterface[]> {
    const { waiting } = settings;
    const { query: vector, focus } = await asked();
    const hits = await this.#search(vector, waiting);
    if (hits.length === 0) return [];
    const wider = this.#expand && (await this.#widen(hits, vector, this.#expand, callbacks, settings));
    const documents = wider ? wider.map(({ document }) => document) : hits.map(([document]) => document);
    const likeness = async (): Promise<Likeness> =>
      this.#vectors === "never"
        ? { scores: ascending(hits.map(([, score]) => score)), focus }
        : {
            // The stores' scores are left aside: the vectors say it again.
            query: vector,
            vectors: (wider ?? (await this.#found(hits, vector, waiting))).map((found) => found.vector),
            embedder: this.#embedder,
            focus,
            ...(this.vectorStore && { store: this.vectorStore }),
          };
    return rerankDocuments(documents, query, likeness, settings, callbacks);
  }

  /** Asks the store and the retrievers at the same time, and re-ranks what all of them found. */
  async #hybrid(
    query: string,
    asked: () => Promise<Asked>,
    runManager: CallbackManagerForRetrieverRun | undefined,
    callbacks: CallbackManager | undefined,
    settings: Settings,
  ): Promise<DocumentInterface[]> {
    const { waiting } = settings;
    const { signal } = waiting;
    throwIfAborted(signal);
    const tell = (error: unknown) => tellOf(error, callbacks === undefined ? {} : { callbacks });
    const withVectors = this.#vectors !== "never";
    // Begun now. Whoever needs it hears of its failure; where a search failed before, nobody does.
    if (withVectors || this.vectorStore) asked().catch(() => undefined);
    /** What the search by vectors found, with the vectors where they are known already. */
    const known = new Map<DocumentInterface, Vector | null | undefined>();
    const byVectors = async (): Promise<FoundList<DocumentInterface>> => {
      const { query: near } = await asked();
      const hits = await this.#search(near, waiting);
      const wider = this.#expand && (await this.#widen(hits, near, this.#expand, callbacks, settings));
      for (const found of wider ?? []) known.set(found.document, found.vector);
      const items = wider ? wider.map(({ document }) => document) : hits.map(([document]) => document);
      const scores = wider ? [] : ascending(hits.map(([, score]) => score));
      return { name: VECTOR_LIST, items, scores, similarity: true };
    };
    const ask = async ({
      name,
      retriever,
      score,
      similarity,
    }: Listed): Promise<FoundList<DocumentInterface>> => {
      const run = runManager === undefined ? {} : { callbacks: runManager.getChild(name) };
      const config = { ...run, ...(signal && { signal: signal as Signal }) };
      const items = await waitFor(() => retriever.invoke(query, config), waiting, `the retriever ${name}`);
      return { name, items, scores: await scoresOf(items, score, settings, tell), similarity };
    };
    const searches = [...(this.vectorStore ? [byVectors()] : []), ...this.#retrievers.map(ask)];
    const found = await searchAll(searches, settings, tell);
    throwIfAborted(signal);
    const { items: documents, lists } = uniteItems(found, describe);
    if (documents.length === 0) return [];
    const likeness = async (): Promise<Likeness> => {
      if (!withVectors) {
        // Where the question could not be embedded and that passed through, what was found is of no focus.
        const searched = this.vectorStore ? await asked().catch(() => null) : null;
        return { lists, focus: searched?.focus };
      }
      const { query: near, focus } = await asked();
      const own = found.find(({ similarity }) => similarity)?.items ?? [];
      const vectors = await waitFor(
        () => this.#known(documents, own, known, near),
        waiting,
        "the store, asked for its vectors,",
      );
      return { query: near, vectors, embedder: this.#embedder, lists, focus };
    };
    return rerankDocuments(documents, query, likeness, settings, callbacks);
  }

  /**
   * The vectors of documents that the store hands over, those that are known included.
   *
   * @param own those that it found itself.
   */
  async #known(
    documents: readonly DocumentInterface[],
    own: readonly DocumentInterface[],
    known: Map<DocumentInterface, Vector | null | undefined>,
    near: Vector,
  ): Promise<(Vector | null | undefined)[]> {
    const store = this.#vectorsFrom;
    const add = async (some: readonly DocumentInterface[]) => {
      if (store === undefined || some.length === 0) return;
      const hits = some.map((document): Hit => [document, 0]);
      const vectors = await storedVectors(store, hits, near, { filter: this.#filter });
      some.forEach((document, i) => void known.set(document, vectors[i]));
    };
    const unknown = documents.filter((document) => !known.has(document));
    const ours = new Set(own);
    await add(unknown).catch(async () => {
      // It may refuse the ids of what others found, such as names where its own are UUIDs. These are embedded then.
      await add(unknown.filter((document) => ours.has(document)));
    });
    return documents.map((document) => known.get(document));
  }

  #search(near: Vector, waiting: Waiting, count = this.#poolFor(near)): Promise<Hit[]> {
    // A typed array would reach a store's server as an object.
    const plain = Array.isArray(near) ? near : Array.from(near);
    const search = () =>
      this.vectorStore!.similaritySearchVectorWithScore(plain, count, copied(this.#filter));
    return waitFor(search, waiting, "the store");
  }

  #poolFor({ length }: Vector): number {
    return this.#byWidth ? poolOfWidth(this.k, length) : this.pool;
  }

  /** The hits of a search with the vectors that the store hands over. */
  async #found(hits: readonly Hit[], near: Vector, waiting: Waiting): Promise<PooledDocument[]> {
    const read = () => storedVectors(this.vectorStore!, hits, near, { filter: this.#filter });
    const vectors = await waitFor(read, waiting, "the store, asked for its vectors,");
    return hits.map(([document], i) => ({ document, vector: vectors[i] }));
  }

  /** The hits and what lies near the first of them; null after a failure that is passed through: the hits will do. */
  async #widen(
    hits: readonly Hit[],
    vector: Vector,
    expand: Expand,
    callbacks: CallbackManager | undefined,
    settings: Settings,
  ): Promise<readonly PooledDocument[] | null> {
    const { waiting } = settings;
    const run = callbacks === undefined ? {} : { callbacks };
    const search = async (near: Vector, count: number) =>
      this.#found(await this.#search(near, waiting, count), near, waiting);
    try {
      const found = await this.#found(hits, vector, waiting);
      const { pool, counts } = await expandPool(found, expand, search, this.#embedder, waiting);
      await dispatchCustomEvent(expandEvent, counts, run);
      return pool;
    } catch (error) {
      throwIfAborted(waiting.signal);
      if (settings.onError === "throw") throw error;
      warn(settings, error, this.vectorStore);
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
