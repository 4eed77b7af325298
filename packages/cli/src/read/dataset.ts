import { statSync } from "node:fs";
import type { Candidate } from "@oscillink/core";
import { InputError, UsageError } from "../exit.ts";
import { type Beir, readBeir } from "./beir.ts";
import { readCsv } from "./csv.ts";
import { type Located, type OnBroken, readRecords } from "./records.ts";
import { readText, reasonOf } from "./text.ts";

/** A question, its documents, and what is known of them. */
export interface LabelledQuestion {
  readonly text: string;
  readonly documents: readonly (Candidate & { readonly id: string })[];
  /** The grade, > 0, of each document that answers. */
  readonly grades: ReadonlyMap<string, number>;
  /** The documents that must not come back; null where the dataset does not say. */
  readonly traps: ReadonlySet<string> | null;
}

/** Documents by question, or one collection that all questions are put to. */
export type Dataset = { readonly kind: "rows"; readonly questions: readonly LabelledQuestion[] } | Beir;

/**
 * Reads a dataset: a folder in the layout of BEIR, or rows in CSV or JSON lines.
 *
 * @param query what is asked, for rows that do not say.
 * @throws {InputError} naming the part that cannot be used.
 */
export async function readDataset(
  path: string,
  query: string | undefined,
  onBroken: OnBroken,
): Promise<Dataset> {
  if (isFolder(path)) {
    if (query !== undefined) throw new UsageError(`--query: ${path} holds its own questions`);
    return readBeir(path, onBroken);
  }
  const text = await readText(path);
  const rows = path.endsWith(".csv") ? readCsv(text, path, onBroken) : readRecords(text, path, onBroken);
  return { kind: "rows", questions: questionsOf(rows, path, query, onBroken) };
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    throw new InputError(`${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** A row as it is judged. */
interface Row {
  readonly query: string;
  readonly document: Candidate & { readonly id: string };
  readonly grade: number;
  readonly trap: boolean | null;
}

function questionsOf(rows: readonly Located[], path: string, query: string | undefined, onBroken: OnBroken) {
  const judged = rows.flatMap((row, i) => {
    try {
      return [rowOf(row, i, query)];
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      onBroken(error);
      return [];
    }
  });
  if (judged.length === 0) throw new InputError(`${path}: holds no rows`);
  return Array.from(
    Map.groupBy(judged, (row) => row.query),
    ([text, of]): LabelledQuestion => {
      const ids = (some: readonly Row[]) => some.map(({ document }) => document.id);
      return {
        text,
        documents: of.map(({ document }) => document),
        grades: new Map(
          of.filter(({ grade }) => grade > 0).map(({ document, grade }) => [document.id, grade]),
        ),
        traps: of.every(({ trap }) => trap === null) ? null : new Set(ids(of.filter(({ trap }) => trap))),
      };
    },
  );
}

function rowOf({ value, place }: Located, i: number, asked: string | undefined): Row {
  const fail = (field: string, wanted: string): never => {
    throw new InputError(`${place(field)}: ${field}: must be ${wanted}`);
  };
  const text = (field: string): string | undefined => {
    const given = value[field] ?? undefined;
    return given === undefined || typeof given === "string" ? given : fail(field, "a text");
  };
  const number = (field: string): number | undefined => {
    const given = value[field] ?? undefined;
    if (given === undefined) return undefined;
    const yes: Readonly<Record<string, number>> = { true: 1, yes: 1, false: 0, no: 0 };
    const found = yes[String(given).toLowerCase()] ?? Number(given);
    return Number.isFinite(found) ? found : fail(field, "a number, or true or false");
  };
  const list = (field: string): unknown[] | undefined => {
    const given = value[field] ?? undefined;
    if (given === undefined || Array.isArray(given)) return given;
    try {
      const parsed: unknown = JSON.parse(String(given));
      if (Array.isArray(parsed)) return parsed;
    } catch {
      // Said below.
    }
    return fail(field, "a JSON array");
  };
  const query =
    text("query") ?? asked ?? fail("query", "there, as a field or as --query TEXT: what is asked");
  const grade =
    number("label") ??
    fail("label", "there: 1 for a document that answers, 0 for another; grades are taken too");
  const trap = number("trap");
  const given = {
    text: text("text") ?? fail("text", "there"),
    title: text("title"),
    trust: number("trust"),
    score: number("score"),
    embedding: list("embedding"),
    links: list("links"),
  };
  const document = Object.fromEntries(
    Object.entries(given).filter(([, field]) => field !== undefined),
  ) as Candidate;
  const id = value.id === undefined ? String(i + 1) : String(value.id);
  return { query, document: { ...document, id }, grade, trap: trap === undefined ? null : trap > 0 };
}
