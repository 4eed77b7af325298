/**
 * Every error this package throws on purpose. `parameter` names what was wrong; the message says what came
 * and what to do about it.
 */
export class OscillinkError extends Error {
  override readonly name: string = "OscillinkError";
  /** The parameter at fault, e.g. `"k"`, `"candidates[3].embedding"`. */
  readonly parameter: string;

  constructor(parameter: string, message: string, options?: ErrorOptions) {
    super(`${parameter}: ${message}`, options);
    this.parameter = parameter;
  }

  /** The same error for a parameter that is part of another, which is its cause. */
  within(whole: string): OscillinkError {
    const Kind = this.constructor as typeof OscillinkError;
    const message = this.message.slice(this.parameter.length + 2);
    return new Kind(`${whole}.${this.parameter}`, message, { cause: this });
  }
}

/** An option of the wrong kind, out of its range, or unknown. */
export class OptionError extends OscillinkError {
  override readonly name = "OptionError";
}

/** A vector that cannot be used: wrong width, a value that is not a finite float32, a zero query. */
export class VectorError extends OscillinkError {
  override readonly name = "VectorError";
}

/** A candidate, or the list of them, that cannot be used: a duplicate id, a missing embedding, a bad trust. */
export class CandidateError extends OscillinkError {
  override readonly name = "CandidateError";
}

/** An embedder that returned something other than one vector for each text. */
export class EmbedderError extends OscillinkError {
  override readonly name = "EmbedderError";
}

/** A call that came too early, such as `bundle()` before `setQuery()`. */
export class StateError extends OscillinkError {
  override readonly name = "StateError";
}

/** How a value is shown in a message: short, and never the value of a long text or array. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
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
 * Refuses options that are not known.
 *
 * @param others what is left of an options object when all that is known was taken out.
 * @throws {OptionError} naming the first of them, the known one that was probably meant, and all that are known.
 */
export function refuseUnknown(others: object, known: readonly string[]): void {
  const name = Object.keys(others)[0];
  if (name === undefined) return;
  const meant = closest(name, known);
  const list = `${meant === null ? "known" : `did you mean ${meant}? Known`} are ${known.join(", ")}`;
  throw new OptionError(name, `unknown option; ${list}`);
}

/** The known name that takes fewest changes, at most two, one in three letters; null if there is none. */
function closest(name: string, known: readonly string[]): string | null {
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
