import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import { JOB_STATES, type JobState, type JobStatus, type Queue, type TakenJob } from "../shared.ts";
import { settling } from "./limits.ts";
import type { Database } from "./open.ts";

// Megabytes of it would hold up the event loop.
const [deflate, inflate] = [promisify(deflateRaw), promisify(inflateRaw)];

interface Row extends Omit<TakenJob, "keyId" | "attempt" | "body"> {
  readonly attempts: number;
  readonly key_id: string | null;
}

export function queueOf({ sql, atomically, durably }: Database): Queue {
  const waiting = sql.prepare("SELECT COUNT(*) AS count FROM jobs WHERE state = 'queued' AND tenant = ?");
  const has = sql.prepare("SELECT 1 FROM jobs WHERE id = ?");
  const add = sql.prepare(
    "INSERT INTO jobs (id, tenant, key_id, shape, created, state) VALUES (?, ?, ?, ?, ?, 'queued')",
  );
  // Apart, for a row that changes is written anew, and with it all that is in it.
  const addBody = sql.prepare("INSERT INTO job_bodies VALUES (?, ?)");
  const bodyOf = sql.prepare("SELECT body FROM job_bodies WHERE id = ?");
  const dropBody = sql.prepare("DELETE FROM job_bodies WHERE id = ?");
  const next = sql.prepare(
    "SELECT id, tenant, key_id, shape, created, attempts FROM jobs WHERE state = 'queued' OR (state = 'running' AND lease < ?) ORDER BY number LIMIT 1",
  );
  const start = sql.prepare(
    "UPDATE jobs SET state = 'running', lease = ?, attempts = attempts + 1 WHERE id = ?",
  );
  const putBack = sql.prepare(
    "UPDATE jobs SET state = 'queued', lease = NULL, attempts = attempts - ? WHERE id = ? AND state = 'running'",
  );
  const { settle } = settling(sql);
  const beat = sql.prepare("UPDATE jobs SET lease = ? WHERE id = ? AND state = 'running'");
  // What ended needs its request no more.
  const finish = sql.prepare(
    "UPDATE jobs SET state = ?, answer = ?, finished = ? WHERE id = ? AND state = 'running'",
  );
  const cancel = sql.prepare(
    "UPDATE jobs SET state = 'cancelled', finished = ? WHERE id = ? AND tenant = ? AND state IN ('queued', 'running')",
  );
  const get = sql.prepare(
    "SELECT id, tenant, key_id AS keyId, state, shape, created, finished, answer FROM jobs WHERE id = ? AND tenant = ?",
  );
  const counts = sql.prepare("SELECT state, COUNT(*) AS count FROM jobs GROUP BY state");
  const purge = sql.prepare("DELETE FROM jobs WHERE finished < ?");
  const statusOf = (id: string, tenant: string) =>
    (get.get(id, tenant) as unknown as JobStatus | undefined) ?? null;
  return {
    async add({ id, tenant, keyId, shape, body, created }, mostWaiting) {
      const packed = await deflate(body, { level: 1 });
      return durably(() => {
        if (has.get(id)) return true;
        if ((waiting.get(tenant) as { count: number }).count >= mostWaiting) return false;
        add.run(id, tenant, keyId, shape, created);
        addBody.run(id, packed);
        return true;
      });
    },
    async take(now, leaseUntil) {
      const taken = atomically(() => {
        const row = next.get(now) as unknown as Row | undefined;
        if (!row) return null;
        start.run(leaseUntil, row.id);
        return { row, packed: (bodyOf.get(row.id) as { body: Uint8Array }).body };
      });
      if (!taken) return null;
      const { key_id: keyId, attempts, ...job } = taken.row;
      return { ...job, keyId, body: await inflate(taken.packed), attempt: attempts + 1 };
    },
    beat: async (id, leaseUntil) => beat.run(leaseUntil, id).changes > 0,
    async putBack(id, counts) {
      putBack.run(counts ? 0 : 1, id);
    },
    finish: async (id, state, answer, now, row) =>
      durably(() => {
        if (finish.run(state, answer, now, id).changes === 0) return false;
        dropBody.run(id);
        settle(id, row);
        return true;
      }),
    cancel: async (id, tenant, now, row) =>
      durably(() => {
        if (cancel.run(now, id, tenant).changes > 0) {
          dropBody.run(id);
          settle(id, row);
        }
        return statusOf(id, tenant)?.state ?? null;
      }),
    get: async (id, tenant) => statusOf(id, tenant),
    async counts() {
      const found = new Map(
        (counts.all() as { state: JobState; count: number }[]).map((row) => [row.state, row.count]),
      );
      return Object.fromEntries(JOB_STATES.map((state) => [state, found.get(state) ?? 0])) as Record<
        JobState,
        number
      >;
    },
    async purge(before) {
      purge.run(before);
    },
  };
}
