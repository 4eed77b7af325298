import { idsOf, type VectorSource } from "./source.ts";

interface QdrantStore {
  readonly client: {
    retrieve(
      collection: string,
      request: { ids: string[]; with_vector: true; with_payload: false },
    ): Promise<readonly { readonly id: string | number; readonly vector: unknown }[]>;
  };
  readonly collectionName: string;
}

/** `QdrantVectorStore`: by ids. Collections with named vectors are embedded anew. */
export const qdrant: VectorSource<QdrantStore> = {
  name: "QdrantVectorStore",
  has: ["client.retrieve()", "collectionName", "contentPayloadKey"],
  rows: ({ client, collectionName }, { hits }) =>
    client.retrieve(collectionName, { ids: idsOf(hits), with_vector: true, with_payload: false }),
};
