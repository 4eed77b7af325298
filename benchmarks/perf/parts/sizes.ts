import { contenders } from "../contenders.ts";
import { measured, type Part } from "../facts.ts";
import { interleave } from "../measure.ts";

/** Ours beside the other ways to choose k of n; at the largest sizes alone. */
export const sizes: Part = function* ({ sizes, large, effort }) {
  for (const size of sizes) {
    const times = interleave(effort, contenders(size));
    yield* measured(size, times);
    const ratio = times.ours.median / times["LangChain MMR"].median;
    yield { ...size, what: "ours / LangChain", unit: "ratio", value: ratio };
  }
  for (const size of large) {
    const { ours } = contenders(size);
    yield* measured(size, interleave(effort, { ours }));
  }
};
