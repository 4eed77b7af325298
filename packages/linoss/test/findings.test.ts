import { describe, expect, test } from "vitest";
import {
  dampedLinossStep,
  dampedOscillatorClosedForm,
  energy,
  harmonicStack,
  InvalidDampingError,
  InvalidShapeError,
  InvalidValueError,
  isStable,
  kalmanFilter,
  linossScan,
  linossStep,
  type Mode,
  type StepOptions,
  UnsupportedModeError,
} from "../src/index.ts";

/*
 * What was found in the Python package (linoss_dynamics 0.2.0), each finding by its number: corrected where it is a fault, stated
 * where it is a convention.
 */

/** Many free steps from the state (1, 0): position and velocity at the end, and the largest position on the way. */
function run(A: number, G: number, dt: number, mode: Mode, steps: number) {
  let [y, z, largest] = [1, 0, 0];
  for (let t = 0; t < steps; t++) {
    const next = dampedLinossStep([y], [z], A, G, dt, { mode });
    [y, z] = [next.y[0]!, next.z[0]!];
    largest = Math.max(largest, Math.abs(y));
  }
  return { y, z, largest };
}

test("L1: a slow oscillator is told from a critically damped one: half a period turns it round", () => {
  const { y } = dampedOscillatorClosedForm([1], [0], 1e-6, 0, Math.PI / 1e-6);
  expect(y[0]).toBeCloseTo(-1, 12);
});

test("L1: the closed form is continuous through the critical damping", () => {
  const at = (gamma: number) => dampedOscillatorClosedForm([1], [0.5], 1, gamma, 3).y[0]!;
  for (const gap of [1e-6, 1e-9, 1e-12, 1e-15]) {
    expect(Math.abs(at(1 + gap) - at(1))).toBeLessThan(2 * gap + 1e-15);
    expect(Math.abs(at(1 - gap) - at(1))).toBeLessThan(2 * gap + 1e-15);
  }
});

test("L2: the overdamped closed form does not overflow", () => {
  const { y, z } = dampedOscillatorClosedForm([1], [0], 1, 100, 10);
  // The slow mode alone is left: exp(-10 / (100 + √9999)) (1 + its share of the fast one).
  const slow = 1 / (100 + Math.sqrt(9999));
  expect(y[0]).toBeCloseTo((Math.exp(-10 * slow) * (100 + Math.sqrt(9999))) / (2 * Math.sqrt(9999)), 13);
  expect(y[0]).toBeCloseTo(0.951252, 6);
  expect(z[0]).toBeCloseTo(-slow * y[0]!, 13);
  expect(dampedOscillatorClosedForm([1], [0], 1, 1e6, 1e6).y[0]).toBeCloseTo(Math.exp(-0.5), 6);
});

describe("L3: the bound of the implicit-explicit step knows the damping: dt² A < 4 + 2 dt G", () => {
  test.for([
    { A: 5.99, G: 1, dt: 1, stable: true },
    { A: 6.01, G: 1, dt: 1, stable: false },
    { A: 4.5, G: 1, dt: 1, stable: true },
    { A: 3.99, G: 0, dt: 1, stable: true },
    { A: 4.01, G: 0, dt: 1, stable: false },
    { A: 95, G: 10, dt: 0.25, stable: true },
    { A: 145, G: 10, dt: 0.25, stable: false },
  ])("A $A, G $G, dt $dt", ({ A, G, dt, stable }) => {
    expect(isStable(A, { G, dt, mode: "imex" }).stable).toBe(stable);
    const { largest } = run(A, G, dt, "imex", 3000);
    if (stable) expect(largest).toBeLessThan(100);
    else expect(largest).toBeGreaterThan(1e3);
  });
});

test("L4: without stiffness and damping the position grows with time, which is not stable; damping holds it", () => {
  let state = linossStep([0], [1], 0, 0.1);
  for (let t = 1; t < 1000; t++) state = linossStep(state.y, state.z, 0, 0.1);
  expect(state.y[0]).toBeCloseTo(100, 9);
  expect(isStable(0).stable).toBe(false);
  expect(isStable([1, 0]).reason).toContain("A[1]");
  expect(isStable(0, { G: 0.5 }).stable).toBe(true);
  expect(run(0, 0.5, 0.1, "implicit", 1000).largest).toBe(1);
});

test("L5: NaN and infinity are refused wherever they come", () => {
  const bad = [Number.NaN, Infinity];
  for (const value of bad) {
    expect(() => isStable([1, value])).toThrow(InvalidValueError);
    expect(() => isStable(1, { G: value })).toThrow(InvalidValueError);
    expect(() => linossStep([value], [0], 1, 0.1)).toThrow(InvalidValueError);
    expect(() => linossStep([0], [value], 0, 0.1)).toThrow(InvalidValueError);
    expect(() => linossStep([0], [0], value, 0.1)).toThrow(InvalidValueError);
    expect(() => linossStep([0], [0], 1, value)).toThrow(InvalidValueError);
    expect(() => linossStep([0], [0], 1, 0.1, { u: value })).toThrow(InvalidValueError);
    expect(() => linossStep([0], [0], 1, 0.1, { G: value })).toThrow(InvalidDampingError);
    expect(() => dampedOscillatorClosedForm([0], [value], 1, 0.1, 1)).toThrow(InvalidValueError);
    expect(() => harmonicStack([value], null, 1)).toThrow(InvalidValueError);
  }
});

test("L6: a negative stiffness is refused, by the place where it stands", () => {
  expect(() => linossStep([1], [0], -100, 0.1)).toThrow(
    "A: must be a finite stiffness of at least 0, not -100",
  );
  expect(() => linossStep([1, 1], [0, 0], [1, -2], 0.1)).toThrow("A[1]: must be");
  expect(() =>
    linossStep(
      [1, 1],
      [0, 0],
      [
        [1, 0],
        [0, -2],
      ],
      0.1,
    ),
  ).toThrow("A[1][1]: must be");
  expect(isStable([1, -0.5]).stable).toBe(false);
});

