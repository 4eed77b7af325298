import type { Dynamics } from "../diagnose/dynamics.ts";
import type { Energy } from "../diagnose/energy.ts";
import type { NullPoint } from "../diagnose/nullPoints.ts";
import type { Chain } from "../graph/path.ts";
import type { VectorCounts } from "../options/calls.ts";
import type { Params } from "../options/types.ts";
import type { BundleEntry } from "../rank/bundle.ts";
import { version } from "../version.ts";
import { type Digest, digestJson } from "./digest.ts";

/** A candidate that one might have expected in the bundle, and why it is not there. */
export interface LeftOut {
  readonly id: string;
  /** Its place among the candidates as they came, from 1. */
  readonly inputRank: number;
  /** Its place by score, from 1; null for one that could not be ranked, or was excluded by trust 0. */
  readonly rank: number | null;
  readonly score: number | null;
  /** The better document of which it is a near-copy; null if it is none. */
  readonly copyOf: string | null;
}

/**
 * The record of one re-ranking: what came in (as digests), every parameter, what was computed and what was chosen.
 * The names of the published Oscillink schema are kept where the meaning is the same.
 */
export interface Receipt {
  readonly schema: "oscillink-receipt/2";
  /** The version of the package that wrote it. */
  readonly version: string;
  readonly profile: string;
  /** All options, resolved. */
  readonly params: Params;
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
  readonly bundle: readonly BundleEntry[];
  /**
   * The candidates that are not in the bundle though the search put them among its first k, and the first k of the
   * near-copies that were passed over; by their place in the search.
   */
  readonly left_out: readonly LeftOut[];
  /**
   * `H(Y) - H(U*)`: how far the energy fell from the candidates' own vectors to the settled ones. In the profile
   * `reference` it is the published figure, what the present state has still to fall: `energy.remaining`.
   */
  readonly deltaH_total: number;
  /** The fall of the coherence term; null in a light receipt, as all four are. */
  readonly coh_drop_sum: number | null;
  /** The anchor term at the minimum: what the fall was paid with. */
  readonly anchor_pen_sum: number | null;
  /** The fall of the query term (in `reference`, the term itself). */
  readonly query_term_sum: number | null;
  /** The fall of the chain term. `deltaH_total = coh_drop - anchor_pen + query_term + chain_drop`. */
  readonly chain_drop_sum: number | null;
  readonly energy: {
    /** H of the candidates' own vectors. */
    readonly initial: number;
    /** H of the lattice's present state: that after `settle()`, or the minimum if it was never called. */
    readonly final: number;
    /** H of the settled vectors U*. */
    readonly minimum: number;
    /** `final - minimum`, computed without cancellation. */
    readonly remaining: number;
    /** The terms of `minimum`. */
    readonly terms: Omit<Energy, "total">;
  };
  /** Iterations of the last settle, or of the solve if there was none. */
  readonly cg_iters: number;
  /** Residual `|F - M U|` that these iterations reached, recomputed. */
  readonly residual: number;
  /** Milliseconds spent in this package, to the microsecond. Not covered by the digest. */
  readonly t_ms: number;
  /** The edges under most tension, by candidate index; null in a light receipt. */
  readonly null_points: readonly NullPoint[] | null;
  readonly meta: {
    /** Whether U* was at hand. Not covered by the digest, nor are the two counts. */
    readonly ustar_cached: boolean;
    readonly ustar_solves: number;
    readonly ustar_cache_hits: number;
    readonly ustar_converged: boolean;
    readonly ustar_res: number;
    readonly ustar_iters: number;
    /** Neighbours a node. */
    readonly avg_degree: number;
    /** Share of the n (n - 1) possible directed edges. */
    readonly edge_density: number;
    readonly receipt_detail: "full" | "light";
    /** Share of the candidates with an edge of weight (cosine) 0.9 or more; near-copies that the bundle passed over. */
    readonly crowding: { readonly share: number; readonly passed: number };
    /** From which z on an edge was a null point; null in a light receipt, and if it was not finite. */
    readonly null_threshold: number | null;
    readonly null_points_summary: {
      readonly total_null_points: number;
      readonly returned_null_points: number;
      readonly null_cap_applied: boolean;
    } | null;
    /** What the last `settle` moved, if that was asked for. */
    readonly dynamics: Dynamics | null;
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
  /** The coordinates in which the system was solved. */
  readonly space: "ambient" | "span";
  /** Where the vectors came from, when an adapter knows. Not covered by the digest. */
  readonly vectors: VectorCounts | null;
  /** Digest of everything above but what is marked as not covered. */
  readonly digest: Digest;
}

/** Fields that say how a result was come by, not what it is: two runs on the same input differ in these alone. */
const uncovered = new Set(["t_ms", "kernel", "vectors", "digest"]);
const uncoveredMeta = new Set(["ustar_cached", "ustar_solves", "ustar_cache_hits", "signature"]);

const without = (fields: object | undefined, names: ReadonlySet<string>): object =>
  Object.fromEntries(Object.entries(fields ?? {}).filter(([name]) => !names.has(name)));

/** A receipt before it is whole, or with more in it. */
type Draft = Partial<Omit<Receipt, "meta">> & { readonly meta: object };

/** What the digest of a receipt covers: its fields without the uncovered ones and without the digest itself. */
export const coveredContent = (receipt: Draft): object => ({
  ...without(receipt, uncovered),
  meta: without(receipt.meta, uncoveredMeta),
});

/** The digest that a receipt must carry: over its canonical JSON without the uncovered fields. */
export const contentDigest = (receipt: Draft): Digest => digestJson(coveredContent(receipt));

/** The part of a receipt that is signed: what its digest covers, and the digest. */
export type SignedReceipt = Omit<Receipt, "kernel" | "meta" | "t_ms" | "vectors"> & {
  readonly meta: Omit<Receipt["meta"], "ustar_cache_hits" | "ustar_cached" | "ustar_solves">;
};

/**
 * The signed content of a receipt. Timings, the kernel's name, where vectors came from, the counts of solves and a
 * published signature are not in it: two runs on the same input have the same, byte for byte.
 */
export const signedContent = (receipt: Receipt | SignedReceipt): SignedReceipt =>
  ({ ...coveredContent(receipt), digest: receipt.digest }) as SignedReceipt;

/** A figure to six significant digits: as many as a cosine in float32 has, and half as long in a receipt. */
export const significant = (x: number): number => Number(x.toPrecision(6));

/** An entry as the receipt records it: its figures are {@link significant}. */
export function recorded({ score, parts, terms, ...place }: BundleEntry): BundleEntry {
  const figures = <T extends object>(values: T | null): T | null =>
    values &&
    (Object.fromEntries(
      Object.entries(values).map(([name, v]) => [name, v === null ? null : significant(v)]),
    ) as T);
  return {
    ...place,
    score: score === null ? null : significant(score),
    parts: figures(parts),
    terms: figures(terms),
  };
}

/** What a receipt is made from: its own fields but those that follow from the others. */
export type Findings = Omit<Receipt, "schema" | "version" | "digest" | "profile" | "meta" | "t_ms"> & {
  readonly meta: Omit<Receipt["meta"], "state_sig"> & { readonly state_sig: string | null };
};

export function makeReceipt(findings: Findings): Omit<Receipt, "t_ms"> {
  const { params, inputs, chain } = findings;
  const content = {
    ...findings,
    schema: "oscillink-receipt/2",
    version,
    profile: params.profile,
    meta: { ...findings.meta, state_sig: findings.meta.state_sig ?? digestJson({ inputs, params, chain }) },
  } as const;
  return { ...content, digest: contentDigest(content) };
}
