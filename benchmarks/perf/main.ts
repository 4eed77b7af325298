/** The performance benchmark: measures and prints; nothing is asserted. */
import { cpus } from "node:os";
import { rerank } from "@oscillink/core";
import { Command, Option } from "commander";
import type { Part } from "./facts.ts";
import { growth as grown, lineOf } from "./growth.ts";
import { adapters } from "./parts/adapters.ts";
import { cold } from "./parts/cold.ts";
import { kernel } from "./parts/kernel.ts";
import { loop } from "./parts/loop.ts";
import { memory } from "./parts/memory.ts";
import { query } from "./parts/query.ts";
import { sign } from "./parts/sign.ts";
import { sizes } from "./parts/sizes.ts";
import { stages } from "./parts/stages.ts";
import { text } from "./parts/text.ts";
import { full, quick as quickPlan } from "./plan.ts";
import { jsonReporter, textReporter } from "./report.ts";

const parts: Record<string, { title: string; run: Part }> = {
  sizes: { title: "Whole call, ms: median (minimum)", run: sizes },
  stages: {
    title: "Stages of ours, ms; the Gram matrix alone is the least that an exact graph costs",
    run: stages,
  },
  kernel: { title: "Ours by kernel, ms", run: kernel },
  cold: {
    title: "Cold start, ms: the process from outside, then import and first call from inside",
    run: cold,
  },
  memory: { title: "Resident memory of one call, MB", run: memory },
  query: { title: "Another query on a settled lattice, ms", run: query },
  text: { title: "The words: 150 a candidate, 10 in the query, ms", run: text },
  sign: { title: "A signature of the receipt, ms", run: sign },
  adapters: {
    title:
      "A call through an adapter, vectors at hand, ms; overhead: less the direct call, and the retriever's search",
    run: adapters,
  },
  loop: {
    title:
      "Longest turn of the event loop while 50 retrievals run at once, ms of the processor; overhead: less plain's",
    run: loop,
  },
};

const { json, quick, only, growth } = new Command("bench:perf")
  .description("How long a re-ranking takes, and what it is made of; seeded unit vectors.")
  .option("--json", "print JSON lines, one a figure")
  .option("--quick", "a few runs of small pools: whether it works, not how fast it is")
  .option("--growth", "in place of all that: how the time grows with what comes in, with its exponents")
  .addOption(new Option("--only <part>", "one part alone").choices(Object.keys(parts)))
  .parse()
  .opts<{ json?: true; quick?: true; only?: string; growth?: true }>();

const setting = {
  machine: `${cpus()[0]!.model}, ${cpus().length} cores`,
  node: process.version,
  kernel: rerank({ query: [1], candidates: [{ embedding: [1] }], k: 1 }).receipt.kernel.name,
};
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const report = (json ? jsonReporter : textReporter)(print, setting);

if (growth) {
  for (const kind of grown(quick ?? false))
    print(json ? JSON.stringify({ ...setting, ...kind }) : lineOf(kind));
}
for (const [part, { title, run }] of growth ? [] : Object.entries(parts)) {
  if (only !== undefined && only !== part) continue;
  progress(part);
  for await (const fact of run(quick ? quickPlan : full)) {
    progress(`${part} (${fact.n}, ${fact.d}, ${fact.k})`);
    report.fact({ part, ...fact });
  }
  progress("");
  report.end(title);
}

/** One line on a terminal, the next taking its place. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}
