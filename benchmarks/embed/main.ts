/** Makes the vectors of a BEIR collection with an embedder of the user's choice, for the quality benchmark. */
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { LexicalEmbedder } from "@oscillink/lexical";
import { openaiEmbedder } from "@oscillink/openai";
import { Command, InvalidArgumentError, Option } from "commander";
import OpenAI from "openai";
import { type BeirText, qrelsOf, readTexts } from "../quality/collection.ts";
import { embedRows, type Rows, type Source, writeWhole } from "./rows.ts";

function parseBatch(text: string): number {
  const size = Number(text);
  if (Number.isSafeInteger(size) && size >= 1 && size <= 2048) return size;
  throw new InvalidArgumentError("It must be an integer from 1 to 2048.");
}

/** Requests under way at a time. */
const CONCURRENCY = 4;

const program = new Command("bench:embed")
  .description(
    "Embeds a BEIR collection for bench:quality: writes doc.f32, query.f32 and meta.json into its folder. " +
      "A run that was interrupted goes on where it was.",
  )
  .argument("<folder>", "the collection: corpus.jsonl, queries.jsonl, and qrels.tsv or qrels/test.tsv")
  .option("--url <url>", "an OpenAI-compatible API, up to /v1; the key, if any, is in OPENAI_API_KEY")
  .option("--model <name>", "the embedding model")
  .option("--query-model <name>", "the model for the queries, where it has another name (default: --model)")
  .option("--query-prefix <text>", "put before each query", "")
  .option("--document-prefix <text>", "put before each document", "")
  .option("--batch <texts>", "texts in a request, at most", parseBatch, 32)
  .addOption(
    new Option("--lexical", "without a server: @oscillink/lexical, fitted on the documents").conflicts([
      "url",
      "model",
      "queryModel",
    ]),
  )
  .parse();
const [folder] = program.processedArgs as [string];
const options = program.opts<{
  url?: string;
  model?: string;
  queryModel?: string;
  queryPrefix: string;
  documentPrefix: string;
  batch: number;
  lexical?: true;
}>();
const path = (file: string): string => join(folder, file);

for (const file of ["corpus.jsonl", "queries.jsonl", qrelsOf(folder)]) {
  if (!existsSync(path(file))) program.error(`error: there is no ${path(file)}`);
}
if (existsSync(path("meta.json"))) {
  const { dim, model } = JSON.parse(readFileSync(path("meta.json"), "utf8"));
  if (dim !== 0) {
    program.error(`error: ${folder} has vectors of ${model}; remove its meta.json to make others`);
  }
}

/** BEIR's own way to make one text of title and text. */
const wordsOf = ({ title = "", text }: BeirText): string => `${title} ${text}`.trim();
const withPrefix = (prefix: string, texts: readonly BeirText[]): string[] =>
  texts.map(wordsOf).map((words) => (words === "" ? "" : prefix + words));
const documents = withPrefix(options.documentPrefix, readTexts(path("corpus.jsonl")));
const queries = withPrefix(options.queryPrefix, readTexts(path("queries.jsonl")));
/** Texts that a request under way has brought, of those that are not in the file yet. */
let underWay = (_: number): void => {};

try {
  const sides = options.lexical ? lexical() : overHttp();
  const [rows, asked] = [
    await embed("doc.f32", documents, sides.documents),
    await embed("query.f32", queries, sides.queries),
  ];
  if (rows.width !== asked.width) {
    throw new Error(
      `documents have ${rows.width} values and queries ${asked.width}: they cannot be compared`,
    );
  }
  // The benchmark takes a folder without meta.json (or one that says dim 0) as one without vectors.
  renameSync(rows.part, path("doc.f32"));
  renameSync(asked.part, path("query.f32"));
  const meta = {
    docs: documents.length,
    queries: queries.length,
    dim: rows.width,
    dtype: "float32-le",
    normalized: true,
    model: sides.documents.model,
    ...(sides.queries.model !== sides.documents.model && { queryModel: sides.queries.model }),
    queryPrefix: options.queryPrefix,
    documentPrefix: options.documentPrefix,
  };
  writeWhole(path("meta.json"), `${JSON.stringify(meta)}\n`);
  const counts = `${meta.docs} documents and ${meta.queries} queries`;
  process.stdout.write(`${folder}: ${counts}, ${meta.dim} dimensions, ${meta.model}\n`);
} catch (error) {
  const { message } = error as Error;
  const from = error instanceof OpenAI.APIError ? `${options.url}: ` : "";
  program.error(`error: ${from}${message}\nWhat is done is kept: the same command goes on from there.`);
}

/** What embeds documents, or queries. */
interface Side extends Pick<Source, "setting" | "embed"> {
  readonly model: string;
}

function lexical(): { documents: Side; queries: Side } {
  const model = "@oscillink/lexical";
  const embedder = LexicalEmbedder.fit(documents);
  const side: Side = {
    model,
    setting: { model, documents },
    embed: (texts) => embedder.embedDocuments(texts),
  };
  return { documents: side, queries: side };
}

function overHttp(): { documents: Side; queries: Side } {
  const { url, model, queryModel = model, batch } = options;
  if (url === undefined || model === undefined || queryModel === undefined) {
    return program.error("error: it takes --url and --model, or --lexical");
  }
  // The client wants a key even where the server does not.
  const client = new OpenAI({ baseURL: url, apiKey: process.env.OPENAI_API_KEY || "none" });
  const side = (model: string): Side => {
    const embedder = openaiEmbedder(client, {
      model,
      batchSize: batch,
      concurrency: CONCURRENCY,
      onProgress: ({ done }) => underWay(done),
    });
    return { model, setting: { model }, embed: (texts) => embedder.embedDocuments(texts) };
  };
  return { documents: side(model), queries: side(queryModel) };
}

/** The rows of one file, with the progress on stderr where that is a terminal. */
async function embed(name: string, texts: readonly string[], { setting, embed }: Side): Promise<Rows> {
  const isTerminal = process.stderr.isTTY;
  let written = 0;
  /** Of the first rows of this run, since when the speed is taken. */
  let begun: { readonly rows: number; readonly time: number } | undefined;
  const show = (done: number): void => {
    if (!isTerminal || begun === undefined) return;
    const seconds = (performance.now() - begun.time) / 1000;
    const speed = done > begun.rows ? `, ${((done - begun.rows) / seconds).toFixed(1)} a second` : "";
    process.stderr.write(`\r${name}: ${done} of ${texts.length}${speed}\u001b[K`);
  };
  underWay = (more) => show(written + more);
  const source: Source = { file: path(name), texts, setting, slice: CONCURRENCY * options.batch, embed };
  const rows = await embedRows(source, (done) => {
    written = done;
    begun ??= { rows: done, time: performance.now() };
    show(done);
  });
  if (isTerminal) process.stderr.write("\n");
  return rows;
}
