import type { VectorSource } from "./source.ts";

interface MilvusStore {
  readonly client: {
    search(request: Record<string, unknown>): Promise<{
      readonly status: { readonly error_code: unknown };
      readonly results: readonly Record<string, unknown>[];
    }>;
  };
  readonly collectionName: string;
  readonly partitionName?: string | undefined;
  readonly primaryField: string;
  readonly textField: string;
  readonly vectorField: string;
  readonly fields: readonly string[];
  readonly indexCreateParams: { readonly metric_type: string };
  readonly indexSearchParams: unknown;
}

/** `Milvus`: the search once more, with the vectors; the keys of its documents are as a rule not in the hits. */
export const milvus: VectorSource<MilvusStore> = {
  name: "Milvus",
  has: ["client.search()", "vectorField", "primaryField", "textField", "fields.includes()"],
  async rows(store, { hits, query, filter }) {
    const { fields, primaryField, textField, vectorField } = store;
    const { status, results } = await store.client.search({
      collection_name: store.collectionName,
      ...(store.partitionName && { partition_names: [store.partitionName] }),
      search_params: {
        anns_field: vectorField,
        topk: hits.length,
        metric_type: store.indexCreateParams.metric_type,
        params: JSON.stringify(store.indexSearchParams),
      },
      output_fields: [...new Set([...fields, vectorField])],
      vector_type: floatVector,
      vectors: [query],
      filter: filter ?? "",
    });
    // The client returns errors of the server like results.
    if (status.error_code !== "Success") throw new Error(JSON.stringify(status));
    return results.map((row) => {
      const kept = Object.entries(row).filter(
        ([key]) => key !== textField && key !== vectorField && (fields.includes(key) || key === primaryField),
      );
      const metadata = Object.fromEntries(kept.map(([key, value]) => [key, parsed(value)]));
      return { text: row[textField], metadata, vector: row[vectorField] };
    });
  },
};

/** `DataType.FloatVector` of Milvus. */
const floatVector = 101;

/** As the store does it: what can be read as JSON, is. */
function parsed(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
