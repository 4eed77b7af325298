export type { LatticeInput } from "./candidates.ts";
export type { Energy } from "./diagnose/energy.ts";
export type { PackedVectors, Vector, Vectors } from "./embeddings.ts";
export {
  CandidateError,
  EmbedderError,
  OptionError,
  OscillinkError,
  StateError,
  VectorError,
} from "./errors.ts";
export { Lattice, type RankedEntry, type SettleOptions } from "./lattice.ts";
export { type Missing, type Options, type Params, resolveOptions } from "./options.ts";
export { type Profile, type ProfileName, profiles } from "./profiles.ts";
export type { Terms } from "./rank/score.ts";
export type { Digest } from "./receipt/digest.ts";
export type { BundleEntry, Parts, Receipt } from "./receipt/receipt.ts";
export { type Candidate, type Ranked, type RerankRequest, type RerankResult, rerank } from "./rerank.ts";
export type { Convergence } from "./solve/cg.ts";
export { type CompletedVectors, completeVectors, type Embedder, type VectorCounts } from "./vectors.ts";
export { version } from "./version.ts";
