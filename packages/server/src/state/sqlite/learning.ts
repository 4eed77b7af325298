import type { Learning, Remembered } from "../durable.ts";
import type { Database } from "./open.ts";

/** How long an answer may get feedback, in milliseconds. */
const KEEP = 30 * 24 * 3_600_000;

export function learningOf({ sql, atomically }: Database): Learning {
  const put = sql.prepare(
    "INSERT OR IGNORE INTO answers (digest, key_id, profile, ids, others, at) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const purge = sql.prepare("DELETE FROM answers WHERE at < ?");
  const find = sql.prepare(
    "SELECT profile, ids, others, at FROM answers WHERE digest = ? AND key_id = ? AND taken = 0",
  );
  // The row stays: the same request asked again has the same digest, and gets no second say.
  const take = sql.prepare(
    "UPDATE answers SET taken = 1 WHERE digest = ? AND key_id = ? AND taken = 0 RETURNING profile, ids, others, at",
  );
  const reward = sql.prepare(
    "INSERT INTO arms VALUES (?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET count = count + 1, sum = sum + excluded.sum, squares = squares + excluded.squares",
  );
  const arms = sql.prepare("SELECT profile, count, sum, squares FROM arms WHERE key_id = ? ORDER BY profile");
  const reset = sql.prepare("DELETE FROM arms WHERE key_id = ?");
  const pinned = sql.prepare("SELECT profile FROM pins WHERE key_id = ?");
  const pin = sql.prepare("INSERT OR REPLACE INTO pins VALUES (?, ?)");
  const unpin = sql.prepare("DELETE FROM pins WHERE key_id = ?");
  return {
    async remember({ digest, keyId, profile, ids, others, at }) {
      atomically(() => {
        purge.run(at - KEEP);
        put.run(digest, keyId, profile, JSON.stringify(ids), JSON.stringify(others), at);
      });
    },
    find: async (digest, keyId) => rememberedOf(digest, keyId, find.get(digest, keyId)),
    take: async (digest, keyId) => rememberedOf(digest, keyId, take.get(digest, keyId)),
    async reward(keyId, profile, value) {
      reward.run(keyId, profile, value, value * value);
    },
    arms: async (keyId) => arms.all(keyId) as never,
    async reset(keyId) {
      reset.run(keyId);
    },
    pinned: async (keyId) => (pinned.get(keyId) as { profile: string } | undefined)?.profile ?? null,
    async pin(keyId, profile) {
      if (profile === null) unpin.run(keyId);
      else pin.run(keyId, profile);
    },
  };
}

function rememberedOf(digest: string, keyId: string, found: unknown): Remembered | null {
  if (found === undefined) return null;
  const { profile, ids, others, at } = found as { profile: string; ids: string; others: string; at: number };
  return { digest, keyId, profile, ids: JSON.parse(ids), others: JSON.parse(others), at };
}
