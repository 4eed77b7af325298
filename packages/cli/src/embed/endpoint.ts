import { EmbedderError } from "@oscillink/core";
import { messageOf } from "@oscillink/core/adapter";
import { openaiEmbedder } from "@oscillink/openai";
import OpenAI from "openai";
import type { Embedding } from "./embedding.ts";

export interface Endpoint {
  readonly url: string;
  readonly model: string;
  readonly queryModel: string;
  readonly queryPrefix: string;
  readonly documentPrefix: string;
  readonly key: string | undefined;
}

/** As many texts as every server takes in a request: more is refused by some. */
const BATCH = 32;

/** The vectors of an OpenAI-compatible API. Its failures are {@link EmbedderError}s that name the URL. */
export function endpointEmbedding(endpoint: Endpoint): Embedding {
  const { url, model, queryModel, queryPrefix, documentPrefix, key } = endpoint;
  // A server without keys takes any; the client wants one.
  const client = new OpenAI({ baseURL: url, apiKey: key || "none", logLevel: "off" });
  const named = async <T>(what: Promise<T>): Promise<T> => {
    try {
      return await what;
    } catch (cause) {
      throw new EmbedderError(url, messageOf(cause), { cause });
    }
  };
  return {
    name: [
      `${model} at ${url}`,
      ...(documentPrefix === "" ? [] : [`after ${JSON.stringify(documentPrefix)}`]),
    ].join(" "),
    fitted: false,
    for(_, onProgress) {
      const shared = { batchSize: BATCH };
      const documents = openaiEmbedder(client, {
        ...shared,
        model,
        ...(onProgress && { onProgress: ({ done }) => onProgress(done) }),
      });
      const queries = openaiEmbedder(client, { ...shared, model: queryModel });
      return {
        embedDocuments: (texts) =>
          named(documents.embedDocuments(texts.map((text) => documentPrefix + text))),
        embedQuery: (text) => named(queries.embedQuery(queryPrefix + text)),
      };
    },
  };
}
