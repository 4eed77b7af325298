import { Settings } from "@llamaindex/core/global";
import type { MessageContent } from "@llamaindex/core/llms";
import { type BaseNode, MetadataMode, type NodeWithScore } from "@llamaindex/core/schema";
import { extractText } from "@llamaindex/core/utils";
import {
  type AdapterOptions,
  type AdapterSettings,
  type Asked,
  asking,
  CandidateError,
  type ConversationFocus,
  type ConversationFocusOptions,
  cachedEmbedder,
  checkObject,
  checkThread,
  type Described,
  type Embedder,
  type EmbeddingCache,
  embedQuery,
  metadataWithout,
  OptionError,
  type PlacedList,
  type RerankedItem,
  rerankItems,
  resolveAdapterOptions,
  resolveCache,
  resolveConversations,
  show,
  throwIfAborted,
  type Vector,
  waitFor,
} from "@oscillink/core/adapter";

/** What is used of an embedding model. Every `BaseEmbedding` has it, whichever copy of the library it comes from. */
export interface EmbedModel {
  getQueryEmbedding(query: { type: "text"; text: string }): Promise<Vector | null>;
  getTextEmbeddingsBatch(texts: string[]): Promise<Vector[]>;
}

/** What is used of an index. A `VectorStoreIndex` has it, whichever copy of the library it comes from. */
export interface VectorIndex {
  readonly embedModel?: EmbedModel | undefined;
  /** By the kind of node, such as `TEXT`. Vectors are taken from a store that has `get(id)`, as `SimpleVectorStore`. */
  readonly vectorStores: Readonly<Record<string, object | undefined>>;
}

/** What the postprocessor and the retriever have in common, besides the options of `rerank` (`k`, `profile`, …). */
export interface NodeOptions extends AdapterOptions<NodeWithScore> {
  /** The index that the nodes come from: their vectors are taken from its store. Default: none. */
  index?: VectorIndex;
  /**
   * Embeds the query, and the nodes whose vectors are not at hand: the model that the index was filled with. Default: the
   * index's, else the `Settings.embedModel` of the moment.
   */
  embedModel?: EmbedModel;
  /**
   * Where the vectors of nodes embedded anew are kept for the next query: an `embeddingCache`, which several adapters may share;
   * false for nowhere. Default: one of its own, of 32 MiB.
   */
  cache?: EmbeddingCache | false;
  /**
   * Ranks with the focus of the conversation, and searches the index with it, so that a follow-up question finds what it leaves unsaid:
   * options of `QueryFocus`, or a {@link ConversationFocus} that several adapters share, or whose states are kept elsewhere. The words
   * are those of the question. Embeds the questions so far joined beside the question. Needs `thread`. Default: none.
   */
  focus?: ConversationFocusOptions | ConversationFocus;
  /** The id of the conversation, or what gives it for each call, such as an `AsyncLocalStorage`. */
  thread?: string | (() => string);
}

/** The options of {@link NodeOptions}, judged and resolved. */
export interface NodeSettings extends AdapterSettings<NodeWithScore> {
  readonly index: VectorIndex | null;
  readonly embedModel: EmbedModel | null;
  /** A model as core's embedder, with the cache. */
  readonly embedderOf: (model: EmbedModel) => Embedder;
  readonly focus: ConversationFocus | null;
  /** Judges the id of the conversation of a call. */
  readonly thread: () => string;
}

/**
 * Judges all options when an adapter is made, not when its first query comes.
 *
 * @param own the names of the adapter's further options, for the message about one that is unknown.
 */
