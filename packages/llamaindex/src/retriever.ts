import type { QueryBundle } from "@llamaindex/core/query-engine";
import { BaseRetriever } from "@llamaindex/core/retriever";
import { MetadataMode, type NodeWithScore } from "@llamaindex/core/schema";
import type { MetadataFilters } from "@llamaindex/core/vector-store";
import {
  checkObject,
  type ListedRetriever,
  OptionError,
  type ResolvedRetriever,
  resolvePool,
  resolveRetrievers,
  scoresOf,
  searchAll,
  uniteItems,
  VECTOR_LIST,
  waitFor,
} from "@oscillink/core/adapter";
import {
  askingFor,
  type NodeOptions,
  type NodeSettings,
  type Question,
  rerankNodes,
  resolveNodeOptions,
  type VectorIndex,
} from "./nodes.ts";

/** What is used of a retriever. Every `BaseRetriever` has it, whichever copy of the library it comes from. */
export interface NodeRetriever {
  retrieve(query: QueryBundle): Promise<NodeWithScore[]>;
}

/** An index that can be searched. A `VectorStoreIndex` is one. */
export interface SearchableIndex extends VectorIndex {
  asRetriever(options: { similarityTopK: number; filters?: MetadataFilters }): NodeRetriever;
}

/** Retrievers that are asked at the same time, each alone or as `{ name, retriever, score }`. */
type Retrievers = readonly (NodeRetriever | ListedRetriever<NodeRetriever, NodeWithScore>)[];

/** Where the candidates come from, and any option of the postprocessor. */
export type OscillinkRetrieverOptions = NodeOptions &
  (
    | {
        /** The index to search; vectors are taken from its store. */
        index: SearchableIndex;
        /** How many candidates to fetch and choose from. Integer >= k, default max(50, 10 k). */
        pool?: number;
        /** Passed to the index's search. */
        filters?: MetadataFilters;
        /**
         * Further searches, such as one by keywords. The lists are united, nodes of one id, else of one content, being one, and
         * what each list says of a node is evidence: its scores, or where a node has none its ranks.
         */
        retrievers?: Retrievers;
        retriever?: never;
      }
    | {
        /** In place of an index: the retriever whose nodes are the candidates. How many come is its own option. */
        retriever: NodeRetriever;
        retrievers?: never;
        pool?: never;
        filters?: never;
      }
    | {
        /** In place of an index: several. The search by vectors is the first that was made by `asRetriever()`, else the first. */
        retrievers: Retrievers;
        retriever?: never;
        pool?: never;
        filters?: never;
      }
  );

/**
 * Fetches `pool` candidates from an index, with the store's own vectors where it hands them over, and returns clones of
 * the k that belong together. Works wherever LlamaIndex takes a retriever.
 *
 * @example
 * const retriever = new OscillinkRetriever({ index, k: 5 });
 * const nodes = await retriever.retrieve("Who designed the lighthouse?");
 * const hybrid = new OscillinkRetriever({ index, retrievers: [{ name: "bm25", retriever: bm25 }], k: 5 });
 */
export class OscillinkRetriever extends BaseRetriever {
  /** How many nodes come back at most. */
  readonly k: number;
  readonly #searches: readonly Listed[];
  /** Whether what they find are lists to be united; else there is one search, whose nodes are the candidates. */
  readonly #united: boolean;
  readonly #settings: NodeSettings;

