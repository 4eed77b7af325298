import { QueryFocus } from "@oscillink/core/focus";
import { dampedLinossStep } from "@oscillink/linoss";
import { expect, test } from "vitest";

test("the focus of the mode oscillator is the damped LinOSS step of the package of that name", () => {
  const [stiffness, damping, dt] = [3, 2.5, 0.7];
  const focus = new QueryFocus({ mode: "oscillator", stiffness, damping, dt });
  const turns = Array.from({ length: 12 }, (_, t) =>
    Array.from({ length: 5 }, (_, i) => Math.sin(t * t + i)),
  );
  const unit = (v: readonly number[]) => v.map((value) => value / Math.hypot(...v));
  let [y, z] = [Float64Array.from(unit(turns[0]!)), new Float64Array(5)];
  focus.next(turns[0]!);
  for (const turn of turns.slice(1)) {
    const forcing = unit(turn).map((value) => stiffness * value);
    const next = dampedLinossStep(y, z, stiffness, damping, dt, { u: forcing });
    [y, z] = [Float64Array.from(next.y), Float64Array.from(next.z)];
    const { query } = focus.next(turn);
    const length = Math.hypot(...y);
    y.forEach((value, i) => {
      expect(query[i]).toBeCloseTo(value / length, 6);
    });
  }
});
