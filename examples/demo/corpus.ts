import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { Document } from "@langchain/core/documents";
import { RecursiveCharacterTextSplitter } from "@langchain/textsplitters";

/** A question, with the passages that answer it where they are known. */
export interface Question {
  readonly text: string;
  readonly gold: ReadonlySet<string>;
}

interface Passage {
  readonly _id: string;
  readonly title?: string;
  readonly text: string;
  readonly trust?: number;
}

/** The passages at a path: a BEIR corpus.jsonl, or a folder of .md and .txt files, which are split. */
export async function readPassages(path: string): Promise<Document[]> {
  if (!statSync(path).isDirectory()) return readJsonLines<Passage>(path).map(toDocument);
  const splitter = RecursiveCharacterTextSplitter.fromLanguage("markdown", {
    chunkSize: 800,
    chunkOverlap: 0,
  });
  const files = readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(md|txt)$/i.test(file))
    .sort();
  if (files.length === 0) throw new Error(`${path}: holds no .md or .txt file`);
  const documents: Document[] = [];
  for (const file of files) {
    const chunks = await splitter.splitText(readFileSync(join(path, file), "utf8"));
    const name = relative(".", file).replaceAll("\\", "/");
    chunks.forEach((text, i) => {
      documents.push(toDocument({ _id: `${name}#${i + 1}`, text }));
    });
  }
  return documents;
}

export function readQuestions(path: string): Question[] {
  return readJsonLines<{ text: string; gold: string[] }>(path).map(({ text, gold }) => ({
    text,
    gold: new Set(gold),
  }));
}

const readJsonLines = <T>(path: string): T[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line, i) => {
      try {
        return JSON.parse(line);
      } catch (cause) {
        throw new Error(`${path}, line ${i + 1}: ${(cause as Error).message}`, { cause });
      }
    });

const toDocument = ({ _id, title, text, trust = 1 }: Passage): Document =>
  new Document({ id: _id, pageContent: title ? `${title}. ${text}` : text, metadata: { trust } });
