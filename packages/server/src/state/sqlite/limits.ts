import type { LedgerRow } from "../durable.ts";
import type { Limits, Remains, UnitLimits } from "../shared.ts";
import { INSERT_ROW, valuesOf } from "./ledger.ts";
import type { Database } from "./open.ts";

/** What a key has used up. */
interface Used {
  /** When its window began, in milliseconds. */
  readonly start: number;
  readonly window: number;
  /** Of its month, as `202611`. */
  readonly month: number;
  readonly inMonth: number;
}

const ADD_MONTH = "INSERT INTO months VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET used = used + excluded.used";

/** Settles reservations, for a transaction of which it is a part. */
export function settling(sql: Database["sql"]) {
  const addWindow = sql.prepare("UPDATE windows SET used = used + ? WHERE key_id = ? AND start = ?");
  const addMonth = sql.prepare(ADD_MONTH);
  const drop = sql.prepare("DELETE FROM reservations WHERE id = ? RETURNING key_id, units, start, month");
  const insertRow = sql.prepare(INSERT_ROW);

  /** @returns whether there was such a reservation. */
  function giveBack(id: string, charged: number): boolean {
    const row = drop.get(id) as { key_id: string; units: number; start: number; month: number } | undefined;
    if (!row) return false;
    const back = charged - row.units;
    if (back !== 0) {
      addWindow.run(back, row.key_id, row.start);
      addMonth.run(row.key_id, row.month, back);
    }
    return true;
  }

  function settle(id: string, row: LedgerRow): boolean {
    if (!giveBack(id, row.units)) return false;
    insertRow.run(...valuesOf(row));
    return true;
  }

  return { giveBack, settle };
}

export function limitsOf({ sql, atomically, together }: Database): Limits {
  const window = sql.prepare("SELECT start, used FROM windows WHERE key_id = ?");
  const month = sql.prepare("SELECT month, used FROM months WHERE key_id = ? ORDER BY month DESC LIMIT 1");
  const setWindow = sql.prepare("INSERT OR REPLACE INTO windows VALUES (?, ?, ?)");
  const addMonth = sql.prepare(ADD_MONTH);
  const put = sql.prepare("INSERT INTO reservations VALUES (?, ?, ?, ?, ?, ?)");
  const expired = sql.prepare("SELECT id FROM reservations WHERE expires < ?");

  /** A clock that was set back opens no fresh window, and goes back to no month. */
  function usedOf(keyId: string, limits: UnitLimits, now: number): Used {
    const last = window.get(keyId) as { start: number; used: number } | undefined;
    const running = last !== undefined && now < last.start + limits.window * 1000;
    const latest = month.get(keyId) as { month: number; used: number } | undefined;
    const present = monthOf(now);
    const same = latest !== undefined && latest.month >= present;
    return {
      ...(running ? { start: last.start, window: last.used } : { start: now, window: 0 }),
      ...(same ? { month: latest.month, inMonth: latest.used } : { month: present, inMonth: 0 }),
    };
  }

  const { giveBack, settle } = settling(sql);

  return {
    reserve: async ({ id, keyId, units, limits, now, expires }) =>
      together(() => {
        const used = usedOf(keyId, limits, now);
        const refused: Remains["name"][] = [];
        if (limits.units > 0 && used.window + units > limits.units) refused.push("units");
        if (limits.month > 0 && used.inMonth + units > limits.month) refused.push("month");
        if (refused.length > 0) return { refused, remains: remainsOf(used, limits, now) };
        setWindow.run(keyId, used.start, used.window + units);
        addMonth.run(keyId, used.month, units);
        put.run(id, keyId, units, used.start, used.month, expires);
        const after = { ...used, window: used.window + units, inMonth: used.inMonth + units };
        return { refused, remains: remainsOf(after, limits, now) };
      }),
    settle: async (id, row) => together(() => settle(id, row)),
    sweep: async (now) =>
      atomically(() => (expired.all(now) as { id: string }[]).filter(({ id }) => giveBack(id, 0)).length),
    used: async (keyId, limits, now) => remainsOf(usedOf(keyId, limits, now), limits, now),
  };
}

const monthOf = (now: number): number => {
  const date = new Date(now);
  return date.getUTCFullYear() * 100 + date.getUTCMonth() + 1;
};

function remainsOf(used: Used, { units, window, month }: UnitLimits, now: number): Remains[] {
  const seconds = (until: number) => Math.max(1, Math.ceil((until - now) / 1000));
  const next = Date.UTC(Math.floor(used.month / 100), used.month % 100);
  return [
    ...(units > 0
      ? [
          {
            ...({ name: "units", limit: units, window } as const),
            ...{ left: Math.max(0, units - used.window), reset: seconds(used.start + window * 1000) },
          },
        ]
      : []),
    ...(month > 0
      ? [
          {
            ...({ name: "month", limit: month, window: null } as const),
            ...{ left: Math.max(0, month - used.inMonth), reset: seconds(next) },
          },
        ]
      : []),
  ];
}
