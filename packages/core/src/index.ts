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
export { compareProvenance, type Provenance } from "./receipt/provenance.ts";
export type { BundleEntry, Parts, Receipt } from "./receipt/receipt.ts";
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
  completeVectors,
  type Embedder,
  embedQuery,
  type VectorCounts,
} from "./vectors.ts";
export { version } from "./version.ts";
