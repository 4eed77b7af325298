import { idsOf, type VectorSource } from "./source.ts";

interface Collection {
  withTenant(tenant: string): Collection;
  readonly filter: { byId(): { containsAny(ids: string[]): unknown } };
  readonly query: {
    fetchObjects(request: {
      filters: unknown;
      includeVector: true;
      limit: number;
      returnProperties: string[];
    }): Promise<{
      readonly objects: readonly {
        readonly uuid: string;
        readonly properties?: Record<string, unknown>;
        readonly vectors?: Record<string, unknown>;
      }[];
    }>;
  };
}

interface WeaviateStore {
  readonly client: { readonly collections: { get(name: string): Collection } };
  readonly indexName: string;
  readonly textKey: string;
  readonly tenant?: string | undefined;
}

/** `WeaviateStore`: by ids. Objects with several named vectors are embedded anew: which one was searched is not known. */
export const weaviate: VectorSource<WeaviateStore> = {
  name: "WeaviateStore",
  has: ["client.collections.get()", "indexName", "textKey"],
  async rows({ client, indexName, textKey, tenant }, { hits }) {
    const all = client.collections.get(indexName);
    const collection = tenant === undefined ? all : all.withTenant(tenant);
    const ids = idsOf(hits);
    const { objects } = await collection.query.fetchObjects({
      filters: collection.filter.byId().containsAny(ids),
      includeVector: true,
      limit: ids.length,
      returnProperties: [textKey],
    });
    return objects.map(({ uuid, properties, vectors = {} }) => {
      const [vector, ...others] = Object.values(vectors);
      return { id: uuid, text: properties?.[textKey], vector: others.length === 0 ? vector : undefined };
    });
  },
};
