import type { Ledger, LedgerRow } from "../durable.ts";
import type { Database } from "./open.ts";

/** How many rows are in memory at a time. */
const PAGE = 500;

export const INSERT_ROW =
  "INSERT OR IGNORE INTO ledger (id, at, tenant, key_id, route, n, d, units, outcome, duration, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

export const valuesOf = (row: LedgerRow) =>
  [
    ...[row.id, row.at, row.tenant, row.keyId, row.route, row.n, row.d, row.units, row.outcome],
    ...[row.durationMs, row.digest],
  ] as const;

export function ledgerOf({ sql, together }: Database): Ledger {
  const rows = sql.prepare(
    "SELECT id, at, tenant, key_id AS keyId, route, n, d, units, outcome, duration AS durationMs, digest, number FROM ledger WHERE number > ? AND at >= ? ORDER BY number LIMIT ?",
  );
  const sums = sql.prepare(
    "SELECT key_id AS keyId, SUM(units) AS units, COUNT(*) AS requests FROM ledger WHERE at >= ? AND at < ? GROUP BY key_id ORDER BY key_id",
  );
  const forget = sql.prepare(
    "DELETE FROM ledger WHERE number IN (SELECT number FROM ledger WHERE at < ? ORDER BY at LIMIT 1000)",
  );
  return {
    async *rows(since) {
      let last = 0;
      while (true) {
        const page = rows.all(last, since, PAGE) as unknown as (LedgerRow & { number: number })[];
        for (const { number, ...row } of page) {
          last = number;
          yield row;
        }
        if (page.length < PAGE) return;
      }
    },
    forget: async (before) => together(() => Number(forget.run(before).changes)),
    sums: async (since, until) => sums.all(since, until) as never,
  };
}
