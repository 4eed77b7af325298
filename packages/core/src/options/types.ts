/** What becomes of candidates that have no vector, or a zero one, and so cannot be ranked. */
type Missing = "append" | "drop" | "error";

/** The named sets of values; see {@link profiles}. */
export type ProfileName = "hybrid" | "settled" | "cosine" | "reference";

/**
 * What counts as redundant: `"mmr"`, like one of the chosen; `"msd"`, like the chosen on average; `"dpp"`, made up of the
 * chosen together.
 */
export type DiversityMethod = "mmr" | "msd" | "dpp";

/** The options of {@link rerank} and {@link Lattice}. Defaults are those of the profile `hybrid`. */
export interface Options {
  /** How many documents the bundle holds. Integer >= 1, default 5; more than there are gives all. */
  k?: number;
  /**
   * What becomes of candidates without a vector, or with a zero one: `"append"` (default) puts them after the
   * ranked ones if `k` leaves room, `"drop"` leaves them out, `"error"` refuses the call. Counted in the receipt.
   */
  missing?: Missing;
  /** The values that the other options start from, and the rules: `"hybrid"` (default), `"settled"`, `"cosine"`, `"reference"`. */
  profile?: ProfileName;
  /**
   * Scale every candidate's vector to length 1 before anything else. Default true. With false, longer vectors
   * pull their neighbours harder; for unit vectors, as most models return them, it makes no difference.
   */
  normalize?: boolean;
  /**
   * How many nearest neighbours (by cosine) each candidate lists. Integer >= 1, default 50; more than there are
   * means all. Candidates tied with the last one are listed too, so that the order they came in decides nothing.
   */
  neighbors?: number;
  /** `"union"` (default): an edge if either lists the other. `"mutual"`: only if both do. */
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
  /** Weight of the anchor `|U - Y|²`: how firmly a vector stays where it was. In [1e-6, 1e6], default 1. */
  lamG?: number;
  /** Weight of coherence `tr(Uᵀ L U)`: how strongly neighbours agree. In [0, 1e6], default 2; 0 turns the lattice off. */
  lamC?: number;
  /**
   * Weight of the query's pull on the vectors while they settle. In [0, 1e6], default 0. Values above 0.25 press all
   * cosines together and cost quality on every collection measured.
   */
  lamQ?: number;
  /** The solver stops when the residual `|F - M U|` is below this share of `|F|`. In [1e-7, 1), default 1e-5. */
  tolerance?: number;
  /**
   * The solver stops after this many iterations, converged or not; the receipt says which. Integer from 1 to 100000, default
   * 100. It stops before if float32 has no more to give.
   */
  maxIterations?: number;
  /** `"jacobi"` (default) divides residuals by M's diagonal, `"none"` does not. The result is the same to the tolerance. */
  preconditioner?: "jacobi" | "none";
  /**
   * Weight of the words, in standard deviations: BM25 of the query over the pool, on character 4-grams; the next three
   * are shares of it. In [0, 1e6], default 0.6; 0 turns the words off.
   */
  textWeight?: number;
  /**
   * How much the weight of the grams grows with the skewness of their scores: words count more where a few documents
   * stand out by them. In [0, 1e6], default 0.5; 0 is a fixed weight.
   */
  textTail?: number;
  /** Weight of the query's pairs of neighbouring words, beside 1 for the grams. In [0, 1e6], default 0.5; 0: off. */
  phraseWeight?: number;
  /** Weight of the titles, where candidates have them, beside 1 for the grams. In [0, 1e6], default 0.2; 0: off. */
  titleWeight?: number;
  /**
   * Weight of being like the best: the mean cosine with the settled vectors of the first `feedbackDocuments` of the
   * ranking so far (pseudo-relevance feedback, Rocchio 1971). In [0, 1e6], default 0.2; 0 turns it off.
   */
  feedback?: number;
  /** How many documents the feedback listens to. Integer >= 1, default 3. */
  feedbackDocuments?: number;
  /**
   * Weight of how much a candidate's neighbourhood gained in coherence by settling, in standard deviations. In [0, 1],
   * default 0. In the profile `reference` it is the published alpha (default 0.5): cosine counts `1 - alpha`.
   */
  coherenceWeight?: number;
  /**
   * What becomes of a near-copy of a better document: `"last"` (default) puts it after all others, so that a bundle holds
   * it only if there is nothing else, `"keep"` leaves it where its score puts it. Counted in the receipt.
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
}

/** Every option, resolved: what the receipt records as `params`. */
export type Params = Readonly<Required<Options>>;

/** When to stop solving, and how to precondition. */
export type SolveOptions = Pick<Params, "tolerance" | "maxIterations" | "preconditioner">;
