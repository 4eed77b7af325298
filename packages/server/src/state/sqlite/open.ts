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
  /** As `atomically`, and on the disk before it returns: a power cut does not undo it. */
  durably<T>(work: () => T): T;
}

/** @param path the file; `:memory:` for none. */
export function openState(path: string): State {
  const database = openDatabase(path);
  const { sql } = database;
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
        sql.prepare("SELECT 1").get();
        return true;
      } catch {
        return false;
      }
    },
    async close() {
      sql.close();
    },
  };
}

function openDatabase(path: string): Database {
  const sql = new DatabaseSync(path, { timeout: 5000 });
  // A power cut may undo the last moments, counters and ledger together; it never leaves one without the other.
  sql.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;");
  const atomically = <T>(work: () => T): T => {
    sql.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      sql.exec("COMMIT");
      return result;
    } catch (error) {
      sql.exec("ROLLBACK");
      throw error;
    }
  };
  const durably = <T>(work: () => T): T => {
    sql.exec("PRAGMA synchronous = FULL");
    try {
      return atomically(work);
    } finally {
      sql.exec("PRAGMA synchronous = NORMAL");
    }
  };
  migrate(sql, durably);
  return { sql, atomically, durably };
}
