import type { Command } from "commander";
import { Option } from "commander";
import { type Embedding, lexicalEmbedding } from "../embed/embedding.ts";
import { UsageError } from "../exit.ts";

/** The flags of where vectors come from. */
export interface EmbeddingFlags {
  embed?: string;
  model?: string;
  queryModel?: string;
  queryPrefix?: string;
  documentPrefix?: string;
  keyEnv: string;
  lexical?: true;
}

export const addEmbeddingFlags = (command: Command): Command =>
  command
    .addOption(
      new Option("--embed <url>", "an OpenAI-compatible API that makes the vectors, up to /v1").env(
        "OSCILLINK_EMBED",
      ),
    )
    .addOption(new Option("--model <name>", "its embedding model").env("OSCILLINK_MODEL"))
    .option("--query-model <name>", "its model for questions, where that is another")
    .option("--query-prefix <text>", "what the model wants before a question, such as 'query: '")
    .option("--document-prefix <text>", "what it wants before a document, such as 'passage: '")
    .option("--key-env <name>", "the variable of the environment that holds the API's key", "OPENAI_API_KEY")
    .addOption(
      new Option("--lexical", "no model: vectors by counting words and parts of words").conflicts("embed"),
    );

/** Where vectors come from; null if the flags name nothing. @throws {UsageError} for an API without a model, and the reverse. */
export async function embeddingOf(flags: EmbeddingFlags): Promise<Embedding | null> {
  const { embed: url, model, queryModel = model, queryPrefix = "", documentPrefix = "", keyEnv } = flags;
  if (flags.lexical) return lexicalEmbedding();
  if (url === undefined && model === undefined) return null;
  if (url === undefined || model === undefined)
    throw new UsageError("--embed URL and --model NAME go together");
  if (!URL.canParse(url))
    throw new UsageError(`--embed: ${url} is no URL, such as http://localhost:11434/v1`);
  const key = process.env[keyEnv];
  // Loaded here, as the client is large, and most commands do without.
  const { endpointEmbedding } = await import("../embed/endpoint.ts");
  return endpointEmbedding({ url, model, queryModel: queryModel!, queryPrefix, documentPrefix, key });
}
