import type { VectorSource } from "./source.ts";

interface ElasticStore {
  readonly client: {
    search(request: Record<string, unknown>): Promise<{
      readonly hits: {
        readonly hits: readonly {
          readonly _source?: Record<string, unknown>;
          readonly fields?: Record<string, unknown>;
        }[];
      };
    }>;
  };
  readonly indexName: string;
  readonly candidates: number;
  buildMetadataTerms(filter: unknown): unknown;
}

/** `ElasticVectorSearch`: the search once more, with the vectors; its documents have no ids. */
export const elasticsearch: VectorSource<ElasticStore> = {
  name: "ElasticVectorSearch",
  has: ["client.search()", "indexName", "candidates", "buildMetadataTerms()"],
  async rows(store, { hits, query, filter }) {
    const answer = await store.client.search({
      index: store.indexName,
      size: hits.length,
      knn: {
        field: "embedding",
        query_vector: query,
        filter: { bool: store.buildMetadataTerms(filter) },
        k: hits.length,
        num_candidates: Math.max(store.candidates, hits.length),
      },
      // From 9.2 on the source comes without vectors, unless they are named as fields.
      fields: ["embedding"],
    });
    return answer.hits.hits.map(({ _source, fields }) => ({
      text: _source?.text,
      metadata: _source?.metadata,
      vector: fields?.embedding ?? _source?.embedding,
    }));
  },
};
