import type { Callbacks } from "@langchain/core/callbacks/manager";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { RunnableLambda } from "@langchain/core/runnables";
import {
  completeVectors,
  type Digest,
  OptionError,
  type Options,
  type Parts,
  type Ranked,
  type Receipt,
  rerank,
  resolveOptions,
  type Terms,
  type Vector,
} from "@oscillink/core";

/** How much of the record each document carries: the whole receipt, its digest, or nothing but its score. */
export type Attach = "full" | "digest" | "none";

/** What is found under the metadata key of a returned document. */
export interface OscillinkMetadata {
  /** Its place in the bundle, from 1. */
  readonly rank: number;
  /** Its place among the candidates, from 1. */
  readonly inputRank: number;
  /** Its score, in standard deviations of the pool; null if it had no vector and could not be ranked. */
  readonly score: number | null;
  /** With `attach: "full"`: the evidence, and the terms that add up to the score. */
  readonly parts?: Parts | null;
  readonly terms?: Terms | null;
  /** The receipt with `attach: "full"`, its digest with `"digest"`. All documents of a bundle share it. */
  readonly receipt: Receipt | Digest;
}

/** What the reranker and the retriever have in common, besides the options of `rerank` (`k`, `profile`, …). */
export interface RerankFields extends Options {
  /** Embeds the query, and the documents whose vectors are not at hand: the model that the store was filled with. */
  embeddings: EmbeddingsInterface;
  /** Where in a document's metadata the record goes. Default `"oscillink"`. */
  metadataKey?: string;
  /** How much of the record is attached. Default `"full"`; tracers see it too, so prefer `"digest"` in production. */
  attach?: Attach;
  /** How far a document is to be trusted, in [0, 1]. Default: 1 for all. */
  trust?: (document: DocumentInterface) => number | undefined;
}

/** The fields of {@link RerankFields}, judged and resolved. */
export interface Settings {
  readonly embeddings: EmbeddingsInterface;
  readonly metadataKey: string;
  readonly attach: Attach;
  readonly trust: (document: DocumentInterface) => number | undefined;
  /** The options of `rerank`, as given. */
  readonly options: Options;
  /** How many documents come back. */
  readonly k: number;
}

/** Judges all fields when an adapter is made, not when its first query comes. */
export function resolveFields(fields: RerankFields): Settings {
  const {
    embeddings,
    metadataKey = "oscillink",
    attach = "full",
    trust = () => undefined,
    ...options
  } = fields;
  if (typeof embeddings?.embedQuery !== "function" || typeof embeddings.embedDocuments !== "function") {
    throw new OptionError(
      "embeddings",
      "must be LangChain embeddings: it needs embedQuery and embedDocuments",
    );
  }
  if (typeof metadataKey !== "string" || metadataKey === "") {
    throw new OptionError("metadataKey", "must be a string that is not empty");
  }
  if (!["full", "digest", "none"].includes(attach)) {
    throw new OptionError("attach", `must be "full", "digest" or "none", not ${JSON.stringify(attach)}`);
  }
  if (typeof trust !== "function") throw new OptionError("trust", "must be a function of a document");
  const { k } = resolveOptions(options);
  return { embeddings, metadataKey, attach, trust, options, k };
}

/** A query as it is ranked by: its words and its vector. */
export interface EmbeddedQuery {
  readonly text: string;
  readonly vector: Vector;
}

/**
 * Re-ranks documents and returns new ones, best first, as one traced run. The documents that came in stay as they are.
 *
 * @param found the vectors that are at hand, one entry a document; the others are embedded.
 */
export function rerankDocuments(
  documents: readonly DocumentInterface[],
  query: EmbeddedQuery,
  found: readonly (Vector | undefined)[],
  settings: Settings,
  callbacks: Callbacks | undefined,
): Promise<Document[]> {
  const step = RunnableLambda.from(async () => {
    const texts = documents.map((document) => document.pageContent);
    const { embeddings, counts } = await completeVectors(found, texts, settings.embeddings);
    const ids = uniqueIds(documents);
    const { bundle, receipt } = rerank({
      ...settings.options,
      query: query.vector,
      queryText: query.text,
      candidates: documents.map((document, i) => {
        const trust = settings.trust(document);
        return {
          id: ids[i]!,
          embedding: embeddings[i]!,
          text: texts[i]!,
          document,
          ...(trust !== undefined && { trust }),
        };
      }),
      vectors: counts,
    });
    return bundle.map((entry) => withRecord(entry.candidate.document, entry, receipt, settings));
  }).withConfig({ runName: "oscillink_rerank" });
  return step.invoke({ query: query.text, documents }, callbacks === undefined ? {} : { callbacks });
}

function withRecord(
  document: DocumentInterface,
  { rank, inputRank, score, parts, terms }: Ranked,
  receipt: Receipt,
  { attach, metadataKey }: Settings,
): Document {
  const place = { rank, inputRank, score };
  const record: OscillinkMetadata =
    attach === "full" ? { ...place, parts, terms, receipt } : { ...place, receipt: receipt.digest };
  // The score of an earlier stage is on another scale.
  const { relevanceScore: _, ...metadata } = document.metadata;
  return new Document({
    pageContent: document.pageContent,
    metadata: {
      ...metadata,
      ...(score !== null && { relevanceScore: score }),
      ...(attach !== "none" && { [metadataKey]: record }),
    },
    ...(document.id !== undefined && { id: document.id }),
  });
}

/** Names for the receipt: the documents' ids, or their places; a second document of one id is told apart by its place. */
function uniqueIds(documents: readonly DocumentInterface[]): string[] {
  const seen = new Set<string>();
  return documents.map((document, i) => {
    let id = String(document.id ?? i);
    while (seen.has(id)) id = `${id}#${i}`;
    seen.add(id);
    return id;
  });
}