export function resolveNodeOptions(given: NodeOptions, own: readonly string[] = []): NodeSettings {
  const {
    index,
    embedModel,
    cache,
    focus: conversations,
    thread,
    ...options
  } = checkObject("options", given);
  if (index !== undefined && (typeof index?.vectorStores !== "object" || index.vectorStores === null)) {
    throw new OptionError("index", `must be a VectorStoreIndex, not ${typeof index}`);
  }
  if (embedModel !== undefined) checkModel(embedModel);
  const focus = resolveConversations(conversations);
  if (focus === null && thread !== undefined) {
    throw new OptionError("thread", "is for a focus; give that too, or neither");
  }
  if (focus && typeof thread !== "function") checkThread("thread", thread);
  const known = [...own, "index", "embedModel", "cache", "focus", "thread"];
  return {
    ...resolveAdapterOptions(options, titleOf, known),
    focus,
    thread: () => checkThread("thread", typeof thread === "function" ? thread() : thread),
    index: index ?? null,
    embedModel: embedModel ?? null,
    embedderOf: remembering(resolveCache(cache)),
  };
}

/** The question of a call. */
export interface Question {
  /** Its text; empty where there is none. */
  readonly text: string;
  /** Makes its vector at the first call, or that of the conversation's focus. */
  readonly asked: () => Promise<Asked>;
}

/**
 * Does the work for a question, as a turn of its conversation where there is a focus.
 *
 * @throws the reason of an aborted signal, in any case.
 */
export async function askingFor<T>(
  query: MessageContent | null | undefined,
  settings: NodeSettings,
  work: (question: Question) => Promise<T>,
): Promise<T> {
  const { focus, thread, waiting } = settings;
  throwIfAborted(waiting.signal);
  // `extractText` makes the word "undefined" of an absent query.
  const text = query === null || query === undefined ? "" : extractText(query);
  const embed = async (some: string): Promise<Vector> => {
    if (text.trim() === "") {
      throw new OptionError("query", "has no text; give postprocessNodes and retrieve the question, as text");
    }
    return embedQuery(some, settings.embedderOf(modelOf(settings)), waiting);
  };
  return asking(focus, thread, text, embed, waiting.signal, (asked) => work({ text, asked }));
}

/**
 * Re-ranks nodes and returns clones of the k that belong together, best first. The nodes that came in, which are the
 * index's own, stay as they are.
 *
 * @param lists which search found which of the nodes; without, one found all.
 * @throws the reason of an aborted signal, in any case.
 */
export async function rerankNodes(
  nodes: readonly NodeWithScore[],
  { text, asked }: Question,
  settings: NodeSettings,
  lists?: readonly PlacedList[],
): Promise<NodeWithScore[]> {
  const { waiting } = settings;
  throwIfAborted(waiting.signal);
  if (nodes.length === 0) return [];
  const likeness = async () => {
    const [{ query, focus }, vectors] = await Promise.all([
      asked(),
      waitFor(() => storedVectors(nodes, settings.index), waiting, "the store, asked for its vectors,"),
    ]);
    const embedder = settings.embedderOf(modelOf(settings));
    const store = settings.index;
    return { query, vectors, embedder, lists, focus, ...(store && { store }) };
  };
  const handOn = (found: RerankedItem<NodeWithScore>) => withRecord(found, settings);
  const { ranked } = await rerankItems(nodes, describe, text, likeness, settings, handOn);
  return [...ranked];
}

/** The text without metadata: the words of a file's path are no evidence. */
function describe({ node }: NodeWithScore): Described {
  if (typeof node?.getContent !== "function") {
    throw new CandidateError(
      "nodes",
      `an entry's node must be a node, not ${show(node)}; is the index whole?`,
    );
  }
  // The library cannot clone an image that it retrieved (its address is a URL object), and would embed its empty text.
  if ("image" in node) {
    throw new CandidateError("nodes", `${node.id_} is an image; give a retriever that finds texts alone`);
  }
  return {
    id: node.id_,
    text: node.getContent(MetadataMode.NONE),
    // As an index embeds nodes when it takes them in: with the metadata that are meant for it.
    embedText: node.getContent(MetadataMode.EMBED),
  };
}

const titleOf = ({ node }: NodeWithScore): string | undefined =>
  typeof node.metadata?.title === "string" ? node.metadata.title : undefined;

/**
 * The vectors that are at hand, one entry a node: the node's own, else that of a store that can be asked. Most stores of
 * LlamaIndex drop them on the way, and some hand them over as text: what is no array counts as absent.
 */
