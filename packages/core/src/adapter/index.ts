/** What adapters need and share, free of any framework: for those that come with this project and for your own. */
export { isBytes } from "../bytes.ts";
export {
  CandidateError,
  checkObject,
  EmbedderError,
  OptionError,
  OscillinkError,
  refuseUnknown,
  show,
  TimeoutError,
  VectorError,
} from "../errors.ts";
export type { VectorCounts } from "../options/calls.ts";
export type { Options } from "../options/types.ts";
export type { Vector } from "../pool/matrix.ts";
export type { BundleEntry } from "../rank/bundle.ts";
export type { Digest } from "../receipt/digest.ts";
export type { Receipt } from "../receipt/receipt.ts";
export type { Signature } from "../receipt/sign.ts";
export { checkRequest } from "../rerank.ts";
export { eitherSignal, type Signal, throwIfAborted, type Waiting, waitFor } from "../waiting.ts";
export type { WorkerPool } from "../workers/pool.ts";
export {
  cachedEmbedder,
  type EmbeddingCache,
  embeddingCache,
  resolveCache,
} from "./cache.ts";
export {
  type Asked,
  asking,
  ConversationFocus,
  type ConversationFocusOptions,
  type ConversationState,
  checkThread,
  resolveConversations,
} from "./conversation.ts";
export {
  type CompletedVectors,
  completeVectors,
  type Embedder,
  type EmbedOptions,
  embedQuery,
} from "./embedder.ts";
export {
  type Described,
  type DocumentRecord,
  type Likeness,
  metadataWithout,
  type RerankedItem,
  type RerankedItems,
  rerankItems,
} from "./items.ts";
export {
  type FoundList,
  type ListedRetriever,
  type PlacedList,
  type ResolvedRetriever,
  resolveRetrievers,
  scoresOf,
  searchAll,
  uniteItems,
  VECTOR_LIST,
} from "./lists.ts";
export { messageOf } from "./message.ts";
export { type QuotedDocument, quoteDocuments } from "./quote.ts";
export {
  type AdapterOptions,
  type AdapterSettings,
  type Attach,
  poolOfWidth,
  resolveAdapterOptions,
  resolvePool,
  warn,
} from "./settings.ts";
