import {
  type AdapterOptions,
  type AdapterSettings,
  type BundleEntry,
  CandidateError,
  type Likeness,
  OptionError,
  type Receipt,
  rerankItems,
  resolveAdapterOptions,
  type Signature,
  show,
  type Vector,
  VectorError,
} from "@oscillink/core/adapter";
import type { QueryResponse, RecordMetadata, ScoredPineconeRecord } from "@pinecone-database/pinecone";

/** A record as the functions among the options see it: a match of `query`, or a hit of `searchRecords` in its form. */
export interface FoundRecord {
  readonly id: string;
  readonly score?: number;
  /** A match's metadata, a hit's fields. */
  readonly metadata?: RecordMetadata;
}

/** The options of `rerank`, and what is particular to Pinecone. */
export interface PineconeOptions extends Omit<AdapterOptions<FoundRecord>, "attach" | "metadataKey"> {
  /** The metadata field that holds a record's text, or a function. Default: `text`, or else `chunk_text`. */
  text?: string | ((record: FoundRecord) => string | undefined);
}

/** What {@link rerankMatches} takes besides the response. */
export interface RerankMatchesRequest extends PineconeOptions {
  /** The query's dense vector. Without it (a sparse query), the matches' scores stand in for the similarity. */
  query?: Vector;
  /** The query's words. Without them, the vectors decide alone. */
  queryText?: string;
}

/** One chosen document, in the form of Pinecone's own reranking. */
export interface RerankRow<Document> {
  /** Its place among the candidates, from 0. */
  readonly index: number;
  /**
   * Its relevance, in [0, 1] and never rising. Where nothing tells of that (`receipt.relevance` is null), the score of the ranking in
   * standard deviations of the pool; null where it could not be ranked.
   */
  readonly score: number | null;
  readonly document: Document;
  /** Its entry in the receipt; null after a failure that was passed through. */
  readonly record: BundleEntry | null;
}

/** A re-ranked response. */
export interface RerankResponse<Document> {
  /** The k that belong together, best first. */
  readonly data: readonly RerankRow<Document>[];
  /**
   * The record of the re-ranking; null after a failure that was passed through. Where Pinecone's scores had to stand in
   * for vectors, `receipt.inputs.scores` holds their digest; otherwise it is null.
   */
  readonly receipt: Receipt | null;
  /** The signature of the receipt; empty without a `signer`. */
  readonly signatures: readonly Signature[];
}

/** The options, judged. */
export interface Settings {
  readonly adapter: AdapterSettings<FoundRecord>;
  readonly text: (record: FoundRecord) => string | undefined;
}

/**
 * Re-ranks the answer of `index.query({ …, includeValues: true, includeMetadata: true })`. Similarities are computed from
 * the vectors; Pinecone's scores count only without a query vector.
 *
 * @param response the answer, which is not changed; its matches come back as they are.
 * @throws {OptionError} for an option that is unknown or out of range.
 * @throws {CandidateError | VectorError} for an answer without matches, matches of which none has values, and what
 *   `rerank` throws; unless `onError` says else.
 *
 * @example
 * const response = await index.query({ vector, topK: 50, includeValues: true, includeMetadata: true });
 * const { data, receipt } = await rerankMatches(response, { query: vector, queryText, k: 5 });
 */
export async function rerankMatches<T extends RecordMetadata = RecordMetadata>(
  response: Pick<QueryResponse<T>, "matches">,
  { query, queryText, ...options }: RerankMatchesRequest,
): Promise<RerankResponse<ScoredPineconeRecord<T>>> {
  const settings = resolve(options);
  const matches = response?.matches;
  if (!Array.isArray(matches)) {
    throw new CandidateError("response.matches", `must be the matches of index.query, not ${show(matches)}`);
  }
  const likeness = (): Likeness => {
    if (query === undefined) return scoresOf(matches);
    const vectors = matches.map(valuesOf);
    if (matches.length > 0 && vectors.every((vector) => vector === undefined)) {
      throw new VectorError("response.matches", "have no values; query with includeValues: true");
    }
    return { query, vectors, embedder: null };
  };
  return rank(matches, matches, queryText, likeness, settings);
}

/** Judges the options. */
export function resolve({ text, ...options }: PineconeOptions): Settings {
  for (const name of ["attach", "metadataKey"]) {
    if (name in options)
      throw new OptionError(name, "is no option here: the receipt comes with the response");
  }
  if (text !== undefined && typeof text !== "function" && (typeof text !== "string" || text === "")) {
    throw new OptionError("text", `must be the name of a metadata field, or a function, not ${show(text)}`);
  }
  const fields = text === undefined ? ["text", "chunk_text"] : [text];
  return {
    adapter: resolveAdapterOptions(options, (record) => fieldOf(record, "title")),
    text:
      typeof text === "function"
        ? text
        : (record) =>
            fields.map((name) => fieldOf(record, name as string)).find((value) => value !== undefined),
  };
}

/** @param records the documents in one form; entry i of both is the same. */
export async function rank<Document>(
  documents: readonly Document[],
  records: readonly FoundRecord[],
  queryText: string | undefined,
  likeness: () => Promise<Likeness> | Likeness,
  { adapter, text }: Settings,
): Promise<RerankResponse<Document>> {
  const { ranked, receipt, signatures } = await rerankItems(
    records,
    (record) => ({ id: record.id, text: text(record) ?? "" }),
    queryText,
    likeness,
    adapter,
  );
  const data = ranked.map(({ record: place, relevanceScore: score }, i) => {
    const index = place ? place.inputRank - 1 : i;
    return {
      index,
      score,
      document: documents[index]!,
      record: receipt?.bundle[i] ?? null,
    };
  });
  return { data, receipt, signatures };
}

/** A record's dense vector. Pinecone sends an empty one where there is none, or where it was not asked for. */
export const valuesOf = (record: { values?: number[] } | undefined): number[] | undefined =>
  record?.values?.length === 0 ? undefined : record?.values;

/** Pinecone's scores as the higher the better: the best comes first, and has the lowest where the metric is a distance. */
export function scoresOf(records: readonly FoundRecord[]): Likeness {
  const [first, last] = [records[0]?.score ?? 0, records.at(-1)?.score ?? 0];
  const sign = first >= last ? 1 : -1;
  // A record without a score counts as one without a vector.
  return { scores: records.map(({ score }) => (score === undefined ? score : sign * score)) as number[] };
}

function fieldOf({ metadata }: FoundRecord, name: string): string | undefined {
  const value = metadata?.[name];
  return typeof value === "string" ? value : undefined;
}
