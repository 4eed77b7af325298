import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Vector } from "@oscillink/core";
import { InputError } from "../exit.ts";
import { reasonOf } from "../read/text.ts";
import type { FoundFile } from "./folder.ts";
import type { Passage } from "./split.ts";

/** The version of the tables below, and of how files are split: an index of another one is made anew. */
const VERSION = 1;

const TABLES = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE files (path TEXT PRIMARY KEY, mtime REAL NOT NULL, size INTEGER NOT NULL, hash TEXT NOT NULL);
  CREATE TABLE passages (
    id INTEGER PRIMARY KEY, file TEXT NOT NULL, name TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, vector BLOB
  );
  CREATE INDEX passages_of_files ON passages (file);
  CREATE VIRTUAL TABLE words USING fts5 (title, text, content = 'passages', content_rowid = 'id', tokenize = 'porter unicode61');
  CREATE TRIGGER passage_in AFTER INSERT ON passages BEGIN
    INSERT INTO words (rowid, title, text) VALUES (new.id, new.title, new.text);
  END;
  CREATE TRIGGER passage_out AFTER DELETE ON passages BEGIN
    INSERT INTO words (words, rowid, title, text) VALUES ('delete', old.id, old.title, old.text);
  END;
  PRAGMA user_version = ${VERSION};`;

/** A passage of the index. */
export interface StoredPassage extends Passage {
  readonly id: number;
  readonly file: string;
  readonly vector: Float32Array | null;
}

/** A passage by number, and the score by which a search found it; the higher the better. */
export interface Hit {
  readonly id: number;
  readonly score: number;
}

interface KnownFile extends FoundFile {
  readonly hash: string;
}

/** The passages of a folder with their vectors and words, in one file of SQLite. */
export class Store implements Disposable {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * Opens the index in a file, or begins one there.
   *
   * @throws {InputError} for a file that is something else, or cannot be written.
   */
  static open(path: string): Store {
    try {
      if (path !== ":memory:") makeFolder(dirname(path));
      const db = new DatabaseSync(path, { timeout: 5000 });
      const store = new Store(db);
      const { user_version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
      const { count } = db.prepare("SELECT count(*) AS count FROM sqlite_schema").get() as { count: number };
      if (user_version !== VERSION && user_version !== 0) store.#drop();
      else if (user_version === 0 && count > 0) throw new Error("is a database of something else");
      if (user_version !== VERSION) db.exec(`BEGIN; ${TABLES} COMMIT;`);
      return store;
    } catch (cause) {
      throw new InputError(`${path}: ${reasonOf(cause)}; --index FILE names another place for the index`, {
        cause,
      });
    }
  }

  #drop(): void {
    this.#db.exec(
      "DROP TABLE IF EXISTS words; DROP TABLE IF EXISTS passages; DROP TABLE IF EXISTS files; DROP TABLE IF EXISTS meta;",
    );
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  /** Acts as one change: all of it, or nothing. */
  change(act: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      act();
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** A fact of the whole, such as whose vectors it holds; null if it was never said. */
  fact(name: string): string | null {
    const row = this.#db.prepare("SELECT value FROM meta WHERE name = ?").get(name);
    return (row?.value as string | undefined) ?? null;
  }

  setFact(name: string, value: string): void {
    this.#db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(name, value);
  }

  files(): KnownFile[] {
    return this.#db.prepare("SELECT * FROM files ORDER BY path").all() as unknown as KnownFile[];
  }

  /** Puts a file with its passages in the place of what it was. */
  putFile({ path, mtime, size, hash }: KnownFile, passages: readonly Passage[]): void {
    this.removeFile(path);
    this.#db.prepare("INSERT INTO files VALUES (?, ?, ?, ?)").run(path, mtime, size, hash);
    const insert = this.#db.prepare(
      "INSERT INTO passages (file, name, title, text, first, last) VALUES (?, ?, ?, ?, ?, ?)",
    );
    for (const { name, title, text, first, last } of passages)
      insert.run(path, name, title, text, first, last);
  }

  /** Says that a file has not changed but for its time. */
  touchFile({ path, mtime }: FoundFile): void {
    this.#db.prepare("UPDATE files SET mtime = ? WHERE path = ?").run(mtime, path);
  }

  removeFile(path: string): void {
    this.#db.prepare("DELETE FROM passages WHERE file = ?").run(path);
    this.#db.prepare("DELETE FROM files WHERE path = ?").run(path);
  }

  clearVectors(): void {
    this.#db.exec("UPDATE passages SET vector = NULL");
  }

  /** What is embedded of each passage: of all, or of those that lack a vector. One without text has none to come. */
  texts(which: "all" | "with text" | "without vector"): { id: number; title: string; text: string }[] {
    const some = {
      all: "",
      "with text": "WHERE trim(title || text) <> ''",
      "without vector": "WHERE vector IS NULL AND trim(title || text) <> ''",
    }[which];
    return this.#db.prepare(`SELECT id, title, text FROM passages ${some} ORDER BY id`).all() as never;
  }

  setVector(id: number, vector: Vector): void {
    const bytes = new Uint8Array(Float32Array.from(vector).buffer);
    this.#db.prepare("UPDATE passages SET vector = ? WHERE id = ?").run(bytes, id);
  }

  size(): { files: number; passages: number } {
    const count = (table: string) =>
      (this.#db.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number }).count;
    return { files: count("files"), passages: count("passages") };
  }

  /** The passages of these numbers, in their order. */
  passages(ids: readonly number[]): StoredPassage[] {
    const get = this.#db.prepare("SELECT * FROM passages WHERE id = ?");
    return ids.map((id) => {
      const row = get.get(id) as unknown as StoredPassage & { vector: Uint8Array | null };
      return { ...row, vector: row.vector && floatsOf(row.vector) };
    });
  }

  /** The passages whose vectors are nearest to this one, by cosine. */
  nearest(vector: Vector, count: number): Hit[] {
    const query = Float32Array.from(vector);
    const length = Math.hypot(...query);
    const hits: Hit[] = [];
    const rows = this.#db
      .prepare("SELECT id, vector FROM passages WHERE vector IS NOT NULL ORDER BY id")
      .iterate();
    for (const { id, vector: bytes } of rows) {
      const row = floatsOf(bytes as Uint8Array);
      let [dot, square] = [0, 0];
      for (let c = 0; c < row.length; c++) {
        dot += row[c]! * query[c]!;
        square += row[c]! * row[c]!;
      }
      if (square > 0) hits.push({ id: id as number, score: dot / (Math.sqrt(square) * length) });
    }
    return hits.sort((a, b) => b.score - a.score || a.id - b.id).slice(0, count);
  }

  /** The passages that hold words of the question, by BM25. */
  byWords(question: string, count: number): Hit[] {
    const words = question.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
    if (words.length === 0) return [];
    const any = words.map((word) => `"${word}"`).join(" OR ");
    const found = this.#db.prepare(
      "SELECT rowid AS id, -bm25(words) AS score FROM words WHERE words MATCH ? ORDER BY bm25(words), rowid LIMIT ?",
    );
    return found.all(any, count) as unknown as Hit[];
  }
}

/** The folder of an index is nobody's source: it holds a `.gitignore` that says so. */
function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  if (folder.endsWith(".oscillink")) {
    try {
      writeFileSync(join(folder, ".gitignore"), "*\n", { flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** A copy, for bytes of SQLite need not lie on a border of four. */
const floatsOf = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);
