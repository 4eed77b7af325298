import type { Idempotency } from "../durable.ts";
import type { Database } from "./open.ts";

/** How long the first may be at it, and how long its answer is kept, in milliseconds. */
const [LEASE, KEEP] = [120_000, 24 * 3_600_000];

export function idempotencyOf({ sql, atomically, durably }: Database): Idempotency {
  const get = sql.prepare(
    "SELECT fingerprint, status, headers, body FROM idempotency WHERE tenant = ? AND route = ? AND key = ?",
  );
  const put = sql.prepare(
    "INSERT OR REPLACE INTO idempotency (tenant, route, key, fingerprint, lease) VALUES (?, ?, ?, ?, ?)",
  );
  const finish = sql.prepare(
    "UPDATE idempotency SET lease = ?, status = ?, headers = ?, body = ? WHERE tenant = ? AND route = ? AND key = ? AND lease = ? AND status IS NULL",
  );
  const drop = sql.prepare(
    "DELETE FROM idempotency WHERE tenant = ? AND route = ? AND key = ? AND lease = ? AND status IS NULL",
  );
  const purge = sql.prepare("DELETE FROM idempotency WHERE lease < ?");
  return {
    begin: async ({ tenant, route, key }, fingerprint, now) =>
      atomically(() => {
        purge.run(now);
        const row = get.get(tenant, route, key) as
          | { fingerprint: string; status: number | null; headers: string; body: string }
          | undefined;
        if (!row) {
          // A second lease of a key begins after the end of the first: its time is a name for it.
          const lease = now + LEASE;
          put.run(tenant, route, key, fingerprint, lease);
          return { state: "new", lease };
        }
        if (row.fingerprint !== fingerprint) return { state: "other" };
        if (row.status === null) return { state: "running" };
        return {
          state: "done",
          kept: { status: row.status, headers: JSON.parse(row.headers), body: row.body },
        };
      }),
    async finish({ tenant, route, key }, lease, { status, headers, body }, now) {
      const kept = [now + KEEP, status, JSON.stringify(headers), body] as const;
      await durably(() => finish.run(...kept, tenant, route, key, lease));
    },
    async abandon({ tenant, route, key }, lease) {
      drop.run(tenant, route, key, lease);
    },
  };
}
