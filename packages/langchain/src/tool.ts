import type { DocumentInterface } from "@langchain/core/documents";
import { patchConfig } from "@langchain/core/runnables";
import { DynamicStructuredTool } from "@langchain/core/tools";
import type { VectorStoreInterface } from "@langchain/core/vectorstores";
import { OptionError, type Receipt, show } from "@oscillink/core/adapter";
import { type Format, formatOf } from "./format.ts";
import { type RetrieverSource, retrieve, retrieverOf } from "./retrieve.ts";

/** What {@link createOscillinkTool} takes: a `retriever`, or the fields of an `OscillinkRetriever`, and these. */
export type OscillinkToolFields<Store extends VectorStoreInterface = VectorStoreInterface> =
  RetrieverSource<Store> & {
    /** The tool's name, as the model sees it. Default `"search_documents"`. */
    name?: string;
    /** What the model is told of it: say what the documents are about. */
    description?: string;
    /** Turns the documents into the tool's content. Default: each quoted inside a numbered tag, with its title. */
    format?: Format;
  };

/** What the `ToolMessage` carries beside its content; the model does not see it. */
export interface OscillinkArtifact {
  readonly documents: DocumentInterface[];
  /** That of the last re-ranking; null if there was none, or its failure was passed through. */
  readonly receipt: Receipt | null;
}

/**
 * A tool with which an agent searches: the model gets the text of the bundle, and the `ToolMessage` keeps the documents
 * and the receipt in its `artifact`.
 *
 * @throws {OptionError} for a field that is unknown or out of range.
 *
 * @example
 * const search = createOscillinkTool({ vectorStore, k: 5, description: "Searches the railway's archive." });
 * const agent = createAgent({ model, tools: [search] });
 */
export function createOscillinkTool<Store extends VectorStoreInterface>(
  fields: OscillinkToolFields<Store>,
): DynamicStructuredTool<typeof schema, Input, Input, [string, OscillinkArtifact]> {
  const {
    name = "search_documents",
    description = "Searches the documents for passages that answer a question together.",
    format,
    ...source
  } = fields;
  for (const [field, value] of Object.entries({ name, description })) {
    if (typeof value !== "string" || value === "") {
      throw new OptionError(field, `must be a string that is not empty, not ${show(value)}`);
    }
  }
  const toText = formatOf(format);
  const retriever = retrieverOf(source as RetrieverSource);
  return new DynamicStructuredTool({
    name,
    description,
    schema,
    responseFormat: "content_and_artifact",
    async func({ query }: Input, runManager, config): Promise<[string, OscillinkArtifact]> {
      const run = runManager === undefined ? {} : { callbacks: runManager.getChild() };
      const { documents, receipts } = await retrieve(retriever, query, patchConfig(config, run));
      return [toText(documents), { documents, receipt: receipts.at(-1) ?? null }];
    },
  });
}

interface Input {
  query: string;
}

// As JSON, so that no schema library is needed.
const schema = {
  type: "object" as const,
  properties: { query: { type: "string" as const, description: "The question, in full words." } },
  required: ["query"],
  additionalProperties: false,
};
