import { performance } from "node:perf_hooks";
import type { Command } from "commander";
import { lexicalEmbedding } from "../embed/embedding.ts";
import { InputError } from "../exit.ts";
import { addEmbeddingFlags, type EmbeddingFlags, embeddingOf } from "../flags/embedding.ts";
import { addRankingFlags, count, number, type RankingFlags, rankingOptions } from "../flags/ranking.ts";
import { type Method, methodsFor } from "../measure/methods.ts";
import { type Figure, f1, figure, mean, median, ndcg, trapRate } from "../measure/metrics.ts";
import { type LabelledPool, poolsOf } from "../measure/pools.ts";
import { type Format, formatOption, note, printRows } from "../print/output.ts";
import { table } from "../print/table.ts";
import { brokenBy, type OnError, onErrorOption } from "../read/broken.ts";
import { type Dataset, readDataset } from "../read/dataset.ts";

/** What a dataset is, for the help of the commands that take one. */
export const DATASETS = `
DATASET is CSV or JSON lines, a row a document, with the columns
  text, label (1 answers, 0 does not), and if you have them id, trap (1 must not come back), query, title, trust,
  score, embedding (a JSON array), links (a JSON array)
where a column query holds the question of each row, or --query does for all; or a folder in the layout of BEIR
(corpus.jsonl, queries.jsonl, qrels/*.tsv), from which --pool documents are fetched for each question.`;

const EXAMPLES = `${DATASETS}

These order the same documents: cosine; MMR (0.5); RRF of cosine and BM25; the default of this package; hybrid, the default
with the list of BM25 beside that of the vectors, as search ranks; and yours, the default with the options that you give.
Trust is known to the last three alone. Figures are means over questions (of the time, the median), with 95 % intervals by
the bootstrap.

Examples:
  $ oscillink bench support.csv --query "How do I reset my password?"
  $ oscillink bench scifact --embed http://localhost:11434/v1 --model nomic-embed-text --index scifact.db
  $ oscillink bench support.jsonl --profile oscillink.profile.json --format json`;

/** The flags of commands that take a dataset. */
export interface DatasetFlags extends EmbeddingFlags {
  query?: string;
  pool: number;
  index?: string;
  seed: number;
  onError: OnError;
}

interface Flags extends DatasetFlags, RankingFlags {
  format: Format;
}

export const addDatasetFlags = (command: Command): Command =>
  addEmbeddingFlags(command)
    .option("-q, --query <text>", "the question, for rows without a column query")
    .option("--pool <count>", "how many documents of a BEIR folder are fetched for a question", count, 50)
    .option("--index <file>", "keep the vectors of a BEIR folder there for the next time")
    .option("--seed <number>", "of what is drawn", number, 1)
    .addOption(onErrorOption());

/** nDCG looks at so many documents. */
const DEPTH = 10;

/** A method's figures. */
interface Row {
  readonly method: string;
  readonly f1: Figure;
  readonly trapRate: Figure | null;
  readonly ndcg: Figure;
  readonly milliseconds: Figure;
}

export function bench(program: Command): void {
  const command = program
    .command("bench")
    .description(
      "Measure on your own data what re-ranking gains: F1, trap rate, nDCG@10 and time, beside cosine, MMR and RRF.",
    )
    .argument("<dataset>", "a CSV or JSON lines file, or a BEIR folder");
  addRankingFlags(addDatasetFlags(command))
    .addOption(formatOption())
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, flags: Flags) => {
      const { k = 5, ...options } = await rankingOptions(flags);
      const { pools, embedding, left } = await labelledPools(path, flags);
      const rows = Object.entries(methodsFor(options)).map(([name, method]) =>
        measured(name, method, pools, k, flags.seed),
      );
      if (left > 0)
        note(`${left} of ${left + pools.length} questions have no document that answers: left out`);
      const head = `${pools.length} ${pools.length === 1 ? "question" : "questions"}, vectors: ${embedding}`;
      const lines = () => `${head}\n${shown(rows, k)}`;
      printRows(flags.format, rows, lines, {
        dataset: path,
        questions: pools.length,
        embedding,
        k,
        seed: flags.seed,
        methods: rows,
      });
    });
}

/** The pools of a dataset that can be judged, and whose vectors they have. */
export async function labelledPools(path: string, flags: DatasetFlags) {
  const broken = brokenBy(flags.onError);
  const dataset = await readDataset(path, flags.query, broken.on);
  broken.report();
  const embedding = (await embeddingOf(flags)) ?? (hasOwnEvidence(dataset) ? null : lexicalEmbedding());
  const all = await poolsOf(dataset, embedding, flags.pool, flags.index ?? ":memory:");
  const pools = all.filter(({ grades }) => grades.size > 0);
  if (pools.length === 0) throw new InputError(`${path}: no question has a document that answers (label 1)`);
  return {
    pools,
    embedding: embedding?.name ?? "none, the scores that came",
    left: all.length - pools.length,
  };
}

/** Whether every document has a score: then it needs no vector. */
const hasOwnEvidence = (dataset: Dataset): boolean =>
  dataset.kind === "rows" &&
  dataset.questions.every(({ documents }) => documents.every(({ score }) => score !== undefined));

function measured(
  name: string,
  method: Method,
  pools: readonly LabelledPool[],
  k: number,
  seed: number,
): Row {
  const depth = Math.max(k, DEPTH);
  // What is measured first would pay for the compiler.
  for (const pool of pools.slice(0, 20)) method(pool, depth);
  const milliseconds: number[] = [];
  const rankings = pools.map((pool) => {
    const began = performance.now();
    const ranking = method(pool, depth);
    milliseconds.push(performance.now() - began);
    return { ranking, ...pool };
  });
  const trapped = rankings.flatMap(({ ranking, traps }) =>
    traps === null ? [] : [trapRate(ranking, traps, k)],
  );
  const of = (values: readonly number[]) => figure(values, mean, seed);
  return {
    method: name,
    f1: of(rankings.map(({ ranking, grades }) => f1(ranking, grades, k))),
    trapRate: trapped.length === 0 ? null : of(trapped),
    ndcg: of(rankings.map(({ ranking, grades }) => ndcg(ranking, grades, DEPTH))),
    milliseconds: figure(milliseconds, median, seed),
  };
}

function shown(rows: readonly Row[], k: number): string {
  const columns: readonly [name: string, of: (row: Row) => Figure | null, digits: number][] = [
    [`F1@${k}`, (row) => row.f1, 3],
    ["trap rate", (row) => row.trapRate, 3],
    [`nDCG@${DEPTH}`, (row) => row.ndcg, 3],
    ["ms", (row) => row.milliseconds, 2],
  ];
  // What the dataset says nothing of has no column, nor have intervals of one question.
  const known = columns.filter(([, of]) => of(rows[0]!) !== null);
  const wide = rows[0]!.f1.interval !== null;
  const head = known.flatMap(([name]) => (wide ? [name, "95 %"] : [name]));
  const cells = known.map(([, of, digits]) => (row: Row) => {
    const { value, interval } = of(row)!;
    const ends = interval?.map((end) => end.toFixed(digits)).join(" to ");
    return ends === undefined ? [value.toFixed(digits)] : [value.toFixed(digits), ends];
  });
  return table(
    ["method", ...head],
    rows.map((row) => [row.method, ...cells.flatMap((cell) => cell(row))]),
  );
}
