/** The store of one process: a file of SQLite, by Node's own. */
import { DatabaseSync } from "node:sqlite";
import type { State } from "../state.ts";
import { auditOf } from "./audit.ts";
import { idempotencyOf } from "./idempotency.ts";
import { keysOf } from "./keys.ts";
import { learningOf } from "./learning.ts";
import { ledgerOf } from "./ledger.ts";
import { limitsOf } from "./limits.ts";
import { queueOf } from "./queue.ts";
import { migrate } from "./schema.ts";

/** A file that is open, and how to write to it. */
export interface Database {
  readonly sql: DatabaseSync;
  /** All of the work or nothing of it. */
  atomically<T>(work: () => T): T;
  /** As `atomically`, with whatever else is asked for at about the same time, so that a busy server writes less often. */
  together<T>(work: () => T): Promise<T>;
  /**
   * As `together`, and on the disk before it resolves: a power cut does not undo it. That takes milliseconds in which
   * nothing else runs.
   */
  durably<T>(work: () => T): Promise<T>;
}

/** How long another process, such as a command, may hold the file, in milliseconds. Nothing else runs meanwhile. */
const TIMEOUT = 500;

/** @param path the file; `:memory:` for none. */
export function openState(path: string): State {
  const { flush, ...database } = openDatabase(path);
  const { sql, atomically } = database;
  return {
    durable: {
      keys: keysOf(database),
      ledger: ledgerOf(database),
      idempotency: idempotencyOf(database),
      audit: auditOf(database),
      learning: learningOf(database),
    },
    shared: { limits: limitsOf(database), queue: queueOf(database) },
    async ready() {
      try {
        // Whether it could be written to: what only reads may work on a full disk.
        atomically(() => {});
        return true;
      } catch {
        return false;
      }
    },
    async copyTo(path) {
      sql.prepare("VACUUM INTO ?").run(path);
    },
    async close() {
      flush();
      sql.close();
    },
  };
}

function openDatabase(path: string): Database & { flush(): void } {
  const sql = new DatabaseSync(path, { timeout: TIMEOUT });
  // A power cut may undo the last moments, counters and ledger together; it never leaves one without the other.
  sql.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;");
  const atomically = <T>(work: () => T): T => {
    sql.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      sql.exec("COMMIT");
      return result;
    } catch (error) {
      // A commit that failed may have ended it.
      if (sql.isTransaction) sql.exec("ROLLBACK");
      throw error;
    }
  };
  /** On the disk when it returns. */
  const synced = <T>(work: () => T): T => {
    sql.exec("PRAGMA synchronous = FULL");
    try {
      return atomically(work);
    } finally {
      sql.exec("PRAGMA synchronous = NORMAL");
    }
  };
  migrate(sql, synced);
  const [together, durably] = [grouped(sql, atomically), grouped(sql, synced)];
  return {
    ...{ sql, atomically, together: together.add, durably: durably.add },
    flush() {
      together.flush();
      durably.flush();
    },
  };
}

/** A piece of work that waits for the end of the turn. */
interface Waiting {
  /** @param alone whether the transaction is its own. @returns what tells the caller. */
  readonly work: (alone: boolean) => () => void;
  readonly fail: (error: unknown) => void;
}

/** How far apart two transactions are at least, in milliseconds: under load each then has more to do, and there are fewer. */
const APART = 2;

/** Makes one transaction of what is asked for in one turn of the event loop, and of more while transactions follow each other closely. */
function grouped(sql: DatabaseSync, transaction: <T>(work: () => T) => T) {
  let waiting: Waiting[] = [];
  let last = 0;
  const flush = (): void => {
    last = performance.now();
    const group = waiting;
    waiting = [];
    if (group.length === 0) return;
    try {
      const alone = group.length === 1;
      // Nobody hears that it is done before all of it is written.
      for (const tell of transaction(() => group.map(({ work }) => work(alone)))) tell();
    } catch (error) {
      for (const { fail } of group) fail(error);
    }
  };
  const add = <T>(work: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) {
        if (performance.now() - last < APART) setTimeout(flush, APART);
        else setImmediate(flush);
      }
      waiting.push({
        fail: reject,
        work(alone) {
          if (!alone) sql.exec("SAVEPOINT one");
          try {
            const result = work();
            if (!alone) sql.exec("RELEASE one");
            return () => resolve(result);
          } catch (error) {
            // One that fails does not take the others with it, unless the store itself has given up.
            if (alone || !sql.isTransaction) throw error;
            sql.exec("ROLLBACK TO one; RELEASE one");
            return () => reject(error);
          }
        },
      });
    });
  return { add, flush };
}
