import { EmbedderError, show } from "../errors.ts";
import type { VectorCounts } from "../options/calls.ts";
import type { Vector } from "../pool/matrix.ts";
import { type Signal, throwIfAborted, type Waiting, waitFor } from "../waiting.ts";
import { messageOf } from "./message.ts";

/** What turns texts into vectors: the shape that LangChain's embeddings have. */
export interface Embedder {
  embedDocuments(texts: string[], options?: EmbedOptions): Promise<Vector[]>;
  embedQuery(text: string, options?: EmbedOptions): Promise<Vector>;
}

/** What an embedder is told besides: it may heed it. */
export interface EmbedOptions {
  /** That of the call that wants the vectors: once it is aborted, nobody waits for them. Absent if the call has none. */
  readonly signal?: Signal;
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
 * @param waiting how long it may take. Default: no limit.
 * @throws the reason of an aborted signal.
 * @throws {EmbedderError} if the embedder fails (its error is the `cause`) or returns another number of vectors.
 */
export async function completeVectors(
  found: readonly (Vector | null | undefined)[],
  texts: readonly string[],
  embedder: Embedder,
  waiting: Waiting = {},
): Promise<CompletedVectors> {
  const embeddings = found.map((vector) => vector ?? null);
  const absent = [...embeddings.keys()].filter((i) => embeddings[i] === null && isText(texts[i]));
  const fromStore = embeddings.filter((vector) => vector !== null).length;
  const wanted = absent.map((i) => texts[i]!.toWellFormed());
  const embedded = wanted.length > 0 ? await embedAll(wanted, embedder, waiting) : [];
  absent.forEach((i, at) => {
    embeddings[i] = embedded[at]!;
  });
  return { embeddings, counts: { fromStore, reembedded: absent.length } };
}

/** Whether there is something to embed. What is no text, such as a null of a database, the ranking judges. */
const isText = (text: unknown): boolean => typeof text === "string" && text !== "";

/** A vector for each text, by one call. Throws as {@link completeVectors}. */
export async function embedAll(texts: string[], embedder: Embedder, waiting: Waiting): Promise<Vector[]> {
  let vectors: Vector[];
  try {
    vectors = await waitFor(() => embedder.embedDocuments(texts, ...told(waiting)), waiting, "the embedder");
  } catch (cause) {
    throwIfAborted(waiting.signal);
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

/** What an embedder is told of a call: nothing, where there is nothing to tell, as it may be anybody's. */
const told = ({ signal }: Waiting): [EmbedOptions?] => (signal === undefined ? [] : [{ signal }]);

/**
 * The vector of a query.
 *
 * @param waiting how long it may take. Default: no limit.
 * @throws the reason of an aborted signal.
 * @throws {EmbedderError} if the embedder fails (its error is the `cause`) or returns none.
 */
export async function embedQuery(text: string, embedder: Embedder, waiting: Waiting = {}): Promise<Vector> {
  let vector: Vector;
  try {
    vector = await waitFor(
      () => embedder.embedQuery(text.toWellFormed(), ...told(waiting)),
      waiting,
      "the embedder",
    );
  } catch (cause) {
    throwIfAborted(waiting.signal);
    const message = `embedding the query failed: ${messageOf(cause)}`;
    throw new EmbedderError("embeddings", message, { cause });
  }
  if (vector === null || vector === undefined)
    throw new EmbedderError("embeddings", `returned ${show(vector)} for the query`);
  return vector;
}
