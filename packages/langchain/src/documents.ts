// Not ".../dispatch", which needs Node's async_hooks: the run is handed in.
import { dispatchCustomEvent } from "@langchain/core/callbacks/dispatch/web";
import type { Callbacks } from "@langchain/core/callbacks/manager";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { type RunnableConfig, RunnableLambda } from "@langchain/core/runnables";
import {
  type AdapterOptions,
  type AdapterSettings,
  cachedEmbedder,
  type DocumentRecord,
  type Embedder,
  type EmbeddingCache,
  eitherSignal,
  type Likeness,
  messageOf,
  metadataWithout,
  OptionError,
  type RerankedItem,
  rerankItems,
  resolveAdapterOptions,
  resolveCache,
  show,
  throwIfAborted,
} from "@oscillink/core/adapter";
import { handlersOf, hears, hearsReceipts, hearsRuns, signalOf } from "./callbacks.ts";

/** The custom event that carries the receipt of a re-ranking: `streamEvents` has it as `on_custom_event`. */
export const receiptEvent = "oscillink_receipt";
/** The custom event of a failure that was passed through, or of a pool without vectors: `{ name, message }` of the error. */
const warningEvent = "oscillink_warning";

/** What the reranker and the retriever have in common, besides the options of `rerank` (`k`, `profile`, …). */
export interface RerankFields extends AdapterOptions<DocumentInterface> {
  /** Embeds the query, and the documents whose vectors are not at hand: the model that the store was filled with. */
  embeddings: EmbeddingsInterface;
  /** A document's title, if it is not part of its text. Default: `metadata.title`, where that is a string. */
  title?: (document: DocumentInterface) => string | undefined;
  /**
   * Where the vectors of documents that were embedded again are kept for the next query: an `embeddingCache`, which several
   * adapters may share; false for nowhere. Default: one of its own, of 32 MiB.
   */
  cache?: EmbeddingCache | false;
  /**
   * Whether the traced run `oscillink_rerank` has the candidates and the bundle themselves as its input and output. Default false: how
   * many candidates there were, the bundle's ids and the receipt's digest, as tracers store all of it.
   */
  traceCandidates?: boolean;
}

/** The fields of {@link RerankFields}, judged and resolved. */
export interface Settings extends AdapterSettings<DocumentInterface> {
  readonly embedder: Embedder;
  readonly traceCandidates: boolean;
}

/**
 * Judges all fields when an adapter is made, not when its first query comes.
 *
 * @param own the names of the adapter's further fields, for the message about one that is unknown.
 */
export function resolveFields(
  { embeddings, cache, traceCandidates = false, ...options }: RerankFields,
  own: readonly string[],
): Settings {
  if (typeof embeddings?.embedQuery !== "function" || typeof embeddings.embedDocuments !== "function") {
    throw new OptionError(
      "embeddings",
      "must be LangChain embeddings: it needs embedQuery and embedDocuments",
    );
  }
  if (typeof traceCandidates !== "boolean") {
    throw new OptionError("traceCandidates", `must be true or false, not ${show(traceCandidates)}`);
  }
  const kept = resolveCache(cache);
  const embedder = kept ? cachedEmbedder(embeddings, kept) : embeddings;
  const known = [...own, "embeddings", "cache", "traceCandidates"];
  return { ...resolveAdapterOptions(options, titleOf, known), embedder, traceCandidates };
}

/**
 * The settings of one call: it ends by its own signal too, and the console is told of nothing of which a listener among its
 * callbacks is told.
 */
export function settingsOf(settings: Settings, callbacks: Callbacks | undefined): Settings {
  const handlers = handlersOf(callbacks);
  const { onWarning, waiting } = settings;
  return {
    ...settings,
    onWarning: onWarning ?? (handlers.some(hears) ? () => undefined : null),
    waiting: { ...waiting, signal: eitherSignal(waiting.signal, signalOf(handlers)) },
  };
}

const titleOf = ({ metadata }: DocumentInterface): string | undefined =>
  typeof metadata?.title === "string" ? metadata.title : undefined;

