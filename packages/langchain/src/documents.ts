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
  type Likeness,
  messageOf,
  OptionError,
  type RerankedItem,
  rerankItems,
  resolveAdapterOptions,
  resolveCache,
} from "@oscillink/core/adapter";

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
  /** How many vectors of documents that were embedded again are kept for the next query: integer >= 0, default 1000. */
  cache?: number;
}

/** The fields of {@link RerankFields}, judged and resolved. */
export interface Settings extends AdapterSettings<DocumentInterface> {
  readonly embedder: Embedder;
}

/**
 * Judges all fields when an adapter is made, not when its first query comes.
 *
 * @param own the names of the adapter's further fields, for the message about one that is unknown.
 */
export function resolveFields(
  { embeddings, cache, ...options }: RerankFields,
  own: readonly string[],
): Settings {
  if (typeof embeddings?.embedQuery !== "function" || typeof embeddings.embedDocuments !== "function") {
    throw new OptionError(
      "embeddings",
      "must be LangChain embeddings: it needs embedQuery and embedDocuments",
    );
  }
  const entries = resolveCache(cache);
  const embedder = entries > 0 ? cachedEmbedder(embeddings, { entries }) : embeddings;
  return { ...resolveAdapterOptions(options, titleOf, [...own, "embeddings", "cache"]), embedder };
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
export function rerankDocuments(
  documents: readonly DocumentInterface[],
  query: string,
  likeness: () => Promise<Likeness> | Likeness,
  settings: Settings,
  callbacks: Callbacks | undefined,
): Promise<Document[]> {
  const rerankRun = async (_: unknown, run: RunnableConfig): Promise<Document[]> => {
    const { ranked, receipt, failure, warning } = await rerankItems(
      documents,
      describe,
      query,
      likeness,
      settings,
    );
    if (failure) await tellOf(failure.error, run);
    if (warning) await tellOf(warning, run);
    if (receipt) await dispatchCustomEvent(receiptEvent, receipt, run);
    return ranked.map((found) => withRecord(found, settings));
  };
  const step = RunnableLambda.from(rerankRun).withConfig({ runName: "oscillink_rerank" });
  return step.invoke({ query, documents }, callbacks === undefined ? {} : { callbacks });
}

/** Tells whoever listens to the run of a failure that was passed through. */
export async function tellOf(error: unknown, run: RunnableConfig): Promise<void> {
  const name = error instanceof Error ? error.name : "Error";
  await dispatchCustomEvent(warningEvent, { name, message: messageOf(error) }, run);
}

/**
 * A copy of a document, with the record in its metadata, or without one. What a document brings under the name of the record or of
 * the score is not handed on: it is an earlier stage's, or somebody's invention.
 */
function withRecord(
  { item, record, relevanceScore }: RerankedItem<DocumentInterface>,
  { attach, metadataKey }: Settings,
): Document {
  const { pageContent, metadata: given, id } = item;
  const { relevanceScore: _, [metadataKey]: __, ...rest } = given ?? {};
  const metadata = {
    ...rest,
    ...(relevanceScore !== null && { relevanceScore }),
    ...(record !== null && attach !== "none" && { [metadataKey]: record }),
  };
  return new Document({ pageContent, metadata, ...(id !== undefined && { id }) });
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
