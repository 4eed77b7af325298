import type { NullPoint } from "../diagnose/nullPoints.ts";
import type { Chain } from "../graph/path.ts";
import type { Context, FocusRecord, VectorCounts } from "../options/calls.ts";
import type { Scale } from "../options/scales.ts";
import type { Params } from "../options/types.ts";
import type { LatticeReceipt } from "../python/latticeReceipt.ts";
import type { BundleEntry, LeftOut } from "../rank/bundle.ts";
import type { Certificate } from "../rank/certificate.ts";
import type { Basis, Coefficients } from "../rank/relevance.ts";
import { type Digest, digestJson } from "./digest.ts";

/** A term of the energy, at the fused evidence and at the settled one. */
interface Change {
  readonly initial: number;
  readonly final: number;
}

/**
 * The record of one re-ranking: what came in (as digests), every parameter, what was computed and what was chosen.
 * The names of the published Oscillink schema are kept where the meaning is the same.
 */
export interface Receipt {
  readonly schema: "oscillink-receipt/3";
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
    /** How many had no vector, or a zero one, were in no further list, and could not be ranked. */
    readonly missing: number;
    /** How many were excluded by trust 0. */
    readonly excluded: number;
    /** Digest of the candidates' vectors as they came, rounded to float32; a missing one counts as zeros. */
    readonly candidates: Digest | null;
    readonly query: Digest | null;
    /** Digest of the scores that candidates came with, where there were no vectors: then the two above are null. */
    readonly scores: Digest | null;
    /** Digest of which candidates the search by vectors or scores found; null if it found all. */
    readonly found: Digest | null;
    /** The further lists, each with the digest of its scores. */
    readonly lists: readonly { readonly name: string; readonly scores: Digest }[];
    readonly ids: Digest;
    /** Null if all are trusted wholly. */
    readonly trust: Digest | null;
    /** Digests of the candidates' texts and titles; null if none came. */
    readonly texts: Digest | null;
    readonly titles: Digest | null;
    readonly queryText: Digest | null;
    /** Digest of the links that candidates came with; null if none did. */
    readonly links: Digest | null;
    /** Digest of the graph, where one was given. */
    readonly edges: Digest | null;
  };
  /** What the caller bound to it, such as a request's id; it has no part in the computation. Null if nothing. */
  readonly context: Context | null;
  /**
   * Which turn of a conversation the query was the focus of; it has no part in the computation. Null if of none, as where it is absent:
   * receipts of before there was a focus have no such field.
   */
  readonly focus?: FocusRecord | null;
  /** The chain that was added, by candidate index; null if none. */
  readonly chain: Chain | null;
  /** How the evidence was weighed. */
  readonly evidence: {
    /** The weight of each channel, in standard deviations of the pool: `similarity`, `grams`, …, `list:NAME`. */
    readonly weights: Readonly<Record<string, number>>;
    /** How far words are believed, and the skewness of the grams' scores; null where words had nothing to say. */
    readonly words: { readonly belief: number; readonly skew: number } | null;
    /** The documents that the feedback listened to, by candidate index. */
    readonly best: readonly number[];
    /** The weight of coherence that was used: a tenth of the option where words had nothing to say. */
    readonly lamC: number;
    /**
     * How many of the texts, the titles and the query's words are longer than what is weighed of them: 32,768 UTF-16 units of a
     * text or a title, 8,192 of the query. The rest is in the digests, and takes no part in the ranking.
     */
    readonly cut: number;
  };
  /**
   * What the relevance of documents was judged by: `1 / (1 + exp(-(level + slope l)))`, level and slope as in `params`, where
   * `l = constant + cosine (similarity - mean) / spread + words grams / most + lead (score - highest) / deviation`, and at
   * most that of the document before, by score and in the bundle. Null where nothing tells on an absolute scale.
   */
  readonly relevance: {
    /** `scale`: the embedder's scale; `pool`: that of the pool's own documents; `words`: their words. */
    readonly basis: Basis;
    readonly coefficients: Coefficients;
    /** What the cosines are measured on; null where they have no share. */
    readonly scale: Scale | null;
    /** The BM25 on grams that no document can exceed; null where words have no share. */
    readonly most: number | null;
    /** The standard deviation of the scores over the pool; 0 where they are equal. */
    readonly deviation: number;
    /** How many of the first by score are at least as relevant as `params.minRelevance`: the others were left out. */
    readonly reached: number;
  } | null;
  /** The bundle, its figures to six significant digits. */
  readonly bundle: readonly BundleEntry[];
  /**
   * The candidates that are not in the bundle though the search put them among its first k, and the first k of the
   * near-copies that were passed over; by their place in the search.
   */
  readonly left_out: readonly LeftOut[];
  /** `H(y) - H(f)`, how far the energy fell from the fused evidence to the settled one: >= 0. */
  readonly deltaH_total: number;
  /** `H(f) = lamG |f - y|² + lamC fᵀ L f + lamP fᵀ L_path f`. */
  readonly energy: {
    readonly initial: number;
    readonly final: number;
    readonly terms: { readonly anchor: Change; readonly coherence: Change; readonly chain: Change };
  };
  /** Iterations of the solver. */
  readonly iterations: number;
  /** Milliseconds spent in this package, to the microsecond. Not covered by the digest. */
  readonly t_ms: number;
  /** The edges over which the settled evidence still disagrees most, by candidate index; null in a light receipt. */
  readonly null_points: readonly NullPoint[] | null;
  readonly meta: {
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
    /** Digest of the inputs, the chain and the parameters together: equal for equal requests. */
    readonly state_sig: string;
  };
  readonly certificate: Certificate;
  /** The arithmetic that was used. Not covered by the digest: every kernel gives the same bits. */
  readonly kernel: { readonly name: string; readonly version: number };
  /** Where the vectors came from, when an adapter knows. Not covered by the digest. */
  readonly vectors: VectorCounts | null;
  /** Digest of everything above but what is marked as not covered. */
  readonly digest: Digest;
}