function storedVectors(
  nodes: readonly NodeWithScore[],
  index: VectorIndex | null,
): Promise<(Vector | undefined)[]> {
  const stores = Object.values(index?.vectorStores ?? {}).filter(hasGet);
  return Promise.all(
    nodes.map(async ({ node }) => {
      if (Array.isArray(node.embedding) && node.embedding.length > 0) return node.embedding;
      for (const store of stores) {
        const vector = await store.get(node.id_);
        if (Array.isArray(vector)) return vector as number[];
      }
      return undefined;
    }),
  );
}

const hasGet = (store: object | undefined): store is { get(id: string): unknown } =>
  typeof (store as { get?: unknown } | undefined)?.get === "function";

/** The model that the index embeds queries with. */
function modelOf({ embedModel, index }: NodeSettings): EmbedModel {
  const store = index?.vectorStores.TEXT as { embedModel?: EmbedModel } | undefined;
  const known = embedModel ?? index?.embedModel ?? store?.embedModel;
  if (known) return known;
  try {
    return Settings.embedModel;
  } catch (cause) {
    throw new OptionError("embedModel", "is not given, and Settings.embedModel is not set: give one", {
      cause,
    });
  }
}

function checkModel(model: Partial<EmbedModel> | null): void {
  if (typeof model?.getQueryEmbedding !== "function" || typeof model.getTextEmbeddingsBatch !== "function") {
    throw new OptionError(
      "embedModel",
      "must be a BaseEmbedding: it needs getQueryEmbedding and getTextEmbeddingsBatch",
    );
  }
}

/** One embedder a model: `Settings.embedModel` may be another with each call. */
function remembering(cache: EmbeddingCache | null): (model: EmbedModel) => Embedder {
  const embedders = new WeakMap<EmbedModel, Embedder>();
  return (model) => {
    const known = embedders.get(model);
    if (known !== undefined) return known;
    const plain = plainEmbedder(model);
    const embedder = cache ? cachedEmbedder(plain, cache, model) : plain;
    embedders.set(model, embedder);
    return embedder;
  };
}

const plainEmbedder = (model: EmbedModel): Embedder => ({
  embedDocuments: (texts) => model.getTextEmbeddingsBatch(texts),
  embedQuery: async (text) => {
    const vector = await model.getQueryEmbedding({ type: "text", text });
    if (vector === null) {
      throw new TypeError("getQueryEmbedding returned null; give an embedModel that embeds text");
    }
    return vector;
  },
});

/**
 * A copy of a node with its score, and the record in its metadata; as it came where there is none. What a node brings under the
 * name of the record is not handed on, unless the node has no record and cannot be copied.
 */
function withRecord(found: RerankedItem<NodeWithScore>, settings: NodeSettings): NodeWithScore {
  try {
    return copyOf(found, settings);
  } catch (error) {
    if (found.record !== null) throw error;
    return found.item;
  }
}

function copyOf(
  { item, record, relevanceScore: score }: RerankedItem<NodeWithScore>,
  { attach, metadataKey }: NodeSettings,
): NodeWithScore {
  const { node } = item;
  if (record === null && !Object.hasOwn(node?.metadata ?? {}, metadataKey)) return item;
  const metadata = metadataWithout(node.metadata, [metadataKey]);
  // Not `clone()`, which copies metadata deeply: that refuses a URL, and makes `{}` of an ObjectId.
  const Kind = node.constructor as new (fields: object) => BaseNode;
  const clone = new Kind({ ...node, metadata });
  clone.hash = node.hash;
  if (record === null) return { ...item, node: clone };
  if (attach !== "none") {
    // The record is about the content, not part of it: neither of its hash, nor of what a model reads.
    clone.metadata[metadataKey] = record;
    clone.excludedLlmMetadataKeys = [...new Set([...clone.excludedLlmMetadataKeys, metadataKey])];
    clone.excludedEmbedMetadataKeys = [...new Set([...clone.excludedEmbedMetadataKeys, metadataKey])];
  }
  return { node: clone, ...(score !== null && { score }) };
}
