export {
  ConversationFocus,
  type ConversationFocusOptions,
  type ConversationState,
  type DocumentRecord as OscillinkMetadata,
  type EmbeddingCache,
  embeddingCache,
} from "@oscillink/core/adapter";
export { type RerankFields, recordOf } from "./documents.ts";
export type { Expand } from "./expand.ts";
export { OscillinkReranker, type OscillinkRerankerFields } from "./reranker.ts";
export { OscillinkRetriever, type OscillinkRetrieverFields } from "./retriever.ts";
export { createOscillinkTool, type OscillinkArtifact, type OscillinkToolFields } from "./tool.ts";
