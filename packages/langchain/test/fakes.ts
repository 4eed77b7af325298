import { Document } from "@langchain/core/documents";

/*
 * The stores that cannot run here, as far as their vectors are concerned: objects with the members of the LangChain
 * classes, over clients that note what they are asked and answer as the real ones do.
 */

/** What a store holds of one document. */
export interface Entry {
  readonly id: string;
  readonly text: string;
  readonly metadata: Record<string, unknown>;
  readonly vector: unknown;
}

/** Notes a request; throws if the store is to fail. */
type Asked = (request: unknown) => void;

interface Fake {
  readonly name: string;
  /** The store, whose client answers with these entries. */
  store(entries: readonly Entry[], asked: Asked): object;
  /** A document of the store as its search returns it. */
  document(entry: Entry): Document;
  /** What the client has to be asked for the vectors of these ids. */
  requests(query: readonly number[], ids: readonly string[]): unknown[];
}

const withId = ({ id, text, metadata }: Entry): Document =>
  new Document({ id, pageContent: text, metadata: { ...metadata } });
const withoutId = ({ text, metadata }: Entry): Document =>
  new Document({ pageContent: text, metadata: { ...metadata } });

export const fakePinecone: Fake = {
  name: "PineconeStore",
  store: (entries, asked) => ({
    textKey: "text",
    namespace: "letters",
    pineconeIndex: {
      namespace: (namespace: string) => ({
        async query(request: object) {
          asked({ namespace, ...request });
          return { matches: entries.map(({ id, vector }) => ({ id, score: 0.5, values: vector })) };
        },
      }),
    },
  }),
  document: withId,
  requests: (vector, ids) => [{ namespace: "letters", vector, topK: ids.length, includeValues: true }],
};

const fakePostgres: Fake = {
  name: "PGVectorStore",
  store: (entries, asked) => ({
    computedTableName: '"archive"."letters"',
    idColumnName: "letter",
    vectorColumnName: "embedding",
    pool: {
      async query(sql: string, values: unknown[]) {
        asked([sql.replace(/\s+/g, " "), values]);
        return { rows: entries.map(({ id, vector }) => ({ id, vector })) };
      },
    },
  }),
  document: withId,
  requests: (_, ids) => [
    [
      'SELECT "letter" AS id, "embedding"::text AS vector FROM "archive"."letters" WHERE "letter" = ANY($1)',
      [ids],
    ],
  ],
};

export const fakeChroma: Fake = {
  name: "Chroma",
  store: (entries, asked) => ({
    collectionName: "letters",
    clientParams: {},
    ensureCollection: async () => ({
      async get(request: unknown) {
        asked(request);
        return { ids: entries.map(({ id }) => id), embeddings: entries.map(({ vector }) => vector) };
      },
    }),
  }),
  document: withId,
  requests: (_, ids) => [{ ids, include: ["embeddings"] }],
};

export const fakeHnsw: Fake = {
  name: "HNSWLib",
  store: (entries, asked) => ({
    docstore: { search: (label: string) => withId(entries[Number(label)]!) },
    _index: {
      searchKnn(query: number[], k: number, filter?: (label: number) => boolean) {
        asked({ query, k });
        return { neighbors: [...entries.keys()].filter((label) => filter?.(label) ?? true) };
      },
      getPoint: (label: number) => entries[label]!.vector,
    },
  }),
  document: withId,
  requests: (query, ids) => [{ query, k: ids.length }],
};

export const fakeLance: Fake = {
  name: "LanceDB",
  store: (entries, asked) => ({
    textKey: "words",
    tableName: "letters",
    table: {
      query: () => ({
        nearestTo: (query: number[]) => ({
          limit: (k: number) => ({
            async toArray() {
              asked({ query, k });
              return entries.map(({ text, metadata, vector }) => ({ vector, words: text, ...metadata }));
            },
          }),
        }),
      }),
    },
  }),
  document: withoutId,
  requests: (query, ids) => [{ query, k: ids.length }],
};

