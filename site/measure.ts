/**
 * Runs a benchmark and keeps its JSON lines in data/, for the pages that show them: the first line says on what machine, when
 * and by which command.
 *
 *     node measure.ts speed
 *     node measure.ts quality MODEL FOLDER
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";

const [part, model, folder] = process.argv.slice(2);
const known = part === "speed" || (part === "quality" && model !== undefined && folder !== undefined);
if (!known) throw new Error("measure.ts: speed, or quality MODEL FOLDER");

const [benchmark, args, name] =
  part === "speed"
    ? ["perf", ["--only", "sizes"], "speed"]
    : ["quality", ["--data", resolve(folder!)], `quality-${model}`];
const lines = execFileSync(
  process.execPath,
  [join(import.meta.dirname, `../benchmarks/${benchmark}/main.ts`), "--json", ...args],
  { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
);
const setting = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus()[0]!.model}, ${cpus().length} cores`,
  node: process.version,
  command: `bench:${benchmark} --json`,
  ...(model === undefined ? {} : { model }),
};
writeFileSync(join(import.meta.dirname, `data/${name}.jsonl`), `${JSON.stringify(setting)}\n${lines}`);
