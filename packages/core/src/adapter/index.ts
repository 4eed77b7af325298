/** What adapters need and share, free of any framework: for those that come with this project and for your own. */
export {
  CandidateError,
  EmbedderError,
  OptionError,
  OscillinkError,
  show,
  VectorError,
} from "../errors.ts";
export type { VectorCounts } from "../options/calls.ts";
export type { Options } from "../options/types.ts";
export type { Vector } from "../pool/matrix.ts";
export type { BundleEntry } from "../rank/bundle.ts";
export type { Digest } from "../receipt/digest.ts";
export type { Receipt } from "../receipt/receipt.ts";
export type { Signature } from "../receipt/sign.ts";
export {
  type CompletedVectors,
  cachedEmbedder,
  completeVectors,
  type Embedder,
  embedQuery,
} from "./embedder.ts";
export {
  type Described,
  type DocumentRecord,
  type Likeness,
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
  searchAll,
  uniteItems,
  VECTOR_LIST,
} from "./lists.ts";
export { messageOf } from "./message.ts";
export {
  type AdapterOptions,
  type AdapterSettings,
  type Attach,
  resolveAdapterOptions,
  resolveCache,
  resolvePool,
  warn,
} from "./settings.ts";
