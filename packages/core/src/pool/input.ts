import { CandidateError, checkObject, show } from "../errors.ts";
import { isList, type NumberArray, type Vectors } from "./matrix.ts";

/** One number a candidate, undefined where there is none: an array, or a typed array. */
export type Numbers = readonly (number | undefined)[] | NumberArray;

/** The candidates of a lattice, column by column; entry i of each belongs to candidate i. */
export interface LatticeInput {
  /** One vector a candidate, all of one width; null where there is none. */
  readonly embeddings?: Vectors;
  /**
   * In place of vectors: the score that each candidate came with, the higher the better; undefined where there is none.
   * They stand in for the cosines, and the lattice is built from the words.
   */
  readonly scores?: Numbers;
  /** The candidates' titles; `""` or undefined where there is none. */
  readonly titles?: readonly (string | undefined)[];
  /** Unique names for the receipt; a number is taken as its digits. Default: the indices. */
  readonly ids?: readonly (string | number | bigint)[];
  /** The candidates' texts; `""` or undefined where there is none. */
  readonly texts?: readonly (string | undefined)[];
  /** How far each candidate is to be trusted, in [0, 1]; default 1. 0 excludes it. */
  readonly trust?: Numbers;
  /**
   * Whether the search by vectors (or by the `scores`) found candidate i. Default: all. One that it did not find takes the
   * lowest similarity of those that it did, whatever its vector: that search has nothing to say of it.
   */
  readonly found?: readonly boolean[];
  /** Further result lists: what another search, such as one by keywords, says of the candidates. */
  readonly lists?: readonly ScoredList[];
  /** The ids of the candidates that each one links to; ids of others are ignored. */
  readonly links?: readonly (readonly (string | number | bigint)[] | undefined)[];
  /** The graph to use in place of the nearest neighbours': each edge once. Default: it is built from the vectors. */
  readonly edges?: readonly Edge[];
  /** What an entry of a column is called in error messages. Default: as it stands here, `embeddings[3]`, `ids[0]`. */
  readonly nameOf?: NameOf;
}

/** What a search says of the candidates. */
export interface ScoredList {
  /** Names the list in receipts: letters, digits and `._-`, at most 40. */
  readonly name: string;
  /** The score that it gave each candidate, the higher the better; undefined for one that it did not find. */
  readonly scores: Numbers;
}

/** What a list may be called. */
export const LIST_NAME = /^[\p{L}\p{N}._-]{1,40}$/u;

/** A column of the input that has one entry a candidate. */
export type Column = "embeddings" | "scores" | "ids" | "texts" | "titles" | "trust" | "links";

/** How the caller wrote entry i of a column. */
export type NameOf = (i: number, column: Column) => string;

/** No edge is lighter: what is divided by the root of a degree would leave the range of float32. */
export const LEAST_WEIGHT = 1e-30;

/** An edge between two candidates. */
export interface Edge {
  readonly i: number;
  readonly j: number;
  /** From 1e-30 to the largest float32. */
  readonly weight: number;
}

function checkLength(name: string, column: unknown, n: number): void {
  if (!isList(column)) {
    throw new CandidateError(name, `must be an array, not ${show(column)}`);
  }
  const { length } = column;
  if (length !== n) throw new CandidateError(name, `has ${length} entries where there are ${n} candidates`);
}

/** An id as text. @throws {CandidateError} for what is none, or cannot be recorded in canonical JSON. */
export function idOf(id: unknown, name: () => string): string {
  if (Number.isFinite(id) || typeof id === "bigint") return String(id);
  if (typeof id !== "string") {
    throw new CandidateError(name(), `must be a string or a number, not ${show(id)}`);
  }
  if (id.isWellFormed()) return id;
  throw new CandidateError(name(), "holds half of a surrogate pair, which no receipt can record");
}

/** The ids as given, or the indices; refuses duplicates and what canonical JSON cannot hold. */
export function checkIds(ids: LatticeInput["ids"], n: number, nameOf: NameOf): readonly string[] {
  if (ids === undefined) return Array.from({ length: n }, (_, i) => String(i));
  checkLength("ids", ids, n);
  const seen = new Map<string, number>();
  return Array.from(ids, (given, i) => {
    const id = idOf(given, () => nameOf(i, "ids"));
    const before = seen.get(id);
    if (before !== undefined) {
      throw new CandidateError(
        nameOf(i, "ids"),
        `${show(id)} is also the id of candidate ${before}; ids must be unique`,
      );
    }
    seen.set(id, i);
    return id;
  });
}

/**
 * The texts, "" where there is none; null if there is none at all. Half of a surrogate pair, as a careless text splitter
 * leaves behind, becomes U+FFFD, as it does wherever the text is stored as UTF-8: so both are ranked alike.
 */
export function checkTexts(
  name: "texts" | "titles",
  texts: LatticeInput["texts"],
  n: number,
  nameOf: NameOf,
): readonly string[] | null {
  if (texts === undefined) return null;
  checkLength(name, texts, n);
  if (allUndefined(texts)) return null;
  const strings = Array.from(texts, (text, i) => {
    if (text !== undefined && typeof text !== "string") {
      throw new CandidateError(nameOf(i, name), `must be a string, not ${show(text)}`);
    }
    return (text ?? "").toWellFormed();
  });
  return strings.some((text) => text !== "") ? strings : null;
}

