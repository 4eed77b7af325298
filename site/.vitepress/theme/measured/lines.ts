/** The JSON lines of a benchmark, as `site/measure.ts` keeps them: the first says where they were made. */
import { readFileSync } from "node:fs";

export interface Setting {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly command: string;
  readonly model?: string;
  /** Where lines that no command wrote were taken from. */
  readonly from?: string;
}

export function readLines<T>(path: string): { setting: Setting; facts: T[] } {
  const [setting, ...facts] = readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return { setting, facts };
}
