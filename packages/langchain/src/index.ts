export type { Attach, OscillinkMetadata, RerankFields } from "./documents.ts";
export { OscillinkReranker, type OscillinkRerankerFields } from "./reranker.ts";
export { OscillinkRetriever, type OscillinkRetrieverFields } from "./retriever.ts";
