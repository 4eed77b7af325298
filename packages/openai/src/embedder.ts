import { type Embedder, EmbedderError, OptionError, show } from "@oscillink/core/adapter";
import pMap from "p-map";

/** What is used of the official client, by its shape: any object that answers so will do. */
export interface EmbeddingsClient {
  readonly embeddings: {
    create(
      body: { model: string; input: string[]; dimensions?: number },
      options: { signal: AbortSignal },
    ): PromiseLike<EmbeddingsResponse>;
  };
}

interface EmbeddingsResponse {
  readonly data: readonly { readonly index: number; readonly embedding: readonly number[] }[];
}

/** The options of {@link openaiEmbedder}. */
export interface OpenAIEmbedderOptions {
  /** The embedding model, such as `"text-embedding-3-small"`. */
  model: string;
  /** Length of the vectors, where the model can shorten them. Integer >= 1; default: the model's own. */
  dimensions?: number;
  /** Texts in a request. Integer from 1 to 2048 (the API's limit), default 2048. */
  batchSize?: number;
  /**
   * Tokens in a request. Integer from 1 to 300000 (the API's limit), default 300000. Counted without a tokenizer, as
   * UTF-8 bytes: no text has more tokens than bytes, so the limit holds whatever the language; English has about four
   * bytes a token. A text that is longer than this by itself goes alone.
   */
  tokensPerBatch?: number;
  /** Requests under way at a time. Integer >= 1, default 4. */
  concurrency?: number;
  /** Cancels what is under way, and refuses what comes later. Default: none. */
  signal?: AbortSignal;
  /** Told after each request of `embedDocuments` how many texts are done. */
  onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** An `Embedder` of @oscillink/core, and embeddings as LangChain takes them. */
export interface OpenAIEmbedder extends Embedder {
  embedDocuments(texts: string[]): Promise<number[][]>;
  embedQuery(text: string): Promise<number[]>;
}

/**
 * Turns texts into vectors with the `openai` client, in as few requests as its limits allow, several at a time.
 *
 * The vectors come in the order of the texts, by the `index` in the response, and rounded to float32, so that receipts
 * do not depend on how the server wrote its numbers. Failed requests are repeated by the client alone (its
 * `maxRetries`); when one fails for good, the others are cancelled, and the client's own error comes through.
 *
 * @throws {OptionError} here, for an option that is unknown or out of range.
 * @throws {EmbedderError} from the methods, for a text that is empty, which the API refuses (before anything is sent),
 *   and for a response that does not hold one vector of the same length for each text.
 *
 * @example
 * const embedder = openaiEmbedder(new OpenAI(), { model: "text-embedding-3-small" });
 * const vectors = await embedder.embedDocuments(texts);
 */
export function openaiEmbedder(client: EmbeddingsClient, options: OpenAIEmbedderOptions): OpenAIEmbedder {
  const settings = resolve(client, options);
  const { model, dimensions, concurrency, signal } = settings;

  const embed = async (texts: string[], onProgress: OpenAIEmbedderOptions["onProgress"]) => {
    checkTexts(texts);
    // Of this call alone: its batches fall together.
    const failed = new AbortController();
    const either = AbortSignal.any(signal ? [signal, failed.signal] : [failed.signal]);
    let done = 0;
    const request = async (input: string[]) => {
      const body = { model, input, ...(dimensions !== undefined && { dimensions }) };
      const response = await client.embeddings.create(body, { signal: either });
      const vectors = vectorsOf(response, input.length);
      done += input.length;
      onProgress?.({ done, total: texts.length });
      return vectors;
    };
    try {
      const vectors = (await pMap(batchesOf(texts, settings), request, { concurrency })).flat();
      checkWidths(vectors, dimensions);
      return vectors;
    } catch (error) {
      failed.abort();
      throw error;
    }
  };

  return {
    embedDocuments: (texts) => embed(texts, settings.onProgress),
    embedQuery: async (text) => (await embed([text], undefined))[0]!,
  };
}

const LIMITS = { batchSize: 2048, tokensPerBatch: 300_000 };

/** The one place where options are judged. */
function resolve(client: EmbeddingsClient, given: OpenAIEmbedderOptions) {
  if (typeof client?.embeddings?.create !== "function") {
    throw new OptionError("client", "must be a client of the package openai: it needs embeddings.create");
  }
  const {
    model,
    dimensions,
    batchSize = LIMITS.batchSize,
    tokensPerBatch = LIMITS.tokensPerBatch,
    concurrency = 4,
    signal,
    onProgress,
    ...others
  } = given ?? {};
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) {
    const known = "model, dimensions, batchSize, tokensPerBatch, concurrency, signal, onProgress";
    throw new OptionError(unknown, `unknown option; known are ${known}`);
  }
  if (typeof model !== "string" || model === "") {
    throw new OptionError("model", `must be the name of an embedding model, not ${show(model)}`);
  }
  if (dimensions !== undefined) checkInteger("dimensions", dimensions);
  checkInteger("batchSize", batchSize, LIMITS.batchSize);
  checkInteger("tokensPerBatch", tokensPerBatch, LIMITS.tokensPerBatch);
  checkInteger("concurrency", concurrency);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new OptionError("signal", `must be an AbortSignal, not ${show(signal)}`);
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new OptionError("onProgress", `must be a function, not ${show(onProgress)}`);
  }
  return { model, dimensions, batchSize, tokensPerBatch, concurrency, signal, onProgress };
}

