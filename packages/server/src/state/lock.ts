/** Keeps a second server away from a data folder: two would each hand out the same jobs, and not see what the other remembers. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Takes a data folder for this process until it is given back. The lock is an open transaction on an empty file of SQLite: the operating
 * system gives it up with the process, however that ends, on Linux, macOS and Windows. Commands take no lock, and work beside a server.
 *
 * @returns what gives it back; null where another has it.
 */
export function lockFolder(data: string): (() => void) | null {
  const sql = new DatabaseSync(join(data, "server.lock"), { timeout: 0 });
  try {
    sql.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    sql.close();
    // SQLITE_BUSY
    if ((error as { errcode?: number }).errcode === 5) return null;
    throw error;
  }
  return () => sql.close();
}
