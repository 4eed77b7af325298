/** What SQLite says of a file that cannot be read or written just now: busy, locked, read-only, I/O, corrupt, full, cannot open, no database. */
const FAILURES = new Set([5, 6, 8, 10, 11, 13, 14, 26]);

/** Whether the store gave up, and not the work that was asked of it. */
export function storeFails(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: string; errcode?: number };
  // The low byte is the kind, the rest is detail.
  return code === "ERR_SQLITE_ERROR" && errcode !== undefined && FAILURES.has(errcode & 0xff);
}
