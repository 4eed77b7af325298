import {
  type Embedder,
  EmbedderError,
  type EmbedOptions,
  eitherSignal,
  OptionError,
  show,
  throwIfAborted,
} from "@oscillink/core/adapter";
import pMap from "p-map";

/** What is used of the official client, by its shape: any object that answers so will do. */
export interface EmbeddingsClient {
  readonly embeddings: {
    create(
      body: { model: string; input: string[]; dimensions?: number; encoding_format: EncodingFormat },
      options: { signal: AbortSignal; timeout?: number },
    ): PromiseLike<EmbeddingsResponse>;
  };
}

/** How vectors come over the wire. */
type EncodingFormat = "base64" | "float";

interface EmbeddingsResponse {
  readonly data: readonly { readonly index?: number; readonly embedding: readonly number[] | string }[];
}

/** The options of {@link openaiEmbedder}. */
export interface OpenAIEmbedderOptions {
  /** The embedding model, such as `"text-embedding-3-small"`. */
  model: string;
  /** Length of the vectors, where the model can shorten them. Integer >= 1; default: the model's own. */
  dimensions?: number;
  /**
   * How the server is asked to write the vectors: `"base64"` (default), a quarter of the size, or `"float"`, for a server that
   * refuses the other. Numbers are read as numbers whatever was asked, as some servers write no base64.
   */
  encodingFormat?: EncodingFormat;
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
  /**
   * Cancels what is under way, starts no further request, and refuses what comes later: the methods reject with its reason at once.
   * The second argument of each takes a signal of that call alone, `{ signal }`, as the adapters of Oscillink hand it over. Default:
   * none.
   */
  signal?: AbortSignal;
  /**
   * How long a request may take before the client gives it up, and repeats it as its `maxRetries` says: milliseconds, > 0. Default:
   * the client's own, of ten minutes.
   */
  timeout?: number;
  /** Told after each request of `embedDocuments` how many texts are done. */
  onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** An `Embedder` of @oscillink/core, and embeddings as LangChain takes them. */
export interface OpenAIEmbedder extends Embedder {
  embedDocuments(texts: string[], options?: EmbedOptions): Promise<number[][]>;
  embedQuery(text: string, options?: EmbedOptions): Promise<number[]>;
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
  const { model, dimensions, encodingFormat, concurrency, signal, timeout } = settings;

  const embed = async (
    given: string[],
    own: EmbedOptions | undefined,
    onProgress: OpenAIEmbedderOptions["onProgress"],
  ) => {
    const texts = checkTexts(given);
    const callers = eitherSignal(signal, own?.signal);
    throwIfAborted(callers);
    // Of this call alone: its batches fall together. A signal of another library's own would not be heard by `AbortSignal.any`.
    const ended = new AbortController();
    const abort = () => ended.abort(callers!.reason);
    callers?.addEventListener("abort", abort);
    let done = 0;
    const request = async (input: string[]) => {
      // Said outright: the client then hands on what came, where by itself it takes any answer for base64.
      const format = { encoding_format: encodingFormat };
      const body = { model, input, ...(dimensions !== undefined && { dimensions }), ...format };
      const response = await client.embeddings.create(body, {
        signal: ended.signal,
        ...(timeout !== undefined && { timeout }),
      });
      const vectors = vectorsOf(response, input.length);
      done += input.length;
      onProgress?.({ done, total: texts.length });
      return vectors;
    };
    try {
      // The signal ends this at once, also where the client does not listen.
      const all = await pMap(batchesOf(texts, settings), request, { concurrency, signal: ended.signal });
      const vectors = all.flat();
      checkWidths(vectors, dimensions);
      return vectors;
    } catch (error) {
      ended.abort();
      throw error;
    } finally {
      callers?.removeEventListener("abort", abort);
    }
  };

