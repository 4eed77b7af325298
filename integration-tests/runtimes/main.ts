/** Prints whether the same reranks give the same receipts in every runtime. */
import { Command } from "commander";
import { compareRuntimes, type Row } from "./compare.ts";

const { json } = new Command("runtimes")
  .description("Are the receipts of the same 20 reranks equal in every runtime at hand, with each kernel?")
  .option("--json", "print JSON lines")
  .parse()
  .opts<{ json?: true }>();

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const rows = await compareRuntimes();
if (json) {
  for (const row of rows) print(JSON.stringify(row));
} else {
  const columns = ["runtime", "version", "WebAssembly", "kernel", "cases", "digest of all digests", "equal"];
  const cells = [columns, ...rows.map(cellsOf)];
  const widths = columns.map((_, c) => Math.max(...cells.map((row) => row[c]!.length)));
  const line = (row: readonly string[]) => row.map((cell, c) => cell.padEnd(widths[c]!)).join("  ");
  for (const row of cells) print(line(row).trimEnd());
  const ran = rows.filter(({ outcome }) => outcome !== "not run");
  const equal = rows.filter(({ outcome }) => outcome === "equal");
  print(
    `\n${ran.length} of ${rows.length} were run, ${equal.length} are equal to the first, and replay its receipts.`,
  );
}
if (rows.some(({ outcome }) => outcome === "different" || outcome === "failed")) process.exitCode = 1;

function cellsOf({ runtime, version, webAssembly, kernel, cases, digest, outcome, reason }: Row): string[] {
  const verdict = outcome === "equal" ? "yes" : outcome === "different" ? "NO" : outcome;
  return [
    runtime,
    version ?? "",
    webAssembly ? "yes" : "no",
    kernel ?? "",
    String(cases),
    digest?.slice(0, 23) ?? "",
    reason === null ? verdict : `${verdict}: ${reason}`,
  ];
}
