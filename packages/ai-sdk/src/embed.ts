import {
  type Embedder,
  EmbedderError,
  type EmbedOptions,
  OptionError,
  show,
  throwIfAborted,
  type Vector,
} from "@oscillink/core/adapter";

/** An embedding model of the AI SDK, by its shape: specification version 2, 3 or 4. */
export interface EmbeddingModel {
  readonly maxEmbeddingsPerCall: PromiseLike<number | undefined> | number | undefined;
  readonly supportsParallelCalls: PromiseLike<boolean> | boolean;
  doEmbed(options: EmbedCall & { values: string[] }): PromiseLike<{ embeddings: number[][] }>;
}

interface EmbedCall {
  abortSignal?: AbortSignal;
}

/**
 * What turns texts into vectors: an embedding model of the AI SDK, an `Embedder` of @oscillink/core, or a function, such
 * as `async (values) => (await embedMany({ model, values })).embeddings`.
 */
export type Embed =
  | EmbeddingModel
  | Embedder
  | ((texts: string[], options: EmbedCall) => PromiseLike<Vector[]>);

/** The embedder that `embed` stands for; null if there is none. */
export function embedderOf(embed: Embed | undefined): Embedder | null {
  if (embed === undefined) return null;
  if (typeof embed === "object" && "embedDocuments" in embed) return embed;
  const embedDocuments = async (texts: string[], options?: EmbedOptions): Promise<Vector[]> => {
    const signal = options?.signal as AbortSignal | undefined;
    const call: EmbedCall = signal === undefined ? {} : { abortSignal: signal };
    return typeof embed === "function" ? embed(texts, call) : embedWith(embed, texts, call);
  };
  const embedQuery = async (text: string, options?: EmbedOptions) =>
    (await embedDocuments([text], options))[0]!;
  return { embedDocuments, embedQuery };
}

/** @throws {OptionError} for what is none of the three. */
export function checkEmbed(embed: unknown): void {
  if (embed === undefined || typeof embed === "function") return;
  if (typeof embed === "object" && embed !== null) {
    if ("doEmbed" in embed || ("embedDocuments" in embed && "embedQuery" in embed)) return;
  }
  const wanted = "an embedding model of the AI SDK, an embedder, or a function of texts";
  // A text is a model's name, or a key by mistake: it is not shown.
  const came = typeof embed === "string" ? "a text: make the model of it first" : show(embed);
  throw new OptionError("embed", `must be ${wanted}, not ${came}`);
}

/** In as many calls as the model needs, at once if it can: what the SDK's `embedMany` does, but for its retries. */
async function embedWith(model: EmbeddingModel, texts: string[], call: EmbedCall): Promise<Vector[]> {
  const size = Math.max(1, (await model.maxEmbeddingsPerCall) ?? texts.length);
  const parallel = await model.supportsParallelCalls;
  const calls: Promise<number[][]>[] = [];
  for (let at = 0; at < texts.length; at += size) {
    throwIfAborted(call.abortSignal);
    const embedded = embedOnce(model, texts.slice(at, at + size), call);
    // Those that are under way when another call is refused have nobody who waits for them.
    embedded.catch(() => undefined);
    calls.push(embedded);
    if (!parallel) await embedded;
  }
  return (await Promise.all(calls)).flat();
}

/** Counted here: one vector too few in a call and one too many in the next would move all between them. */
async function embedOnce(model: EmbeddingModel, values: string[], call: EmbedCall): Promise<number[][]> {
  const { embeddings } = await model.doEmbed({ values, ...call });
  if (embeddings?.length === values.length) return embeddings;
  throw new EmbedderError("embed", `returned ${embeddings?.length} vectors for ${values.length} texts`);
}
