import {
  atLeastZero,
  badDamping,
  badStiffness,
  checkFinite,
  checkTimeStep,
  checkVector,
  diagonalAt,
  diagonalOf,
  modeOf,
} from "./check.ts";
import { energyOf } from "./energy.ts";
import { InvalidShapeError, InvalidValueError, isMatrix, isVector, show } from "./errors.ts";
import type { DampedStepOptions, Diagonal, Forcing, StepOptions, StepResult, Vector } from "./types.ts";

/**
 * One step of undamped oscillators, `y'' = -A y + f` with the forcing `f = B u`; with `damping` or `G` in the options the step of
 * {@link dampedLinossStep}.
 *
 * Implicit, with `S = 1 / (1 + dt² A)`: `z' = S z - dt A S y + dt S f` and `y' = S y + dt S z + dt² S f`. It dissipates energy:
 * that of a free oscillator shrinks by 1 / (1 + dt² A) a step.
 * Implicit-explicit: `z' = z - dt A y + dt f` and `y' = y + dt z'`.
 * (Rusch and Rus, Oscillatory State-Space Models, 2024, arXiv 2410.03943.)
 *
 * @param y positions, n values. @param z velocities, n values.
 * @param A stiffness, 1/time², at least 0. @param dt time step, above 0.
 * @throws {InvalidShapeError} for lengths that do not fit, a matrix that is not diagonal, B without u, or damping and G at once.
 * @throws {InvalidValueError} for a dt that is not positive, a negative stiffness, or a value that is not finite.
 * @throws {InvalidDampingError} for a negative damping. @throws {UnsupportedModeError} for an unknown mode.
 */
export function linossStep(
  y: Vector,
  z: Vector,
  A: Diagonal,
  dt: number,
  options: StepOptions = {},
): StepResult {
  const { damping, G } = options;
  if (damping !== undefined && G !== undefined) {
    throw new InvalidShapeError("options.G", "means the same as options.damping: give one of them");
  }
  return step(y, z, A, damping ?? G ?? null, damping === undefined ? "G" : "damping", dt, options);
}

/**
 * One step of damped oscillators, `y'' = -A y - G y' + f` with the forcing `f = B u`:
 * `z' = (z - dt A y + dt f) / (1 + dt G [+ dt² A if implicit])` and `y' = y + dt z'`.
 * (Boyer, Rusch and Rus, Learning to Dissipate Energy in Oscillatory State-Space Models, 2025, arXiv 2505.12171.)
 *
 * G is twice the gamma of {@link dampedOscillatorClosedForm}, and A its omega squared.
 *
 * @param y positions, n values. @param z velocities, n values.
 * @param A stiffness, 1/time², at least 0. @param G damping, 1/time, at least 0. @param dt time step, above 0.
 * @throws as {@link linossStep} does.
 */
export function dampedLinossStep(
  y: Vector,
  z: Vector,
  A: Diagonal,
  G: Diagonal,
  dt: number,
  options: DampedStepOptions = {},
): StepResult {
  return step(y, z, A, G, "G", dt, options);
}

function step(
  y: Vector,
  z: Vector,
  stiffness: Diagonal,
  friction: Diagonal | null,
  nameOfG: string,
  dt: number,
  options: DampedStepOptions,
): StepResult {
  checkVector("y", y);
  const n = y.length;
  checkVector("z", z, n);
  const A = diagonalOf("A", stiffness, n);
  const G = friction === null ? null : diagonalOf(nameOfG, friction, n);
  checkTimeStep(dt);
  const mode = modeOf(options.mode);
  checkForcing(options, n);
  const out = options.out ?? {
    y: new Float64Array(n),
    z: new Float64Array(n),
    metrics: {
      mode,
      energyBefore: 0,
      energyAfter: 0,
      deltaEnergy: 0,
      dampingMode: "none",
      damping: null,
    },
  };
  checkVector("options.out.y", out.y, n);
  checkVector("options.out.z", out.z, n);
  const { metrics } = out;
  metrics.mode = mode;
  metrics.dampingMode = G === null ? "none" : "explicit_g";
  if (G === null) metrics.damping = null;
  else if (metrics.damping?.length !== n) metrics.damping = new Float64Array(n);
  metrics.energyBefore = energyOf(y, z, A);
  // The energy is not finite where a value of the state is not, and a finite one costs no further look.
  if (!Number.isFinite(metrics.energyBefore)) {
    checkFinite("y", y);
    checkFinite("z", z);
  }
  advance(y, z, A, G, nameOfG, dt, mode === "implicit" ? dt * dt : 0, options, out);
  metrics.energyAfter = energyOf(out.y, out.z, A);
  metrics.deltaEnergy = metrics.energyAfter - metrics.energyBefore;
  return out;
}

