import { OptionError, show } from "./errors.ts";
import { type ProfileName, profiles } from "./profiles.ts";
import type { DiversityMethod } from "./rank/diversify.ts";

/** What becomes of candidates that have no vector, or a zero one, and so cannot be ranked. */
export type Missing = "append" | "drop" | "error";

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

/** A copy without the entries that are undefined, so that they do not hide others when they are spread. */
export const defined = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;

/** Every option, resolved: what the receipt records as `params`. */
export type Params = Readonly<Required<Options>>;

type Check = (name: string, value: unknown) => void;

const fail = (name: string, wanted: string, value: unknown): never => {
  throw new OptionError(name, `must be ${wanted}, not ${show(value)}`);
};

const number =
  (wanted: string, accepts: (value: number) => boolean): Check =>
  (name, value) => {
    if (typeof value !== "number" || !Number.isFinite(value) || !accepts(value)) fail(name, wanted, value);
  };

const oneOf =
  (...values: readonly string[]): Check =>
  (name, value) => {
    if (!values.includes(value as string)) fail(name, `one of ${values.map(show).join(", ")}`, value);
  };

const count = number("an integer of at least 1", (v) => Number.isSafeInteger(v) && v >= 1);
/** Weights beyond this would leave nothing of the other terms in float32. */
const LARGEST = 1e6;
const share = number("a number in [0, 1]", (v) => v >= 0 && v <= 1);
const weight = number(`a number from 0 to ${LARGEST}`, (v) => v >= 0 && v <= LARGEST);

const checks: Record<keyof Params, Check> = {
  profile: oneOf(...Object.keys(profiles)),
  normalize: (name, value) => {
    if (typeof value !== "boolean") fail(name, "true or false", value);
  },
  neighbors: count,
  graph: oneOf("union", "mutual"),
  similarityFloor: number("a number in [0, 1)", (v) => v >= 0 && v < 1),
  rowCap: (name, value) => {
    if (value !== null) number("a number >= 1e-20, or null", (v) => v >= 1e-20)(name, value);
  },
  lamG: number(`a number from ${1 / LARGEST} to ${LARGEST}`, (v) => v >= 1 / LARGEST && v <= LARGEST),
  lamC: weight,
  lamQ: weight,
  tolerance: number("a number in [1e-7, 1)", (v) => v >= 1e-7 && v < 1),
  maxIterations: number("an integer from 1 to 100000", (v) => Number.isSafeInteger(v) && v >= 1 && v <= 1e5),
  preconditioner: oneOf("jacobi", "none"),
  textWeight: weight,
  textTail: weight,
  phraseWeight: weight,
  titleWeight: weight,
  feedback: weight,
  feedbackDocuments: count,
  coherenceWeight: share,
  copies: oneOf("last", "keep"),
  diversity: share,
  diversityMethod: oneOf("mmr", "msd", "dpp"),
  k: count,
  missing: oneOf("append", "drop", "error"),
};

/**
 * The one place where options are judged: refuses unknown names and values out of range, and fills in the
 * profile's. An option given as `undefined` counts as not given.
 *
 * @throws {OptionError} naming the option, what came and what is accepted.
 */
export function resolveOptions(options: Options): Params {
  if (typeof options !== "object" || options === null) {
    throw new OptionError("options", `must be an object, not ${show(options)}`);
  }
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      throw new OptionError(name, `unknown option; known are ${Object.keys(checks).join(", ")}`);
    }
    if (value === undefined) continue;
    checks[name as keyof Params](name, value);
    given[name] = value;
  }
  const profile = (given.profile ?? "hybrid") as ProfileName;
  return Object.freeze({ k: 5, missing: "append", ...profiles[profile].params, ...given, profile } as Params);
}

/** Refuses what is left of an options object when all that is known was taken out. */
export function refuse(others: object, known: string): void {
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw new OptionError(unknown, `unknown here; known are ${known}`);
}

/** Refuses a threshold that is no number: NaN would pass nothing, or everything. */
export function checkThreshold(name: string, value: unknown): void {
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new OptionError(name, `must be a number, not ${show(value)}`);
  }
}

/** The weights of a chain's links, 1 where none are given. */
export function checkWeights(weights: readonly number[] | undefined, links: number): number[] {
  const given = weights ?? new Array<number>(Math.max(0, links)).fill(1);
  if (!Array.isArray(given) || given.length !== links) {
    throw new OptionError("weights", `must be an array of ${links} numbers, one a link, not ${show(given)}`);
  }
  given.forEach((weight, link) => {
    if (typeof weight !== "number" || !(weight > 0 && weight < Infinity)) {
      throw new OptionError(`weights[${link}]`, `must be a number > 0, not ${show(weight)}`);
    }
  });
  return [...given];
}