const weaviate = (tenant?: string): Fake => {
  const tenants = tenant === undefined ? {} : { tenant };
  return {
    name: tenant === undefined ? "WeaviateStore" : "WeaviateStore of a tenant",
    store(entries, asked) {
      const collection = (name: string, inside: object): object => ({
        withTenant: (of: string) => collection(name, { tenant: of }),
        filter: { byId: () => ({ containsAny: (ids: string[]) => ({ ids }) }) },
        query: {
          async fetchObjects(request: object) {
            asked({ name, ...inside, ...request });
            return {
              objects: entries.map(({ id, text, vector }) => ({
                uuid: id,
                properties: { text },
                vectors: { default: vector },
              })),
            };
          },
        },
      });
      return {
        indexName: "Letters",
        textKey: "text",
        ...tenants,
        client: { collections: { get: (name: string) => collection(name, {}) } },
        // It has this one too, but that forgets about tenants.
        similaritySearchVectorWithScoreAndEmbedding() {
          throw new Error("not this way");
        },
      };
    },
    document: withId,
    requests: (_, ids) => [
      {
        name: "Letters",
        ...tenants,
        filters: { ids },
        includeVector: true,
        limit: ids.length,
        returnProperties: ["text"],
      },
    ],
  };
};
export const fakeWeaviate = weaviate();
const fakeTenant = weaviate("north");

/** A key that is another object with each answer. */
class ObjectId {
  readonly #hex: string;
  constructor(hex: string) {
    this.#hex = hex;
  }
  toString(): string {
    return this.#hex;
  }
}

export const fakeMongo: Fake = {
  name: "MongoDBAtlasVectorSearch",
  store: (entries, asked) => ({
    embeddingKey: "embedding",
    primaryKey: "_id",
    collection: {
      find: ({ _id, ...rest }: { _id: { $in: ObjectId[] } }, options: unknown) => ({
        async toArray() {
          asked({ ids: _id.$in.map(String), ...rest, options });
          return entries.map(({ id, vector }) => ({ _id: new ObjectId(id), embedding: vector }));
        },
      }),
    },
  }),
  document: ({ id, text, metadata }) =>
    new Document({ pageContent: text, metadata: { _id: new ObjectId(id), ...metadata } }),
  requests: (_, ids) => [{ ids, options: { projection: { _id: 1, embedding: 1 } } }],
};

export const fakeQdrant: Fake = {
  name: "QdrantVectorStore",
  store: (entries, asked) => ({
    collectionName: "letters",
    contentPayloadKey: "content",
    async ensureCollection() {},
    client: {
      async retrieve(collection: string, request: object) {
        asked({ collection, ...request });
        return entries.map(({ id, vector }) => ({ id, vector }));
      },
    },
  }),
  document: withId,
  requests: (_, ids) => [{ collection: "letters", ids, with_vector: true, with_payload: false }],
};

export const fakeMilvus: Fake = {
  name: "Milvus",
  store: (entries, asked) => ({
    collectionName: "letters",
    partitionName: "old",
    primaryField: "key",
    textField: "words",
    vectorField: "embedding",
    fields: ["words", "embedding", "from", "place"],
    indexCreateParams: { metric_type: "L2" },
    indexSearchParams: { ef: 10 },
    async ensureCollection() {},
    client: {
      async search(request: unknown) {
        asked(request);
        const results = entries.map(({ text, vector, metadata: { from, place } }) => ({
          score: 0.5,
          words: text,
          embedding: vector,
          from,
          // Objects are stored as JSON.
          place: JSON.stringify(place),
        }));
        return { status: { error_code: "Success" }, results };
      },
    },
  }),
  document: withoutId,
  requests: (query, ids) => [
    {
      collection_name: "letters",
      partition_names: ["old"],
      search_params: { anns_field: "embedding", topk: ids.length, metric_type: "L2", params: '{"ef":10}' },
      output_fields: ["words", "embedding", "from", "place"],
      vector_type: 101,
      vectors: [query],
      filter: "",
    },
  ],
};

const elastic = (version: string): Fake => ({
  name: `ElasticVectorSearch on ${version}`,
  store: (entries, asked) => ({
    indexName: "letters",
    candidates: 200,
    buildMetadataTerms: (filter: unknown) => ({ must: filter === undefined ? [] : [filter], must_not: [] }),
    client: {
      async search(request: unknown) {
        asked(request);
        const hits = entries.map(({ text, metadata, vector }) =>
          version === "8"
            ? { _source: { text, metadata, embedding: vector } }
            : { _source: { text, metadata }, fields: { embedding: vector } },
        );
        return { hits: { hits } };
      },
    },
  }),
  document: withoutId,
  requests: (query, ids) => [
    {
      index: "letters",
      size: ids.length,
      knn: {
        field: "embedding",
        query_vector: query,
        filter: { bool: { must: [], must_not: [] } },
        k: ids.length,
        num_candidates: 200,
      },
      fields: ["embedding"],
    },
  ],
});
export const fakeElastic8 = elastic("8");
const fakeElastic9 = elastic("9");

