export type { Embed, EmbeddingModel } from "./embed.ts";
export {
  type OscillinkRerankingModelOptions,
  oscillinkRerankingModel,
  type RerankingDocument,
} from "./model.ts";
