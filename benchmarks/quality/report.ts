import type { Certified } from "./certified.ts";
import {
  baselineOf,
  compare,
  type Difference,
  differenceOf,
  type Evaluation,
  gain,
  RIVAL,
  standings,
  summarize,
} from "./evaluate.ts";
import type { Gains, HeldOut } from "./loo.ts";
import { mean, metricNames, withoutCopies } from "./metrics.ts";
import type { RelevanceRow } from "./relevance.ts";
import type { Robustness } from "./robust.ts";

/** Prints results: tables for people, or one JSON object a line. */
export interface Reporter {
  skipped(collection: string, why: string): void;
  evaluation(evaluation: Evaluation, cuts: readonly number[]): void;
  summary(evaluations: readonly Evaluation[], cuts: readonly number[]): void;
  robustness(rows: readonly Robustness[], collections: number): void;
  loo(gains: Gains, heldOut: readonly HeldOut[]): void;
  certified(rows: readonly Certified[]): void;
  relevance(rows: readonly RelevanceRow[]): void;
}

const fixed = (value: number, digits: number, width: number): string =>
  (Number.isFinite(value) ? value.toFixed(digits) : "-").padStart(width);
const signed = (value: number): string => (value < 0 ? "" : "+") + value.toFixed(4);
const ranged = ({ difference, interval }: Difference): string =>
  `${signed(difference)} [${interval.map(signed).join(", ")}]`;

/** A table of figures: the first column names the row. */
const head = (title: string, columns: readonly string[], width = 30): string =>
  title.padEnd(width) + columns.map((column) => column.padStart(8)).join("");
const line = (name: string, figures: readonly number[], digits: number, width = 30): string =>
  `  ${name}`.padEnd(width) + figures.map((figure) => fixed(figure, digits, 8)).join("");

/** The columns of the metrics; the long name is explained below the table. */
const columnsOf = (cuts: readonly number[]): string[] =>
  metricNames(cuts).map((name) => cuts.reduce((n, k) => (n === withoutCopies(k) ? `once@${k}` : n), name));

