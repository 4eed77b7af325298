import type { Vector } from "@oscillink/core/adapter";
import type { Hit, Row } from "./source.ts";
import { toVector } from "./values.ts";

/**
 * The vectors of the hits, one entry a hit. A row is a hit's if it has the same id (and text, where it has one), or, for
 * rows without ids, the same text and metadata; never by its place. Undefined where no row is, or where several are
 * that differ in their vectors: what is embedded anew is right, what is guessed may not be.
 */
export function vectorsOf(hits: readonly Hit[], rows: readonly Row[]): (Vector | undefined)[] {
  const named = new Map<string, Row[]>();
  const unnamed = new Map<unknown, Row[]>();
  for (const row of rows) {
    if (row.id === undefined || row.id === null) add(unnamed, row.text, row);
    else add(named, String(row.id), row);
  }
  return hits.map(([{ id, pageContent, metadata }]) => {
    const sameId = named.get(String(id)) ?? [];
    let found = sameId.filter(({ text }) => text === undefined || text === pageContent);
    if (sameId.length === 0) {
      found = (unnamed.get(pageContent) ?? []).filter((row) => alike(row.metadata, metadata));
    }
    const [first, ...others] = found.map(({ vector }) => toVector(vector));
    return others.every((other) => equal(first, other)) ? first : undefined;
  });
}

function add<Key>(groups: Map<Key, Row[]>, key: Key, row: Row): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [row]);
  else group.push(row);
}

/** Whether two metadata are the same, or would be written alike. */
function alike(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  try {
    return written(a) === written(b);
  } catch {
    // A circular object cannot be written, and is like none but itself.
    return false;
  }
}

function written(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "bigint") return `${inner}n`;
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function equal(a: Vector | undefined, b: Vector | undefined): boolean {
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
