import type { QueryBundle } from "@llamaindex/core/query-engine";
import { BaseRetriever } from "@llamaindex/core/retriever";
import type { NodeWithScore } from "@llamaindex/core/schema";
import type { MetadataFilters } from "@llamaindex/core/vector-store";
import { checkObject, OptionError, resolvePool } from "@oscillink/core/adapter";
import {
  type NodeOptions,
  type NodeSettings,
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
        retriever?: never;
      }
    | {
        /** In place of an index: the retriever whose nodes are the candidates. How many come is its own option. */
        retriever: NodeRetriever;
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
 */
export class OscillinkRetriever extends BaseRetriever {
  readonly #retriever: NodeRetriever;
  readonly #settings: NodeSettings;

  /** @throws {OptionError} for an option that is unknown or out of range. */
  constructor(given: OscillinkRetrieverOptions) {
    super();
    const { retriever, pool, filters, ...options } = checkObject("options", given);
    // A VectorIndexRetriever knows the index that it searches.
    const index = options.index ?? (retriever as { index?: VectorIndex } | undefined)?.index;
    this.#settings = resolveNodeOptions({ ...options, ...(index?.vectorStores && { index }) }, [
      "retriever",
      "pool",
      "filters",
    ]);
    this.#retriever = retriever ?? searchOf(index, pool, filters, this.#settings.params.k);
    if (typeof this.#retriever?.retrieve !== "function") {
      throw new OptionError("retriever", "must be a LlamaIndex retriever: it needs retrieve");
    }
    if (retriever !== undefined && (pool !== undefined || filters !== undefined)) {
      const name = pool === undefined ? "filters" : "pool";
      throw new OptionError(
        name,
        "is for an index; a retriever is told when it is made (similarityTopK, filters)",
      );
    }
  }

  /** @throws what the search throws, and what `OscillinkPostprocessor` throws. */
  override async _retrieve(query: QueryBundle): Promise<NodeWithScore[]> {
    return rerankNodes(await this.#retriever.retrieve(query), query.query, this.#settings);
  }
}

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
