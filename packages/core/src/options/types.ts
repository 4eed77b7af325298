import type { Calibration, MeasuredEmbedder, Scale } from "./scales.ts";

/** What becomes of candidates that have no vector, or a zero one, and so cannot be ranked. */
type Missing = "append" | "drop" | "error";

/** The named sets of values; see {@link profiles}. */
export type ProfileName = "evidence" | "cosine" | "reference";

/**
 * What counts as redundant: `"mmr"`, like one of the chosen; `"msd"`, like the chosen on average; `"dpp"`, made up of the
 * chosen together.
 */
export type DiversityMethod = "mmr" | "msd" | "dpp";

/** The options of {@link rerank} and {@link Lattice}. Defaults are those of the profile `evidence`. */
export interface Options {
  /** How many documents the bundle holds. Integer >= 1, default 5; more than there are gives all. */
  k?: number;
  /**
   * What becomes of candidates without a vector, or with a zero one: `"append"` (default) puts them after the
   * ranked ones if `k` leaves room, `"drop"` leaves them out, `"error"` refuses the call. Counted in the receipt.
   */
  missing?: Missing;
  /** The values that the other options start from, and the rules: `"evidence"` (default), `"cosine"`, `"reference"`. */
  profile?: ProfileName;
  /**
   * Scale every candidate's vector to length 1 before anything else. Default true. With false, longer vectors
   * pull their neighbours harder; for unit vectors, as most models return them, it makes no difference.
   */
  normalize?: boolean;
  /**
   * How many nearest neighbours (by cosine) each candidate lists. Integer >= 1, default 10; more than there are
   * means all. Candidates tied with the last one are listed too, so that the order they came in decides nothing.
   */
  neighbors?: number;
  /**
   * `"mutual"` (default): an edge only if both list each other, so that a document which many resemble is not joined to
   * all of them. `"union"`: if either does.
   */
  graph?: "union" | "mutual";
  /**
   * An edge needs a cosine above this. In [0, 1), default 0.001. The normalized Laplacian is free of scale: without
   * a floor, two documents whose only similarity is rounding noise would be coupled as fully as twins.
   */
  similarityFloor?: number;
  /**
   * Scales edges down at nodes whose weights add up to more than this, by `sqrt(r_i r_j)` with `r = min(1, cap / sum)`.
   * >= 1e-20, default null: none. The normalized Laplacian undoes it where every node is over the cap.
   */
  rowCap?: number | null;
  /** Weight of the anchor `|f - y|²`: how firmly a document keeps its own evidence. In [1e-6, 1e6], default 1. */
  lamG?: number;
  /**
   * Weight of coherence `fᵀ L f`: how strongly documents that are alike agree. In [0, 1e6], default 0.5; 0 turns the
   * lattice off. A pool in which words have nothing to say takes a tenth of it: with vectors alone, more smoothing gains on
   * some collections what it costs on others.
   */
  lamC?: number;
  /**
   * Weight of all that the words say. In [0, 1e6], default 1; 0 turns the words off. The next four are shares of it, in
   * standard deviations beside 1 for the similarity.
   */
  textWeight?: number;
  /** Weight of BM25 on grams: character 4-grams, pairs in Han, Kana and Hangul. In [0, 1e6], default 0.4. */
  gramWeight?: number;
  /** Weight of BM25 on words. In [0, 1e6], default 0.2. */
  wordWeight?: number;
  /** Weight of BM25 on pairs of neighbouring words. In [0, 1e6], default 0.2. */
  phraseWeight?: number;
  /** Weight of BM25 on the grams of titles, where candidates have them apart. In [0, 1e6], default 0.1. */
  titleWeight?: number;
  /**
   * How much the weight of grams and words grows with the skewness of the grams' scores: they count more where a few
   * documents stand out by them. In [0, 1e6], default 0.2; 0 is a fixed weight.
   */
  textTail?: number;
  /**
   * How far a document moves up to the best one that names it, by its title or id in that one's text, or by `links`: by this
   * times `ln(N / held) / ln N / bearers` of the gap between their evidence. `held` counts the candidates that bear or say the
   * name, `bearers` those that bear it. In [0, 1], default 0.4; 0 turns links off, which is better where titles are common
   * words and say nothing. The query's words do not matter for it, nor does `textWeight`.
   */
  linkWeight?: number;
  /** Weight of each further result list, in standard deviations. In [0, 1e6], default 0.4. */
  listWeight?: number;
  /**
   * Weight of being like the best, in standard deviations: the mean cosine with the documents that lead by all evidence
   * (pseudo-relevance feedback, Rocchio 1971). In [0, 1e6], default 0.3; 0 turns it off, as do words that have nothing to
   * say.
   */
  feedback?: number;
  /** How many of the best the feedback listens to. Integer >= 1, default 8; those tied with the last are heard too. */
  feedbackDocuments?: number;
  /**
   * How fast the feedback's ear falls with the evidence: a document that lies this many standard deviations below the
   * best counts 1/e of it. In [0.01, 1e6], default 0.7.
   */
  feedbackTemperature?: number;
  /**
   * Of the lattice of vectors alone: weight of the query's pull on the vectors while they settle. In [0, 1e6], default 0,
   * in `reference` 4. Values above 0.25 press all cosines together.
   */
  lamQ?: number;
  /**
   * Of the lattice of vectors alone: its solver stops when the residual `|F - M U|` is below this share of `|F|`. In
   * [1e-7, 1), default 1e-5.
   */
  tolerance?: number;
  /**
   * Of the lattice of vectors alone: its solver stops after this many iterations, converged or not. Integer from 1 to
   * 100000, default 100. It stops before if float32 has no more to give.
   */
  maxIterations?: number;
  /**
   * Of the lattice of vectors alone: `"jacobi"` (default) divides residuals by M's diagonal, `"none"` does not. The result
   * is the same to the tolerance.
   */
  preconditioner?: "jacobi" | "none";
  /**
   * Of the profile `reference` alone: the published alpha, the weight of how much a candidate's neighbourhood gained in
   * coherence, beside `1 - alpha` for the cosine. In [0, 1], default 0.5 there.
   */
  coherenceWeight?: number;
  /**
   * What becomes of a near-copy of a better document: `"last"` (default) puts it after all others, so that a bundle holds
   * it only if there is nothing else, `"keep"` leaves it where its score puts it. Counted in the receipt. A near-copy has
   * nearly the same words, or a run of .7 of them, and a cosine of at least .9 where both have vectors. Documents that differ
   * in a word of the query, in their titles, or as neighbouring chunks do, are none. Without text nothing is a near-copy.
   */
  copies?: "last" | "keep";
  /**
   * Share of novelty in the choice of the bundle. In [0, 1], default 0: exactly the ranking. 1 looks at novelty alone,
   * after the first document. It cost relevance on nearly every collection measured.
   */
  diversity?: number;
  /**
   * How novelty is measured: `"mmr"` (default), maximal marginal relevance (Carbonell & Goldstein 1998), by the nearest of
   * the chosen; `"msd"`, max-sum dispersion, by their mean; `"dpp"`, a determinantal point process, by the volume that
   * the chosen span.
   */
  diversityMethod?: DiversityMethod;
  /**
   * The scale of the embedder's cosines, which makes relevance comparable between queries: the name of an embedder whose scale
   * was measured, or `{ mean, spread }` as `learnScale` finds them. Default null: not known, and the pool itself stands in, which
   * tells less. Where scores came in place of vectors, it says that they are cosines of this embedder.
   */
  relevanceScale?: MeasuredEmbedder | Scale | null;
  /**
   * What `tune` or `calibrate` learned of relevance from labelled queries: it makes relevance a probability. Default
   * `{ level: 0, slope: 1 }`: nothing.
   */
  relevanceCalibration?: Calibration;
  /**
   * The least relevance of a document in the bundle. In [0, 1], default 0: none is asked for. Where nothing tells how relevant
   * documents are (`Receipt.relevance` is null), it leaves out none.
   */
  minRelevance?: number;
}

/** Every option, resolved: what the receipt records as `params`. */
export type Params = Readonly<Required<Options>>;

/** When to stop solving, and how to precondition. */
export type SolveOptions = Pick<Params, "tolerance" | "maxIterations" | "preconditioner">;
