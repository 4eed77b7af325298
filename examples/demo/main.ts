/**
 * The main job on real text: passages in LangChain's MemoryVectorStore, questions asked through OscillinkRetriever, and
 * what plain cosine would have returned beside it. The vectors of the demo's own texts are all-MiniLM-L6-v2's, made
 * beforehand. Those of other texts come from an API, or from their words alone.
 */
import { fileURLToPath } from "node:url";
import { progress } from "@clack/prompts";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import type { Document } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { Receipt } from "@oscillink/core";
import { type OscillinkMetadata, OscillinkRetriever } from "@oscillink/langchain";
import { LexicalEmbedder } from "@oscillink/lexical";
import { openaiEmbedder } from "@oscillink/openai";
import { Command, InvalidArgumentError } from "commander";
import OpenAI from "openai";
import { knows, embeddings as minilm } from "../corpus/vectors.ts";
import { type Question, readPassages, readQuestions } from "./corpus.ts";
import { type Answer, printAnswer, printNotes, printSummary } from "./view.ts";

const own = (file: string): string => fileURLToPath(new URL(`../corpus/${file}`, import.meta.url));

const positive = (value: string): number => {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError("a whole number from 1 up");
  return number;
};

const options = new Command("demo")
  .description("Plain cosine and the Oscillink bundle, side by side.")
  .option(
    "--corpus <path>",
    "a folder of .md and .txt files, or a BEIR corpus.jsonl (default: the demo's own)",
  )
  .option("--query <text>", "the question to ask (default: the demo's own questions)")
  .option(
    "--embed <url>",
    "an OpenAI-compatible API, up to /v1, that embeds your own text; the key, if any, is in OPENAI_API_KEY",
  )
  .option("--model <name>", "its embedding model")
  .option("--k <number>", "documents to hand back", positive, 5)
  .option("--pool <number>", "candidates to choose from", positive, 50)
  .option("--json", "print one JSON document")
  .parse()
  .opts<{
    corpus?: string;
    query?: string;
    embed?: string;
    model?: string;
    k: number;
    pool: number;
    json?: true;
  }>();

const questions: Question[] =
  options.query !== undefined
    ? [{ text: options.query, gold: new Set() }]
    : options.corpus === undefined
      ? readQuestions(own("questions.jsonl"))
      : [];
if (questions.length === 0) {
  process.stderr.write("demo: a corpus of your own needs a question too: --query TEXT\n");
  process.exit(2);
}
if ((options.embed === undefined) !== (options.model === undefined)) {
  process.stderr.write("demo: --embed URL and --model NAME go together\n");
  process.exit(2);
}

process.on("uncaughtException", (error) => {
  process.stderr.write(`demo: ${error.message}\n`);
  process.exit(1);
});
const passages = await readPassages(options.corpus ?? own("passages.jsonl"));
if (passages.length === 0) throw new Error(`${options.corpus}: holds no text`);
const embedder = embedderOf(passages);
const store = await fill(passages);
const k = Math.min(options.k, options.pool);
const retriever = new OscillinkRetriever({
  vectorStore: store,
  k,
  pool: options.pool,
  attach: "full",
  trust: (document) => document.metadata.trust,
});

const answers: Answer[] = [];
for (const question of questions) answers.push(await ask(question));

if (options.json) {
  process.stdout.write(
    `${JSON.stringify({ passages: passages.length, model: embedder.model, k, pool: options.pool, answers }, null, 2)}\n`,
  );
} else {
  // Of many, every fifth: neighbours in the file are alike.
  const shown = answers.length > 4 ? answers.filter((_, i) => i % 5 === 0) : answers;
  for (const answer of shown) printAnswer(answer);
  if (answers.length > 1) printSummary(answers, passages.length, options.pool);
  printNotes(embedder.model);
}

async function ask({ text, gold }: Question): Promise<Answer> {
  const byCosine = await store.similaritySearchWithScore(text, k);
  const bundle = await retriever.invoke(text);
  const records = bundle.map((document) => document.metadata.oscillink as OscillinkMetadata);
  const receipt = records[0]!.receipt as Receipt;
  const describe = (document: Document) => ({
    id: document.id!,
    gold: gold.has(document.id!),
    trust: document.metadata.trust as number,
  });
  return {
    question: text,
    goldInAll: gold.size,
    cosine: byCosine.map(([document, similarity]) => ({ ...describe(document), similarity })),
    bundle: bundle.map((document, i) => {
      const { rank, inputRank, score, parts } = records[i]!;
      return { ...describe(document as Document), rank, inputRank, score, parts: parts ?? null };
    }),
    energy: { before: receipt.energy.initial, after: receipt.energy.final },
    milliseconds: receipt.t_ms,
    digest: receipt.digest,
  };
}

/** What embeds the passages and the questions, with the model's name; null where it is none. */
function embedderOf(documents: readonly Document[]): {
  model: string | null;
  embeddings: EmbeddingsInterface;
} {
  const { embed: baseURL, model } = options;
  if (baseURL !== undefined && model !== undefined) {
    // The client wants a key even where the server does not.
    const client = new OpenAI({ baseURL, apiKey: process.env.OPENAI_API_KEY || "none" });
    return { model, embeddings: openaiEmbedder(client, { model }) };
  }
  const texts = documents.map(({ pageContent }) => pageContent);
  if ([...texts, ...questions.map(({ text }) => text)].every(knows)) {
    return { model: minilm.model, embeddings: minilm };
  }
  return { model: null, embeddings: LexicalEmbedder.fit(texts) };
}

/** Embeds the passages into a store; a larger corpus gets a progress bar on a terminal. */
async function fill(documents: Document[]): Promise<MemoryVectorStore> {
  const store = new MemoryVectorStore(embedder.embeddings);
  const batch = 100;
  const bar =
    process.stderr.isTTY && documents.length > 5 * batch
      ? progress({ max: documents.length, output: process.stderr })
      : null;
  bar?.start("Embedding");
  for (let at = 0; at < documents.length; at += batch) {
    const some = documents.slice(at, at + batch);
    await store.addDocuments(some);
    bar?.advance(some.length);
    // Lets the bar be drawn: the lexical embedder works without a pause.
    if (bar) await new Promise((resolve) => setImmediate(resolve));
  }
  bar?.stop(`${documents.length} passages`);
  return store;
}