  return {
    embedDocuments: (texts, own) => embed(texts, own, settings.onProgress),
    embedQuery: async (text, own) => (await embed([text], own, undefined))[0]!,
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
    encodingFormat = "base64",
    batchSize = LIMITS.batchSize,
    tokensPerBatch = LIMITS.tokensPerBatch,
    concurrency = 4,
    signal,
    timeout,
    onProgress,
    ...others
  } = given ?? {};
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) {
    const known =
      "model, dimensions, encodingFormat, batchSize, tokensPerBatch, concurrency, signal, timeout, onProgress";
    throw new OptionError(unknown, `unknown option; known are ${known}`);
  }
  if (typeof model !== "string" || model === "") {
    throw new OptionError("model", `must be the name of an embedding model, not ${show(model)}`);
  }
  if (dimensions !== undefined) checkInteger("dimensions", dimensions);
  if (encodingFormat !== "base64" && encodingFormat !== "float") {
    throw new OptionError("encodingFormat", `must be "base64" or "float", not ${show(encodingFormat)}`);
  }
  checkInteger("batchSize", batchSize, LIMITS.batchSize);
  checkInteger("tokensPerBatch", tokensPerBatch, LIMITS.tokensPerBatch);
  checkInteger("concurrency", concurrency);
  if (signal !== undefined && typeof signal?.throwIfAborted !== "function") {
    throw new OptionError("signal", `must be an AbortSignal, not ${show(signal)}`);
  }
  if (timeout !== undefined && !(typeof timeout === "number" && timeout > 0 && timeout < 2 ** 31)) {
    const wanted = `must be a number of milliseconds, > 0 and at most ${2 ** 31 - 1}`;
    throw new OptionError("timeout", `${wanted}, not ${show(timeout)}`);
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new OptionError("onProgress", `must be a function, not ${show(onProgress)}`);
  }
  return {
    ...{ model, dimensions, encodingFormat, batchSize, tokensPerBatch },
    ...{ concurrency, signal, timeout, onProgress },
  };
}

function checkInteger(name: string, value: unknown, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? "of at least 1" : `from 1 to ${most}`;
  throw new OptionError(name, `must be an integer ${range}, not ${show(value)}`);
}

/**
 * All texts, before the first request: one that the API refuses would waste the others of its batch. Well formed, as half of a
 * surrogate pair is no UTF-8 and a server may refuse it.
 */
function checkTexts(texts: string[]): string[] {
  if (!Array.isArray(texts))
    throw new EmbedderError("texts", `must be an array of strings, not ${show(texts)}`);
  for (const [i, text] of texts.entries()) {
    if (typeof text === "string" && text !== "") continue;
    throw new EmbedderError(`texts[${i}]`, `must be a string that is not empty, not ${show(text)}`);
  }
  return texts.map((text) => text.toWellFormed());
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

/** The vectors of one response, by their `index`, or by their place where it is left out; rounded to float32. */
function vectorsOf(response: EmbeddingsResponse, count: number): number[][] {
  const data = response?.data;
  if (!Array.isArray(data) || data.length !== count) {
    const came = Array.isArray(data) ? `${data.length} vectors` : String(data);
    throw new EmbedderError("response.data", `holds ${came} for ${count} texts`);
  }
  const vectors = new Array<number[] | undefined>(count).fill(undefined);
  (data as EmbeddingsResponse["data"]).forEach((entry, i) => {
    // Some servers leave out a field that is 0.
    const index = entry?.index ?? i;
    if (!Number.isSafeInteger(index) || index < 0 || index >= count || vectors[index] !== undefined) {
      const wanted = `must be from 0 to ${count - 1}, each once`;
      throw new EmbedderError(`response.data[${i}].index`, `${wanted}, not ${show(index)}`);
    }
    const values = valuesOf(entry?.embedding);
    // A server may write NaN as null, which rounding would turn into 0.
    const finite = (value: unknown) => typeof value === "number" && Number.isFinite(Math.fround(value));
    if (values === null || values.length === 0 || !values.every(finite)) {
      const wanted = "must be an array of finite float32 numbers, or these in base64";
      throw new EmbedderError(`response.data[${i}].embedding`, wanted);
    }
    vectors[index] = values.map(Math.fround);
  });
  return vectors as number[][];
}

/** The numbers of an embedding, which may be little-endian float32 in base64; null for anything else. */
function valuesOf(embedding: unknown): number[] | null {
  if (Array.isArray(embedding)) return embedding;
  if (typeof embedding !== "string" || !/^(?:[\w+/]{4})+(?:[\w+/]{2,3}={1,2})?$/.test(embedding)) return null;
  const bytes = Uint8Array.from(atob(embedding), (character) => character.charCodeAt(0));
  if (bytes.length % 4 !== 0) return null;
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function checkWidths(vectors: readonly number[][], dimensions: number | undefined): void {
  const width = dimensions ?? vectors[0]?.length;
  const wrong = vectors.findIndex((vector) => vector.length !== width);
  if (wrong < 0) return;
  const message = `the vector of text ${wrong} has ${vectors[wrong]!.length} values instead of ${width}`;
  throw new EmbedderError("response.data", message);
}