const fakeOpenSearch: Fake = {
  name: "OpenSearchVectorStore",
  store: (entries, asked) => ({
    indexName: "letters",
    vectorFieldName: "embedding",
    buildMetadataTerms: () => ({}),
    client: {
      async search(request: unknown) {
        asked(request);
        const hits = entries.map(({ id, vector }) => ({ _id: id, _source: { embedding: vector } }));
        return { body: { hits: { hits } } };
      },
    },
  }),
  document: withId,
  requests: (_, ids) => [
    {
      index: "letters",
      body: { query: { ids: { values: ids } }, size: ids.length, _source: ["embedding"] },
    },
  ],
};

const supabase = (returnsVectors: boolean): Fake => ({
  name: `SupabaseVectorStore whose function returns ${returnsVectors ? "the vectors" : "no vectors"}`,
  store: (entries, asked) => ({
    tableName: "letters",
    async _searchSupabase(query: number[], k: number, filter: unknown) {
      asked({ query, k, filter });
      return entries.map(({ id, text, metadata, vector }) => ({
        id,
        content: text,
        metadata,
        similarity: 0.5,
        ...(returnsVectors && { embedding: vector }),
      }));
    },
    client: {
      from: (table: string) => ({
        select: (columns: string) => ({
          async in(column: string, ids: unknown[]) {
            asked({ table, columns, column, ids });
            return { data: entries.map(({ id, vector }) => ({ id, embedding: vector })), error: null };
          },
        }),
      }),
    },
  }),
  document: withoutId,
  requests: (query, ids) => [
    { query, k: ids.length, filter: undefined },
    ...(returnsVectors ? [] : [{ table: "letters", columns: "id, embedding", column: "id", ids }]),
  ],
});
export const fakeSupabase = supabase(true);
const fakeBareSupabase = supabase(false);

export const fakeRedis: Fake = {
  name: "RedisVectorStore",
  store: (entries, asked) => ({
    indexName: "letters",
    contentKey: "content",
    vectorKey: "content_vector",
    filter: undefined,
    buildQuery: (query: number[], k: number, filter: unknown) => [{ query, k, filter }],
    unEscapeSpecialChars: (text: string) => text.replaceAll("\\-", "-").replaceAll('\\"', '"'),
    redisClient: {
      ft: {
        async search(index: string, ...query: unknown[]) {
          asked({ index, query });
          const documents = entries.map(({ id, text, metadata }) => ({
            id: `doc:${id}`,
            value: { content: text, metadata: JSON.stringify(metadata).replaceAll('"', '\\"') },
          }));
          return { total: documents.length, documents };
        },
      },
      async sendCommand(command: string[], options: unknown) {
        asked({ command, options });
        return entries.find(({ id }) => `doc:${id}` === command[1])?.vector;
      },
    },
  }),
  document: withoutId,
  requests: (query, ids) => [
    { index: "letters", query: [{ query, k: ids.length, filter: undefined }] },
    ...ids.map((id) => ({
      command: ["HGET", `doc:${id}`, "content_vector"],
      options: { returnBuffers: true },
    })),
  ],
};

export const fakeOwn: Fake = {
  name: "a store of one's own",
  store: (entries, asked) => ({
    async similaritySearchVectorWithScoreAndEmbedding(query: number[], k: number, filter: unknown) {
      asked({ query, k, filter });
      return entries.map((entry) => [withId(entry), 0.5, entry.vector]);
    },
  }),
  document: withId,
  requests: (query, ids) => [{ query, k: ids.length, filter: undefined }],
};

export const fakes: readonly Fake[] = [
  fakePinecone,
  fakePostgres,
  fakeChroma,
  fakeHnsw,
  fakeLance,
  fakeWeaviate,
  fakeTenant,
  fakeMongo,
  fakeQdrant,
  fakeMilvus,
  fakeElastic8,
  fakeElastic9,
  fakeOpenSearch,
  fakeSupabase,
  fakeBareSupabase,
  fakeRedis,
  fakeOwn,
];
