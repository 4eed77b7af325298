import { defineLoader } from "vitepress";
import { readLines, type Setting } from "./lines.ts";

interface Fact {
  readonly collection?: string;
  readonly method?: string;
  readonly queries?: number;
  readonly gain?: number;
  readonly "nDCG@10"?: number;
  readonly difference?: number;
  readonly interval?: readonly [number, number];
}

export interface Run {
  readonly setting: Setting;
  readonly rows: readonly {
    readonly collection: string;
    readonly queries: number;
    readonly cosine: number;
    /** In % of nDCG@10 over cosine, by method. */
    readonly gains: Readonly<Record<string, number>>;
    /** Of the default, as `gains`: the 95 % interval of the paired bootstrap. */
    readonly interval: readonly [number, number];
  }[];
}

declare const data: Run[];

export { data };

export default defineLoader({
  watch: ["../../../data/quality-*.jsonl"],
  load: (files): Run[] =>
    files.map((file) => {
      const { setting, facts } = readLines<Fact>(file);
      const measured = facts.filter(
        ({ collection, method }) => collection !== undefined && method !== undefined,
      );
      const rows = Array.from(
        Map.groupBy(measured, ({ collection }) => collection!),
        ([collection, methods]) => {
          const of = (name: string) => methods.find(({ method }) => method === name)!;
          const cosine = of("cosine")["nDCG@10"]!;
          const share = (difference: number) => (100 * difference) / cosine;
          const [low, high] = of("default").interval!;
          return {
            collection,
            queries: of("cosine").queries!,
            cosine,
            gains: Object.fromEntries(methods.map(({ method, gain }) => [method!, gain!])),
            interval: [share(low), share(high)] as const,
          };
        },
      );
      return { setting, rows };
    }),
});
