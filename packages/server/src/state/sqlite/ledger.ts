import type { Ledger, LedgerRow } from "../durable.ts";
import type { Database } from "./open.ts";

export const INSERT_ROW =
  "INSERT OR IGNORE INTO ledger (id, at, tenant, key_id, route, n, d, units, outcome, duration, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

export const valuesOf = (row: LedgerRow) =>
  [
    ...[row.id, row.at, row.tenant, row.keyId, row.route, row.n, row.d, row.units, row.outcome],
    ...[row.durationMs, row.digest],
  ] as const;

export function ledgerOf({ sql }: Database): Ledger {
  const rows = sql.prepare(
    "SELECT id, at, tenant, key_id AS keyId, route, n, d, units, outcome, duration AS durationMs, digest FROM ledger WHERE at >= ? ORDER BY number",
  );
  const sums = sql.prepare(
    "SELECT key_id AS keyId, SUM(units) AS units, COUNT(*) AS requests FROM ledger WHERE at >= ? AND at < ? GROUP BY key_id ORDER BY key_id",
  );
  return {
    rows: (since) => rows.iterate(since) as unknown as Iterable<LedgerRow>,
    sums: async (since, until) => sums.all(since, until) as never,
  };
}
