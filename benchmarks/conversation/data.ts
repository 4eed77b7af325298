import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A document that is searched. */
interface Document {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly trust?: number;
}

/** One turn of a conversation that is judged: a line of conversations.jsonl. */
export interface Turn {
  readonly id: string;
  /** The same for all turns of one conversation. */
  readonly conversation: string;
  /** The questions before, oldest first. */
  readonly history: readonly string[];
  readonly question: string;
  /** The question as a model or a person wrote it anew, so that it stands alone; null where there is none. */
  readonly rewrite: string | null;
  readonly gold: ReadonlySet<string>;
  /** Whether the turn leaves the topic, where the texts say so. */
  readonly newTopic: boolean;
}

/** Conversations over documents, and the vectors of both. */
export interface Conversations {
  readonly name: string;
  readonly documents: readonly Document[];
  /** A unit vector for each document. */
  readonly vectors: readonly Float32Array[];
  readonly turns: readonly Turn[];
  /** The vector of a text of the conversations; undefined where it was not embedded. */
  vectorOf(text: string): Float32Array | undefined;
}

/** Where texts become vectors: null where they are beside the texts. */
export type Embed = ((texts: string[], kind: "query" | "document") => Promise<number[][]>) | null;

interface Line {
  readonly _id?: string;
  readonly history: readonly string[];
  readonly question: string;
  readonly rewrite?: string;
  readonly gold: readonly string[];
  readonly newTopic?: boolean;
}

/** The corpus of the examples. */
export const EXAMPLES = fileURLToPath(new URL("../../examples/corpus", import.meta.url));

/** All turns up to this one in one text. */
export const joined = (turns: readonly string[]): string => turns.join(" ");

/**
 * Reads a folder: `corpus.jsonl` with `doc.f32`, or `passages.jsonl` with `passages.f32`; `conversations.jsonl`; `turns.jsonl` with
 * `turns.f32`, the vectors of the turns. Where `embed` is given, it makes all vectors.
 *
 * @param file the conversations, where they are not in the folder.
 */
export async function readConversations(
  folder: string,
  file: string | null,
  embed: Embed,
): Promise<Conversations> {
  const path = (name: string) => join(folder, name);
  const [corpus, rows] = existsSync(path("corpus.jsonl"))
    ? [path("corpus.jsonl"), path("doc.f32")]
    : [path("passages.jsonl"), path("passages.f32")];
  const documents = linesOf<{ _id: string; title?: string; text: string; trust?: number }>(corpus).map(
    ({ _id, title = "", text, trust }) => ({ id: _id, title, text, ...(trust !== undefined && { trust }) }),
  );
  const turns = linesOf<Line>(file ?? path("conversations.jsonl")).map((line, i) => ({
    id: line._id ?? String(i + 1),
    conversation: line.history[0] === undefined ? line.question : line.history[0],
    history: line.history,
    question: line.question,
    rewrite: line.rewrite ?? null,
    gold: new Set(line.gold),
    newTopic: line.newTopic ?? false,
  }));
  const name = folder.split("/").filter(Boolean).slice(-2).join("/");
  if (embed !== null) {
    const texts = [...new Set(turns.flatMap(textsOf))];
    const vectors = (await embed(texts, "query")).map(unit);
    const known = new Map(texts.map((text, i) => [text, vectors[i]!]));
    const whole = documents.map(({ title, text }) => (title === "" ? text : `${title}. ${text}`));
    return {
      name,
      documents,
      vectors: (await embed(whole, "document")).map(unit),
      turns,
      vectorOf: (text) => known.get(text),
    };
  }
  const texts = linesOf<{ text: string }>(path("turns.jsonl"));
  const vectors = rowsOf(path("turns.f32"), texts.length);
  const known = new Map(texts.map(({ text }, i) => [text, vectors[i]!]));
  return {
    name,
    documents,
    vectors: rowsOf(rows, documents.length),
    turns,
    vectorOf: (text) => known.get(text),
  };
}

/** Every text of a turn that some method wants the vector of. */
function textsOf({ history, question, rewrite }: Turn): string[] {
  const turns = [...history, question];
  const upTo = turns.map((_, i) => turns.slice(0, i + 1));
  return [
    ...upTo.flatMap((some) => some.map((_, start) => joined(some.slice(start)))),
    ...(rewrite === null ? [] : [rewrite]),
  ];
}

const linesOf = <T>(file: string): T[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Rows of float32, little-endian, as many as there are texts. */
function rowsOf(file: string, count: number): Float32Array[] {
  const bytes = readFileSync(file);
  const width = bytes.byteLength / 4 / count;
  if (!Number.isSafeInteger(width)) throw new Error(`${file} does not hold ${count} rows of float32`);
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return Array.from({ length: count }, (_, i) => values.subarray(i * width, (i + 1) * width));
}

function unit(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => value / length);
}
