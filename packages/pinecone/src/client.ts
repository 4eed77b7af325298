import {
  checkObject,
  type Embedder,
  embedQuery,
  type Likeness,
  OptionError,
  poolOfWidth,
  show,
  type Vector,
  type Waiting,
  waitFor,
} from "@oscillink/core/adapter";
import type {
  Hit,
  Index,
  QueryOptions,
  QueryResponse,
  RecordMetadata,
  ScoredPineconeRecord,
  SearchRecordsOptions,
  SearchRecordsResponse,
} from "@pinecone-database/pinecone";
import {
  type PineconeOptions,
  type RerankResponse,
  rank,
  resolve,
  type Settings,
  scoresOf,
  valuesOf,
} from "./matches.ts";

/** The options of {@link OscillinkPinecone}: an index, and any option of `rerank` but `k`, which is each query's topK. */
export interface OscillinkPineconeOptions<T extends RecordMetadata = RecordMetadata>
  extends Omit<PineconeOptions, "k"> {
  /** What is searched: `pc.index({ … })`, or a namespace of it. */
  index: Pick<Index<T>, "query" | "fetch" | "searchRecords">;
  /**
   * How many candidates a search fetches; never fewer than its topK. Integer >= 1. Default: max(50, 10 topK), but of a query
   * with a vector no more than have their values in 3 MiB, as Pinecone's answers end at 4: 236 of 1024 values, 78 of 3072.
   */
  pool?: number;
  /** For `searchRecords` with a text: embeds it with the model of the index. Default: none. */
  embedder?: Pick<Embedder, "embedQuery">;
}

/** What `index.query` takes, and the query's words. */
export type QueryRequest = QueryOptions & {
  /** The query's words. Without them, the vectors decide alone. */
  queryText?: string;
};

/** What `index.searchRecords` takes, and what it knows of the query but does not tell. */
export interface SearchRequest extends SearchRecordsOptions {
  /** The query's words. Default: `query.inputs.text`. */
  queryText?: string;
  /** The query's vector. Default: `query.vector`, the vector of record `query.id`, or what the `embedder` says. */
  queryVector?: Vector;
}

/** Pinecone's limit of topK. */
const MOST = 10_000;
/** Ids go into the address of a GET request, of which gateways take no more than some 8 KiB. */
const LONGEST_QUERY = 4000;
/** Keeps the answers small: Pinecone would take 1000. */
const IDS_AT_ONCE = 100;

/**
 * Searches a Pinecone index for `pool` candidates and returns the topK that belong together, with a receipt.
 *
 * Errors of the client (`PineconeNotFoundError`, …) come as they are. With `onError: "passthrough"`, the first topK come
 * back in Pinecone's order if anything fails after the search itself.
 *
 * @example
 * const searcher = new OscillinkPinecone({ index: pc.index({ name: "library" }) });
 * const { data, receipt } = await searcher.query({ vector, queryText, topK: 5, includeMetadata: true });
 */
export class OscillinkPinecone<T extends RecordMetadata = RecordMetadata> {
  readonly #index: Pick<Index<T>, "query" | "fetch" | "searchRecords">;
  readonly #pool: number | undefined;
  readonly #embedder: Pick<Embedder, "embedQuery"> | null;
  readonly #options: Omit<PineconeOptions, "k">;

  /** @throws {OptionError} for an option that is unknown or out of range. */
  constructor(given: OscillinkPineconeOptions<T>) {
    const { index, pool, embedder, ...options } = checkObject("options", given);
    if (typeof index?.query !== "function" || typeof index.fetch !== "function") {
      throw new OptionError("index", `must be an index of the Pinecone client, not ${show(index)}`);
    }
    if (pool !== undefined && (!Number.isSafeInteger(pool) || pool < 1)) {
      throw new OptionError("pool", `must be an integer of at least 1, not ${show(pool)}`);
    }
    if (embedder !== undefined && typeof embedder?.embedQuery !== "function") {
      throw new OptionError("embedder", `must have embedQuery(text), not ${show(embedder)}`);
    }
    if ("k" in options) throw new OptionError("k", "is no option here: it is the topK of each query");
    resolve(options);
    this.#index = index;
    this.#pool = pool;
    this.#embedder = embedder ?? null;
    this.#options = options;
  }

