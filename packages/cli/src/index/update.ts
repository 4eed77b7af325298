import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { completeVectors } from "@oscillink/core/adapter";
import type { Embedding } from "../embed/embedding.ts";
import { progress } from "../print/progress.ts";
import { embeddedText } from "../read/pool.ts";
import { type FoundFile, filesOf } from "./folder.ts";
import { passagesOf } from "./split.ts";
import type { Store } from "./store.ts";

/** What an update did. */
export interface Updated {
  readonly indexed: number;
  readonly removed: number;
  /** How many vectors were made. */
  readonly embedded: number;
}

/** How many vectors are made between two writes: what was made is kept if a server fails later. */
const SLICE = 256;

/**
 * Brings an index up to date with its folder: files that are new or have changed are split and embedded, those that are gone go.
 *
 * A file whose time and size are the same is taken for the same; otherwise its bytes decide.
 *
 * @param say is told if the index was of another embedder, and so all vectors are made anew.
 */
export async function update(
  store: Store,
  folder: string,
  embedding: Embedding,
  say: (line: string) => void,
): Promise<Updated> {
  const { indexed, removed } = await updateFiles(store, folder);
  if (embedding.fitted && indexed + removed > 0) store.change(() => store.clearVectors());
  return { indexed, removed, embedded: await updateVectors(store, embedding, say) };
}

async function updateFiles(store: Store, folder: string): Promise<{ indexed: number; removed: number }> {
  const known = new Map(store.files().map((file) => [file.path, file]));
  const found = filesOf(folder);
  const changed = found.filter(({ path, mtime, size }) => {
    const file = known.get(path);
    return file === undefined || file.mtime !== mtime || file.size !== size;
  });
  const there = new Set(found.map(({ path }) => path));
  const gone = [...known.keys()].filter((path) => !there.has(path));
  let indexed = 0;
  const shown = progress("reading file", changed.length);
  for (const [at, file] of changed.entries()) {
    shown.at(at + 1);
    if (await updateFile(store, folder, file, known.get(file.path)?.hash)) indexed++;
  }
  shown.end();
  store.change(() => {
    for (const path of gone) store.removeFile(path);
  });
  return { indexed, removed: gone.length };
}

/** Whether the file was indexed anew. */
async function updateFile(
  store: Store,
  folder: string,
  file: FoundFile,
  hash: string | undefined,
): Promise<boolean> {
  const bytes = readFileSync(join(folder, file.path));
  const now = createHash("sha256").update(bytes).digest("hex");
  if (now === hash) {
    store.touchFile(file);
    return false;
  }
  // Bytes that are no text, whatever their name says, have no passages.
  const text = bytes.includes(0) ? "" : new TextDecoder().decode(bytes);
  const passages = passagesOf(file.path, text);
  store.change(() => store.putFile({ ...file, hash: now }, passages));
  return true;
}

/**
 * Makes the vectors that an index lacks, and says how many. Those of another embedder go when the first of the new ones are
 * there: a server that does not answer costs nobody an index.
 *
 * @param say is told if the index was of another embedder.
 */
export async function updateVectors(
  store: Store,
  embedding: Embedding,
  say: (line: string) => void,
): Promise<number> {
  const before = store.fact("embedding");
  let foreign = before !== embedding.name;
  const lacking = store.texts(foreign ? "with text" : "without vector");
  if (lacking.length === 0) {
    if (foreign) store.setFact("embedding", embedding.name);
    return 0;
  }
  const all = embedding.fitted ? store.texts("all") : [];
  let done = 0;
  const shown = progress("embedding passage", lacking.length);
  const embedder = embedding.for(all.map(embeddedText), (more) => shown.at(done + more));
  try {
    for (; done < lacking.length; done += SLICE) {
      const slice = lacking.slice(done, done + SLICE);
      const { embeddings } = await completeVectors(
        new Array(slice.length).fill(null),
        slice.map(embeddedText),
        embedder,
      );
      if (foreign && before !== null) {
        say(`the index has vectors of ${before}: made anew for ${embedding.name}`);
      }
      store.change(() => {
        if (foreign) {
          store.clearVectors();
          store.setFact("embedding", embedding.name);
        }
        for (const [i, { id }] of slice.entries()) store.setVector(id, embeddings[i]!);
      });
      foreign = false;
      shown.at(done + slice.length);
    }
  } finally {
    shown.end();
  }
  return lacking.length;
}
