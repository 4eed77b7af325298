import type { KeyRecord, Keys } from "../durable.ts";
import type { Database } from "./open.ts";

interface Row extends Omit<KeyRecord, "scopes" | "limits" | "secrets"> {
  readonly scopes: string;
  readonly limits: string;
  readonly secrets: string;
}

export function keysOf({ sql, durably }: Database): Keys {
  const one = sql.prepare("SELECT * FROM keys WHERE id = ?");
  const all = sql.prepare("SELECT * FROM keys ORDER BY created, id");
  const insert = sql.prepare("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const replace = sql.prepare("REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const recordOf = (row: unknown): KeyRecord => {
    const { scopes, limits, secrets, ...rest } = row as Row;
    return { ...rest, scopes: JSON.parse(scopes), limits: JSON.parse(limits), secrets: JSON.parse(secrets) };
  };
  const valuesOf = ({ id, tenant, name, scopes, status, created, expires, limits, secrets }: KeyRecord) => {
    const [s, l, m] = [scopes, limits, secrets].map((value) => JSON.stringify(value)) as [
      string,
      string,
      string,
    ];
    return [id, tenant, name, s, status, created, expires, l, m] as const;
  };
  return {
    async get(id) {
      const row = one.get(id);
      return row ? recordOf(row) : null;
    },
    async add(record) {
      await durably(() => insert.run(...valuesOf(record)));
    },
    update: (id, change) =>
      durably(() => {
        const row = one.get(id);
        if (!row) return null;
        const changed = change(recordOf(row));
        replace.run(...valuesOf(changed));
        return changed;
      }),
    list: async () => all.all().map(recordOf),
  };
}
