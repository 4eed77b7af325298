import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Copies, copiesAmong } from "./copies.ts";
import { KeywordIndex } from "./keywords.ts";

interface Document {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** A retrieval collection: BEIR's files, and a first stage: vectors of the documents and queries, or its scores. */
export interface Collection {
  readonly name: string;
  readonly documents: readonly Document[];
  readonly queries: readonly Query[];
  readonly dimensions: number;
  /** One unit row for each document (doc.f32); null where the first stage is known by its scores alone (run.tsv). */
  readonly vectors: Float32Array | null;
  readonly copies: Copies;
}

interface Query {
  readonly id: string;
  readonly text: string;
  readonly vector: Float32Array | null;
  /** The relevant documents and their grades. */
  readonly gold: ReadonlyMap<string, number>;
  /** Documents that are no candidates for this query. */
  readonly excluded: ReadonlySet<string>;
  /** What the first stage found (run.tsv): documents and scores. */
  readonly run: ReadonlyMap<string, number>;
  /** The ranks that a cross-encoder gives the run (crossencoder.tsv); null where there is no such file. */
  readonly crossEncoder: ReadonlyMap<string, number> | null;
}

/** A candidate, with the vector or the score that the first stage gives. */
export interface Entry extends Document {
  readonly embedding?: Float32Array;
  readonly score?: number;
}

/** Where the candidates come from: the first stage's list alone, or also the keyword list. */
export type Lists = "cosine" | "union";

/** What every method is given: a query and its candidates. */
export interface Pool {
  readonly query: Query;
  /** The candidates: the first stage's list, best first, then what the keyword list alone found. */
  readonly entries: readonly Entry[];
  /** How many of the entries are of the first stage's list: the first ones. All of them where `lists` is `"cosine"`. */
  readonly listed: number;
  readonly lists: Lists;
  readonly keywords: Keywords;
}

/** What BM25 of the whole collection says. */
interface Keywords {
  /** The ids of the best, as many as the first stage's list may hold; only those that hold a word of the query. */
  readonly list: readonly string[];
  /** The scores of these and of every entry, by id. */
  readonly scores: ReadonlyMap<string, number>;
}

/** The collections in a folder: its subfolders with a meta.json, by name. */
export function collectionNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, "meta.json")))
    .sort();
}

/** Reads the collection in a folder; null if it has neither vectors nor run.tsv. */
export function readCollection(folder: string, name: string): Collection | null {
  const path = (file: string) => join(folder, name, file);
  const lines = (file: string) => linesOf(path(file));
  /** A table without its header: query -> document -> number. */
  const table = (file: string): Map<string, Map<string, number>> => {
    const rows = new Map<string, Map<string, number>>();
    for (const line of existsSync(path(file)) ? lines(file).slice(1) : []) {
      const [query, document, value] = line.trim().split("\t") as [string, string, string?];
      if (!rows.has(query)) rows.set(query, new Map());
      rows.get(query)!.set(document, Number(value));
    }
    return rows;
  };

  const { dim } = JSON.parse(readFileSync(path("meta.json"), "utf8")) as { dim: number };
  if (dim === 0 && !existsSync(path("run.tsv"))) return null;
  const [gold, excluded, run] = [table(qrelsOf(join(folder, name))), table("exclude.tsv"), table("run.tsv")];
  const crossEncoder = existsSync(path("crossencoder.tsv")) ? table("crossencoder.tsv") : null;
  const [texts, questions] = [readTexts(path("corpus.jsonl")), readTexts(path("queries.jsonl"))];
  const rows = (file: string, of: readonly unknown[]) =>
    dim === 0 ? null : readRows(path(file), of.length, dim);
  const vectors = rows("query.f32", questions);
  const documents = texts.map((d) => ({ id: d._id, title: d.title ?? "", text: d.text }));
  return {
    name,
    dimensions: dim,
    vectors: rows("doc.f32", texts),
    documents,
    copies: copiesAmong(documents),
    queries: questions.map((q, i) => ({
      id: q._id,
      text: q.text,
      vector: vectors?.subarray(i * dim, (i + 1) * dim) ?? null,
      gold: new Map([...(gold.get(q._id) ?? [])].filter(([, grade]) => grade > 0)),
      excluded: new Set(excluded.get(q._id)?.keys()),
      run: run.get(q._id) ?? new Map(),
      crossEncoder: crossEncoder && (crossEncoder.get(q._id) ?? new Map()),
    })),
  };
}

/** A line of corpus.jsonl or queries.jsonl. */
export interface BeirText {
  readonly _id: string;
  readonly title?: string;
  readonly text: string;
}

/** The documents or queries in a file of JSON lines, in its order, which is that of the rows of vectors. */
export function readTexts(file: string): BeirText[] {
  return linesOf(file).map((line) => JSON.parse(line));
}

