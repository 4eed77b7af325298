import type { Energy } from "../diagnose/energy.ts";
import type { Params } from "../options.ts";
import type { Terms } from "../rank/score.ts";
import type { VectorCounts } from "../vectors.ts";
import { version } from "../version.ts";
import { type Digest, digestJson } from "./digest.ts";

/** The raw evidence of a chosen document. */
export interface Parts {
  /** Cosine of the document's own vector with the query. */
  readonly similarity: number;
  /** Cosine of its settled vector with the query. */
  readonly settled: number;
  /** BM25 of the query over the pool; null where there was no text. */
  readonly text: number | null;
  /** The trust that came with it. */
  readonly trust: number;
}

/** One document of a bundle, as the receipt records it. */
export interface BundleEntry {
  readonly id: string;
  /** Its place in the bundle, from 1. */
  readonly rank: number;
  /** Its place among the candidates as they came, from 1. */
  readonly inputRank: number;
  /** The sum of `terms`, in standard deviations of the pool; null for a document that could not be ranked. */
  readonly score: number | null;
  readonly parts: Parts | null;
  readonly terms: Terms | null;
}

/**
 * The record of one re-ranking: what came in (as digests), every parameter, what was computed and what was chosen.
 * The names of the published Oscillink schema are kept where the meaning is the same.
 */
export interface Receipt {
  readonly schema: "oscillink-receipt/2";
  /** The version of @oscillink/core that wrote it. */
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
    readonly candidates: Digest;
    readonly query: Digest;
    readonly ids: Digest;
    readonly trust: Digest;
    /** Digest of the candidates' texts; null if none came. */
    readonly texts: Digest | null;
    readonly queryText: Digest | null;
  };
  readonly bundle: readonly BundleEntry[];
  /** `H(Y) - H(U*)`: how far the energy fell from the candidates' own vectors to the settled ones. */
  readonly deltaH_total: number;
  /** The fall of the coherence term. */
  readonly coh_drop_sum: number;
  /** The anchor term at the minimum: what the fall was paid with. */
  readonly anchor_pen_sum: number;
  /** The fall of the query term. `deltaH_total = coh_drop_sum - anchor_pen_sum + query_term_sum`. */
  readonly query_term_sum: number;
  readonly energy: {
    /** H of the candidates' own vectors. */
    readonly initial: number;
    /** H of the lattice's present state: that after `settle()`, or the minimum if it was never called. */
    readonly final: number;
    /** H of the settled vectors U*. */
    readonly minimum: number;
    /** The terms of `minimum`. */
    readonly terms: Omit<Energy, "total">;
  };
  /** Iterations of the last settle, or of the solve if there was none. */
  readonly cg_iters: number;
  /** Residual `|F - M U|` that these iterations reached, recomputed. */
  readonly residual: number;
  /** Milliseconds spent in this package. Not covered by the digest. */
  readonly t_ms: number;
  readonly meta: {
    readonly ustar_converged: boolean;
    readonly ustar_res: number;
    readonly ustar_iters: number;
    /** Neighbours a node. */
    readonly avg_degree: number;
    /** Share of the n (n - 1) possible directed edges. */
    readonly edge_density: number;
    /** Digest of the inputs and parameters together: equal for equal states. */
    readonly state_sig: Digest;
  };
  readonly certificate: {
    /** The recomputed residual `|F - M U*|` of the vectors (Frobenius). */
    readonly residual: number;
    /** No settled vector is further than this from the exact one: `residual / lamG`, the smallest eigenvalue of M. */
    readonly bound: number;
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

/** The digest that a receipt must carry: over its canonical JSON without the uncovered fields. */
export function contentDigest(receipt: Omit<Receipt, "digest">): Digest {
  return digestJson(Object.fromEntries(Object.entries(receipt).filter(([name]) => !uncovered.has(name))));
}

/** What a receipt is made from: its own fields but those that follow from the others. */
export type Findings = Omit<Receipt, "schema" | "version" | "digest" | "profile" | "meta"> & {
  readonly meta: Omit<Receipt["meta"], "state_sig">;
};

export function makeReceipt(findings: Findings): Receipt {
  const { params, inputs } = findings;
  const content = {
    ...findings,
    schema: "oscillink-receipt/2",
    version,
    profile: params.profile,
    meta: { ...findings.meta, state_sig: digestJson({ inputs, params }) },
  } as const;
  return { ...content, digest: contentDigest(content) };
}
