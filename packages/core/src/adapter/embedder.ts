import { EmbedderError, OptionError, show } from "../errors.ts";
import type { VectorCounts } from "../options/calls.ts";
import { pack, type Vector } from "../pool/matrix.ts";
import { messageOf } from "./message.ts";

/** What turns texts into vectors: the shape that LangChain's embeddings have. */
export interface Embedder {
  embedDocuments(texts: string[]): Promise<Vector[]>;
  embedQuery(text: string): Promise<Vector>;
}

/** Vectors for all documents of a pool. */
export interface CompletedVectors {
  /** Null for a text that is empty: no model has a vector for it. */
  readonly embeddings: (Vector | null)[];
  readonly counts: VectorCounts;
}

/**
 * Fills in the vectors that a store did not hand over, with one call to the embedder for all of them.
 *
 * @param found what the store gave: one entry a document, null or undefined where it had none.
 * @param texts the documents' texts, in the same order. An empty one is not embedded, as an API may refuse the whole batch for it;
 *   half of a surrogate pair goes out as U+FFFD.
 * @throws {EmbedderError} if the embedder fails (its error is the `cause`) or returns another number of vectors.
 */
export async function completeVectors(
  found: readonly (Vector | null | undefined)[],
  texts: readonly string[],
  embedder: Embedder,
): Promise<CompletedVectors> {
  const embeddings = found.map((vector) => vector ?? null);
  const absent = [...embeddings.keys()].filter((i) => embeddings[i] === null && texts[i] !== "");
  const fromStore = embeddings.filter((vector) => vector !== null).length;
  const wanted = absent.map((i) => texts[i]!.toWellFormed());
  const embedded = wanted.length > 0 ? await embedAll(wanted, embedder) : [];
  absent.forEach((i, at) => {
    embeddings[i] = embedded[at]!;
  });
  return { embeddings, counts: { fromStore, reembedded: absent.length } };
}

async function embedAll(texts: string[], embedder: Embedder): Promise<Vector[]> {
  let vectors: Vector[];
  try {
    vectors = await embedder.embedDocuments(texts);
  } catch (cause) {
    // Of a cached embedder, which has said so already.
    if (cause instanceof EmbedderError) throw cause;
    const message = `embedding ${texts.length} documents failed: ${messageOf(cause)}`;
    throw new EmbedderError("embeddings", message, { cause });
  }
  if (!Array.isArray(vectors) || vectors.length !== texts.length) {
    const came = Array.isArray(vectors) ? `${vectors.length} vectors` : show(vectors);
    throw new EmbedderError("embeddings", `returned ${came} for ${texts.length} documents`);
  }
  // `findIndex` visits holes too, `forEach` would not.
  const hole = vectors.findIndex((vector) => vector === null || vector === undefined);
  if (hole >= 0)
    throw new EmbedderError("embeddings", `returned ${show(vectors[hole])} for document ${hole}`);
  return vectors;
}

/**
 * The vector of a query.
 *
 * @throws {EmbedderError} if the embedder fails (its error is the `cause`) or returns none.
 */
export async function embedQuery(text: string, embedder: Embedder): Promise<Vector> {
  let vector: Vector;
  try {
    vector = await embedder.embedQuery(text.toWellFormed());
  } catch (cause) {
    const message = `embedding the query failed: ${messageOf(cause)}`;
    throw new EmbedderError("embeddings", message, { cause });
  }
  if (vector === null || vector === undefined)
    throw new EmbedderError("embeddings", `returned ${show(vector)} for the query`);
  return vector;
}

/**
 * An embedder that remembers the documents it embedded last, so that a pool that comes again costs no call: for stores
 * that keep their vectors to themselves. Queries are passed on.
 *
 * A vector is kept under its text alone and as float32, which is what the ranking computes with. One that could not be
 * ranked is handed on and not kept, nor is anything of a call that failed; calls at the same time do not wait for each
 * other.
 *
 * @param options.entries how many vectors are kept: integer >= 1; past that, the least recently used goes. One of 1536
 *   values takes 6 KiB.
 * @throws {OptionError} if `entries` is no integer of at least 1; its `embedDocuments` throws as {@link completeVectors}.
 *
 * @example
 * const embedder = cachedEmbedder(embeddings, { entries: 1000 });
 */
export function cachedEmbedder(embedder: Embedder, { entries }: { readonly entries: number }): Embedder {
  if (!Number.isSafeInteger(entries) || entries < 1) {
    throw new OptionError("entries", `must be an integer of at least 1, not ${show(entries)}`);
  }
  // A Map keeps the order of insertion: its first key is the one that was not used for longest.
  const kept = new Map<string, Vector>();
  const keep = (text: string, vector: Vector): void => {
    kept.delete(text);
    kept.set(text, vector);
    if (kept.size > entries) kept.delete(kept.keys().next().value!);
  };
  return {
    embedQuery: (text) => embedder.embedQuery(text),
    async embedDocuments(texts) {
      // This call's own, for a batch may be larger than the cache.
      const known = new Map<string, Vector>();
      for (const text of texts) {
        const vector = kept.get(text);
        if (vector !== undefined) known.set(text, vector);
      }
      const absent = [...new Set(texts)].filter((text) => !known.has(text));
      const fresh = absent.length > 0 ? await embedAll(absent, embedder) : [];
      absent.forEach((text, i) => {
        known.set(text, fresh[i]!);
      });
      for (const text of known.keys()) {
        const vector = float32Of(known.get(text)!);
        if (vector !== null) keep(text, vector);
      }
      return texts.map((text) => known.get(text)!);
    },
  };
}

/** A copy of a vector as the ranking sees it; null if it could not be ranked. */
function float32Of(vector: Vector): Float32Array | null {
  try {
    const { data, columns } = pack([vector], () => "vector");
    return data.subarray(0, columns);
  } catch {
    return null;
  }
}
