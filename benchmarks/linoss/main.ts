/** How long a step of n oscillators takes: measured and printed; nothing is asserted. */
import { cpus } from "node:os";
import { dampedLinossStep, linossStep, type Mode } from "@oscillink/linoss";
import { interleave } from "../perf/measure.ts";

const SIZES = [384, 1536, 6144];
/** A step is shorter than the clock's tick is sure, so that so many are timed at once. */
const STEPS = 200;
const DT = 0.1;

console.log(`${process.version}, ${cpus()[0]!.model.trim()}; microseconds a step: median (minimum)`);
for (const n of SIZES) {
  const wave = (rate: number) => Float64Array.from({ length: n }, (_, i) => Math.sin(rate * (i + 1)));
  const [y, z, u] = [wave(0.1), wave(0.2), wave(0.3)];
  const A = wave(0.4).map((v) => 1 + v * v);
  const G = wave(0.5).map((v) => v * v);
  const steps = (one: () => unknown) => () => {
    let last: unknown;
    for (let t = 0; t < STEPS; t++) last = one();
    return last;
  };
  const out = dampedLinossStep(y, z, A, G, DT);
  const undamped = linossStep(y, z, A, DT);
  const damped = (mode: Mode) => steps(() => dampedLinossStep(y, z, A, G, DT, { mode, u, out }));
  const times = interleave(
    { runs: 15, slowRuns: 5, milliseconds: 500 },
    {
      "damped, forced, implicit, into buffers": damped("implicit"),
      "damped, forced, implicit-explicit, into buffers": damped("implicit_explicit"),
      "undamped, free, implicit, into buffers": steps(() => linossStep(y, z, A, DT, { out: undamped })),
      "damped, forced, implicit, into new arrays": steps(() => dampedLinossStep(y, z, A, G, DT, { u })),
    },
  );
  for (const [name, { median, min }] of Object.entries(times)) {
    const micros = (milliseconds: number) => ((1000 * milliseconds) / STEPS).toFixed(1);
    console.log(`n ${String(n).padStart(5)}  ${name.padEnd(48)} ${micros(median)} (${micros(min)})`);
  }
}
