import type { Callbacks } from "@langchain/core/callbacks/manager";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { RunnableLambda } from "@langchain/core/runnables";
import {
  type Candidate,
  completeVectors,
  type Digest,
  OptionError,
  type Options,
  type Parts,
  type Ranked,
  type Receipt,
  type RerankRequest,
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
  /** A document's title, if it is not part of its text. Default: `metadata.title`, where that is a string. */
  title?: (document: DocumentInterface) => string | undefined;
}

/** The fields of {@link RerankFields}, judged and resolved. */
export interface Settings {
  readonly embeddings: EmbeddingsInterface;
  readonly metadataKey: string;
  readonly attach: Attach;
  readonly trust: (document: DocumentInterface) => number | undefined;
  readonly title: (document: DocumentInterface) => string | undefined;
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
    title = titleOf,
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
  if (typeof title !== "function") throw new OptionError("title", "must be a function of a document");
  const { k } = resolveOptions(options);
  return { embeddings, metadataKey, attach, trust, title, options, k };
}

const titleOf = ({ metadata }: DocumentInterface): string | undefined =>
  typeof metadata.title === "string" ? metadata.title : undefined;

/** What is known of the documents' likeness to the query, one entry a document. */
export type Likeness =
  | {
      /** The query's vector. */
      readonly query: Vector;
      /** The vectors that are at hand. */
      readonly vectors: readonly (Vector | undefined)[];
      /** Whether the others are embedded; if not, they cannot be ranked. */
      readonly reembed: boolean;
    }
  | {
      /** In place of vectors: scores, the higher the better. */
      readonly scores: readonly number[];
    };

/**
 * Re-ranks documents and returns new ones, best first, as one traced run. The documents that came in stay as they are.
 */
export function rerankDocuments(
  documents: readonly DocumentInterface[],
  queryText: string,
  likeness: Likeness,
  settings: Settings,
  callbacks: Callbacks | undefined,
): Promise<Document[]> {
  const step = RunnableLambda.from(async () => {
    const texts = documents.map((document) => document.pageContent);
    const ids = uniqueIds(documents);
    const candidates = documents.map((document, i) => {
      const trust = settings.trust(document);
      const title = settings.title(document);
      return {
        id: ids[i]!,
        text: texts[i]!,
        document,
        ...(title !== undefined && { title }),
        ...(trust !== undefined && { trust }),
      };
    });
    const { bundle, receipt } = rerank({
      ...settings.options,
      queryText,
      ...(await evidenceOf(candidates, texts, likeness, settings)),
    });
    return bundle.map((entry) => withRecord(entry.candidate.document, entry, receipt, settings));
  }).withConfig({ runName: "oscillink_rerank" });
  return step.invoke({ query: queryText, documents }, callbacks === undefined ? {} : { callbacks });
}

/** A document on its way through the ranking. */
interface Carried extends Candidate {
  readonly document: DocumentInterface;
}

/** The candidates with their vectors or scores, and the query's vector where there are vectors. */
async function evidenceOf(
  candidates: readonly Carried[],
  texts: readonly string[],
  likeness: Likeness,
  { embeddings }: Settings,
): Promise<Pick<RerankRequest<Carried>, "query" | "candidates" | "vectors">> {
  if ("scores" in likeness) {
    return { candidates: candidates.map((candidate, i) => ({ ...candidate, score: likeness.scores[i]! })) };
  }
  const { query, vectors, reembed } = likeness;
  const had = vectors.filter((vector) => vector !== undefined).length;
  const all = reembed
    ? await completeVectors(vectors, texts, embeddings)
    : { embeddings: vectors, counts: { fromStore: had, reembedded: 0 } };
  return {
    query,
    candidates: candidates.map((candidate, i) => ({ ...candidate, embedding: all.embeddings[i] ?? null })),
    vectors: all.counts,
  };
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
