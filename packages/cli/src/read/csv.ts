import { type CsvError, type InfoRecord, parse } from "csv-parse/sync";
import { InputError } from "../exit.ts";
import type { Located, OnBroken } from "./records.ts";

/** The rows of a CSV text (RFC 4180) under a head of names; empty cells are left out. Cells are texts. */
export function readCsv(text: string, name: string, onBroken: OnBroken): Located[] {
  const refuse = (error: CsvError | undefined, fallback: number) => {
    const line = (error?.lines as number | undefined) ?? fallback;
    onBroken(new InputError(`${name}:${line}: is no row: ${error?.message ?? "it cannot be read"}`));
    return undefined;
  };
  let rows: { record: Record<string, string>; info: InfoRecord }[];
  try {
    rows = parse(text, {
      bom: true,
      columns: true,
      info: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      trim: true,
      on_skip: (error) => refuse(error, 1),
    }) as never;
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(`${name}: ${(cause as Error).message}`, { cause });
  }
  return rows.map(({ record, info }) => ({
    value: Object.fromEntries(Object.entries(record).filter(([, cell]) => cell !== "")),
    // A cell may hold line breaks, so its column is told by name.
    place: (field) => `${name}:${info.lines}${field === undefined ? "" : ` (column ${field})`}`,
  }));
}
