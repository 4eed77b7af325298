import { type Candidate, type Options, resolveOptions } from "@oscillink/core";
import {
  cachedEmbedder,
  completeVectors,
  type Embedder,
  embeddingCache,
  embedQuery,
  type Vector,
} from "@oscillink/core/adapter";
import type { Config } from "../config/schema.ts";
import { Problem } from "../http/problem.ts";
import type { Model } from "./models.ts";
import { failed, textOf, wordsOf } from "./texts.ts";

const NAME = "oscillink-embed";

type Settings = Omit<Config["models"], "aliases" | "default" | "prior">;

/**
 * Vectors of an embedding model of the operator's choice, from any server that speaks OpenAI's /v1/embeddings. Those that came along
 * are kept, and documents that were embedded lately are remembered.
 */
export function embed(settings: Settings): Model {
  const { embedUrl: url, timeoutMs: timeout, failure, embedScale } = settings;
  const relevanceScale = (embedScale || null) as NonNullable<Options["relevanceScale"]> | null;
  // An unknown name is a fault of the configuration, and said at the start.
  resolveOptions({ relevanceScale });
  let embedder: Promise<Embedder> | null = null;
  return {
    name: NAME,
    description: "Embeds the texts by the embedding model that was set up, and weighs vectors and words.",
    available: url !== "",
    asksOthers: true,
    async complete(request, signal) {
      const { queryText, candidates } = wordsOf(NAME, request);
      const found = candidates.map(({ embedding }) => embedding);
      const whole = request.query !== undefined && found.every((vector) => vector !== undefined);
      if (whole || candidates.length === 0) return request;
      if (url === "")
        throw failed("424", `The model ${NAME} is not set up: it needs the URL of a server of embeddings.`);
      const waiting = { signal, timeout };
      // Its client is loaded by the first who asks: it takes as long as half of the server.
      embedder ??= embedderOf(settings);
      try {
        const model = await embedder;
        const [query, { embeddings, counts }] = await Promise.all([
          request.query ?? embedQuery(queryText, model, waiting),
          completeVectors(found, candidates.map(textOf), model, waiting),
        ]);
        return {
          relevanceScale,
          // Texts that are empty have no vector, and that may be all of them.
          missing: "append",
          ...request,
          ...completed(query, candidates, embeddings),
          vectors: counts,
        };
      } catch (cause) {
        signal.throwIfAborted();
        if (cause instanceof Problem) throw cause;
        throw failed(
          failure,
          `The embedding model behind ${NAME} failed, or did not answer within ${timeout} ms.`,
          cause,
        );
      }
    },
  };
}

async function embedderOf({
  embedUrl,
  embedModel,
  embedQueryModel,
  embedKey,
  timeoutMs,
  ...settings
}: Settings): Promise<Embedder> {
  const [{ default: OpenAI }, { openaiEmbedder }] = await Promise.all([
    import("openai"),
    import("@oscillink/openai"),
  ]);
  const client = new OpenAI({
    baseURL: embedUrl,
    // The client wants one, and a server of one's own often none.
    apiKey: embedKey || "none",
    organization: null,
    project: null,
    maxRetries: 1,
    timeout: timeoutMs,
    logLevel: "off",
    // Its key is for the server that was named.
    fetchOptions: { redirect: "error" },
  });
  const documents = openaiEmbedder(client, { model: embedModel });
  const queries = embedQueryModel === "" ? documents : openaiEmbedder(client, { model: embedQueryModel });
  const { embedQueryPrefix: ofQuery, embedDocumentPrefix: ofDocument, embedCacheBytes: bytes } = settings;
  const prefixed: Embedder = {
    embedQuery: (text, options) => queries.embedQuery(ofQuery + text, options),
    embedDocuments: (texts, options) =>
      documents.embedDocuments(
        texts.map((text) => ofDocument + text),
        options,
      ),
  };
  return bytes > 0 ? cachedEmbedder(prefixed, embeddingCache({ bytes })) : prefixed;
}

/**
 * The query and the documents with vectors of their own: what is ranked goes to a thread with its memory, which what is remembered must
 * not.
 *
 * @throws {Problem} 422 for vectors that came along and are not as long as those of the model.
 */
function completed(query: Vector, candidates: readonly Candidate[], embeddings: readonly (Vector | null)[]) {
  const d = query.length;
  const wrong = embeddings.findIndex((vector) => vector !== null && vector.length !== d);
  if (wrong >= 0) {
    const lengths = `${embeddings[wrong]!.length} and ${d} values`;
    throw new Problem(
      422,
      `The vectors of document ${wrong} and of the query have ${lengths}: they are of two models.`,
    );
  }
  const block = new Float32Array(d * (1 + candidates.length));
  const copy = (vector: Vector, at: number) => {
    const own = block.subarray(at * d, (at + 1) * d);
    own.set(vector);
    return own;
  };
  return {
    query: copy(query, 0),
    candidates: candidates.map((one, i) => ({
      ...one,
      embedding: embeddings[i] ? copy(embeddings[i], 1 + i) : null,
    })),
  };
}
