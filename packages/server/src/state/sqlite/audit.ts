import type { Audit } from "../durable.ts";
import type { Database } from "./open.ts";

/** How long refusals that say the same are one row, in milliseconds. */
const HOUR = 3_600_000;

export function auditOf({ sql, durably, together }: Database): Audit {
  const add = sql.prepare("INSERT INTO audit (at, who, what, about) VALUES (?, ?, ?, ?)");
  const rows = sql.prepare("SELECT at, who, what, about, count FROM audit ORDER BY number DESC LIMIT ?");
  const again = sql.prepare(
    "UPDATE audit SET count = count + 1 WHERE refused = 1 AND at > ? AND who = ? AND what = ? AND about = ?",
  );
  const refuse = sql.prepare("INSERT INTO audit (at, who, what, about, refused) VALUES (?, ?, ?, ?, 1)");
  const forget = sql.prepare(
    "DELETE FROM audit WHERE refused = 1 AND number <= (SELECT number FROM audit WHERE refused = 1 ORDER BY number DESC LIMIT 1 OFFSET ?)",
  );
  return {
    async add({ at, who, what, about }) {
      await durably(() => add.run(at, who, what, about));
    },
    // Not on the disk at once: that takes milliseconds, which whoever tries keys would take from all others.
    async refuse({ at, who, what, about }, mostRefusals) {
      await together(() => {
        if (again.run(at - HOUR, who, what, about).changes > 0) return;
        refuse.run(at, who, what, about);
        forget.run(mostRefusals);
      });
    },
    rows: async (limit) => rows.all(limit) as never,
  };
}