/** A receipt of either kind. */
export type AnyReceipt = Receipt | LatticeReceipt;

/** Fields that say how a result was come by, not what it is: two runs on the same input differ in these alone. */
const uncovered = new Set(["t_ms", "kernel", "vectors", "digest"]);
const uncoveredMeta = new Set(["ustar_cached", "ustar_solves", "ustar_cache_hits", "signature"]);

const without = (fields: object | undefined, names: ReadonlySet<string>): object =>
  Object.fromEntries(Object.entries(fields ?? {}).filter(([name]) => !names.has(name)));

/** A receipt before it is whole, or with more in it. */
type Draft = { readonly meta: object };

/** What the digest of a receipt covers: its fields without the uncovered ones and without the digest itself. */
export const coveredContent = (receipt: Draft): object => ({
  ...without(receipt, uncovered),
  meta: without(receipt.meta, uncoveredMeta),
});

/** The digest that a receipt must carry: over its canonical JSON without the uncovered fields. */
export const contentDigest = (receipt: Draft): Digest => digestJson(coveredContent(receipt));

/** The part of a receipt that is signed: what its digest covers, and the digest. */
export type SignedReceipt = Omit<Receipt, "kernel" | "t_ms" | "vectors">;

/** The same of a receipt of the lattice of vectors. */
export type SignedLatticeReceipt = Omit<LatticeReceipt, "kernel" | "meta" | "t_ms" | "vectors"> & {
  readonly meta: Omit<LatticeReceipt["meta"], "ustar_cache_hits" | "ustar_cached" | "ustar_solves">;
};

export type AnySigned = SignedReceipt | SignedLatticeReceipt;

/** Whether a receipt is of the lattice of vectors. */
export const isLattice = (receipt: AnySigned): receipt is SignedLatticeReceipt =>
  receipt.schema === "oscillink-receipt/2";

/**
 * The signed content of a receipt. Timings, the kernel's name, where vectors came from, counts of solves and a published
 * signature are not in it: two runs on the same input have the same, byte for byte.
 */
export const signedContent = (receipt: AnyReceipt | AnySigned): AnySigned =>
  ({ ...coveredContent(receipt), digest: receipt.digest }) as AnySigned;

/** A figure to six significant digits: as many as a cosine in float32 has, and half as long in a receipt. */
export const significant = (x: number): number => Number(x.toPrecision(6));

/** Figures by name, each {@link significant}; what is not a figure stays. */
export const figures = <T extends object>(values: T): T =>
  Object.fromEntries(
    Object.entries(values).map(([name, v]) => [name, typeof v === "number" ? significant(v) : v]),
  ) as T;
