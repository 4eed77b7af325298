import {
  compareRows,
  contentOrder,
  gather,
  type Matrix,
  matrix,
  type Packed,
  pack,
  unitScale,
  type Vectors,
} from "./embeddings.ts";
import { CandidateError, show, VectorError } from "./errors.ts";
import { LEAST_WEIGHT } from "./graph/neighbors.ts";
import type { Params } from "./options.ts";
import type { Strategies } from "./profiles.ts";
import { wordVectors } from "./rank/words.ts";

/** The candidates of a lattice, column by column; entry i of each belongs to candidate i. */
export interface LatticeInput {
  /** One vector a candidate, all of one width; null where there is none. */
  readonly embeddings?: Vectors;
  /**
   * In place of vectors: the score that each candidate came with, the higher the better; undefined where there is none.
   * They stand in for the cosines, and the lattice is built from the words.
   */
  readonly scores?: ArrayLike<number | undefined>;
  /** The candidates' titles; `""` or undefined where there is none. */
  readonly titles?: readonly (string | undefined)[];
  /** Unique names for the receipt. Default: the indices as strings. */
  readonly ids?: readonly string[];
  /** The candidates' texts; `""` or undefined where there is none. */
  readonly texts?: readonly (string | undefined)[];
  /** How far each candidate is to be trusted, in [0, 1]; default 1. 0 excludes it. */
  readonly trust?: ArrayLike<number | undefined>;
  /** The graph to use in place of the nearest neighbours': each edge once. Default: it is built from the vectors. */
  readonly edges?: readonly Edge[];
  /** What candidate i's vector is called in error messages. Default `embeddings[i]`. */
  readonly nameOf?: (i: number) => string;
}

/** An edge between two candidates. */
export interface Edge {
  readonly i: number;
  readonly j: number;
  /** From 1e-30 to the largest float32. */
  readonly weight: number;
}

/** The candidates, judged and packed, and those of them that are nodes of the lattice. */
export interface Pool {
  /** How many candidates there are. */
  readonly n: number;
  /** Values in each vector; 0 if no candidate has one. */
  readonly d: number;
  readonly ids: readonly string[];
  /** Null if no candidate has text, or a title. */
  readonly texts: readonly string[] | null;
  readonly titles: readonly string[] | null;
  /** The scores that stand in for cosines; null where there are vectors. */
  readonly scores: Float64Array | null;
  readonly trust: Float64Array;
  /** The graph that was given; null if it is to be built. */
  readonly edges: readonly Edge[] | null;
  /** The vectors as they came, in float32; zero where missing. */
  readonly raw: Packed;
  /** The candidates without a vector, or with a zero one. */
  readonly missing: readonly number[];
  /** How many were excluded by trust 0. */
  readonly excluded: number;
  /** `candidate[node]`: which candidate a node is. */
  readonly candidate: Int32Array;
  /** The nodes' vectors: Y. */
  readonly vectors: Matrix;
  /** Their lengths: 1 where they were normalized. */
  readonly norms: Float64Array;
  /** The nodes' trust. */
  readonly nodeTrust: Float64Array;
  /** `twin[node]`: the first node with the same vector, where the graph follows from the vectors; else the node itself. */
  readonly twin: Int32Array;
}

/** Lengths that float32 can square and sum without loss. */
const SHORTEST = 1e-15;
const LONGEST = 1e15;

/** Refuses a vector that is not normalized and too short or too long for that. */
export function checkNorm(name: string, norm: number): void {
  if (norm > SHORTEST && norm < LONGEST) return;
  const range = `${SHORTEST} to ${LONGEST}`;
  throw new VectorError(name, `has length ${norm}, out of ${range}; scale it, or set normalize to true`);
}

/**
 * @throws {VectorError} for vectors of different widths or with values that are not finite.
 * @throws {CandidateError} for duplicate ids, a trust outside [0, 1], columns of different lengths, or a missing
 *   vector where `missing` is `"error"`.
 */