test("L7: the undamped implicit step dissipates: the energy shrinks by 1 / (1 + dt² A) a step, as is documented", () => {
  const { Y, Z, metrics } = linossScan(new Float64Array(100), 1, 0.1, { y0: [1], z0: [0] });
  expect(energy(Y[100]!, Z[100]!, 1)).toBeCloseTo(0.5 / 1.01 ** 100, 14);
  expect(metrics[0]!.dampingMode).toBe("none");
  // The other mode keeps it, but for an oscillation of the order of dt.
  const kept = linossScan(new Float64Array(10_000), 1, 0.1, { y0: [1], z0: [0], mode: "imex" });
  for (const { energyAfter } of kept.metrics) expect(Math.abs(energyAfter - 0.5)).toBeLessThan(0.03);
});

test("L8: G is twice gamma, and the omega of a stack is the damped frequency", () => {
  const exact = dampedOscillatorClosedForm([1], [0], 2, 0.3, 1).y[0]!;
  expect(exact).toBeCloseTo(-0.18974, 5);
  expect(run(4, 0.6, 1e-4, "imex", 1e4).y).toBeCloseTo(exact, 3);
  const half = dampedOscillatorClosedForm([1], [0], 2, 0.15, 1).y[0]!;
  expect(run(4, 0.3, 1e-4, "imex", 1e4).y).toBeCloseTo(half, 3);
  expect(Math.abs(half - exact)).toBeGreaterThan(0.1);
  // In the coordinates (y, (z + gamma y) / omega) the motion is the rotation of the stack.
  const damped = Math.sqrt(4 - 0.3 ** 2);
  const [row] = harmonicStack(damped, 0.3, 1);
  expect(row![0]! - row![1]! * (0.3 / damped)).toBeCloseTo(exact, 13);
});

test("L9: m0 and P0 stand before the first prediction", () => {
  const { predictedMeans, predictedCovariances } = kalmanFilter([0], [[0.5]], [[1]], [[1]], [[1]], {
    m0: [1],
    P0: [[4]],
  });
  expect(predictedMeans[0]).toEqual(new Float64Array([0.5]));
  expect(predictedCovariances[0]).toEqual([new Float64Array([2])]);
});

test("L10: the control of time t acts on the prediction of the state of time t", () => {
  const options = { Bd: [[1]], u: [7, 0] };
  const { predictedMeans } = kalmanFilter([Number.NaN, Number.NaN], [[0.5]], [[1]], [[1]], [[1]], options);
  expect(predictedMeans.map(([mean]) => mean)).toEqual([7, 3.5]);
});

test("L11: a missing observation leaves the prediction, and spoils nothing after it", () => {
  const filter = (y: number[]) => kalmanFilter(y, [[1]], [[1]], [[1]], [[1]]);
  const { means, covariances, predictedMeans, logLikelihood } = filter([1, Number.NaN, 2]);
  expect(means[1]).toEqual(predictedMeans[1]);
  expect(covariances[1]![0]![0]).toBeCloseTo(2 / 3 + 1, 14);
  expect(means.flatMap((m) => [...m]).every(Number.isFinite)).toBe(true);
  // The time without an observation counts nothing.
  const [first] = [filter([1]).logLikelihood];
  const variance = 2 / 3 + 1 + 1 + 1;
  const surprise = 2 - means[1]![0]!;
  expect(logLikelihood).toBeCloseTo(
    first - 0.5 * (Math.log(2 * Math.PI * variance) + surprise ** 2 / variance),
    13,
  );
  expect(() => filter([1, Infinity])).toThrow(InvalidValueError);
});

test("L12: a scan takes the number of oscillators from a matrix A, and with one number for A from the columns of U", () => {
  const U = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  const vector = linossScan(U, [2, 1, 0.5], 0.1);
  const matrix = linossScan(
    U,
    [
      [2, 0, 0],
      [0, 1, 0],
      [0, 0, 0.5],
    ],
    0.1,
  );
  expect(matrix.Y).toEqual(vector.Y);
  expect(linossScan(U, [1], 0.1).Y).toEqual(linossScan(U, 1, 0.1).Y);
  expect(linossScan(U, 1, 0.1).Y[0]).toHaveLength(3);
});

test("L13: nothing that is given is dropped in silence", () => {
  expect(() => linossStep([1], [0], 1, 0.1, { B: [1] })).toThrow("options.u: is missing");
  expect(() => linossStep([1], [0], 1, 0.1, { damping: 0.4, G: -9 })).toThrow("options.G: means the same");
  const control = { Bd: [[1]], u: [1, 2, 3] };
  expect(() => kalmanFilter([0], [[1]], [[1]], [[1]], [[1]], control)).toThrow(InvalidShapeError);
});

test("L14: a matrix that is not diagonal is refused, however small what would be lost", () => {
  const A = [
    [1, 1e-9],
    [1e-9, 2],
  ];
  expect(() => linossStep([1, 1], [0, 0], A, 0.1)).toThrow("A[0][1]: must be 0, not 1e-9");
});

test("L14: a mode that says nothing is refused, and a scan of no step knows its mode", () => {
  for (const mode of ["", 0, null, "rk4", "im "]) {
    expect(() => linossStep([1], [0], 1, 0.1, { mode } as unknown as StepOptions)).toThrow(
      UnsupportedModeError,
    );
  }
  expect(() => linossScan([], 1, 0.1, { mode: "x" as Mode })).toThrow(UnsupportedModeError);
});
