import { throwIfAborted } from "@oscillink/core/adapter";
import { idsOf, type VectorSource } from "./source.ts";

interface ChromaStore {
  ensureCollection(): Promise<{
    get(request: { ids: string[]; include: ["embeddings"] }): Promise<{
      readonly ids: readonly string[];
      readonly embeddings?: readonly unknown[] | null;
    }>;
  }>;
}

/** `Chroma`: by ids. */
export const chroma: VectorSource<ChromaStore> = {
  name: "Chroma",
  has: ["ensureCollection()", "collectionName", "clientParams"],
  async rows(store, { hits, signal }) {
    const collection = await store.ensureCollection();
    throwIfAborted(signal);
    const { ids, embeddings } = await collection.get({ ids: idsOf(hits), include: ["embeddings"] });
    return ids.map((id, i) => ({ id, vector: embeddings?.[i] }));
  },
};
