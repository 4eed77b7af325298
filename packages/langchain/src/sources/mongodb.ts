import type { VectorSource } from "./source.ts";

interface MongoStore {
  readonly collection: {
    find(
      filter: Record<string, unknown>,
      options: { projection: Record<string, 1> },
    ): { toArray(): Promise<readonly Record<string, unknown>[]> };
  };
  readonly embeddingKey: string;
  readonly primaryKey: string;
}

/** `MongoDBAtlasVectorSearch`: by the primary key, which the store leaves in the metadata. */
export const mongodb: VectorSource<MongoStore> = {
  name: "MongoDBAtlasVectorSearch",
  has: ["collection.find()", "embeddingKey", "primaryKey"],
  async rows({ collection, embeddingKey, primaryKey }, { hits }) {
    const keys = hits.map(([{ metadata }]) => metadata[primaryKey]).filter((key) => key !== undefined);
    const found = await collection
      .find({ [primaryKey]: { $in: keys } }, { projection: { [primaryKey]: 1, [embeddingKey]: 1 } })
      .toArray();
    // An ObjectId is a new object with each answer; written, it is the same.
    const vectors = new Map(found.map((row) => [String(row[primaryKey]), row[embeddingKey]]));
    return hits.map(([{ id, pageContent, metadata }]) => {
      return { id, text: pageContent, metadata, vector: vectors.get(String(metadata[primaryKey])) };
    });
  },
};
