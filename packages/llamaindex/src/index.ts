export {
  ConversationFocus,
  type ConversationFocusOptions,
  type ConversationState,
  type EmbeddingCache,
  embeddingCache,
} from "@oscillink/core/adapter";
export type { EmbedModel, NodeOptions, VectorIndex } from "./nodes.ts";
export { OscillinkPostprocessor } from "./postprocessor.ts";
export {
  type NodeRetriever,
  OscillinkRetriever,
  type OscillinkRetrieverOptions,
  type SearchableIndex,
} from "./retriever.ts";
