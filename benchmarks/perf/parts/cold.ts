import { child } from "../child.ts";
import { measured, type Part } from "../facts.ts";
import { interleave, repeat, summaries } from "../measure.ts";

/** What the first re-ranking of a fresh process costs, seen from outside and from inside. */
export const cold: Part = function* ({ cold: size, effort }) {
  const script = new URL("../children/cold.mjs", import.meta.url);
  const once = { ...effort, milliseconds: 0 };
  const times = interleave(once, {
    "empty process": () => child(script, { size, empty: true }),
    "with ours": () => child(script, { size, empty: false }),
  });
  yield* measured(size, times);
  const difference = times["with ours"].median - times["empty process"].median;
  yield { ...size, what: "difference", unit: "ms", value: difference };
  const inside = repeat(once, () => JSON.parse(child(script, { size, empty: false })));
  yield* measured(size, summaries<"import" | "first call">(inside));
};
