import { OptionError, refuseUnknown, show } from "../errors.ts";
import { profiles } from "./profiles.ts";
import { SCALES } from "./scales.ts";
import type { Options, Params, ProfileName } from "./types.ts";

/** A copy without the entries that are undefined, so that they do not hide others when they are spread. */
export const defined = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;

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

/** An object of exactly these fields. */
const record =
  (checks: Readonly<Record<string, Check>>): Check =>
  (name, value) => {
    const fields = Object.keys(checks);
    if (typeof value !== "object" || value === null)
      fail(name, `an object of ${fields.join(" and ")}`, value);
    const given = value as Record<string, unknown>;
    for (const field of Object.keys(given)) {
      if (!fields.includes(field))
        throw new OptionError(`${name}.${field}`, `is unknown; known are ${fields}`);
    }
    for (const field of fields) checks[field]!(`${name}.${field}`, given[field]);
  };

const count = number("an integer of at least 1", (v) => Number.isSafeInteger(v) && v >= 1);
/** Weights beyond this would leave nothing of the other terms in float32. */
const LARGEST = 1e6;
const share = number("a number in [0, 1]", (v) => v >= 0 && v <= 1);
const weight = number(`a number from 0 to ${LARGEST}`, (v) => v >= 0 && v <= LARGEST);

const scale = record({
  mean: number("a number in [-1, 1]", (v) => Math.abs(v) <= 1),
  spread: number("a number from 0.001 to 1", (v) => v >= 0.001 && v <= 1),
});

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
  textWeight: weight,
  gramWeight: weight,
  wordWeight: weight,
  phraseWeight: weight,
  titleWeight: weight,
  textTail: weight,
  linkWeight: share,
  listWeight: weight,
  feedback: weight,
  feedbackDocuments: count,
  feedbackTemperature: number(`a number from 0.01 to ${LARGEST}`, (v) => v >= 0.01 && v <= LARGEST),
  lamQ: weight,
  tolerance: number("a number in [1e-7, 1)", (v) => v >= 1e-7 && v < 1),
  maxIterations: number("an integer from 1 to 100000", (v) => Number.isSafeInteger(v) && v >= 1 && v <= 1e5),
  preconditioner: oneOf("jacobi", "none"),
  coherenceWeight: share,
  copies: oneOf("last", "keep"),
  diversity: share,
  diversityMethod: oneOf("mmr", "msd", "dpp"),
  k: count,
  missing: oneOf("append", "drop", "error"),
  relevanceScale: (name, value) => {
    if (value === null) return;
    if (typeof value === "object") scale(name, value);
    else if (!Object.hasOwn(SCALES, value as string)) {
      fail(name, `{ mean, spread }, null, or one of ${Object.keys(SCALES).map(show).join(", ")}`, value);
    }
  },
  relevanceCalibration: record({
    level: number("a number from -30 to 30", (v) => Math.abs(v) <= 30),
    slope: number("a number from 0.1 to 100", (v) => v >= 0.1 && v <= 100),
  }),
  minRelevance: share,
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
    if (!Object.hasOwn(checks, name)) refuseUnknown({ [name]: value }, Object.keys(checks));
    if (value === undefined) continue;
    checks[name as keyof Params](name, value);
    // What came in as an object may change later.
    given[name] = typeof value === "object" && value !== null ? Object.freeze({ ...value }) : value;
  }
  const profile = (given.profile ?? "evidence") as ProfileName;
  const { params, strategies } = profiles[profile];
  if (strategies.score === "published" && given.minRelevance) {
    fail("minRelevance", `0 in the profile ${show(profile)}, which knows no relevance`, given.minRelevance);
  }
  return Object.freeze({ k: 5, missing: "append", ...params, ...given, profile } as Params);
}
