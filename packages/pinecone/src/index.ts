export {
  OscillinkPinecone,
  type OscillinkPineconeOptions,
  type QueryRequest,
  type SearchRequest,
} from "./client.ts";
export {
  type FoundRecord,
  type PineconeOptions,
  type RerankMatchesRequest,
  type RerankResponse,
  type RerankRow,
  rerankMatches,
} from "./matches.ts";
export { toMetadata } from "./metadata.ts";
