import { styleText } from "node:util";

/** What a cell shows; numbers stand to the right. */
type Cell = string | number;

/**
 * Rows in columns, under a head. A cell takes one line: breaks and control characters become blanks, so that no text can move the
 * cursor or pass for another row.
 */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = rows.map((row) => row.map((cell) => oneLine(String(cell))));
  const widths = head.map((name, c) => Math.max(name.length, ...cells.map((row) => row[c]!.length)));
  const right = head.map(
    (_, c) => rows.length > 0 && rows.every((row) => typeof row[c] === "number" || row[c] === ""),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, c) => (right[c] ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!)))
      .join("  ")
      .trimEnd();
  return [dim(line(head)), ...cells.map(line)].join("\n");
}

/** Faint on a terminal; plain in a pipe, and where NO_COLOR is set. */
export const dim = (text: string): string => styleText("dim", text, { stream: process.stdout });
export const bold = (text: string): string => styleText("bold", text, { stream: process.stdout });

/** A text on one line, without characters that a terminal would act on. */
export const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ").trim();

/** The lines of a text, without characters that a terminal would act on. */
export const plain = (text: string): string => text.replace(/(?![\n\t])\p{Cc}/gu, "");

/** A text of at most so many characters. */
export const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;
