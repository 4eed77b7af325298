/** The passages of the corpus, and embeddings that know the vectors of its texts: no model is run, no key is needed. */
import { readFileSync } from "node:fs";

/** One line of passages.jsonl. */
export interface Passage {
  readonly _id: string;
  readonly title: string;
  readonly text: string;
  readonly source: string;
  readonly trust?: number;
}

const own = (file: string): URL => new URL(file, import.meta.url);
const linesOf = <T>(file: string): T[] =>
  readFileSync(own(file), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

export const passages = linesOf<Passage>("passages.jsonl");
/** The text of a passage that was embedded. */
export const textOf = ({ title, text }: Passage): string => `${title}. ${text}`;

export const dimensions = 384;
const vectors = new Map<string, number[]>();
/** Takes the vectors of one file: rows of float32, little-endian, as `embed.py` writes them. */
function read(file: string, rows: readonly (readonly string[])[]): void {
  const bytes = readFileSync(own(file));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  rows.forEach((names, row) => {
    const at = (column: number) => view.getFloat32(4 * (row * dimensions + column), true);
    const vector = Array.from({ length: dimensions }, (_, column) => at(column));
    for (const name of names) vectors.set(name, vector);
  });
}
// A passage is known by its text alone, too: some frameworks keep the title in the metadata.
read(
  "passages.f32",
  passages.map((passage) => [textOf(passage), passage.text]),
);
read(
  "questions.f32",
  linesOf<{ text: string }>("questions.jsonl").map(({ text }) => [text]),
);
// The turns of the conversations, and all turns up to one joined.
read(
  "turns.f32",
  linesOf<{ text: string }>("turns.jsonl").map(({ text }) => [text]),
);

/** Whether the vector of a text is here. */
export const knows = (text: string): boolean => vectors.has(text);

function vectorOf(text: string): number[] {
  const vector = vectors.get(text);
  if (vector === undefined) {
    throw new Error(`only the texts of the corpus have a vector here, and this is none of them: ${text}`);
  }
  return [...vector];
}

/** all-MiniLM-L6-v2, for the passages, questions and conversations of the corpus alone. */
export const embeddings = {
  model: "all-MiniLM-L6-v2",
  embedQuery: async (text: string): Promise<number[]> => vectorOf(text),
  embedDocuments: async (texts: string[]): Promise<number[][]> => texts.map(vectorOf),
};
