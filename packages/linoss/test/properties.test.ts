import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  dampedLinossStep,
  dampedOscillatorClosedForm,
  energy,
  isStable,
  kalmanFilter,
  linossScan,
  linossStep,
  type Mode,
  rtsSmoother,
} from "../src/index.ts";

const value = fc.double({ min: -100, max: 100, noNaN: true });
const positive = fc.double({ min: 0, max: 50, noNaN: true });
const timeStep = fc.double({ min: 1e-3, max: 20, noNaN: true });
/** A state of some oscillators with their stiffness and damping. */
const oscillators = fc
  .array(fc.tuple(value, value, positive, positive), { minLength: 1, maxLength: 8 })
  .map(
    (rows) => [0, 1, 2, 3].map((c) => rows.map((row) => row[c]!)) as [number[], number[], number[], number[]],
  );

describe("a step", () => {
  test("never adds energy in the implicit mode without forcing, damped or not", () => {
    fc.assert(
      fc.property(oscillators, timeStep, ([y, z, A, G], dt) => {
        for (const next of [linossStep(y, z, A, dt), dampedLinossStep(y, z, A, G, dt)]) {
          const { energyBefore, deltaEnergy } = next.metrics;
          expect(deltaEnergy).toBeLessThanOrEqual(1e-12 * energyBefore);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("tells the energy of its states", () => {
    fc.assert(
      fc.property(oscillators, timeStep, ([y, z, A, G], dt) => {
        const next = dampedLinossStep(y, z, A, G, dt, { mode: "imex" });
        expect(next.metrics.energyBefore).toBe(energy(y, z, A));
        expect(next.metrics.energyAfter).toBe(energy(next.y, next.z, A));
      }),
    );
  });

  test("is linear in state and forcing together", () => {
    fc.assert(
      fc.property(oscillators, timeStep, value, ([y, z, A, G], dt, factor) => {
        const one = dampedLinossStep(y, z, A, G, dt, { u: y });
        const times = (v: readonly number[]) => v.map((x) => factor * x);
        const other = dampedLinossStep(times(y), times(z), A, G, dt, { u: times(y) });
        other.y.forEach((v, i) => {
          expect(Math.abs(v - factor * one.y[i]!)).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(v)));
        });
      }),
    );
  });

  test("is the same for typed arrays, arrays, a diagonal matrix and a matrix B, and changes nothing that comes in", () => {
    fc.assert(
      fc.property(oscillators, timeStep, ([y, z, A, G], dt) => {
        const before = JSON.stringify([y, z, A, G]);
        const diagonal = (v: readonly number[]) => v.map((x, i) => v.map((_, j) => (i === j ? x : 0)));
        const plain = dampedLinossStep(y, z, A, G, dt, { B: A, u: z });
        const typed = [y, z, A, G].map((v) => Float64Array.from(v)) as [
          Float64Array,
          Float64Array,
          Float64Array,
          Float64Array,
        ];
        const [ty, tz, tA, tG] = typed;
        expect(dampedLinossStep(ty, tz, tA, tG, dt, { B: tA, u: tz })).toEqual(plain);
        // A product with a matrix adds to 0, and so has no -0.
        const dense = dampedLinossStep(y, z, diagonal(A), diagonal(G), dt, { B: diagonal(A), u: z });
        expect(dense.metrics).toEqual(plain.metrics);
        dense.y.forEach((v, i) => {
          expect(v - plain.y[i]!).toBe(0);
          expect(dense.z[i]! - plain.z[i]!).toBe(0);
        });
        expect(linossStep(y, z, A, dt, { damping: G, B: A, u: z })).toEqual(plain);
        expect(JSON.stringify([y, z, A, G])).toBe(before);
      }),
    );
  });

  test("writes into a result that it is given, of its own state too, with the same values", () => {
    fc.assert(
      fc.property(oscillators, timeStep, ([y, z, A, G], dt) => {
        const out = dampedLinossStep(y, z, A, G, dt);
        const [first, buffers] = [structuredClone(out), { y: out.y, z: out.z, damping: out.metrics.damping }];
        const wanted = dampedLinossStep(first.y, first.z, A, G, dt, { mode: "imex", u: 1 });
        const again = dampedLinossStep(out.y, out.z, A, G, dt, { mode: "imex", u: 1, out });
        expect(again).toBe(out);
        expect(again).toEqual(wanted);
        expect({ y: again.y, z: again.z, damping: again.metrics.damping }).toEqual(buffers);
        expect(again.y).toBe(buffers.y);
        expect(again.metrics.damping).toBe(buffers.damping);
      }),
    );
  });

  test("has one meaning for each name of a mode", () => {
    const names: Record<string, Mode[]> = {
      implicit: ["implicit", "IM", "im", "Implicit" as Mode],
      implicit_explicit: ["implicit_explicit", "implicit-explicit", "IMEX", "imex", "ImEx" as Mode],
    };
    for (const [mode, aliases] of Object.entries(names)) {
      for (const alias of aliases)
        expect(linossStep([1], [2], 3, 0.1, { mode: alias }).metrics.mode).toBe(mode);
    }
    expect(linossStep([1], [2], 3, 0.1)).toEqual(linossStep([1], [2], 3, 0.1, { mode: "im" }));
  });

  test("refuses lengths that do not fit and time steps that are not positive", () => {
    expect(() => linossStep([1, 2], [0], 1, 0.1)).toThrow(
      "z: must be a vector of length 2, not a vector of 1",
    );
    expect(() => linossStep([1, 2], [0, 0], [1, 2, 3], 0.1)).toThrow(
      "A: must be a number, a vector of length 2",
    );
    expect(() => dampedLinossStep([1], [0], 1, -0.1, 0.1)).toThrow(
      "G: must be a finite damping of at least 0, not -0.1",
    );
    expect(() => linossStep([1], [0], 1, 0.1, { damping: -1 })).toThrow("damping: must be");
    for (const dt of [0, -1, Number.NaN]) {
      expect(() => linossStep([1], [0], 1, dt)).toThrow(`dt: must be a positive finite number, not ${dt}`);
    }
    const short = linossStep([1], [0], 1, 0.1);
    expect(() => linossStep([1, 2], [0, 0], 1, 0.1, { out: short })).toThrow("options.out.y");
  });
});

describe("many steps", () => {
  const [A, gamma, forcing, time] = [4, 0.3, 0.7, 1];
  const exact = dampedOscillatorClosedForm([1], [-0.5], Math.sqrt(A), gamma, time, { forcing });
  const errorOf = (steps: number, mode: Mode) => {
    const U = new Float64Array(steps).fill(forcing);
    const { Y, Z } = linossScan(U, A, time / steps, { y0: [1], z0: [-0.5], G: 2 * gamma, mode });
    return Math.hypot(Y[steps]![0]! - exact.y[0]!, Z[steps]![0]! - exact.z[0]!);
  };

  test.for<Mode>(["implicit", "imex"])("of the mode %s approach the closed form at first order", (mode) => {
    for (const steps of [400, 1600, 6400]) {
      // A quarter of the step leaves a quarter of the error.
      expect(errorOf(steps, mode) / errorOf(4 * steps, mode)).toBeCloseTo(4, 1);
    }
    expect(errorOf(25_600, mode)).toBeLessThan(2e-4);
  });

  test("stay bounded where isStable says so, and only there", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 20, noNaN: true }),
        fc.double({ min: 0, max: 5, noNaN: true }),
        fc.double({ min: 0.05, max: 2, noNaN: true }),
        fc.constantFrom<Mode>("implicit", "imex"),
        (A, G, dt, mode) => {
          // Within 5 % of the bound growth takes longer than this test.
          const share = (dt * dt * A) / (4 + 2 * dt * G);
          fc.pre(share < 0.95 || share > 1.05);
          let state = linossStep([1], [1], A, dt, { G, mode });
          for (let t = 1; t < 2000 && Math.abs(state.y[0]!) < 1e6; t++) {
            state = linossStep(state.y, state.z, A, dt, { G, mode });
          }
          const stayed = Math.abs(state.y[0]!) < 500;
          expect(stayed).toBe(isStable(A, { G, dt, mode }).stable);
        },
      ),
    );
  });
});

