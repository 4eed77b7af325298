import { idsOf, type Row, type VectorSource } from "./source.ts";

interface PostgresStore {
  readonly pool: { query(sql: string, values: unknown[]): Promise<{ readonly rows: readonly Row[] }> };
  readonly computedTableName: string;
  readonly idColumnName: string;
  readonly vectorColumnName: string;
}

/** `PGVectorStore`: by ids. As text, for the driver knows no vectors. */
export const pgvector: VectorSource<PostgresStore> = {
  name: "PGVectorStore",
  has: ["pool.query()", "computedTableName", "idColumnName", "vectorColumnName"],
  async rows({ pool, computedTableName, idColumnName, vectorColumnName }, { hits }) {
    const sql = `SELECT "${idColumnName}" AS id, "${vectorColumnName}"::text AS vector
      FROM ${computedTableName} WHERE "${idColumnName}" = ANY($1)`;
    return (await pool.query(sql, [idsOf(hits)])).rows;
  },
};
