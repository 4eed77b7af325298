import type { DatabaseSync } from "node:sqlite";
import { StartError } from "../../startError.ts";

/** Each brings the file from one version to the next: what was released is never changed. */
const VERSIONS: readonly string[] = [
  `CREATE TABLE keys (
     id TEXT PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, status TEXT NOT NULL,
     created INTEGER NOT NULL, expires INTEGER, limits TEXT NOT NULL, secrets TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE windows (key_id TEXT PRIMARY KEY, start INTEGER NOT NULL, used INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE months (
     key_id TEXT NOT NULL, month INTEGER NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (key_id, month)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE reservations (
     id TEXT PRIMARY KEY, key_id TEXT NOT NULL, units INTEGER NOT NULL, start INTEGER NOT NULL, month INTEGER NOT NULL,
     expires INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE ledger (
     number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, tenant TEXT NOT NULL, key_id TEXT NOT NULL,
     route TEXT NOT NULL, n INTEGER NOT NULL, d INTEGER NOT NULL, units INTEGER NOT NULL, outcome TEXT NOT NULL,
     duration REAL NOT NULL, digest TEXT
   ) STRICT;
   CREATE INDEX ledger_by_time ON ledger (at);
   CREATE TABLE idempotency (
     tenant TEXT NOT NULL, route TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, lease INTEGER NOT NULL,
     status INTEGER, headers TEXT, body TEXT, PRIMARY KEY (tenant, route, key)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX idempotency_by_end ON idempotency (lease);
   CREATE TABLE audit (
     number INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, about TEXT NOT NULL,
     count INTEGER NOT NULL DEFAULT 1, refused INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE INDEX audit_of_refusals ON audit (number) WHERE refused = 1;
   CREATE TABLE jobs (
     number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, key_id TEXT, shape TEXT NOT NULL,
     created INTEGER NOT NULL, state TEXT NOT NULL, lease INTEGER, finished INTEGER, answer TEXT,
     attempts INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE TABLE job_bodies (id TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
   CREATE INDEX jobs_by_state ON jobs (state, number);
   CREATE TABLE answers (
     digest TEXT NOT NULL, key_id TEXT NOT NULL, profile TEXT NOT NULL, ids TEXT NOT NULL, others TEXT NOT NULL,
     at INTEGER NOT NULL, taken INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (digest, key_id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX answers_by_time ON answers (at);
   CREATE TABLE arms (
     key_id TEXT NOT NULL, profile TEXT NOT NULL, count INTEGER NOT NULL, sum REAL NOT NULL, squares REAL NOT NULL,
     PRIMARY KEY (key_id, profile)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE pins (key_id TEXT PRIMARY KEY, profile TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
];

/** @throws for a file of a later version, which this program would spoil. */
export function migrate(sql: DatabaseSync, synced: (work: () => void) => void): void {
  const version = () => (sql.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
  if (version() > VERSIONS.length) {
    throw new StartError(
      "store",
      `data: the store is of version ${version()}, and this program knows ${VERSIONS.length}: use a later one`,
    );
  }
  synced(() => {
    for (const [at, change] of VERSIONS.entries()) if (at >= version()) sql.exec(change);
    sql.exec(`PRAGMA user_version = ${VERSIONS.length}`);
  });
}
