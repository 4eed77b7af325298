import { child } from "../child.ts";
import { measured, type Part } from "../facts.ts";
import { summary } from "../measure.ts";

/** How far the resident set of a fresh process rises during one re-ranking; the child says what counts. */
export const memory: Part = function* ({ memory: size, children }) {
  const script = new URL("../children/memory.ts", import.meta.url);
  const peaks = Array.from({ length: children }, () => Number(child(script, size, ["--expose-gc"])));
  yield* measured(size, { "peak above the start": summary(peaks) }, "MB");
};
