import { idsOf, type VectorSource } from "./source.ts";

interface OpenSearchStore {
  readonly client: {
    search(request: { index: string; body: Record<string, unknown> }): Promise<{
      readonly body: {
        readonly hits: {
          readonly hits: readonly { readonly _id: string; readonly _source?: Record<string, unknown> }[];
        };
      };
    }>;
  };
  readonly indexName: string;
  readonly vectorFieldName: string;
}

/** `OpenSearchVectorStore`: by ids. */
export const opensearch: VectorSource<OpenSearchStore> = {
  name: "OpenSearchVectorStore",
  has: ["client.search()", "indexName", "vectorFieldName"],
  async rows({ client, indexName, vectorFieldName }, { hits }) {
    const ids = idsOf(hits);
    const { body } = await client.search({
      index: indexName,
      body: { query: { ids: { values: ids } }, size: ids.length, _source: [vectorFieldName] },
    });
    return body.hits.hits.map(({ _id, _source }) => ({ id: _id, vector: _source?.[vectorFieldName] }));
  },
};
