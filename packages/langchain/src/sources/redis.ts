import { throwIfAborted } from "@oscillink/core/adapter";
import type { VectorSource } from "./source.ts";

interface RedisStore {
  readonly redisClient: {
    readonly ft: {
      search(
        index: string,
        ...query: unknown[]
      ): Promise<{
        readonly documents: readonly { readonly id: string; readonly value: Record<string, string> }[];
      }>;
    };
    sendCommand(command: string[], options: { returnBuffers: true }): Promise<unknown>;
  };
  readonly indexName: string;
  readonly contentKey: string;
  readonly vectorKey: string;
  buildQuery(query: number[], k: number, filter: unknown): readonly unknown[];
  unEscapeSpecialChars(text: string): string;
  readonly filter?: unknown;
}

/**
 * `RedisVectorStore`: the search once more, for the keys, then the vectors as bytes; as text they would be spoilt. The
 * client sends all of these commands in one round trip.
 */
export const redis: VectorSource<RedisStore> = {
  name: "RedisVectorStore",
  has: ["redisClient.sendCommand()", "redisClient.ft.search()", "buildQuery()", "unEscapeSpecialChars()"],
  async rows(store, { hits, query, filter, signal }) {
    const { redisClient, indexName, contentKey, vectorKey } = store;
    const search = store.buildQuery(query, hits.length, filter ?? store.filter);
    const { documents } = await redisClient.ft.search(indexName, ...search);
    throwIfAborted(signal);
    return Promise.all(
      documents.map(async ({ id, value }) => ({
        text: value[contentKey] ?? "",
        metadata: JSON.parse(store.unEscapeSpecialChars(value.metadata ?? "{}")),
        vector: await redisClient.sendCommand(["HGET", id, vectorKey], { returnBuffers: true }),
      })),
    );
  },
};