  /** @throws {OptionError} for an option that is unknown or out of range. */
  constructor(given: OscillinkRetrieverOptions) {
    super();
    const { retriever, retrievers, pool, filters, ...options } = checkObject("options", given);
    if (retriever !== undefined && retrievers !== undefined) {
      throw new OptionError("retrievers", "must not come with retriever: put that one among them");
    }
    const listed = retrievers === undefined ? [] : listedOf(retrievers, options.index !== undefined);
    const asked = retriever ?? listed.find(({ similarity }) => similarity)?.retriever;
    // A VectorIndexRetriever knows the index that it searches.
    const index = options.index ?? (asked as { index?: VectorIndex } | undefined)?.index;
    this.#settings = resolveNodeOptions({ ...options, ...(index?.vectorStores && { index }) }, [
      "retriever",
      "retrievers",
      "pool",
      "filters",
    ]);
    const told = retriever !== undefined || (listed.length > 0 && options.index === undefined);
    const own = told ? retriever : searchOf(index, pool, filters, this.#settings.params.k);
    if (own !== undefined && typeof own?.retrieve !== "function") {
      throw new OptionError("retriever", "must be a LlamaIndex retriever: it needs retrieve");
    }
    if (told && (pool !== undefined || filters !== undefined)) {
      const name = pool === undefined ? "filters" : "pool";
      throw new OptionError(
        name,
        "is for an index; a retriever is told when it is made (similarityTopK, filters)",
      );
    }
    this.k = this.#settings.params.k;
    this.#united = listed.length > 0;
    const first = { name: VECTOR_LIST, score: scoreOf, similarity: true };
    this.#searches = own === undefined ? listed : [{ ...first, retriever: own }, ...listed];
  }

  /** @throws what the search throws, and what `OscillinkPostprocessor` throws; the reason of an aborted `signal`. */
  override _retrieve(query: QueryBundle): Promise<NodeWithScore[]> {
    return askingFor(query.query, this.#settings, (question) => this.#ask(query, question));
  }

  async #ask(query: QueryBundle, question: Question): Promise<NodeWithScore[]> {
    const searches = this.#searches.map(async ({ name, retriever, score, similarity }) => {
      const focused = similarity && this.#settings.focus !== null;
      const search = focused ? await searchWith(retriever, question) : () => retriever.retrieve(query);
      const items = await waitFor(search, this.#settings.waiting, `the retriever ${name}`);
      const scores = this.#united ? await scoresOf(items, score, this.#settings) : [];
      return { name, items, scores, similarity };
    });
    const found = await searchAll(searches, this.#settings);
    if (!this.#united) return rerankNodes(found[0]!.items, question, this.#settings);
    const { items, lists } = uniteItems(found, ({ node }) => ({
      id: node?.id_,
      text: node.getContent(MetadataMode.NONE),
    }));
    return rerankNodes(items, question, this.#settings, lists);
  }
}

type Listed = ResolvedRetriever<NodeRetriever, NodeWithScore>;

/**
 * A search by the question's vector in place of its words, where the retriever is one over an index: that embeds a query with the index's
 * model, so that it is given one whose vector is known. Another retriever searches as it is used to.
 */
async function searchWith(
  retriever: NodeRetriever,
  { text, asked }: Question,
): Promise<() => Promise<NodeWithScore[]>> {
  const { index } = retriever as { readonly index?: VectorIndex };
  if (typeof index?.vectorStores !== "object") return () => retriever.retrieve({ query: text });
  const vector = Array.from((await asked()).query as ArrayLike<number>);
  const model = { getQueryEmbedding: async () => vector };
  const own = Object.create(retriever, {
    index: { value: Object.create(index, { embedModel: { value: model } }) },
  }) as NodeRetriever;
  return () => own.retrieve({ query: text });
}

const scoreOf = ({ score }: NodeWithScore): number | undefined => score;

const listedOf = (retrievers: Retrievers, searched: boolean): Listed[] =>
  resolveRetrievers<NodeRetriever, NodeWithScore>(retrievers, {
    method: "retrieve",
    vectors: "index",
    score: scoreOf,
    searched,
  });

function searchOf(
  index: Partial<SearchableIndex> | undefined,
  given: number | undefined,
  filters: MetadataFilters | undefined,
  k: number,
): NodeRetriever {
  if (typeof index?.asRetriever !== "function") {
    throw new OptionError("index", "must be a VectorStoreIndex; or give a retriever");
  }
  const pool = resolvePool(given, k);
  return index.asRetriever({ similarityTopK: pool, ...(filters !== undefined && { filters }) });
}
