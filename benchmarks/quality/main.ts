import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Options, rerank } from "@oscillink/core";
import { Command } from "commander";
import { type Collection, readCollection, topByCosine } from "./collection.ts";
import { bootstrapInterval, CUTS, METRICS, type Metrics, mean, meanOf, metricsOf } from "./metrics.ts";

/** How many documents the first stage fetches. */
const POOL = 50;
/** How many ids a ranking keeps. */
const DEPTH = Math.max(...CUTS);

/** What is compared: options of the same call, and whether it sees the words. */
const methods: Record<string, { options: Options; words: boolean }> = {
  cosine: { options: { profile: "cosine" }, words: false },
  mmr: { options: { profile: "cosine", diversity: 0.5 }, words: false },
  settled: { options: {}, words: false },
  default: { options: {}, words: true },
};

interface Result {
  readonly collection: string;
  readonly rankings: Record<string, { query: string; ids: string[] }[]>;
  readonly metrics: Record<string, Metrics[]>;
}

const program = new Command("bench:quality")
  .description("Retrieval quality on every collection in a folder: BEIR files with doc.f32 and query.f32.")
  .requiredOption("--data <folder>", "the folder of collections")
  .option("--json", "print JSON lines")
  .option("--runs <folder>", "write NAME.METHOD.jsonl: the first 10 ids of every query")
  .parse();
const { data, json, runs } = program.opts<{ data: string; json?: true; runs?: string }>();
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const results: Result[] = [];
for (const name of readdirSync(data).sort()) {
  const collection = readCollection(data, name);
  if (collection === null) {
    print(
      json
        ? JSON.stringify({ collection: name, skipped: "no vectors" })
        : `${name}: skipped, it has no vectors\n`,
    );
    continue;
  }
  const result = evaluate(collection);
  results.push(result);
  report(result);
  if (runs !== undefined) write(runs, result);
}
if (results.length > 0) summarize();

function evaluate(collection: Collection): Result {
  const names = Object.keys(methods);
  const rankings: Result["rankings"] = Object.fromEntries(names.map((method) => [method, []]));
  const metrics: Result["metrics"] = Object.fromEntries(names.map((method) => [method, []]));
  const queries = collection.queries.filter((query) => query.gold.size > 0);
  for (const query of queries) {
    const { dimensions, documents, vectors } = collection;
    const candidates = topByCosine(collection, query, POOL).map((i) => ({
      ...documents[i]!,
      embedding: vectors.subarray(i * dimensions, (i + 1) * dimensions),
    }));
    for (const [method, { options, words }] of Object.entries(methods)) {
      const text = words ? { queryText: query.text } : {};
      const { bundle } = rerank({ ...options, ...text, query: query.vector, candidates, k: DEPTH });
      const ids = bundle.map((entry) => entry.id);
      rankings[method]!.push({ query: query.id, ids });
      metrics[method]!.push(metricsOf(ids, query.gold));
    }
  }
  return { collection: collection.name, rankings, metrics };
}

function report({ collection, metrics }: Result): void {
  const baseline = metrics.cosine!;
  if (!json) print(`${collection} (${baseline.length} queries)`);
  for (const [method, all] of Object.entries(metrics)) {
    const means = Object.fromEntries(METRICS.map((metric) => [metric, meanOf(all, metric)]));
    const differences = all.map((m, i) => m["nDCG@10"]! - baseline[i]!["nDCG@10"]!);
    const interval = bootstrapInterval(differences);
    if (json) {
      print(
        JSON.stringify({
          collection,
          method,
          queries: all.length,
          ...means,
          difference: mean(differences),
          interval,
        }),
      );
      continue;
    }
    const figures = METRICS.map((metric) => `${metric} ${means[metric]!.toFixed(4)}`).join(" ");
    const signed = (v: number) => (v < 0 ? "" : "+") + v.toFixed(4);
    const gain =
      method === "cosine"
        ? ""
        : `  | nDCG@10 ${signed(mean(differences))} [${interval.map(signed).join(", ")}]`;
    print(`  ${method.padEnd(8)} ${figures}${gain}`);
  }
  if (!json) print("");
}

/** The gains over cosine in percent: the mean over the collections, and the worst of them. */
function summarize(): void {
  if (!json) print("relative to cosine, %: mean over collections | worst nDCG@10");
  for (const method of Object.keys(methods)) {
    const gains = (metric: string) =>
      results
        .map((r) => 100 * (meanOf(r.metrics[method]!, metric) / meanOf(r.metrics.cosine!, metric) - 1))
        .filter(Number.isFinite);
    const means = Object.fromEntries(METRICS.map((metric) => [metric, mean(gains(metric))]));
    const worst = Math.min(...gains("nDCG@10"));
    if (json) print(JSON.stringify({ summary: method, collections: results.length, ...means, worst }));
    else {
      const figures = METRICS.map((metric) => `${metric} ${means[metric]!.toFixed(1)}`).join("  ");
      print(`  ${method.padEnd(8)} ${figures} | ${worst.toFixed(1)}`);
    }
  }
}

function write(folder: string, { collection, rankings }: Result): void {
  mkdirSync(folder, { recursive: true });
  for (const [method, lines] of Object.entries(rankings)) {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    writeFileSync(join(folder, `${collection}.${method}.jsonl`), text);
  }
}
