import type { Audit } from "../durable.ts";
import type { Database } from "./open.ts";

export function auditOf({ sql, durably }: Database): Audit {
  const add = sql.prepare("INSERT INTO audit (at, who, what, about) VALUES (?, ?, ?, ?)");
  const rows = sql.prepare("SELECT at, who, what, about FROM audit ORDER BY number DESC LIMIT ?");
  return {
    async add({ at, who, what, about }) {
      await durably(() => add.run(at, who, what, about));
    },
    rows: async (limit) => rows.all(limit) as never,
  };
}