export function makePool(
  input: LatticeInput,
  { missing: policy, normalize }: Params,
  { nodes, order: orderBy }: Strategies,
): Pool {
  const scores = input.embeddings === undefined && input.scores ? checkScores(input.scores) : null;
  const name = input.nameOf ?? ((i) => `${scores ? "scores" : "embeddings"}[${i}]`);
  const raw = scores ? scored(scores) : pack(input.embeddings!, name);
  const { rows: n, norms } = raw;
  const ids = checkIds(input.ids, n);
  const texts = checkTexts("texts", input.texts, n);
  const titles = checkTexts("titles", input.titles, n);
  const trust = checkTrust(input.trust, n);
  const edges = checkEdges(input.edges, n);

  const all = Array.from({ length: n }, (_, i) => i);
  const missing = all.filter((i) => norms[i] === 0 && trust[i]! > 0);
  if (policy === "error" && missing.length > 0) {
    const others = missing.length > 1 ? `, as are ${missing.length - 1} more` : "";
    throw new CandidateError(
      name(missing[0]!),
      `is missing or zero${others}; pass a vector, or set missing to "append" or "drop"`,
    );
  }
  for (const i of normalize ? [] : all) {
    if (norms[i]! > 0) checkNorm(name(i), norms[i]!);
  }

  const present = nodes === "all" ? all : all.filter((i) => trust[i]! > 0 && norms[i]! > 0);
  const wordsOf = (i: number): string => `${titles?.[i] ?? ""} ${texts?.[i] ?? ""}`;
  // Vectors of words have a column a document: what the documents say decides where, not when they came.
  if (scores) present.sort((a, b) => compare(wordsOf(a), wordsOf(b)) || scores[a]! - scores[b]! || a - b);
  // What the rows are taken from: the vectors, or what the words of those candidates make up.
  const source = scores ? wordVectors(present.map(wordsOf)) : raw;
  const rows = scores ? Array.from(present.keys()) : present;
  const scale = normalize && !scores ? unitScale(norms) : null;
  const order = orderBy === "content" ? contentOrder(source, rows, scale) : Int32Array.from(rows);
  const candidate = scores ? order.map((row) => present[row]!) : order;
  const vectors = gather(source, order, scale);
  const twin = Int32Array.from(order.keys());
  const same = (i: number, j: number) =>
    compareRows(vectors, i, j) === 0 && (!scores || scores[candidate[i]!] === scores[candidate[j]!]);
  if (orderBy === "content" && edges === null) {
    for (let i = 1; i < twin.length; i++) if (same(i, i - 1)) twin[i] = twin[i - 1]!;
  }
  return {
    n,
    d: raw.columns,
    ids,
    texts,
    titles,
    scores,
    trust,
    edges,
    raw,
    missing,
    excluded: nodes === "all" ? 0 : trust.filter((t) => t === 0).length,
    candidate,
    vectors,
    norms: Float64Array.from(candidate, (i) => (normalize && norms[i]! > 0 ? 1 : norms[i]!)),
    nodeTrust: Float64Array.from(candidate, (i) => trust[i]!),
    twin,
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** No vectors, of length 1 where there is a score. */
function scored(scores: Float64Array): Packed {
  return { ...matrix(scores.length, 0), norms: scores.map((score) => Number(!Number.isNaN(score))) };
}

function checkLength(name: string, column: ArrayLike<unknown>, n: number): void {
  if (typeof column !== "object" || column === null || typeof column.length !== "number") {
    throw new CandidateError(name, `must be an array, not ${show(column)}`);
  }
  const { length } = column;
  if (length !== n) throw new CandidateError(name, `has ${length} entries where there are ${n} candidates`);
}

/** The ids as given, or the indices; refuses duplicates and what canonical JSON cannot hold. */
function checkIds(ids: readonly string[] | undefined, n: number): readonly string[] {
  if (ids === undefined) return Array.from({ length: n }, (_, i) => String(i));
  checkLength("ids", ids, n);
  const seen = new Map<string, number>();
  Array.from(ids).forEach((id, i) => {
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
function checkTexts(name: string, texts: LatticeInput["texts"], n: number): readonly string[] | null {
  if (texts === undefined) return null;
  checkLength(name, texts, n);
  const strings = Array.from(texts, (text, i) => {
    if (text !== undefined && typeof text !== "string") {
      throw new CandidateError(`${name}[${i}]`, `must be a string, not ${show(text)}`);
    }
    return text ?? "";
  });
  return strings.some((text) => text !== "") ? strings : null;
}

/** The trusts, 1 where none is given. */
function checkTrust(trust: LatticeInput["trust"], n: number): Float64Array {
  if (trust === undefined) return new Float64Array(n).fill(1);
  checkLength("trust", trust, n);
  return Float64Array.from({ length: n }, (_, i) => {
    const value = trust[i] ?? 1;
    if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
      throw new CandidateError(`trust[${i}]`, `must be a number in [0, 1], not ${show(value)}`);
    }
    return value;
  });
}

/** The scores; NaN where there is none. */
function checkScores(scores: ArrayLike<number | undefined>): Float64Array {
  checkLength("scores", scores, scores?.length ?? 0);
  return Float64Array.from({ length: scores.length }, (_, i) => {
    const score = scores[i];
    if (score === undefined) return Number.NaN;
    if (typeof score !== "number" || !Number.isFinite(score)) {
      throw new CandidateError(`scores[${i}]`, `must be a finite number, not ${show(score)}`);
    }
    return score;
  });
}

function checkEdges(edges: readonly Edge[] | undefined, n: number): readonly Edge[] | null {
  if (edges === undefined) return null;
  if (!Array.isArray(edges)) throw new CandidateError("edges", `must be an array, not ${show(edges)}`);
  const seen = new Set<number>();
  const within = (index: unknown) => Number.isSafeInteger(index) && Number(index) >= 0 && Number(index) < n;
  return Array.from(edges as readonly (Edge | undefined)[], (edge, e) => {
    const { i = -1, j = -1, weight = Number.NaN } = edge ?? {};
    if (!within(i) || !within(j) || i === j) {
      throw new CandidateError(
        `edges[${e}]`,
        `must join two candidates from 0 to ${n - 1}, not ${i} and ${j}`,
      );
    }
    if (!(weight >= LEAST_WEIGHT && Math.fround(weight) < Infinity)) {
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
