import { messageOf, OscillinkError, type Signal, throwIfAborted, type Vector } from "@oscillink/core/adapter";
import { chroma } from "./chroma.ts";
import { elasticsearch } from "./elasticsearch.ts";
import { hnswlib } from "./hnswlib.ts";
import { lancedb } from "./lancedb.ts";
import { vectorsOf } from "./match.ts";
import { memory } from "./memory.ts";
import { milvus } from "./milvus.ts";
import { mongodb } from "./mongodb.ts";
import { opensearch } from "./opensearch.ts";
import { own } from "./own.ts";
import { pgvector } from "./pgvector.ts";
import { pinecone } from "./pinecone.ts";
import { qdrant } from "./qdrant.ts";
import { redis } from "./redis.ts";
import { fits, type Hit, type VectorSource } from "./source.ts";
import { supabase } from "./supabase.ts";
import { weaviate } from "./weaviate.ts";

export type { Hit } from "./source.ts";

/** The first that fits is taken: a Weaviate store, which knows its tenants, before one that has the same method. */
const sources: readonly VectorSource<object>[] = [
  memory,
  pinecone,
  pgvector,
  chroma,
  hnswlib,
  lancedb,
  weaviate,
  mongodb,
  qdrant,
  milvus,
  elasticsearch,
  opensearch,
  supabase,
  redis,
  own,
];

/** Whether the default pool of a store goes by the width of its vectors. */
export const goesByWidth = (store: object): boolean => sourceOf(store)?.poolByWidth ?? false;

const sourceOf = (store: object): VectorSource<object> | undefined =>
  sources.find((each) => fits(store, each));

/**
 * The vectors that a store holds of the documents that it just returned, one entry a document; undefined where it does
 * not hand them over. Most stores are asked once more for them.
 *
 * @param query the vector that was searched for.
 * @param options.filter the filter of that search.
 * @throws {OscillinkError} if the store fails; its error is the `cause`.
 */
export async function storedVectors(
  store: object,
  hits: readonly Hit[],
  query: Vector,
  { filter, signal }: { readonly filter?: unknown; readonly signal?: Signal | undefined } = {},
): Promise<(Vector | undefined)[]> {
  const source = sourceOf(store);
  if (hits.length === 0 || source === undefined) return hits.map(() => undefined);
  try {
    return vectorsOf(hits, await source.rows(store, { hits, query: Array.from(query), filter, signal }));
  } catch (cause) {
    throwIfAborted(signal);
    const what = `reading the vectors of ${hits.length} documents from ${source.name} failed`;
    throw new OscillinkError("vectorStore", `${what}: ${messageOf(cause)}`, { cause });
  }
}
