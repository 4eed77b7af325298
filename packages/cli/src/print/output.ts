import { Option } from "commander";

export type Format = "table" | "json" | "jsonl";

export const formatOption = () =>
  new Option("--format <format>", "how the answer is printed")
    .choices(["table", "json", "jsonl"])
    .default("table");

/** Writes a line to stdout. */
export const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Prints rows as the format has it: `table` for people, `json` as one document, `jsonl` as one object a line. */
export function printRows<T extends object>(
  format: Format,
  rows: readonly T[],
  table: () => string,
  document: object,
): void {
  if (format === "table") print(table());
  else if (format === "json") print(JSON.stringify(document, null, 2));
  else for (const row of rows) print(JSON.stringify(row));
}
