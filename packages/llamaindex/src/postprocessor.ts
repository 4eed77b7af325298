import type { MessageContent } from "@llamaindex/core/llms";
import type { BaseNodePostprocessor } from "@llamaindex/core/postprocessor";
import type { NodeWithScore } from "@llamaindex/core/schema";
import { askingFor, type NodeOptions, type NodeSettings, rerankNodes, resolveNodeOptions } from "./nodes.ts";

/**
 * Re-ranks the nodes of any retriever: wherever LlamaIndex takes a node postprocessor.
 *
 * Retrieved nodes carry no vectors. Name the `index` that they come from, and they are taken from its store; else the
 * nodes are embedded again with every query.
 *
 * @example
 * index.asQueryEngine({
 *   similarityTopK: 50,
 *   nodePostprocessors: [new OscillinkPostprocessor({ index, k: 5 })],
 * });
 */
export class OscillinkPostprocessor implements BaseNodePostprocessor {
  readonly #settings: NodeSettings;

  /** @throws {OptionError} for an option that is unknown or out of range. */
  constructor(options: NodeOptions = {}) {
    this.#settings = resolveNodeOptions(options);
  }

  /**
   * Clones of the k nodes that belong together, best first, each with its new score and, in its metadata, the record.
   * No nodes in gives none back.
   *
   * @param query the question; the parts of it that are not text are left aside.
   * @throws {OptionError} without the question's text, {@link EmbedderError}, {@link VectorError}, {@link CandidateError},
   *   and what the store throws; unless `onError` is `"passthrough"`.
   */
  postprocessNodes(nodes: NodeWithScore[], query?: MessageContent): Promise<NodeWithScore[]> {
    return askingFor(query, this.#settings, (question) => rerankNodes(nodes, question, this.#settings));
  }
}
