import {
  type AdapterOptions,
  checkObject,
  type Digest,
  EmbedderError,
  eitherSignal,
  embedQuery,
  type Likeness,
  messageOf,
  OptionError,
  type Receipt,
  rerankItems,
  resolveAdapterOptions,
  type Signature,
  show,
  throwIfAborted,
  type Vector,
} from "@oscillink/core/adapter";
import type { JSONValue, RerankingModel } from "ai";
import { checkEmbed, type Embed, embedderOf } from "./embed.ts";

/** What `ai` 6 and 7 take alike: of version 4 of the specification, `ai` 6 knows nothing. */
type Model = Extract<RerankingModel, { specificationVersion: "v3" }>;
type Call = Parameters<Model["doRerank"]>[0];
type Result = Awaited<ReturnType<Model["doRerank"]>>;
type JSONObject = { [key: string]: JSONValue | undefined };

/** A document as `rerank` of the AI SDK takes it: its text, or any JSON object. */
export type RerankingDocument = string | JSONObject;

/** The options of {@link oscillinkRerankingModel}: `embed`, and any option of `rerank` of @oscillink/core. */
export interface OscillinkRerankingModelOptions<Doc extends RerankingDocument = RerankingDocument>
  extends AdapterOptions<Doc> {
  /** Embeds the query, and the documents whose vectors did not come along. Default: none; all vectors must come. */
  embed?: Embed;
  /** The model's name in results and telemetry. Default: the profile's. */
  modelId?: string;
  /**
   * The words of an object. Default: its `text` if that is a string; else all of it as JSON, but for its vector and
   * title.
   */
  text?: (document: Exclude<Doc, string>) => string;
  /** How many documents are ranked by a call without `topN`. Default: all. */
  k?: number;
}

/**
 * A reranking model for the AI SDK: the documents that belong together come first, by a computation instead of a
 * model, and its receipt comes in `providerMetadata.oscillink.receipt`.
 *
 * A document's vector is taken from `providerOptions.oscillink.embeddings` (one a document, null where there is none),
 * else from its field `embedding`, else `embed` makes it; the query's from `providerOptions.oscillink.queryEmbedding`,
 * else `embed` makes it. Objects are known in the receipt by their `id`, where they have one.
 *
 * `relevanceScore` is core's relevance: in [0, 1], never rising, and comparable between calls of one embedder (see
 * `relevanceScale`). Where nothing tells of it (`receipt.relevance` is null), it is in standard deviations of the pool, around 0. A
 * document that could not be ranked comes last, with 0, or with -Infinity in that case.
 *
 * @throws {OptionError} for an option that is unknown or out of range.
 *
 * @example
 * const { ranking, providerMetadata } = await rerank({
 *   model: oscillinkRerankingModel({ embed: openai.embedding("text-embedding-3-small") }),
 *   query, documents, topN: 5,
 * });
 */