/** The path in a collection's folder of its judgements: ours, or that of a collection as BEIR hands it out. */
export function qrelsOf(folder: string): string {
  return existsSync(join(folder, "qrels.tsv")) ? "qrels.tsv" : join("qrels", "test.tsv");
}

/**
 * The pools of the queries that have gold: the first `size` of the first stage, and with `lists` `"union"` the first `size` of
 * the keyword search too. Costs a pass over the corpus each.
 */
export function poolsOf(collection: Collection, size: number, lists: Lists): Pool[] {
  const { documents } = collection;
  const at = new Map(documents.map(({ id }, i) => [id, i]));
  const index = new KeywordIndex(documents.map(({ title, text }) => `${title} ${text}`));
  const firstStage = collection.vectors === null ? topOfRun : topByCosine;
  return collection.queries
    .filter(({ gold }) => gold.size > 0)
    .map((query) => {
      const entries = firstStage(collection, query, size, at);
      const scores = index.scores(query.text);
      const list = bestOf(allowed(collection, query, scores), size).filter((i) => scores[i]! > 0);
      const listed = entries.length;
      if (lists === "union") {
        const known = new Set(entries.map(({ id }) => id));
        for (const i of list) if (!known.has(documents[i]!.id)) entries.push(entryOf(collection, i));
      }
      const scored = new Set([...list, ...entries.map(({ id }) => at.get(id)!)]);
      const keywords = {
        list: list.map((i) => documents[i]!.id),
        scores: new Map([...scored].map((i) => [documents[i]!.id, scores[i]!])),
      };
      return { query, entries, listed, lists, keywords };
    });
}

type FirstStage = (
  collection: Collection,
  query: Query,
  size: number,
  at: ReadonlyMap<string, number>,
) => Entry[];

/** The first of run.tsv, best first. */
const topOfRun: FirstStage = ({ name, documents }, query, size, at) => {
  const found = [...query.run].filter(([id]) => !query.excluded.has(id)).sort(([, a], [, b]) => b - a);
  return found.slice(0, size).map(([id, score]) => {
    const i = at.get(id);
    if (i === undefined) throw new Error(`${name}/run.tsv names ${id}, which corpus.jsonl lacks`);
    return { ...documents[i]!, score };
  });
};

/** The documents with the highest cosine, best first. */
const topByCosine: FirstStage = (collection, query, size) =>
  bestOf(allowed(collection, query, dotsWith(collection, query.vector!)), size).map((i) =>
    entryOf(collection, i),
  );

/** The scores, those of documents that are no candidates taken out. */
const allowed = ({ documents }: Collection, { excluded }: Query, scores: Float64Array): Float64Array =>
  excluded.size === 0
    ? scores
    : scores.map((score, i) => (excluded.has(documents[i]!.id) ? -Infinity : score));

/** The inner product of every document's vector with a vector: the cosine, as all have length 1. */
export function dotsWith({ vectors, dimensions, documents }: Collection, vector: Float32Array): Float64Array {
  const asked = Float64Array.from(vector);
  return Float64Array.from(documents, (_, i) => {
    const at = i * dimensions;
    let sum = 0;
    for (let c = 0; c < dimensions; c++) sum += vectors![at + c]! * asked[c]!;
    return sum;
  });
}

/** The indices of the `size` highest scores, best first; equal ones in their order, and none of `-Infinity`. */
export function bestOf(scores: Float64Array, size: number): number[] {
  // The lowest score that can be among the first: sorting a typed array is far cheaper than sorting by a function.
  const bound = Float64Array.from(scores).sort()[Math.max(0, scores.length - size)]!;
  return Array.from(scores.keys())
    .filter((i) => scores[i]! >= bound && scores[i]! > -Infinity)
    .sort((a, b) => scores[b]! - scores[a]! || a - b)
    .slice(0, size);
}

/** The document at an index, with its vector if the collection has any. */
export function entryOf({ documents, vectors, dimensions }: Collection, index: number): Entry {
  if (vectors === null) return documents[index]!;
  const at = index * dimensions;
  return { ...documents[index]!, embedding: vectors.subarray(at, at + dimensions) };
}

const linesOf = (file: string): string[] => readFileSync(file, "utf8").split("\n").filter(Boolean);

/** Vectors that belong to the lines of another file, so that a file of another collection is no collection's. */
function readRows(file: string, count: number, dimensions: number): Float32Array {
  const bytes = readFileSync(file);
  const wanted = 4 * count * dimensions;
  if (bytes.byteLength !== wanted) {
    const rows = `${count} rows of ${dimensions} float32 values`;
    throw new Error(`${file} has ${bytes.byteLength} bytes instead of ${wanted}: ${rows}`);
  }
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
