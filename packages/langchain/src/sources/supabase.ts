import { throwIfAborted } from "@oscillink/core/adapter";
import type { VectorSource } from "./source.ts";

interface SupabaseStore {
  readonly client: {
    from(table: string): {
      select(columns: string): {
        in(
          column: string,
          values: unknown[],
        ): PromiseLike<{ readonly data: readonly SupabaseRow[] | null; readonly error: unknown }>;
      };
    };
  };
  readonly tableName: string;
  _searchSupabase(query: number[], k: number, filter: unknown): Promise<readonly SupabaseRow[]>;
}

interface SupabaseRow {
  readonly id?: unknown;
  readonly content?: unknown;
  readonly metadata?: unknown;
  readonly embedding?: unknown;
}

/** How many ids are asked for at once: they stand in the address, and one of 8 kB is refused. A UUID takes 37 characters. */
const BATCH = 100;

/**
 * `SupabaseVectorStore`: the search once more, for the ids, which its documents have not; it also brings the vectors, if
 * the SQL function returns them. If not, they are selected by the ids.
 */
export const supabase: VectorSource<SupabaseStore> = {
  name: "SupabaseVectorStore",
  has: ["client.from()", "tableName", "_searchSupabase()"],
  async rows(store, { hits, query, filter, signal }) {
    const found = await store._searchSupabase(query, hits.length, filter);
    const bare = found.filter(({ id, embedding }) => id !== undefined && embedding === undefined);
    const vectors = new Map<unknown, unknown>();
    if (bare.length > 0) {
      const ids = bare.map(({ id }) => id);
      for (let at = 0; at < ids.length; at += BATCH) {
        throwIfAborted(signal);
        const table = store.client.from(store.tableName);
        const { data, error } = await table.select("id, embedding").in("id", ids.slice(at, at + BATCH));
        // The client returns its errors, and as plain objects.
        if (error) throw error;
        for (const { id, embedding } of data ?? []) vectors.set(id, embedding);
      }
    }
    return found.map(({ id, content, metadata, embedding }) => {
      return { text: content, metadata, vector: embedding ?? vectors.get(id) };
    });
  },
};
