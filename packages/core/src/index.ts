export type { ChainReceipt } from "./diagnose/chain.ts";
export {
  CandidateError,
  EmbedderError,
  OptionError,
  OscillinkError,
  StateError,
  VectorError,
} from "./errors.ts";
export { jsonLinesLogger, type LatticeEvent } from "./events.ts";
export { Lattice } from "./lattice.ts";
export { resolveOptions } from "./options/options.ts";
export { profiles } from "./options/profiles.ts";
export type { Options, Params, ProfileName } from "./options/types.ts";
export type { Candidate, ResultList } from "./pool/candidates.ts";
export type { LatticeInput } from "./pool/input.ts";
export type { Vector } from "./pool/matrix.ts";
export type { RankedEntry } from "./rank/bundle.ts";
export { compareProvenance } from "./receipt/provenance.ts";
export type { Receipt, SignedReceipt } from "./receipt/receipt.ts";
export { type Envelope, envelopeOf, signReceipt, signReceiptAsync } from "./receipt/sign.ts";
export { type Ranked, type RerankRequest, type RerankResult, rerank, rerankMany } from "./rerank.ts";
export { rerankAsync } from "./rerankAsync.ts";
export { explainReceipt } from "./verify/explain.ts";
export { type Replay, replayReceipt } from "./verify/replay.ts";
export { type Verified, verifyReceipt, verifyReceiptAsync } from "./verify/verify.ts";
export { version } from "./version.ts";
