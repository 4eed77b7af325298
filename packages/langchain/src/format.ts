import type { DocumentInterface } from "@langchain/core/documents";
import { OptionError, quoteDocuments, show } from "@oscillink/core/adapter";

/** Turns documents into what a model reads. */
export type Format = (documents: readonly DocumentInterface[]) => string;

/** @throws {OptionError} unless it is a function. */
export function formatOf(format: Format = formatDocuments): Format {
  if (typeof format === "function") return format;
  throw new OptionError("format", `must be a function of documents that returns text, not ${show(format)}`);
}

/** Documents as a model reads them: quoted, each with its title if it has one. */
function formatDocuments(documents: readonly DocumentInterface[]): string {
  if (documents.length === 0) return "No documents were found.";
  return quoteDocuments(
    documents.map(({ pageContent, metadata }) => ({
      text: pageContent,
      ...(typeof metadata.title === "string" && { title: metadata.title }),
    })),
  );
}
