export {
  type EmbeddingsClient,
  type OpenAIEmbedder,
  type OpenAIEmbedderOptions,
  openaiEmbedder,
} from "./embedder.ts";
