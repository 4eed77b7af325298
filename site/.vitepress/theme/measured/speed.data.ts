import { defineLoader } from "vitepress";
import { readLines, type Setting } from "./lines.ts";

interface Fact {
  readonly what: string;
  readonly n: number;
  readonly d: number;
  readonly k: number;
  readonly value: number;
  readonly min?: number;
}

export interface Times {
  readonly setting: Setting;
  readonly facts: readonly Fact[];
}

declare const data: Times;

export { data };

export default defineLoader({
  watch: ["../../../data/speed.jsonl"],
  load: ([file]): Times => readLines<Fact>(file!),
});