export const textReporter = (print: (line: string) => void): Reporter => ({
  skipped: (collection, why) => print(`${collection}: skipped, it has ${why}\n`),
  evaluation: (evaluation, cuts) => {
    const rows = compare(evaluation, cuts);
    const title = `${evaluation.collection} (${rows[0]!.queries} queries)`;
    print(`${head(title, columnsOf(cuts))}   nDCG@${cuts.at(-1)} against ${baselineOf(evaluation)}`);
    for (const { method, means, ...row } of rows) {
      const against = method === baselineOf(evaluation) ? "" : `   ${ranged(row)}`;
      print(line(method, Object.values(means), 4) + against);
    }
    print(`  default against ${RIVAL}: ${ranged(differenceOf(evaluation, "default", RIVAL, cuts))}\n`);
  },
  summary: (evaluations, cuts) => {
    const baseline = baselineOf(evaluations[0]!);
    const main = `nDCG@${cuts.at(-1)}`;
    const summaries = summarize(evaluations, cuts);
    const peers = summaries.filter(({ method }) => method !== baseline);
    const wide = (cells: readonly string[]) =>
      cells.map((cell, i) => cell.padStart(Math.max(8, peers[i]!.method.length + 2))).join("");
    const figures = (values: readonly number[]) => wide(values.map((value) => fixed(value, 1, 0)));
    print(`${main}, % over ${baseline}`.padEnd(30) + wide(peers.map(({ method }) => method)));
    for (const evaluation of evaluations) {
      const gains = peers.map(({ method }) =>
        method in evaluation.metrics ? gain(evaluation, method, main) : Number.NaN,
      );
      print(`  ${evaluation.collection}`.padEnd(30) + figures(gains));
    }
    print("  mean".padEnd(30) + figures(peers.map(({ gains }) => gains[main]!)));
    print(`${"  worst".padEnd(30)}${figures(peers.map(({ worst }) => worst))}\n`);

    const title = `% over ${baseline}, mean of ${evaluations.length}`;
    print(`${head(title, columnsOf(cuts))}   worst ${main}`);
    for (const { method, gains, worst } of summaries) {
      print(line(method, [...Object.values(gains), worst], 1));
    }
    print("once@k: nDCG@k in which a copy of a document that stands before it gains nothing\n");

    print(head(`${main}, default against`, ["ahead", "surely", "behind", "surely"]));
    for (const standing of standings(evaluations, cuts)) {
      const { against, ahead, surelyAhead, behind, surelyBehind } = standing;
      print(line(against, [ahead, surelyAhead, behind, surelyBehind], 0));
    }
    print("collections; surely: the whole 95 % interval of the difference is on that side\n");
  },
  robustness: (rows, collections) => {
    print(head("nDCG@10, default over cosine", ["cosine", "default", "gain %", "worst %", "ratio"], 32));
    for (const { robust, ratio, ...row } of rows) {
      const figures = [row.baseline, row.default, row.gain, row.worst, ratio].map((v, i) =>
        fixed(v, [4, 4, 1, 1, 2][i]!, 8),
      );
      print(`  ${robust}`.padEnd(32) + figures.join(""));
    }
    print(`means over ${collections} collections; pools by the cosine of the plain vectors\n`);
  },
  certified: (rows) => {
    print(head("order certified, %", ["k", "queries", "all"]));
    for (const { collection, k, queries, certified, open } of rows) {
      const figures = [k, queries, 100 * certified].map((v, i) => fixed(v, i < 2 ? 0 : 1, 8));
      const reasons = Object.entries(open).map(([reason, share]) => `${reason} ${fixed(100 * share, 1, 0)}`);
      print(
        `  ${collection}`.padEnd(30) +
          figures.join("") +
          (reasons.length > 0 ? `   ${reasons.join(", ")}` : ""),
      );
    }
    print("behind a row: why the others are not, %\n");
  },
  relevance: (rows) => {
    for (const [relevance, some] of Map.groupBy(rows, (row) => row.relevance)) {
      print(head(relevance, ["AUC", "ECE", "learned", "own", "foreign"], 32));
      for (const { collection, auc, before, learned, own, foreign } of some) {
        print(line(collection ?? "all", [auc, before, learned, own, foreign], 3, 32));
      }
    }
    print(
      "AUC: relevant firsts against the firsts of foreign pools; all: their queries mixed, and means of the ECE",
    );
    print(
      "ECE: calibration error in ten bins of the first ten, by default, and learned on half of the queries",
    );
    print(
      "own, foreign: the share of pools that hold something relevant, and of foreign ones, whose first has .2\n",
    );
  },
  loo: (gains, heldOut) => {
    const names = Object.keys(Object.values(gains)[0]!);
    const width = 4 + Math.max(24, ...Object.keys(gains).map((name) => name.length));
    print(head("nDCG@10 over cosine, %", ["mean", "worst"], width));
    for (const [setting, of] of Object.entries(gains)) {
      print(line(setting, spread(names.map((name) => of[name]!)), 1, width));
    }
    print(`\n${head("held out", ["gain %", "default"])}   picked on the others`);
    for (const { collection, picked, gain, default: standard } of heldOut) {
      print(`${line(collection, [gain, standard], 1)}   ${picked}`);
    }
    const [picked, standard] = [spread(heldOut.map((h) => h.gain)), spread(heldOut.map((h) => h.default))];
    print(line("mean", [picked[0], standard[0]], 1));
    print(`${line("worst", [picked[1], standard[1]], 1)}\n`);
  },
});

export const jsonReporter = (print: (line: string) => void): Reporter => {
  const write = (value: object) => print(JSON.stringify(value));
  return {
    skipped: (collection, why) => write({ collection, skipped: why }),
    evaluation: (evaluation, cuts) => {
      const { collection } = evaluation;
      for (const { method, queries, means, gain, difference, interval } of compare(evaluation, cuts)) {
        write({ collection, method, queries, ...means, gain, difference, interval });
      }
      write({ collection, against: RIVAL, ...differenceOf(evaluation, "default", RIVAL, cuts) });
    },
    summary: (evaluations, cuts) => {
      const baseline = baselineOf(evaluations[0]!);
      for (const { method, collections, gains, worst } of summarize(evaluations, cuts)) {
        write({ summary: method, baseline, collections, ...gains, worst });
      }
      for (const { against, ...counts } of standings(evaluations, cuts)) {
        write({ standing: "default", baseline, against, ...counts });
      }
    },
    certified: (rows) => rows.forEach(write),
    relevance: (rows) => rows.forEach(write),
    robustness: (rows, collections) => {
      for (const row of rows) write({ ...row, collections });
    },
    loo: (gains, heldOut) => {
      for (const [setting, of] of Object.entries(gains)) {
        const [average, worst] = spread(Object.values(of));
        write({ setting, gains: of, mean: average, worst });
      }
      for (const { collection, ...rest } of heldOut) write({ heldOut: collection, ...rest });
      const [average, worst] = spread(heldOut.map((h) => h.gain));
      const [standard, worstStandard] = spread(heldOut.map((h) => h.default));
      write({
        summary: "loo",
        collections: heldOut.length,
        mean: average,
        worst,
        default: standard,
        worstDefault: worstStandard,
      });
    },
  };
};

/** The mean and the lowest. */
const spread = (values: readonly number[]): [mean: number, worst: number] => [
  mean(values),
  Math.min(...values),
];
