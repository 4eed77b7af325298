import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Options } from "@oscillink/core";
import { Command, InvalidArgumentError, Option } from "commander";
import { certified } from "./certified.ts";
import {
  type Collection,
  collectionNames,
  type Lists,
  type Pool,
  poolsOf,
  readCollection,
} from "./collection.ts";
import { baselineOf, type Evaluation, evaluate } from "./evaluate.ts";
import { gridGains, leaveOneOut } from "./loo.ts";
import { type Expansion, methodsFor, type Settings } from "./methods.ts";
import { modelMethods } from "./models.ts";
import { relevanceRows } from "./relevance.ts";
import { jsonReporter, textReporter } from "./report.ts";
import { robustness } from "./robust.ts";

function parseCuts(list: string): number[] {
  const cuts = [...new Set(list.split(",").map(Number))].sort((a, b) => a - b);
  if (cuts.every((k) => [3, 5, 10].includes(k))) return cuts;
  throw new InvalidArgumentError("It must be a list of 3, 5 and 10.");
}

function parseSize(text: string): number {
  const size = Number(text);
  if (Number.isSafeInteger(size) && size >= 2) return size;
  throw new InvalidArgumentError("It must be an integer from 2.");
}

function parseExpansion(text: string): Expansion {
  const [seeds, neighbours] = /^([1-9]\d*)x([1-9]\d*)$/.exec(text)?.slice(1).map(Number) ?? [];
  if (seeds !== undefined && neighbours !== undefined) return { seeds, neighbours };
  throw new InvalidArgumentError("It must be two integers from 1, as in 3x10.");
}

const program = new Command("bench:quality")
  .description(
    "Retrieval quality on every collection in a folder: BEIR files with doc.f32 and query.f32, or with run.tsv.",
  )
  .requiredOption("--data <folder>", "the folder of collections")
  .option("--pool <size>", "how many documents the first stage fetches, from 2", parseSize, 50)
  .addOption(
    new Option("--lists <which>", "what is re-ranked: the first stage's list, or its union with BM25's")
      .choices(["cosine", "union"])
      .default("cosine"),
  )
  .addOption(
    new Option("--copies <where>", "what core does with copies of a better document")
      .choices(["keep", "last"])
      .default("keep"),
  )
  .addOption(
    new Option("--links <whether>", "whether links between documents count")
      .choices(["on", "off"])
      .default("on"),
  )
  .option("--k <list>", "where the metrics cut: of 3, 5 and 10", parseCuts, [5, 10])
  .option("--json", "print JSON lines")
  .addOption(
    new Option("--runs <folder>", "write NAME.METHOD.jsonl: the first 10 ids of every query").conflicts([
      "robust",
      "loo",
      "certified",
      "relevance",
    ]),
  )
  .addOption(
    new Option(
      "--expand <SEEDSxNEIGHBOURS>",
      "also: rank, add the nearest neighbours of the best from the whole collection, rank again",
    )
      .argParser(parseExpansion)
      .conflicts(["robust", "loo", "certified", "relevance"]),
  )
  .addOption(
    new Option("--models", "also: what the models of the server make of texts without vectors").conflicts([
      "robust",
      "loo",
      "certified",
      "relevance",
    ]),
  )
  .option("--robust", "instead: the default's gain when the vectors are perturbed")
  .option("--loo", "instead: choose the options on all collections but one, report on that one, for each")
  .option("--certified", "instead: how many of the default's bundles have a certified order")
  .option(
    "--relevance",
    "instead: how well relevance tells own documents from those of the other collections",
  )
  .option("--scale <embedder>", "with --relevance: the embedder of all collections, if its scale is known")
  .parse();
const options = program.opts<{
  data: string;
  pool: number;
  lists: Lists;
  copies: Settings["copies"];
  links: "on" | "off";
  expand?: Expansion;
  models?: true;
  k: number[];
  json?: true;
  runs?: string;
  robust?: true;
  loo?: true;
  certified?: true;
  relevance?: true;
  scale?: NonNullable<Options["relevanceScale"]>;
}>();

const settings: Settings = {
  copies: options.copies,
  links: options.links === "on",
};
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const report = options.json ? jsonReporter(print) : textReporter(print);
const names = existsSync(options.data) ? collectionNames(options.data) : [];
if (names.length === 0) program.error(`error: no collections in ${options.data} (folders with a meta.json)`);

if (options.robust || options.loo || options.certified || options.relevance) study();
else compareMethods();

function* collections(): Generator<[Collection, Pool[]]> {
  for (const name of names) {
    const collection = readCollection(options.data, name);
    if (collection === null) {
      report.skipped(name, "no vectors and no run.tsv");
      continue;
    }
    const pools = poolsOf(collection, options.pool, options.lists);
    if (pools.length > 0) yield [collection, pools];
    else report.skipped(name, "no query with gold");
  }
}

function compareMethods(): void {
  const evaluations: Evaluation[] = [];
  for (const [collection, pools] of collections()) {
    const methods = {
      ...methodsFor(collection, settings, options.expand ?? null),
      ...(options.models && modelMethods(collection, settings)),
    };
    const evaluation = evaluate(collection, pools, methods, options.k);
    evaluations.push(evaluation);
    report.evaluation(evaluation, options.k);
    if (options.runs !== undefined) write(options.runs, evaluation);
  }
  for (const same of Map.groupBy(evaluations, baselineOf).values()) report.summary(same, options.k);
}

/** The studies of the default; all take collections with vectors alone. */
function study(): void {
  const all: [Collection, Pool[]][] = [];
  for (const entry of collections()) {
    if (entry[0].vectors === null) report.skipped(entry[0].name, "no vectors");
    else all.push(entry);
  }
  if (options.robust && all.length > 0) report.robustness(robustness(all, settings), all.length);
  if (options.certified) {
    report.certified(all.flatMap(([{ name }, pools]) => certified(name, pools, options.k, settings)));
  }
  if (options.relevance) {
    if (all.length < 2) program.error("error: --relevance needs two collections with vectors");
    report.relevance(relevanceRows(all, options.pool, settings, options.scale ?? null));
  }
  if (!options.loo) return;
  if (all.length < 2) program.error("error: --loo needs two collections with vectors");
  const gains = gridGains(all, settings);
  report.loo(gains, leaveOneOut(gains));
}

function write(folder: string, { collection, rankings }: Evaluation): void {
  mkdirSync(folder, { recursive: true });
  for (const [method, lines] of Object.entries(rankings)) {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    writeFileSync(join(folder, `${collection}.${method}.jsonl`), text);
  }
}
