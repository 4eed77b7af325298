import { type Candidate, OscillinkError, type RerankRequest, type Vector } from "@oscillink/core";
import { completeVectors, embedQuery } from "@oscillink/core/adapter";
import { type Command, InvalidArgumentError } from "commander";
import type { Embedding } from "../embed/embedding.ts";
import { InputError, UsageError } from "../exit.ts";
import { progress } from "../print/progress.ts";
import { type Located, type OnBroken, readRecords } from "./records.ts";
import { nameOf, readText } from "./text.ts";

/** What is asked. */
export interface QueryFlags {
  query?: string;
  queryVector?: number[];
}

export const addQueryFlags = (command: Command): Command =>
  command
    .option("-q, --query <text>", "the question")
    .option("--query-vector <json>", "its vector, as a JSON array", vector);

/** The request of a question to the candidates of a file, one part after the other. */
export interface Pool {
  readonly candidates: readonly Located<Candidate>[];
  readonly request: Pick<RerankRequest, "query" | "queryText" | "vectors">;
}

/**
 * Reads the candidates of a file, and fills in the vectors that they lack.
 *
 * @param embedding makes vectors of texts; null: there are those that came, or scores.
 */
export async function readPool(
  path: string,
  { query: queryText, queryVector }: QueryFlags,
  embedding: Embedding | null,
  onBroken: OnBroken,
): Promise<Pool> {
  if (queryText?.trim() === "" && queryVector === undefined) throw new UsageError("--query is empty");
  if (queryText === undefined && queryVector === undefined) {
    throw new UsageError("--query TEXT or --query-vector JSON is needed: what is asked");
  }
  const candidates = await readRecordsOf(path, onBroken);
  const words = queryText === undefined ? {} : { queryText };
  if (embedding === null) {
    refuseWithoutEvidence(candidates, queryVector, nameOf(path));
    return { candidates, request: { ...words, ...(queryVector && { query: queryVector }) } };
  }
  const { completed, embedder, counts, end } = await complete(candidates, embedding);
  try {
    const query = queryVector ?? (await embedQuery(queryText!, embedder));
    return { candidates: completed, request: { ...words, query, vectors: counts } };
  } finally {
    end();
  }
}

/** The candidates of a file, with the vectors that they lack where something makes them. */
export async function readCandidates(
  path: string,
  embedding: Embedding | null,
  onBroken: OnBroken,
): Promise<readonly Located<Candidate>[]> {
  const candidates = await readRecordsOf(path, onBroken);
  if (embedding === null) return candidates;
  const { completed, end } = await complete(candidates, embedding);
  end();
  return completed;
}

const readRecordsOf = async (path: string, onBroken: OnBroken) =>
  readRecords(await readText(path), nameOf(path), onBroken) as Located<Candidate>[];

/** Fills in the vectors that candidates lack. `end` ends the line that shows how far it is. */
async function complete(candidates: readonly Located<Candidate>[], embedding: Embedding) {
  if (embedding.fitted) refuseVectors(candidates);
  // What is no text is for core to refuse, which names it.
  const texts = candidates.map(({ value }) => embeddedText(value));
  const { at, end } = progress("embedding", texts.length);
  try {
    const embedder = embedding.for(texts, at);
    const found = candidates.map(({ value }) => value.embedding);
    const { embeddings, counts } = await completeVectors(found, texts, embedder);
    const completed = candidates.map(({ value, place }, i) => ({
      place,
      value: { ...value, embedding: embeddings[i] ?? null },
    }));
    return { completed, embedder, counts, end };
  } catch (error) {
    end();
    throw error;
  }
}

/** What is embedded of a candidate: its title and text. */
export const embeddedText = ({ title, text }: Candidate): string =>
  [title, text].filter((part) => typeof part === "string" && part !== "").join("\n");

function refuseWithoutEvidence(
  candidates: readonly Located<Candidate>[],
  vector: Vector | undefined,
  name: string,
) {
  const held = (field: "embedding" | "score") =>
    candidates.some(({ value }) => (value[field] ?? null) !== null);
  if (candidates.length === 0 || vector !== undefined || held("score")) return;
  const hint = "--embed URL --model NAME makes vectors, --lexical does without a model";
  throw new InputError(
    held("embedding")
      ? `${name}: its vectors need that of the question: --query-vector JSON, or --embed URL --model NAME`
      : `${name}: has neither vectors nor scores: ${hint}`,
  );
}

/** Vectors of a model and of counted words cannot be compared. */
function refuseVectors(candidates: readonly Located<Candidate>[]): void {
  const holder = candidates.find(({ value }) => (value.embedding ?? null) !== null);
  if (holder === undefined) return;
  const place = holder.place("embedding");
  throw new InputError(`${place}: embedding: is of a model: --lexical is for candidates without vectors`);
}

/**
 * Acts on the candidates. One that cannot be used is told of by its place in the file, and if that does not end the command, they
 * are tried again without it.
 */
export function withUsable<T>(
  candidates: readonly Located<Candidate>[],
  onBroken: OnBroken,
  act: (candidates: Candidate[]) => T,
): T {
  for (let usable = candidates; ; ) {
    try {
      return act(usable.map(({ value }) => value));
    } catch (error) {
      const broken = brokenOf(error, usable);
      if (broken === null) throw error;
      onBroken(broken.error);
      usable = usable.filter((_, i) => i !== broken.index);
    }
  }
}

/** Which candidate an error is of, and the error with its place; null for other errors. */
function brokenOf(error: unknown, candidates: readonly Located<Candidate>[]) {
  if (!(error instanceof OscillinkError)) return null;
  const [, at, field] = /^candidates\[(\d+)\](?:\.(\w+))?/.exec(error.parameter) ?? [];
  const candidate = candidates[Number(at)];
  if (candidate === undefined) return null;
  const what = error.message.slice(error.parameter.length + 2);
  const named = field === undefined ? what : `${field}: ${what}`;
  return {
    index: Number(at),
    error: new InputError(`${candidate.place(field)}: ${named}`, { cause: error }),
  };
}

function vector(text: string): number[] {
  try {
    const values: unknown = JSON.parse(text);
    if (Array.isArray(values) && values.length > 0 && values.every((value) => typeof value === "number"))
      return values;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError("It must be a JSON array of numbers.");
}
