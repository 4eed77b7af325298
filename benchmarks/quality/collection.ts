import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A retrieval collection: BEIR's files with one unit vector a document and a query, as float32. */
export interface Collection {
  readonly name: string;
  readonly documents: readonly { readonly id: string; readonly text: string }[];
  readonly queries: readonly Query[];
  readonly dimensions: number;
  readonly vectors: Float32Array;
}

export interface Query {
  readonly id: string;
  readonly text: string;
  readonly vector: Float32Array;
  /** The relevant documents and their grades. */
  readonly gold: ReadonlyMap<string, number>;
  /** Documents that are no candidates for this query. */
  readonly excluded: ReadonlySet<string>;
}

/** Reads the collection in a folder; null if it comes without vectors. */
export function readCollection(folder: string, name: string): Collection | null {
  const path = (file: string) => join(folder, name, file);
  const lines = (file: string) => readFileSync(path(file), "utf8").split("\n").filter(Boolean);
  const json = (file: string): { _id: string; title?: string; text: string }[] =>
    lines(file).map((line) => JSON.parse(line));
  const rows = (file: string) =>
    lines(file)
      .slice(1)
      .map((line) => line.split("\t") as [string, string, string]);

  const { dim } = JSON.parse(readFileSync(path("meta.json"), "utf8")) as { dim: number };
  if (dim === 0) return null;
  const gold = new Map<string, Map<string, number>>();
  for (const [query, document, grade] of rows("qrels.tsv")) {
    if (Number(grade) > 0) getOr(gold, query, () => new Map()).set(document, Number(grade));
  }
  const excluded = new Map<string, Set<string>>();
  if (existsSync(path("exclude.tsv"))) {
    for (const [query, document] of rows("exclude.tsv")) {
      getOr(excluded, query, () => new Set()).add(document.trim());
    }
  }
  const queryVectors = readFloats(path("query.f32"));
  return {
    name,
    dimensions: dim,
    vectors: readFloats(path("doc.f32")),
    documents: json("corpus.jsonl").map((d) => ({ id: d._id, text: `${d.title ?? ""} ${d.text}`.trim() })),
    queries: json("queries.jsonl").map((q, i) => ({
      id: q._id,
      text: q.text,
      vector: queryVectors.subarray(i * dim, (i + 1) * dim),
      gold: gold.get(q._id) ?? new Map(),
      excluded: excluded.get(q._id) ?? new Set(),
    })),
  };
}

/** The `size` documents with the highest cosine, best first; equal ones in the order of the corpus. */
export function topByCosine(
  { vectors, dimensions, documents }: Collection,
  query: Query,
  size: number,
): number[] {
  const cosine = new Float64Array(documents.length);
  for (let i = 0, at = 0; i < documents.length; i++) {
    let sum = 0;
    for (let c = 0; c < dimensions; c++, at++) sum += vectors[at]! * query.vector[c]!;
    cosine[i] = query.excluded.has(documents[i]!.id) ? -Infinity : sum;
  }
  return Array.from(cosine.keys())
    .filter((i) => cosine[i]! > -Infinity)
    .sort((a, b) => cosine[b]! - cosine[a]! || a - b)
    .slice(0, size);
}

function readFloats(file: string): Float32Array {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
