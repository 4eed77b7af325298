import { checkObject, VectorError } from "../errors.ts";
import { type Matrix, matrix } from "../kernels/matrix.ts";
import { indices } from "../math.ts";
import type { Strategies } from "../options/profiles.ts";
import type { Params } from "../options/types.ts";
import {
  checkEdges,
  checkFound,
  checkIds,
  checkLinks,
  checkLists,
  checkScores,
  checkTexts,
  checkTrust,
  type Edge,
  type LatticeInput,
} from "./input.ts";
import { compareRows, contentOrder, gather, type Packed, pack, unitScale } from "./matrix.ts";
import { missingOf, refuseMissing } from "./missing.ts";
import { wordVectors } from "./wordVectors.ts";

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
  /** The scores that stand in for cosines; null where there are vectors. NaN for a candidate without one. */
  readonly scores: Float64Array | null;
  /** Whether the search by vectors or scores found each candidate; null if it found all. */
  readonly found: readonly boolean[] | null;
  /** Further lists, and the score that each gives a candidate; NaN where it gives none. */
  readonly lists: readonly { readonly name: string; readonly scores: Float64Array }[];
  /** The ids that each candidate links to; null if none does. */
  readonly links: readonly (readonly string[])[] | null;
  readonly trust: Float64Array;
  /** The graph that was given; null if it is to be built. */
  readonly edges: readonly Edge[] | null;
  /** The vectors as they came, in float32; zero where missing. */
  readonly raw: Packed;
  /** The candidates without a vector, or with a zero one: see `missing.ts`. */
  readonly missing: readonly number[];
  /** Whether every candidate is a node, even one without a vector, as in the published lattice. */
  readonly everyNode: boolean;
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
  given: LatticeInput,
  { missing: policy, normalize }: Params,
  { nodes, order: orderBy }: Strategies,
): Pool {
  const input = checkObject("input", given, "an object with the candidates' embeddings or scores");
  const nameOf = input.nameOf ?? ((i, column) => `${column}[${i}]`);
  const scores = input.embeddings === undefined && input.scores ? checkScores(input.scores, nameOf) : null;
  const name = (i: number) => nameOf(i, scores ? "scores" : "embeddings");
  const raw = scores ? scored(scores) : pack(input.embeddings!, name);
  const { rows: n, norms } = raw;
  const ids = checkIds(input.ids, n, nameOf);
  const texts = checkTexts("texts", input.texts, n, nameOf);
  const titles = checkTexts("titles", input.titles, n, nameOf);
  const trust = checkTrust(input.trust, n, nameOf);
  const edges = checkEdges(input.edges, n);
  const lists = checkLists(input.lists, n);
  const links = checkLinks(input.links, n, nameOf);
  const found = checkFound(input.found, n);

  const all = indices(n);
  const listed = (i: number) => lists.some(({ scores }) => !Number.isNaN(scores[i]!));
  const rankable = norms.map((norm, i) => Number(norm > 0 || listed(i)));
  const missing = missingOf(rankable, trust);
  if (policy === "error") refuseMissing(missing, name);
  for (const i of normalize ? [] : all) {
    if (norms[i]! > 0) checkNorm(name(i), norms[i]!);
  }

  const present = nodes === "all" ? all : all.filter((i) => trust[i]! > 0 && rankable[i]! > 0);
  const said = (i: number) => `${titles?.[i] ?? ""} ${texts?.[i] ?? ""}`;
  // What candidates say decides where they stand, not when they came: sums then run alike in any order of arrival. Equal
  // vectors may have unequal words.
  const columns = [...(scores ? [scores] : []), ...lists.map((list) => list.scores)];
  const byContent = (a: number, b: number) =>
    compare(said(a), said(b)) ||
    compareIn(columns, a, b) ||
    // Where all that is weighed is equal, links may tell them apart, which go by ids.
    compare(titles?.[a] ?? "", titles?.[b] ?? "") ||
    Number(found?.[a] ?? true) - Number(found?.[b] ?? true) ||
    compare(ids[a]!, ids[b]!);
  // Vectors of words have a column a document, in the order in which these are given.
  if (orderBy === "content" && scores) present.sort(byContent);
  // What the rows are taken from: the vectors, or what the words of those candidates make up.
  const words = scores && wordVectors(present.map(said));
  const source = words ?? raw;
  const rows = scores ? indices(present.length) : present;
  const scale = normalize && !scores ? unitScale(norms) : null;
  const order =
    orderBy === "content"
      ? contentOrder(source, rows, scale, scores ? undefined : byContent)
      : Int32Array.from(rows);
  const candidate = scores ? order.map((row) => present[row]!) : order;
  const vectors = gather(source, order, scale);
  const twin = order.map((_, node) => node);
  // What has words of its own is like no other.
  const same = (i: number, j: number) =>
    compareRows(source, order[i]!, order[j]!, scale) === 0 &&
    (words ? words.own[order[i]!] === 0 && words.own[order[j]!] === 0 : norms[candidate[i]!]! > 0);
  if (orderBy === "content" && edges === null) {
    for (let i = 1; i < twin.length; i++) if (same(i, i - 1)) twin[i] = twin[i - 1]!;
  }
  const own = (values: Float64Array) =>
    new Float64Array(candidate.length).map((_, i) => values[candidate[i]!]!);
  return {
    n,
    d: raw.columns,
    ids,
    texts,
    titles,
    scores,
    found,
    lists,
    links,
    trust,
    edges,
    raw,
    missing,
    everyNode: nodes === "all",
    excluded: nodes === "all" ? 0 : trust.filter((t) => t === 0).length,
    candidate,
    vectors,
    norms: own(norms).map((norm) => (scores || (normalize && norm > 0) ? 1 : norm)),
    nodeTrust: own(trust),
    twin,
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** By the first column that differs; NaN stands for nothing, and comes before all else. */
function compareIn(columns: readonly Float64Array[], a: number, b: number): number {
  for (const column of columns) {
    const [x, y] = [column[a]!, column[b]!];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    if (Number.isNaN(x) || x < y) return -1;
    return 1;
  }
  return 0;
}

/** No vectors, of length 1 where there is a score. */
function scored(scores: Float64Array): Packed {
  return { ...matrix(scores.length, 0), norms: scores.map((score) => Number(!Number.isNaN(score))) };
}

/** The vectors as they came, one row after the other without padding. */
export function rawVectors({ raw, n }: Pool): Float32Array {
  const { data, stride, columns } = raw;
  const rows = new Float32Array(n * columns);
  for (let i = 0; i < n; i++) rows.set(data.subarray(i * stride, i * stride + columns), i * columns);
  return rows;
}

/** The columns that a pool was made from. */
export function inputOf(pool: Pool): LatticeInput {
  const { ids, texts, titles, trust, edges, scores, found, lists, links, raw, n } = pool;
  const { data, stride, columns } = raw;
  const row = (i: number) => data.subarray(i * stride, i * stride + columns);
  const given = (values: Float64Array) => Array.from(values, (v) => (Number.isNaN(v) ? undefined : v));
  return {
    ...(scores
      ? { scores: given(scores) }
      : { embeddings: Array.from({ length: n }, (_, i) => (columns > 0 ? row(i) : null)) }),
    ids,
    trust,
    ...(texts && { texts }),
    ...(titles && { titles }),
    ...(edges && { edges }),
    ...(found && { found }),
    ...(links && { links }),
    lists: lists.map((list) => ({ name: list.name, scores: given(list.scores) })),
  };
}
