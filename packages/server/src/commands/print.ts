import { styleText } from "node:util";

/** Something that a person asked for and that cannot be done. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

export const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** What a cell shows; numbers stand to the right. */
type Cell = string | number;

/**
 * Prints rows in columns, under a head that is faint on a terminal. A cell takes one line: breaks and control characters become
 * blanks, so that no name can move the cursor or pass for another row.
 */
export function printTable(head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const cells = rows.map((row) => row.map((cell) => String(cell).replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")));
  const widths = head.map((name, c) => Math.max(name.length, ...cells.map((row) => row[c]!.length)));
  const right = head.map((_, c) => rows.length > 0 && rows.every((row) => typeof row[c] === "number"));
  const line = (row: readonly string[]) =>
    row
      .map((cell, c) => (right[c] ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!)))
      .join("  ")
      .trimEnd();
  print(styleText("dim", line(head), { stream: process.stdout }));
  for (const row of cells) print(line(row));
}

/** A time to the second, in UTC. */
export const timeOf = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
