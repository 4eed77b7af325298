export {
  type AdapterOptions,
  type AdapterSettings,
  type Attach,
  type Described,
  type DocumentRecord,
  type Likeness,
  type RerankedItems,
  rerankItems,
  resolveAdapterOptions,
  resolveCache,
  resolvePool,
  warn,
} from "./adapter.ts";
export type { ChainLink, ChainReceipt } from "./diagnose/chain.ts";
export type { Dynamics } from "./diagnose/dynamics.ts";
export type { Energy } from "./diagnose/energy.ts";
export type { NullPoint } from "./diagnose/nullpoints.ts";
export type { PackedVectors, Vector, Vectors } from "./embeddings.ts";
export {
  CandidateError,
  EmbedderError,
  OptionError,
  OscillinkError,
  StateError,
  show,
  VectorError,
} from "./errors.ts";
export { jsonLinesLogger, type LatticeEvent } from "./events.ts";
export { computeDiffusionGates, type GateOptions } from "./gates/diffusion.ts";
export type { Chain } from "./graph/path.ts";
export {
  type ChainOptions,
  Lattice,
  type RankedEntry,
  type ReceiptOptions,
  type SettleOptions,
  type Timings,
} from "./lattice.ts";
export { type Missing, type Options, type Params, resolveOptions } from "./options.ts";
export type { Edge, LatticeInput } from "./pool.ts";
export { type Profile, type ProfileName, profiles, type Strategies } from "./profiles.ts";
export type { DiversityMethod } from "./rank/diversify.ts";
export type { Terms } from "./rank/score.ts";
export type { Digest } from "./receipt/digest.ts";
export { explainReceipt } from "./receipt/explain.ts";
export { compareProvenance, type Provenance } from "./receipt/provenance.ts";
export {
  type ModeOptions,
  type PublishedPayload,
  type PublishedReceipt,
  type PublishedSignature,
  type PublishedVerified,
  type SignatureMode,
  signPublished,
  verifyReceiptMode,
  verifyReceiptModeAsync,
} from "./receipt/published.ts";
export type { BundleEntry, LeftOut, Parts, Receipt } from "./receipt/receipt.ts";
export {
  type AsyncSigner,
  type Envelope,
  envelopeOf,
  PAYLOAD_TYPE,
  type Signature,
  type SignedReceipt,
  type Signer,
  signedContent,
  signReceipt,
  signReceiptAsync,
} from "./receipt/sign.ts";
export type { Algorithm, Refused } from "./receipt/verifier.ts";
export {
  type AsyncVerifier,
  type Reason,
  type Verified,
  type Verifier,
  verifyReceipt,
  verifyReceiptAsync,
} from "./receipt/verify.ts";
export { type Replay, type ReplayInputs, replayReceipt } from "./replay.ts";
export {
  type Candidate,
  type Ranked,
  type RerankRequest,
  type RerankResult,
  rerank,
  rerankMany,
} from "./rerank.ts";
export type { Convergence, SolveOptions } from "./solve/cg.ts";
export type { LatticeFacts, LatticeJson } from "./state.ts";
export {
  type LabelledQuery,
  TuneError,
  type TuneRequest,
  type TuneResult,
  type TuneSetting,
  tune,
} from "./tune.ts";
export {
  type CompletedVectors,
  cachedEmbedder,
  completeVectors,
  type Embedder,
  embedQuery,
  type VectorCounts,
} from "./vectors.ts";
export { version } from "./version.ts";