/** Whether a column holds nothing at all, as that of a field that no candidate has. */
function allUndefined(column: ArrayLike<unknown>): boolean {
  for (let i = 0; i < column.length; i++) if (column[i] !== undefined) return false;
  return true;
}

/** The trusts, 1 where none is given. */
export function checkTrust(trust: LatticeInput["trust"], n: number, nameOf: NameOf): Float64Array {
  if (trust === undefined) return new Float64Array(n).fill(1);
  checkLength("trust", trust, n);
  if (allUndefined(trust)) return new Float64Array(n).fill(1);
  return Float64Array.from({ length: n }, (_, i) => {
    const value = trust[i] ?? 1;
    if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
      throw new CandidateError(nameOf(i, "trust"), `must be a number in [0, 1], not ${show(value)}`);
    }
    return value;
  });
}

/** The scores; NaN where there is none. */
export function checkScores(scores: Numbers, nameOf: NameOf): Float64Array {
  checkLength("scores", scores, scores?.length ?? 0);
  return Float64Array.from({ length: scores.length }, (_, i) => {
    const score = scores[i];
    if (score === undefined) return Number.NaN;
    if (typeof score !== "number" || !Number.isFinite(score)) {
      throw new CandidateError(nameOf(i, "scores"), `must be a finite number, not ${show(score)}`);
    }
    // -0 becomes 0, as in vectors: JSON drops the sign.
    return score + 0;
  });
}

export function checkEdges(edges: readonly Edge[] | undefined, n: number): readonly Edge[] | null {
  if (edges === undefined) return null;
  if (!Array.isArray(edges)) throw new CandidateError("edges", `must be an array, not ${show(edges)}`);
  const seen = new Set<number>();
  const within = (index: unknown) => Number.isSafeInteger(index) && Number(index) >= 0 && Number(index) < n;
  return Array.from(edges as readonly (Edge | undefined)[], (edge, e) => {
    const { i = -1, j = -1, weight = Number.NaN } = edge ?? {};
    if (!within(i) || !within(j) || i === j) {
      throw new CandidateError(
        `edges[${e}]`,
        `must join two candidates from 0 to ${n - 1}, not ${show(i)} and ${show(j)}`,
      );
    }
    if (typeof weight !== "number" || !(weight >= LEAST_WEIGHT && Math.fround(weight) < Infinity)) {
      throw new CandidateError(
        `edges[${e}].weight`,
        `must be a number >= ${LEAST_WEIGHT}, not ${show(weight)}`,
      );
    }
    const key = Math.min(i, j) * n + Math.max(i, j);
    if (seen.has(key)) throw new CandidateError(`edges[${e}]`, `joins ${i} and ${j}, as an earlier one does`);
    seen.add(key);
    return { i, j, weight };
  });
}

/** Whether the search by vectors or scores found each candidate; null if it found all. */
export function checkFound(found: LatticeInput["found"], n: number): readonly boolean[] | null {
  if (found === undefined) return null;
  checkLength("found", found, n);
  const all = Array.from(found, (one, i) => {
    if (typeof one !== "boolean")
      throw new CandidateError(`found[${i}]`, `must be true or false, not ${show(one)}`);
    return one;
  });
  return all.every(Boolean) ? null : all;
}

/** The further lists, each with its scores; NaN where it has none. */
export function checkLists(
  lists: LatticeInput["lists"],
  n: number,
): { readonly name: string; readonly scores: Float64Array }[] {
  if (lists === undefined) return [];
  if (!Array.isArray(lists)) throw new CandidateError("lists", `must be an array, not ${show(lists)}`);
  const seen = new Set<string>();
  return Array.from(lists as readonly ScoredList[], (list, l) => {
    const { name, scores } = checkObject(`lists[${l}]`, list, "an object with name and scores");
    if (typeof name !== "string" || !LIST_NAME.test(name)) {
      throw new CandidateError(
        `lists[${l}].name`,
        `must be 1 to 40 letters, digits or ._-, not ${show(name)}`,
      );
    }
    if (seen.has(name))
      throw new CandidateError(`lists[${l}].name`, `${show(name)} names an earlier list too`);
    seen.add(name);
    checkLength(`lists[${l}].scores`, scores, n);
    return { name, scores: checkScores(scores, (i) => `lists[${l}].scores[${i}]`) };
  });
}

/** The links, none where none are given; null if there are none at all. */
export function checkLinks(
  links: LatticeInput["links"],
  n: number,
  nameOf: NameOf,
): readonly (readonly string[])[] | null {
  if (links === undefined) return null;
  checkLength("links", links, n);
  if (allUndefined(links)) return null;
  const all = Array.from(links, (own, i) => {
    if (own === undefined) return [];
    const name = nameOf(i, "links");
    if (!Array.isArray(own)) throw new CandidateError(name, `must be an array of ids, not ${show(own)}`);
    return Array.from(own, (id, l) =>
      idOf(typeof id === "string" ? id.toWellFormed() : id, () => `${name}[${l}]`),
    );
  });
  return all.some((own) => own.length > 0) ? all : null;
}
