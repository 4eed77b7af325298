import type { Vectors } from "./embeddings.ts";
import { CandidateError, show } from "./errors.ts";

/** The candidates of a lattice, column by column; entry i of each belongs to candidate i. */
export interface LatticeInput {
  /** One vector a candidate, all of one width; null where there is none. */
  readonly embeddings: Vectors;
  /** Unique names for the receipt. Default: the indices as strings. */
  readonly ids?: readonly string[];
  /** The candidates' texts; `""` or undefined where there is none. */
  readonly texts?: readonly (string | undefined)[];
  /** How far each candidate is to be trusted, in [0, 1]; default 1. 0 excludes it. */
  readonly trust?: ArrayLike<number | undefined>;
  /** What candidate i's vector is called in error messages. Default `embeddings[i]`. */
  readonly nameOf?: (i: number) => string;
}

function checkLength(name: string, length: number, n: number): void {
  if (length !== n) throw new CandidateError(name, `has ${length} entries where there are ${n} candidates`);
}

/** The ids as given, or the indices; refuses duplicates and what canonical JSON cannot hold. */
export function checkIds(ids: readonly string[] | undefined, n: number): readonly string[] {
  if (ids === undefined) return Array.from({ length: n }, (_, i) => String(i));
  checkLength("ids", ids.length, n);
  const seen = new Map<string, number>();
  ids.forEach((id, i) => {
    if (typeof id !== "string") throw new CandidateError(`ids[${i}]`, `must be a string, not ${show(id)}`);
    if (!id.isWellFormed()) {
      throw new CandidateError(`ids[${i}]`, "holds half of a surrogate pair, which no receipt can record");
    }
    const before = seen.get(id);
    if (before !== undefined) {
      throw new CandidateError(
        `ids[${i}]`,
        `${show(id)} is also the id of candidate ${before}; ids must be unique`,
      );
    }
    seen.set(id, i);
  });
  return [...ids];
}

/** The texts, "" where there is none; null if there is none at all. */
export function checkTexts(texts: LatticeInput["texts"], n: number): readonly string[] | null {
  if (texts === undefined) return null;
  checkLength("texts", texts.length, n);
  const strings = Array.from(texts, (text, i) => {
    if (text !== undefined && typeof text !== "string") {
      throw new CandidateError(`texts[${i}]`, `must be a string, not ${show(text)}`);
    }
    return text ?? "";
  });
  return strings.some((text) => text !== "") ? strings : null;
}

/** The trusts, 1 where none is given. */
export function checkTrust(trust: LatticeInput["trust"], n: number): Float32Array {
  if (trust === undefined) return new Float32Array(n).fill(1);
  checkLength("trust", trust.length, n);
  return Float32Array.from({ length: n }, (_, i) => {
    const value = trust[i] ?? 1;
    if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
      throw new CandidateError(`trust[${i}]`, `must be a number in [0, 1], not ${show(value)}`);
    }
    return value;
  });
}
