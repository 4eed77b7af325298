import { child } from "../child.ts";
import type { Part } from "../facts.ts";
import { summary } from "../measure.ts";

interface Outcome {
  readonly kernel: string;
  readonly times: readonly number[];
}

/** The kernel that core picks beside the one that it falls back to, each in processes of its own, in turn. */
export const kernel: Part = function* ({ kernel: size, effort, children }) {
  const script = new URL("../children/kernel.ts", import.meta.url);
  const ways = ["with", "without"] as const;
  const outcomes = { with: [] as Outcome[], without: [] as Outcome[] };
  for (let round = 0; round < children; round++) {
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      outcomes[way].push(JSON.parse(child(script, { size, effort, webAssembly: way === "with" })));
    }
  }
  const medians = { with: 0, without: 0 };
  for (const way of ways) {
    const { kernel } = outcomes[way][0]!;
    const { median, min, runs } = summary(outcomes[way].flatMap(({ times }) => times));
    medians[way] = median;
    const what = `${kernel}, ${way} WebAssembly`;
    yield { ...size, what, unit: "ms", value: median, min, runs, kernel };
  }
  const ratio = medians.without / medians.with;
  yield { ...size, what: "without / with", unit: "ratio", value: ratio };
};
