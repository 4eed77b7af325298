import type { VectorSource } from "./source.ts";

type Filter = Record<string, unknown> & { readonly namespace?: string };

interface PineconeStore {
  readonly pineconeIndex: {
    namespace(name: string): {
      query(request: {
        vector: number[];
        topK: number;
        includeValues: true;
        filter?: Record<string, unknown>;
      }): Promise<{ readonly matches?: readonly { readonly id: string; readonly values?: unknown }[] }>;
    };
  };
  readonly namespace?: string | undefined;
  readonly filter?: Filter | undefined;
}

/**
 * `PineconeStore`: the search once more, with the values. Not `fetch`: its arguments are other ones in each major version
 * of the client, and its ids go into the address, which is too short for many.
 */
export const pinecone: VectorSource<PineconeStore> = {
  name: "PineconeStore",
  has: ["pineconeIndex.namespace()", "textKey"],
  poolByWidth: true,
  async rows(store, { hits, query, filter }) {
    // The store takes the namespace from the filter, if there is one.
    const { namespace, ...conditions } = (filter ?? store.filter ?? {}) as Filter;
    const { matches = [] } = await store.pineconeIndex.namespace(namespace ?? store.namespace ?? "").query({
      vector: query,
      topK: hits.length,
      includeValues: true,
      ...(Object.keys(conditions).length > 0 && { filter: conditions }),
    });
    return matches.map(({ id, values }) => ({ id, vector: values }));
  },
};