/** The step itself. Both published forms are one: `S y + dt S z + dt² S f = y + dt z'` with the z' of the implicit mode. `implicit` is dt² there and 0 in the other mode. */
function advance(
  y: Vector,
  z: Vector,
  A: Diagonal,
  G: Diagonal | null,
  nameOfG: string,
  dt: number,
  implicit: number,
  forcing: Forcing,
  out: StepResult,
): void {
  const { B, u } = forcing;
  const [nextY, nextZ, damping] = [out.y, out.z, out.metrics.damping];
  for (let i = 0; i < y.length; i++) {
    const stiffness = diagonalAt(A, i);
    if (!atLeastZero(stiffness)) badStiffness(A, i);
    const g = G === null ? 0 : diagonalAt(G, i);
    if (G !== null) {
      if (!atLeastZero(g)) badDamping(nameOfG, G, i);
      damping![i] = g;
    }
    const f = u === undefined ? 0 : forcingAt(B, u, i);
    if (!Number.isFinite(f))
      throw new InvalidValueError("options.u", `gives a forcing that is not finite at ${i}: ${f}`);
    const velocity = (z[i]! + dt * (f - stiffness * y[i]!)) / (1 + dt * g + implicit * stiffness);
    nextZ[i] = velocity;
    nextY[i] = y[i]! + dt * velocity;
  }
}

function forcingAt(B: Diagonal | undefined, u: number | Vector, i: number): number {
  const value =
    typeof u === "number" ? u : B === undefined || typeof (B as Vector)[0] === "number" ? u[i]! : 0;
  if (B === undefined) return value;
  const row = (B as Vector | readonly Vector[])[i]!;
  if (typeof row === "number") return row * value;
  if (typeof u === "number") return row[0]! * u;
  let sum = 0;
  for (let j = 0; j < u.length; j++) sum += row[j]! * u[j]!;
  return sum;
}

/** @throws {InvalidShapeError} for a B without u, or lengths that do not fit. */
function checkForcing({ B, u }: Forcing, n: number): void {
  if (u === undefined) {
    if (B === undefined) return;
    throw new InvalidShapeError("options.u", "is missing: B alone forces nothing. Give u, or leave B out");
  }
  if (B === undefined || isVector(B)) {
    if (B !== undefined) checkVector("options.B", B, n);
    if (typeof u === "number") return;
    const wanted = `must be a number or a vector of length ${n}${B === undefined ? " where there is no B" : ""}`;
    if (!isVector(u) || u.length !== n) throw new InvalidShapeError("options.u", `${wanted}, not ${show(u)}`);
    return;
  }
  const fits = isMatrix(B) && B.length === n && B.every((row) => row.length === B[0]!.length);
  if (!fits) {
    throw new InvalidShapeError(
      "options.B",
      `must be a vector of length ${n} or a matrix of ${n} rows, not ${show(B)}`,
    );
  }
  const columns = B[0]!.length;
  if (typeof u === "number" ? columns === 1 : isVector(u) && u.length === columns) return;
  throw new InvalidShapeError(
    "options.u",
    `must be a vector of length ${columns}, the columns of B, not ${show(u)}`,
  );
}