function checkInteger(name: string, value: unknown, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? "of at least 1" : `from 1 to ${most}`;
  throw new OptionError(name, `must be an integer ${range}, not ${show(value)}`);
}

/** All texts, before the first request: one that the API refuses would waste the others of its batch. */
function checkTexts(texts: string[]): void {
  if (!Array.isArray(texts))
    throw new EmbedderError("texts", `must be an array of strings, not ${show(texts)}`);
  for (const [i, text] of texts.entries()) {
    if (typeof text === "string" && text !== "") continue;
    throw new EmbedderError(`texts[${i}]`, `must be a string that is not empty, not ${show(text)}`);
  }
}

/** The texts in their order, as many in a batch as both limits allow. */
function batchesOf(
  texts: readonly string[],
  { batchSize, tokensPerBatch }: { readonly batchSize: number; readonly tokensPerBatch: number },
): string[][] {
  const utf8 = new TextEncoder();
  const batches: string[][] = [];
  let room = 0;
  for (const text of texts) {
    const bytes = utf8.encode(text).length;
    const batch = batches.at(-1);
    if (batch !== undefined && batch.length < batchSize && bytes <= room) {
      batch.push(text);
      room -= bytes;
    } else {
      batches.push([text]);
      room = tokensPerBatch - bytes;
    }
  }
  return batches;
}

/** The vectors of one response, by their `index`, rounded to float32. */
function vectorsOf(response: EmbeddingsResponse, count: number): number[][] {
  const data = response?.data;
  if (!Array.isArray(data) || data.length !== count) {
    const came = Array.isArray(data) ? `${data.length} vectors` : String(data);
    throw new EmbedderError("response.data", `holds ${came} for ${count} texts`);
  }
  const vectors = new Array<number[] | undefined>(count).fill(undefined);
  (data as EmbeddingsResponse["data"]).forEach((entry, i) => {
    const index = entry?.index;
    if (!Number.isSafeInteger(index) || index < 0 || index >= count || vectors[index] !== undefined) {
      const wanted = `must be from 0 to ${count - 1}, each once`;
      throw new EmbedderError(`response.data[${i}].index`, `${wanted}, not ${show(index)}`);
    }
    const { embedding } = entry;
    // A server may write NaN as null, which rounding would turn into 0.
    const finite = (value: unknown) => typeof value === "number" && Number.isFinite(Math.fround(value));
    if (!Array.isArray(embedding) || embedding.length === 0 || !embedding.every(finite)) {
      throw new EmbedderError(`response.data[${i}].embedding`, "must be an array of finite float32 numbers");
    }
    vectors[index] = embedding.map(Math.fround);
  });
  return vectors as number[][];
}

function checkWidths(vectors: readonly number[][], dimensions: number | undefined): void {
  const width = dimensions ?? vectors[0]?.length;
  const wrong = vectors.findIndex((vector) => vector.length !== width);
  if (wrong < 0) return;
  const message = `the vector of text ${wrong} has ${vectors[wrong]!.length} values instead of ${width}`;
  throw new EmbedderError("response.data", message);
}
