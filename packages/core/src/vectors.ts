import type { Vector } from "./embeddings.ts";
import { EmbedderError, show } from "./errors.ts";

/** What turns texts into vectors: the shape that LangChain's embeddings have. */
export interface Embedder {
  embedDocuments(texts: string[]): Promise<Vector[]>;
  embedQuery(text: string): Promise<Vector>;
}

/** Where the vectors of a pool came from. */
export interface VectorCounts {
  /** How many the store handed over. */
  readonly fromStore: number;
  /** How many were embedded anew. */
  readonly reembedded: number;
}

/** Vectors for all documents of a pool. */
export interface CompletedVectors {
  readonly embeddings: Vector[];
  readonly counts: VectorCounts;
}

/**
 * Fills in the vectors that a store did not hand over, with one call to the embedder for all of them.
 *
 * @param found what the store gave: one entry a document, null or undefined where it had none.
 * @param texts the documents' texts, in the same order.
 * @throws {EmbedderError} if the embedder fails (its error is the `cause`) or returns another number of vectors.
 */
export async function completeVectors(
  found: readonly (Vector | null | undefined)[],
  texts: readonly string[],
  embedder: Embedder,
): Promise<CompletedVectors> {
  const absent = [...found.keys()].filter((i) => found[i] === null || found[i] === undefined);
  const embedded =
    absent.length > 0
      ? await embedAll(
          absent.map((i) => texts[i]!),
          embedder,
        )
      : [];
  const embeddings = [...found] as Vector[];
  absent.forEach((i, at) => {
    embeddings[i] = embedded[at]!;
  });
  return { embeddings, counts: { fromStore: found.length - absent.length, reembedded: absent.length } };
}

async function embedAll(texts: string[], embedder: Embedder): Promise<Vector[]> {
  let vectors: Vector[];
  try {
    vectors = await embedder.embedDocuments(texts);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new EmbedderError("embeddings", `embedding ${texts.length} documents failed: ${message}`, {
      cause,
    });
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
    vector = await embedder.embedQuery(text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new EmbedderError("embeddings", `embedding the query failed: ${message}`, { cause });
  }
  if (vector === null || vector === undefined)
    throw new EmbedderError("embeddings", `returned ${show(vector)} for the query`);
  return vector;
}
