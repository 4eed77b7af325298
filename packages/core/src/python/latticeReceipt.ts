import type { LatticeFigures } from "../diagnose/figures.ts";
import type { Chain } from "../graph/path.ts";
import type { Context, FocusRecord, VectorCounts } from "../options/calls.ts";
import type { Params } from "../options/types.ts";
import type { LeftOut } from "../rank/bundle.ts";
import type { Digest } from "../receipt/digest.ts";

/** One document of a bundle, by its settled vector. */
export interface LatticeEntry {
  readonly id: string;
  /** Its place in the bundle, from 1. */
  readonly rank: number;
  /** Its place among the candidates as they came, from 1. */
  readonly inputRank: number;
  /** The sum of `terms`; null for a document that could not be ranked. */
  readonly score: number | null;
  readonly parts: LatticeParts | null;
  readonly terms: LatticeTerms | null;
}

/** The raw evidence of a document. */
interface LatticeParts {
  /** Cosine of the document's own vector with the query; without vectors, the score that it came with. */
  readonly similarity: number;
  /** Cosine of its settled vector with the query; without vectors, the score that it came with. */
  readonly settled: number;
  /** BM25 of the query over the pool; null where it carries no weight, as always in the profile `reference`. */
  readonly text: number | null;
  readonly phrases: number | null;
  readonly title: number | null;
  /** Mean cosine with the settled vectors of the best; null where that carries no weight. */
  readonly feedback: number | null;
  /** How much its neighbourhood gained in coherence; null where that carries no weight. */
  readonly coherence: number | null;
  /** The trust that came with it. */
  readonly trust: number;
}

/** The terms that add up to a score. */
interface LatticeTerms {
  readonly settled: number;
  readonly text: number;
  readonly feedback: number;
  readonly coherence: number;
  readonly trust: number;
}

/**
 * The record of a lattice of vectors: what the profile `reference` writes, and what every profile wrote before the lattice
 * settled the evidence. The names of the published Oscillink schema are kept where the meaning is the same.
 */
export interface LatticeReceipt extends Omit<LatticeFigures, "bound" | "meta"> {
  readonly schema: "oscillink-receipt/2";
  /** The version of the package that wrote it. */
  readonly version: string;
  readonly profile: string;
  /** All options, resolved. */
  readonly params: Params;
  /** What the caller bound to it; not there if nothing was. */
  readonly context?: Context;
  /** Which turn of a conversation the query was the focus of; not there if of none. */
  readonly focus?: FocusRecord;
  readonly inputs: {
    /** How many candidates came. */
    readonly n: number;
    /** Values in each vector. */
    readonly d: number;
    /** How many had no vector, or a zero one, and could not be ranked. */
    readonly missing: number;
    /** How many were excluded by trust 0. */
    readonly excluded: number;
    /** Digest of the candidates' vectors as they came, rounded to float32; a missing one counts as zeros. */
    readonly candidates: Digest | null;
    readonly query: Digest | null;
    /** Digest of the scores that candidates came with, where there were no vectors: then the two above are null. */
    readonly scores: Digest | null;
    readonly ids: Digest;
    /** Null if all are trusted wholly. */
    readonly trust: Digest | null;
    /** Digests of the candidates' texts and titles; null if none came. */
    readonly texts: Digest | null;
    readonly titles: Digest | null;
    readonly queryText: Digest | null;
    /** Digest of the graph, where one was given. */
    readonly edges: Digest | null;
  };
  /** The chain that was added, by candidate index; null if none. */
  readonly chain: Chain | null;
  /** The bundle, its figures to six significant digits. */
  readonly bundle: readonly LatticeEntry[];
  /**
   * The candidates that are not in the bundle though the search put them among its first k, and the first k of the
   * near-copies that were passed over; by their place in the search.
   */
  readonly left_out: readonly LeftOut[];
  /** Milliseconds spent in this package, to the microsecond. Not covered by the digest. */
  readonly t_ms: number;
  readonly meta: LatticeFigures["meta"] & {
    /** Whether U* was at hand. Not covered by the digest, nor are the two counts. */
    readonly ustar_cached: boolean;
    readonly ustar_solves: number;
    readonly ustar_cache_hits: number;
    /** Share of the candidates with an edge of weight (cosine) 0.9 or more; near-copies that the bundle passed over. */
    readonly crowding: { readonly share: number; readonly passed: number };
    /**
     * Digest of the inputs, the chain and the parameters together: equal for equal states. In the profile `reference`
     * the published signature, which covers less.
     */
    readonly state_sig: string;
  };
  /**
   * How near a solution is to the exact one, and whether that could change the bundle. Where the solution whose figures
   * this receipt gives left it open, a finer one was computed, which certifies the same bundle.
   */
  readonly certificate: {
    /** The recomputed residual `|F - M U|` of the finest solution's vectors (Frobenius), in float32. */
    readonly residual: number;
    /** None of its vectors is further than this from the exact one; see `errorBounds`. */
    readonly bound: number;
    /**
     * By how much the narrowest gap between scores that decided the bundle exceeds what the two may be off by together, in
     * standard deviations of the pool. Null where nothing was to be decided, or the choice is not by score alone.
     */
    readonly margin: number | null;
    /** Whether the exact solution for the vectors as they were computed with (float32, of length 1) gives the same bundle in the same order. */
    readonly orderCertified: boolean;
  };
  /** The arithmetic that was used. Not covered by the digest: every kernel gives the same bits. */
  readonly kernel: { readonly name: string; readonly version: number };
  /** Where the vectors came from, when an adapter knows. Not covered by the digest. */
  readonly vectors: VectorCounts | null;
  /** Digest of everything above but what is marked as not covered. */
  readonly digest: Digest;
}
