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
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