  /**
   * As `index.query`: by vector, vector and sparse vector, or id; filter, namespace and all else go on unchanged. Values
   * and metadata are fetched in any case, and returned if they were asked for. A query without a dense vector is ranked by
   * Pinecone's scores and the words.
   *
   * @throws {OptionError} for a topK that is no integer of at least 1.
   */
  async query({
    queryText,
    ...options
  }: QueryRequest): Promise<
    RerankResponse<ScoredPineconeRecord<T>> & Pick<QueryResponse<T>, "namespace" | "usage">
  > {
    const width = "vector" in options ? options.vector?.length : undefined;
    const { pool, settings } = this.#plan(options.topK, width);
    const everything = { topK: pool, includeValues: true, includeMetadata: true };
    const { waiting } = settings.adapter;
    const search = () => this.#index.query({ ...options, ...everything });
    const { matches, namespace, usage } = await waitFor(search, waiting, "Pinecone");
    const likeness = async (): Promise<Likeness> => {
      const query =
        "id" in options
          ? (valuesOf(matches.find(({ id }) => id === options.id)) ??
            (await this.#vectors([options.id], options.namespace, waiting)).get(options.id))
          : valuesOf({ values: options.vector });
      return query ? { query, vectors: matches.map(valuesOf), embedder: null } : scoresOf(matches);
    };
    const { data, ...rest } = await rank(matches, matches, queryText, likeness, settings);
    return {
      data: data.map((row) => ({ ...row, document: asked(row.document, options) })),
      ...rest,
      namespace,
      ...(usage && { usage }),
    };
  }

  /**
   * As `index.searchRecords`, whose hits have no vectors: they are fetched by id. Where nothing says the query's vector,
   * the hits' scores and their words decide, and nothing is fetched. A record that is not found again has no vector (see
   * `missing`). `usage` is that of the search; Pinecone bills the fetches besides.
   *
   * @throws {OptionError} for a topK that is no integer of at least 1.
   */
  async searchRecords({
    queryText,
    queryVector,
    ...options
  }: SearchRequest): Promise<RerankResponse<Hit> & Pick<SearchRecordsResponse, "usage">> {
    const { topK, id, inputs, vector } = options.query;
    const { pool, settings } = this.#plan(topK);
    const { waiting } = settings.adapter;
    const search = () => this.#index.searchRecords({ ...options, query: { ...options.query, topK: pool } });
    const { result, usage } = await waitFor(search, waiting, "Pinecone");
    const { hits } = result;
    const records = hits.map((hit) => ({
      id: hit._id,
      score: hit._score,
      metadata: hit.fields as RecordMetadata,
    }));
    const input = (inputs as { text?: unknown } | undefined)?.text;
    const text = queryText ?? (typeof input === "string" ? input : undefined);
    const likeness = async (): Promise<Likeness> => {
      let query = queryVector ?? valuesOf({ ...vector });
      if (!query && id === undefined && this.#embedder && text !== undefined) {
        query = await embedQuery(text, this.#embedder as Embedder, waiting); // It calls embedQuery alone.
      }
      if (!query && id === undefined) return scoresOf(records);
      const ids = records.map((record) => record.id);
      const wanted = id === undefined ? ids : [...ids, id];
      const vectors = await this.#vectors(wanted, options.namespace, waiting);
      query ??= vectors.get(id!);
      return query
        ? { query, vectors: ids.map((one) => vectors.get(one)), embedder: null }
        : scoresOf(records);
    };
    return { ...(await rank(hits, records, text, likeness, settings)), usage };
  }

  /** How many to fetch for a topK, with the values of vectors of a width, and the options with it. */
  #plan(topK: number, width = 0): { pool: number; settings: Settings } {
    if (!Number.isSafeInteger(topK) || topK < 1) {
      throw new OptionError("topK", `must be an integer of at least 1, not ${show(topK)}`);
    }
    const pool = this.#pool ?? Math.min(MOST, poolOfWidth(topK, width));
    return { pool: Math.max(pool, topK), settings: resolve({ ...this.#options, k: topK }) };
  }

  /** The dense vectors of records, by id; without those that are not found or have none. */
  async #vectors(
    ids: readonly string[],
    namespace: string | undefined,
    waiting: Waiting,
  ): Promise<Map<string, number[]>> {
    const answers = await Promise.all(
      batches(new Set(ids)).map((batch) => {
        const fetch = () => this.#index.fetch({ ids: batch, ...(namespace !== undefined && { namespace }) });
        return waitFor(fetch, waiting, "Pinecone, asked for its vectors,");
      }),
    );
    const records = answers.flatMap((answer) => Object.entries(answer.records));
    return new Map(
      records.flatMap(([id, record]) => {
        const values = valuesOf(record);
        return values ? [[id, values] as const] : [];
      }),
    );
  }
}

/** Ids in groups that fit into one request. */
function batches(ids: Iterable<string>): string[][] {
  const groups: string[][] = [];
  let room = 0;
  for (const id of ids) {
    const length = encodeURIComponent(id).length + "&ids=".length;
    if (room < length || groups.at(-1)!.length === IDS_AT_ONCE) {
      groups.push([]);
      room = LONGEST_QUERY;
    }
    groups.at(-1)!.push(id);
    room -= length;
  }
  return groups;
}

/** A match with what was asked for. */
function asked<T extends RecordMetadata>(
  { values, sparseValues, metadata, ...match }: ScoredPineconeRecord<T>,
  { includeValues, includeMetadata }: Pick<QueryOptions, "includeValues" | "includeMetadata">,
): ScoredPineconeRecord<T> {
  return {
    ...match,
    ...(includeValues && values && { values }),
    ...(includeValues && sparseValues && { sparseValues }),
    ...(includeMetadata && metadata && { metadata }),
  };
}
