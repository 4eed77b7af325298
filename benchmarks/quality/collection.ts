import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

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

/** What every method is given: a query and its candidates, best first. */
export interface Pool {
  readonly query: Query;
  readonly entries: readonly Entry[];
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
  const lines = (file: string) => readFileSync(path(file), "utf8").split("\n").filter(Boolean);
  const json = (file: string): { _id: string; title?: string; text: string }[] =>
    lines(file).map((line) => JSON.parse(line));
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
  const [gold, excluded, run] = [table("qrels.tsv"), table("exclude.tsv"), table("run.tsv")];
  const crossEncoder = existsSync(path("crossencoder.tsv")) ? table("crossencoder.tsv") : null;
  const vectors = dim === 0 ? null : readFloats(path("query.f32"));
  return {
    name,
    dimensions: dim,
    vectors: dim === 0 ? null : readFloats(path("doc.f32")),
    documents: json("corpus.jsonl").map((d) => ({ id: d._id, title: d.title ?? "", text: d.text })),
    queries: json("queries.jsonl").map((q, i) => ({
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

/** The pools of the queries that have gold: the first `size` of the first stage. Costs a pass over the corpus each. */
export function poolsOf(collection: Collection, size: number): Pool[] {
  const judged = collection.queries.filter(({ gold }) => gold.size > 0);
  if (collection.vectors !== null) {
    return judged.map((query) => ({
      query,
      entries: topByCosine(collection, query, size).map((i) => entryOf(collection, i)),
    }));
  }
  const byId = new Map(collection.documents.map((document) => [document.id, document]));
  return judged.map((query) => {
    const found = [...query.run].filter(([id]) => !query.excluded.has(id)).sort(([, a], [, b]) => b - a);
    const entries = found.slice(0, size).map(([id, score]) => {
      const document = byId.get(id);
      if (document === undefined)
        throw new Error(`${collection.name}/run.tsv names ${id}, which corpus.jsonl lacks`);
      return { ...document, score };
    });
    return { query, entries };
  });
}

/** The document at an index with its vector. */
export function entryOf({ documents, vectors, dimensions }: Collection, index: number): Entry {
  const at = index * dimensions;
  return { ...documents[index]!, embedding: vectors!.subarray(at, at + dimensions) };
}

/** The `size` documents with the highest cosine, best first; equal ones in the order of the corpus. */
function topByCosine({ vectors, dimensions, documents }: Collection, query: Query, size: number): number[] {
  const asked = Float64Array.from(query.vector!);
  const cosine = documents.map(({ id }, i) => {
    if (query.excluded.has(id)) return -Infinity;
    const row = vectors!.subarray(i * dimensions, (i + 1) * dimensions);
    let sum = 0;
    for (let c = 0; c < dimensions; c++) sum += row[c]! * asked[c]!;
    return sum;
  });
  // The lowest cosine that can be among the first: sorting a typed array is far cheaper than sorting by a function.
  const bound = Float64Array.from(cosine).sort()[Math.max(0, documents.length - size)]!;
  return Array.from(documents.keys())
    .filter((i) => cosine[i]! >= bound && cosine[i]! > -Infinity)
    .sort((a, b) => cosine[b]! - cosine[a]! || a - b)
    .slice(0, size);
}

function readFloats(file: string): Float32Array {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
