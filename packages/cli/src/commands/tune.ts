import { tune as choose, type TuneResult } from "@oscillink/core/tune";
import type { Command } from "commander";
import { EXIT } from "../exit.ts";
import { number } from "../flags/ranking.ts";
import { print } from "../print/output.ts";
import { writeOut } from "../print/receipt.ts";
import { table } from "../print/table.ts";
import { addDatasetFlags, DATASETS, type DatasetFlags, labelledPools } from "./bench.ts";

const EXAMPLES = `${DATASETS}

The options are chosen by cross-validation, from labelled questions: 30 at least. If the gain over the order of the search
is sure, they are written as JSON, which the other commands read as --profile FILE, and code as
  rerank({ ...JSON.parse(readFileSync("oscillink.profile.json", "utf8")), query, queryText, candidates })

Examples:
  $ oscillink tune support.jsonl --embed http://localhost:11434/v1 --model nomic-embed-text
  $ oscillink tune scifact --lexical --out scifact.profile.json --detect 0.05`;

interface Flags extends DatasetFlags {
  out: string;
  detect?: number;
}

export function tune(program: Command): void {
  const command = program
    .command("tune")
    .description(
      "Choose the options on labelled questions of your own, tell what to expect, and write them as a profile.",
    )
    .argument("<dataset>", "a CSV or JSON lines file, or a BEIR folder");
  addDatasetFlags(command)
    .option("--out <file>", "where the profile is written", "oscillink.profile.json")
    .option("--detect <gain>", "the gain in nDCG@10 that matters to you (default: 0.02)", number)
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { out, detect, ...flags }: Flags) => {
      const { pools, embedding } = await labelledPools(path, flags);
      const queries = pools.map(({ query, queryText, candidates, grades }) => ({
        ...(query !== undefined && { query }),
        ...{ queryText, candidates, relevance: Object.fromEntries(grades) },
      }));
      const result = choose({ queries, seed: flags.seed, ...(detect !== undefined && { detect }) });
      print(report(result, embedding));
      if (result.verdict === "keep") {
        print("keep the order that you have: no gain is sure, and nothing was written");
        process.exitCode = EXIT.no;
        return;
      }
      writeOut(out, `${JSON.stringify(profileOf(result), null, 2)}\n`);
      print(`wrote ${out}: hand it to the other commands as --profile ${out}`);
    });
}

/** The options to adopt, with what was learned of relevance where that tells more than before. */
function profileOf({ chosen, relevance }: TuneResult): object {
  const learned = relevance !== null && relevance.error.learned < relevance.error.before;
  return { ...chosen.options, ...(learned && { relevanceCalibration: relevance.relevanceCalibration }) };
}

function report({ chosen, expected, perSetting }: TuneResult, embedding: string): string {
  const { metric, baseline, tuned, gain, interval, queries } = expected;
  const signed = (value: number) => `${value < 0 ? "" : "+"}${value.toFixed(3)}`;
  const range = ([low, high]: readonly [number, number]) => `${signed(low)} to ${signed(high)}`;
  return [
    `${queries} questions, vectors: ${embedding}`,
    table(
      ["setting", metric, "gain", "95 %"],
      perSetting.map((setting) => [
        setting.name,
        setting.mean.toFixed(3),
        signed(setting.gain),
        range(setting.interval),
      ]),
    ),
    `chosen: ${chosen.name}. On questions that had no say in it: ${metric} ${baseline.toFixed(3)} to ${tuned.toFixed(3)}, ` +
      `a gain of ${signed(gain)} (${range(interval)})`,
  ].join("\n");
}
