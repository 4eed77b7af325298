import { Option } from "commander";

export type Format = "table" | "json" | "jsonl";

export const formatOption = () =>
  new Option("--format <format>", "how the answer is printed")
    .choices(["table", "json", "jsonl"])
    .default("table");

/** Writes a line to stdout. */
export const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Says something to whoever runs the command; stdout is for the answer. */
export const note = (line: string): void => void process.stderr.write(`${line}\n`);

/** Prints rows as the format has it: `table` for people, `json` as one document, `jsonl` as one object a line. No rows are no table. */
export function printRows<T extends object>(
  format: Format,
  rows: readonly T[],
  table: () => string,
  document: object,
): void {
  if (format === "table" && rows.length > 0) print(table());
  if (format === "json") print(JSON.stringify(document, null, 2));
  if (format === "jsonl") for (const row of rows) print(JSON.stringify(row));
}
