import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../exit.ts";
import { type Located, type OnBroken, readRecords } from "./records.ts";
import { readText } from "./text.ts";

/** A collection in the layout of BEIR: `corpus.jsonl`, `queries.jsonl` and `qrels/*.tsv`. */
export interface Beir {
  readonly kind: "collection";
  readonly documents: readonly { readonly id: string; readonly title: string; readonly text: string }[];
  readonly questions: readonly { readonly text: string; readonly grades: ReadonlyMap<string, number> }[];
}

/** Reads a collection; of its questions those that are judged, by `test.tsv` where there is one. */
export async function readBeir(folder: string, onBroken: OnBroken): Promise<Beir> {
  const entries = async (file: string) => {
    const path = join(folder, file);
    return readRecords(await readText(path), path, onBroken).map((record) => ({
      id: field(record, "_id"),
      title: field(record, "title", ""),
      text: field(record, "text"),
    }));
  };
  const documents = await entries("corpus.jsonl");
  const queries = await entries("queries.jsonl");
  const judged = await readJudgements(judgementsIn(folder), onBroken);
  const questions = queries.flatMap(({ id, text }) => {
    const grades = judged.get(id);
    return grades === undefined ? [] : [{ text, grades }];
  });
  if (questions.length === 0) throw new InputError(`${folder}: no question of it is judged`);
  return { kind: "collection", documents, questions };
}

function field({ value, place }: Located, name: string, fallback?: string): string {
  const given = value[name] ?? fallback;
  if (typeof given === "string") return given;
  throw new InputError(`${place(name)}: ${name}: must be a text`);
}

function judgementsIn(folder: string): string {
  const known = ["qrels/test.tsv", "qrels/dev.tsv", "qrels.tsv"].map((file) => join(folder, file));
  const found = [...known.filter(existsSync), ...globSync(join(folder, "qrels/*.tsv")).sort()];
  if (found.length === 0) throw new InputError(`${folder}: has no judgements in qrels/*.tsv`);
  return found[0]!;
}

/** The grades, by question and document. The columns are question, document, grade, under a head. */
async function readJudgements(path: string, onBroken: OnBroken): Promise<Map<string, Map<string, number>>> {
  const judged = new Map<string, Map<string, number>>();
  for (const [i, line] of (await readText(path)).split("\n").entries()) {
    if (line.trim() === "" || i === 0) continue;
    const [question, document, grade, ...others] = line.trim().split("\t");
    if (
      document === undefined ||
      grade === undefined ||
      others.length > 0 ||
      !Number.isFinite(Number(grade))
    ) {
      onBroken(
        new InputError(`${path}:${i + 1}: must be a question, a document and a grade, with tabs between`),
      );
    } else if (Number(grade) > 0) {
      judged.set(question!, (judged.get(question!) ?? new Map()).set(document, Number(grade)));
    }
  }
  return judged;
}