test("the closed form in two parts is the closed form of the whole time", () => {
  fc.assert(
    fc.property(
      value,
      value,
      fc.double({ min: 0.01, max: 20, noNaN: true }),
      fc.double({ min: 0, max: 40, noNaN: true }),
      fc.double({ min: 0.01, max: 3, noNaN: true }),
      (y, z, omega, gamma, dt) => {
        const half = dampedOscillatorClosedForm([y], [z], omega, gamma, dt / 2, { forcing: 1 });
        const twice = dampedOscillatorClosedForm(half.y, half.z, omega, gamma, dt / 2, { forcing: 1 });
        const whole = dampedOscillatorClosedForm([y], [z], omega, gamma, dt, { forcing: 1 });
        const size = 1 + Math.abs(y) + Math.abs(z) + 1 / omega ** 2;
        expect(Math.abs(twice.y[0]! - whole.y[0]!)).toBeLessThan(1e-11 * size);
        expect(Math.abs(twice.z[0]! - whole.z[0]!)).toBeLessThan(1e-11 * size * (1 + omega) * (1 + omega));
      },
    ),
    { numRuns: 500 },
  );
});

test("the smoother gives what conditioning the joint distribution on all observations gives", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 6 }),
      fc.double({ min: -1.2, max: 1.2, noNaN: true }),
      fc.double({ min: 0.05, max: 2, noNaN: true }),
      fc.double({ min: 0.05, max: 2, noNaN: true }),
      (y, a, q, r) => {
        const smoothed = rtsSmoother(kalmanFilter(y, [[a]], [[q]], [[1]], [[r]]), [[a]]);
        // The posterior of a chain is the solution of a tridiagonal system: means minimise the squared residuals.
        const T = y.length;
        const first = a * a + q;
        const rows = y.map((_, t) => {
          const row = new Float64Array(T + 1);
          row[t] = (t === 0 ? 1 / first : 1 / q) + (t < T - 1 ? (a * a) / q : 0) + 1 / r;
          if (t > 0) row[t - 1] = -a / q;
          if (t < T - 1) row[t + 1] = -a / q;
          row[T] = y[t]! / r;
          return row;
        });
        for (let c = 0; c < T; c++) {
          for (let i = 0; i < T; i++) {
            if (i === c) continue;
            const factor = rows[i]![c]! / rows[c]![c]!;
            for (let j = c; j <= T; j++) rows[i]![j]! -= factor * rows[c]![j]!;
          }
        }
        rows.forEach((row, t) => {
          expect(smoothed.means[t]![0]).toBeCloseTo(row[T]! / row[t]!, 9);
        });
      },
    ),
  );
});
