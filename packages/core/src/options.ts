import { OptionError, show } from "./errors.ts";
import { type ProfileName, profiles } from "./profiles.ts";

/** What becomes of candidates that have no vector, or a zero one, and so cannot be ranked. */
export type Missing = "append" | "drop" | "error";

/** The options of {@link rerank} and {@link Lattice}. Defaults are those of the profile `settled`. */
export interface Options {
  /** How many documents the bundle holds. Integer >= 1, default 5; more than there are gives all. */
  k?: number;
  /**
   * What becomes of candidates without a vector, or with a zero one: `"append"` (default) puts them after the
   * ranked ones if `k` leaves room, `"drop"` leaves them out, `"error"` refuses the call. Counted in the receipt.
   */
  missing?: Missing;
  /** The named set of values that the other options start from: `"settled"` (default) or `"cosine"`. */
  profile?: ProfileName;
  /**
   * Scale every candidate's vector to length 1 before anything else. Default true. With false, longer vectors
   * pull their neighbours harder; for unit vectors, as most models return them, it makes no difference.
   */
  normalize?: boolean;
  /**
   * How many nearest neighbours (by cosine) each candidate lists. Integer >= 1, default 30; more than there are
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
  /** Weight of the anchor `|U - Y|²`: how firmly a vector stays where it was. > 0, default 1. */
  lamG?: number;
  /** Weight of coherence `tr(Uᵀ L U)`: how strongly neighbours agree. >= 0, default 2; 0 turns the lattice off. */
  lamC?: number;
  /**
   * Weight of the query's pull on the vectors while they settle. >= 0, default 0. Values above 0.25 press all
   * cosines together and cost quality on every collection measured.
   */
  lamQ?: number;
  /** The solver stops when the residual `|F - M U|` is below this share of `|F|`. In [1e-7, 1), default 1e-5. */
  tolerance?: number;
  /** The solver stops after this many iterations, converged or not; the receipt says which. Integer >= 1, default 100. */
  maxIterations?: number;
  /** Weight of the words: BM25 of the query over the pool, in standard deviations. >= 0, default 0.5; 0 turns it off. */
  textWeight?: number;
  /**
   * Share of novelty in the choice of the bundle, by maximal marginal relevance (Carbonell & Goldstein 1998).
   * In [0, 1], default 0: exactly the ranking. 1 looks at novelty alone, after the first document. It costs
   * relevance on every collection measured: use it for pools full of near-duplicates.
   */
  diversity?: number;
}

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
const weight = number("a number >= 0", (v) => v >= 0);

const checks: Record<keyof Params, Check> = {
  profile: oneOf(...Object.keys(profiles)),
  normalize: (name, value) => {
    if (typeof value !== "boolean") fail(name, "true or false", value);
  },
  neighbors: count,
  graph: oneOf("union", "mutual"),
  similarityFloor: number("a number in [0, 1)", (v) => v >= 0 && v < 1),
  lamG: number("a number > 0", (v) => v > 0),
  lamC: weight,
  lamQ: weight,
  tolerance: number("a number in [1e-7, 1)", (v) => v >= 1e-7 && v < 1),
  maxIterations: count,
  textWeight: weight,
  diversity: number("a number in [0, 1]", (v) => v >= 0 && v <= 1),
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
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      throw new OptionError(name, `unknown option; known are ${Object.keys(checks).join(", ")}`);
    }
    if (value === undefined) continue;
    checks[name as keyof Params](name, value);
    given[name] = value;
  }
  const profile = options.profile ?? "settled";
  return Object.freeze({ k: 5, missing: "append", ...profiles[profile], ...given, profile } as Params);
}