export function oscillinkRerankingModel<Doc extends RerankingDocument = RerankingDocument>(
  given: OscillinkRerankingModelOptions<Doc> = {},
): Model {
  const { embed, modelId, text = textOf, ...options } = checkObject("options", given);
  checkEmbed(embed);
  const settings = resolveAdapterOptions(options, titleOf, ["embed", "modelId", "text"]);
  const name = modelId ?? settings.params.profile;
  if (typeof name !== "string") throw new OptionError("modelId", `must be a string, not ${show(name)}`);
  if (typeof text !== "function") throw new OptionError("text", `must be a function, not ${show(text)}`);

  async function doRerank(call: Call): Promise<Result> {
    const { query, topN, abortSignal } = call;
    const signal = eitherSignal(settings.waiting.signal, abortSignal);
    throwIfAborted(signal);
    const waiting = { ...settings.waiting, signal };
    const documents = call.documents.values as readonly RerankingDocument[] as readonly Doc[];
    if (topN !== undefined && !(Number.isSafeInteger(topN) && topN >= 1)) {
      throw new OptionError("topN", `must be an integer of at least 1, not ${show(topN)}`);
    }
    if (documents.length === 0) return { ranking: [] };

    const likeness = async (): Promise<Likeness> => {
      const embedder = embedderOf(embed);
      const given = givenVectors(call, settings.metadataKey);
      const vectors = documents.map((document, i) => given.embeddings?.[i] ?? embeddingOf(document));
      if (given.queryEmbedding) return { query: given.queryEmbedding, vectors, embedder };
      if (embedder) return { query: await embedQuery(query, embedder, waiting), vectors, embedder };
      const instead = `providerOptions.${settings.metadataKey}.queryEmbedding`;
      throw new OptionError("embed", `is missing, and so is ${instead}: the query has no vector`);
    };
    const k = topN ?? settings.options.k ?? documents.length;
    const reranked = await rerankItems(
      documents,
      (document) => ({
        id: idOf(document),
        text: typeof document === "string" ? document : text(document as Exclude<Doc, string>),
      }),
      query,
      likeness,
      { ...settings, waiting, options: { ...settings.options, k }, params: { ...settings.params, k } },
    );
    const { ranked, signatures, failure } = reranked;
    // Of a document that could not be ranked nothing is known; it comes last.
    const lowest = () => (reranked.receipt?.relevance ? 0 : -Infinity);
    const ranking = ranked.map(({ record, relevanceScore }, i) =>
      record
        ? { index: record.inputRank - 1, relevanceScore: relevanceScore ?? lowest() }
        : { index: i, relevanceScore: 0 },
    );
    const warnings: Result["warnings"] = failure
      ? [{ type: "other", message: `not re-ranked: ${saying(failure.error)}` }]
      : [];
    // The receipt is written when it is read: not where it is not wanted.
    const receipt = settings.attach === "none" ? null : reranked.receipt;
    const kept = receipt && (settings.attach === "full" ? receipt : receipt.digest);
    return {
      ranking,
      warnings,
      ...(kept && { providerMetadata: { [settings.metadataKey]: metadataOf(kept, signatures) } }),
    };
  }

  return {
    specificationVersion: "v3",
    provider: "oscillink",
    modelId: name,
    doRerank: (call) => asThrown(() => doRerank(call)),
  };
}

const titleOf = (document: RerankingDocument): string | undefined =>
  typeof document === "object" && typeof document.title === "string" ? document.title : undefined;

function textOf({ embedding: _, title, ...document }: JSONObject): string {
  if (typeof document.text === "string") return document.text;
  return JSON.stringify(typeof title === "string" ? document : { title, ...document });
}

const idOf = (document: RerankingDocument): string | undefined =>
  typeof document === "object" && ["string", "number"].includes(typeof document.id)
    ? String(document.id)
    : undefined;

/** Whatever is there: the core judges it. */
const embeddingOf = (document: RerankingDocument): Vector | null | undefined =>
  typeof document === "object" ? (document.embedding as Vector | null | undefined) : undefined;

/** The vectors that came with the call. */
function givenVectors({ documents, providerOptions }: Call, key: string) {
  const { embeddings, queryEmbedding, ...others } = providerOptions?.[key] ?? {};
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) {
    const known = "embeddings, queryEmbedding";
    throw new OptionError(`providerOptions.${key}.${unknown}`, `unknown option; known are ${known}`);
  }
  const count = documents.values.length;
  if (embeddings !== undefined && !(Array.isArray(embeddings) && embeddings.length === count)) {
    const came = Array.isArray(embeddings) ? embeddings.length : String(embeddings);
    const wanted = `must be an array of ${count} vectors, one a document`;
    throw new OptionError(`providerOptions.${key}.embeddings`, `${wanted}, not ${came}`);
  }
  return { embeddings, queryEmbedding } as {
    embeddings?: readonly (Vector | null)[];
    queryEmbedding?: Vector | null;
  };
}

/** Receipts and signatures are plain JSON, which their types, being interfaces, cannot say. */
const metadataOf = (receipt: Receipt | Digest, signatures: readonly Signature[]): JSONObject => ({
  receipt: receipt as unknown as JSONValue,
  ...(signatures.length > 0 && { signatures: signatures as unknown as JSONValue }),
});

const saying = (error: unknown): string =>
  `${error instanceof Error ? error.name : "Error"}: ${messageOf(error)}`;

/**
 * A failure that may pass comes out as it was thrown: the SDK repeats those that it knows by `isRetryable`, and would not know them
 * inside another.
 */
async function asThrown<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const cause = error instanceof EmbedderError ? (error.cause as { isRetryable?: boolean }) : undefined;
    throw cause?.isRetryable === true ? cause : error;
  }
}
