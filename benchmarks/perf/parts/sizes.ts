import { contenders } from "../contenders.ts";
import { measured, type Part } from "../facts.ts";
import { interleave } from "../measure.ts";

/** Ours beside the other ways to choose k of n; at the largest sizes alone. */
export const sizes: Part = function* ({ sizes, large, effort }) {
  for (const size of sizes) {
    const times = interleave(effort, contenders(size));
    yield* measured(size, times);
    for (const part of ["bundle", "receipt"] as const) {
      const value = times[`ours, ${part}`].median / times["LangChain MMR"].median;
      yield { ...size, what: `${part} / LangChain`, unit: "ratio", value };
    }
  }
  for (const size of large) {
    const { "ours, bundle": bundle, "ours, receipt": receipt } = contenders(size);
    yield* measured(size, interleave(effort, { "ours, bundle": bundle, "ours, receipt": receipt }));
  }
};
