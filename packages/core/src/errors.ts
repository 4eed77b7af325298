/**
 * Names the kind of a class of errors. A process may hold this package twice, as an ES module and as CommonJS or in two
 * versions: `instanceof` then knows the errors of the other copy by their kind.
 */
export const KIND = Symbol.for("@oscillink/core:error");

/**
 * Every error this package throws on purpose. `parameter` names what was wrong; the message says what came
 * and what to do about it.
 */
export class OscillinkError extends Error {
  /** @internal */
  static readonly [KIND]: string = "OscillinkError";
  override readonly name: string = "OscillinkError";
  /** The parameter at fault, e.g. `"k"`, `"candidates[3].embedding"`. */
  readonly parameter: string;

  constructor(parameter: string, message: string, options?: ErrorOptions) {
    super(`${parameter}: ${message}`, options);
    this.parameter = parameter;
  }

  /** Whether a value is such an error, of this copy of the package or of another. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: each class that extends this one asks for itself.
    return isOf(this, value);
  }

  /** The same error for a parameter that is part of another, which is its cause. */
  within(whole: string): OscillinkError {
    const Kind = this.constructor as typeof OscillinkError;
    const message = this.message.slice(this.parameter.length + 2);
    return new Kind(`${whole}.${this.parameter}`, message, { cause: this });
  }
}

function isOf(Class: typeof OscillinkError, value: unknown): boolean {
  if (Function.prototype[Symbol.hasInstance].call(Class, value)) return true;
  // A class of somebody else that extends one of these has no kind of its own.
  if (!Object.hasOwn(Class, KIND)) return false;
  const kind = (value as { constructor?: { [KIND]?: unknown } } | null | undefined)?.constructor?.[KIND];
  return Class === OscillinkError ? kind !== undefined : kind === Class[KIND];
}

/** An option of the wrong kind, out of its range, or unknown. */
export class OptionError extends OscillinkError {
  /** @internal */
  static override readonly [KIND] = "OptionError";
  override readonly name = "OptionError";
}

/** A vector that cannot be used: wrong width, a value that is not a finite float32, a zero query. */
export class VectorError extends OscillinkError {
  /** @internal */
  static override readonly [KIND] = "VectorError";
  override readonly name = "VectorError";
}

/** A candidate, or the list of them, that cannot be used: a duplicate id, a missing embedding, a bad trust. */
export class CandidateError extends OscillinkError {
  /** @internal */
  static override readonly [KIND] = "CandidateError";
  override readonly name = "CandidateError";
}

/** An embedder that returned something other than one vector for each text. */
export class EmbedderError extends OscillinkError {
  /** @internal */
  static override readonly [KIND] = "EmbedderError";
  override readonly name = "EmbedderError";
}

/** An embedder, a store or a signer that took longer than the `timeout` that an adapter was given. */
export class TimeoutError extends OscillinkError {
  /** @internal */
  static override readonly [KIND] = "TimeoutError";
  override readonly name = "TimeoutError";
}

/** A call that came too early, such as `bundle()` before `setQuery()`. */
export class StateError extends OscillinkError {
  /** @internal */
  static override readonly [KIND] = "StateError";
  override readonly name = "StateError";
}

/** How a value is shown in a message: short, and never the value of a long text or array. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "bigint") return `the bigint ${String(value).slice(0, 40)}`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor?.name ?? "typed array"}`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

/** What kind of value came where a key, a secret, a signer or a verifier was wanted: never what it holds. */
export function kindOf(value: unknown): string {
  if (typeof value === "string") return "a text";
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" || typeof value === "function" ? show(value) : `a ${typeof value}`;
}

/**
 * An object of options or the like, as it came.
 *
 * @throws {OptionError} for anything else: a call without it, null, an array.
 */
export function checkObject<T extends object>(name: string, value: T, wanted = "an object"): T {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new OptionError(name, `must be ${wanted}, not ${show(value)}`);
}

/** @throws {OptionError} for what is no function. */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== "function") throw new OptionError(name, `must be a function, not ${show(value)}`);
}

/** What other libraries call an option: nearer in meaning than in letters. */
const ALSO_CALLED: Readonly<Record<string, string>> = {
  topk: "k",
  topn: "k",
  similaritytopk: "k",
  limit: "k",
  candidates: "items",
  documents: "items",
  docs: "items",
  hits: "items",
  results: "items",
};

/**
 * Refuses options that are not known.
 *
 * @param others what is left of an options object when all that is known was taken out.
 * @param whole how the caller wrote that object, where it is part of another: `lists[0]`.
 * @throws {OptionError} naming the first of them, the known one that was probably meant, and all that are known.
 */
export function refuseUnknown(others: object, known: readonly string[], whole?: string): void {
  const name = Object.keys(others)[0];
  if (name === undefined) return;
  const meant = closest(name, known);
  const list = `${meant === null ? "known" : `did you mean ${meant}? Known`} are ${known.join(", ")}`;
  const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
  throw new OptionError(whole === undefined ? shown : `${whole}.${shown}`, `unknown option; ${list}`);
}

/** What other libraries call it, or the known name that takes fewest changes: at most two, one in three letters. Null for none. */
function closest(name: string, known: readonly string[]): string | null {
  const meant = ALSO_CALLED[name.toLowerCase().replaceAll("_", "")];
  if (meant !== undefined && known.includes(meant)) return meant;
  const limit = Math.min(2, Math.floor(name.length / 3));
  const near = known
    .map((candidate) => ({ candidate, changes: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ changes }) => changes <= limit)
    .sort((a, b) => a.changes - b.changes);
  return near[0]?.candidate ?? null;
}

/** How many letters must be put in, left out or changed to make one word the other (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = above[j - 1]! + Number(a[i - 1] !== b[j - 1]);
      row.push(Math.min(changed, above[j]! + 1, row[j - 1]! + 1));
    }
  }
  return row.at(-1)!;
}
