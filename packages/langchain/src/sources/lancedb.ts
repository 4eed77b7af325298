import type { VectorSource } from "./source.ts";

interface LanceStore {
  readonly table: {
    query(): {
      nearestTo(query: number[]): {
        limit(k: number): { toArray(): Promise<readonly Record<string, unknown>[]> };
      };
    };
  };
  readonly textKey: string;
}

/** `LanceDB`: the search once more, for the rows; the store makes all their other columns the metadata. */
export const lancedb: VectorSource<LanceStore> = {
  name: "LanceDB",
  has: ["table.query()", "textKey", "tableName"],
  async rows({ table, textKey }, { hits, query }) {
    const rows = await table.query().nearestTo(query).limit(hits.length).toArray();
    // By their keys, as the store does it: Arrow's rows hold more than they show to a spread.
    return rows.map((row) => {
      const keys = Object.keys(row).filter((key) => !["vector", "score", textKey].includes(key));
      const metadata = Object.fromEntries(keys.map((key) => [key, row[key]]));
      return { text: row[textKey], metadata, vector: row.vector };
    });
  },
};