/** A document's id, where it has one, and its text. */
export const describe = ({ id, pageContent }: DocumentInterface) => ({
  // Keys come back from a database as numbers or null, whatever the type says.
  id: id === undefined || id === null ? undefined : String(id),
  text: pageContent,
});

/**
 * Re-ranks documents and returns new ones, best first, as one traced run, which tells of its receipt in a custom event.
 * The documents that came in stay as they are.
 */
export async function rerankDocuments(
  documents: readonly DocumentInterface[],
  query: string,
  likeness: () => Promise<Likeness> | Likeness,
  settings: Settings,
  callbacks: Callbacks | undefined,
): Promise<DocumentInterface[]> {
  const { traceCandidates, waiting } = settings;
  // Not what the step returns, for that is traced.
  let bundle: readonly DocumentInterface[] = [];
  const rerankRun = async (_: unknown, run: RunnableConfig): Promise<unknown> => {
    const reranked = await rerankItems(documents, describe, query, likeness, settings, (found) =>
      withRecord(found, settings),
    );
    const { failure, warning } = reranked;
    bundle = reranked.ranked;
    if (failure) await tellOf(failure.error, run);
    if (warning) await tellOf(warning, run);
    const handlers = handlersOf(run.callbacks);
    // The receipt is written when it is read: not for an event that nobody hears, nor for a trace that nobody keeps.
    if (!failure && handlers.some(hearsReceipts)) {
      await dispatchCustomEvent(receiptEvent, reranked.receipt, run);
    }
    if (traceCandidates) return bundle;
    const receipt = handlers.some(hearsRuns) ? reranked.receipt : null;
    return { ids: receipt?.bundle.map(({ id }) => id) ?? null, receipt: receipt?.digest ?? null };
  };
  const step = RunnableLambda.from(rerankRun).withConfig({ runName: "oscillink_rerank" });
  const input = traceCandidates ? { query, documents } : { query, candidates: documents.length };
  try {
    await step.invoke(input, callbacks === undefined ? {} : { callbacks });
  } catch (error) {
    // LangChain makes an Error of a reason that is none.
    throwIfAborted(waiting.signal);
    throw error;
  }
  return [...bundle];
}

/** Tells whoever listens to the run of a failure that was passed through. */
export async function tellOf(error: unknown, run: RunnableConfig): Promise<void> {
  const name = error instanceof Error ? error.name : "Error";
  await dispatchCustomEvent(warningEvent, { name, message: messageOf(error) }, run);
}

/**
 * A copy of a document, with the record in its metadata, or without one. What a document brings under the name of the record or of
 * the score is not handed on: it is an earlier stage's, or somebody's invention. One without a record that cannot be copied is handed
 * on as it is.
 */
function withRecord(
  { item, record, relevanceScore }: RerankedItem<DocumentInterface>,
  { attach, metadataKey }: Settings,
): DocumentInterface {
  try {
    const { pageContent, metadata: given, id } = item;
    const metadata = metadataWithout(given, ["relevanceScore", metadataKey]);
    if (relevanceScore !== null) metadata.relevanceScore = relevanceScore;
    if (record !== null && attach !== "none") metadata[metadataKey] = record;
    // Its constructor takes no null, which a store may have for a text.
    return new Document({ pageContent: pageContent ?? "", metadata, ...(id !== undefined && { id }) });
  } catch (error) {
    if (record !== null) throw error;
    return item;
  }
}

/**
 * The record that the reranker or the retriever left with a document; undefined if there is none. What it says is not verified:
 * see `verifyReceipt`.
 *
 * @param key the option `metadataKey` that it was made with.
 */
export function recordOf(
  { metadata }: Pick<DocumentInterface, "metadata">,
  key = "oscillink",
): DocumentRecord | undefined {
  const record: unknown = metadata?.[key];
  const known = typeof record === "object" && record !== null && "rank" in record && "receipt" in record;
  return known ? (record as DocumentRecord) : undefined;
}
