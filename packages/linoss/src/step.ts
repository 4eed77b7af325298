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
import { sumOfEnergies } from "./energy.ts";
import { InvalidShapeError, InvalidValueError, isMatrix, isVector, show } from "./errors.ts";
import { asFloat64, diagonalAsFloat64, space } from "./space.ts";
import type {
  DampedStepOptions,
  Diagonal,
  Forcing,
  Matrix,
  StepOptions,
  StepResult,
  Vector,
} from "./types.ts";

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
  givenA: Diagonal,
  givenG: Diagonal | null,
  nameOfG: string,
  dt: number,
  options: DampedStepOptions,
): StepResult {
  checkVector("y", y);
  const n = y.length;
  checkVector("z", z, n);
  const A = diagonalOf("A", givenA, n);
  const G = givenG === null ? null : diagonalOf(nameOfG, givenG, n);
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
  // All as Float64Array, and all checked, before the first value is written: the loops are fast, and an error changes nothing.
  const [fromY, fromZ] = [asFloat64("y", y, n), asFloat64("z", z, n)];
  const stiffness = diagonalAsFloat64("A", A, n);
  const damping = G === null ? space("G", n).fill(0, 0, n) : diagonalAsFloat64("G", G, n);
  const force = forcingOf(options, n);
  const wrong = firstWrong(stiffness, damping, force, n);
  if (wrong >= 0) refuse(A, G, nameOfG, force[wrong]!, wrong);
  const before = sumOfEnergies(fromY, fromZ, stiffness, n);
  // The energy is not finite where a value of the state is not, and a finite one costs no further look.
  if (!Number.isFinite(before)) {
    checkFinite("y", y);
    checkFinite("z", z);
  }
  const implicit = mode === "implicit" ? dt * dt : 0;
  const after = advance(fromY, fromZ, stiffness, damping, force, dt, implicit, out.y, out.z, n);
  metrics.mode = mode;
  metrics.dampingMode = G === null ? "none" : "explicit_g";
  if (G === null) metrics.damping = null;
  else if (metrics.damping?.length !== n) metrics.damping = damping.slice(0, n);
  else for (let i = 0; i < n; i++) metrics.damping[i] = damping[i]!;
  metrics.energyBefore = 0.5 * before;
  metrics.energyAfter = 0.5 * after;
  metrics.deltaEnergy = 0.5 * after - 0.5 * before;
  return out;
}

/** The first oscillator whose stiffness, damping or forcing is out of its range; -1 if there is none. */
function firstWrong(A: Float64Array, G: Float64Array, force: Float64Array, n: number): number {
  // Stays 0 while all is finite: an infinity or a NaN times 0 is NaN. A comparison of each value would take twice as long.
  let finite = 0;
  for (let i = 0; i < n; i++) {
    if (A[i]! < 0 || G[i]! < 0) return i;
    finite += A[i]! * 0 + G[i]! * 0 + force[i]! * 0;
  }
  if (finite === 0) return -1;
  let i = 0;
  while (A[i]! * 0 + G[i]! * 0 + force[i]! * 0 === 0) i++;
  return i;
}

/**
 * The step itself, value by value. Both published forms: without damping `S y + dt S z + dt² S f = y + dt z'`, with the z' of the
 * implicit mode. `implicit` is dt² there and 0 in the other mode. Returns twice the energy after it, which would cost another look at all
 * values. A loop in a small function of its own is compiled best.
 */
function advance(
  y: Float64Array,
  z: Float64Array,
  A: Float64Array,
  G: Float64Array,
  force: Float64Array,
  dt: number,
  implicit: number,
  nextY: Float64Array,
  nextZ: Float64Array,
  n: number,
): number {
  let energies = 0;
  for (let i = 0; i < n; i++) {
    const a = A[i]!;
    const start = y[i]!;
    const velocity = (z[i]! + dt * (force[i]! - a * start)) / (1 + dt * G[i]! + implicit * a);
    const position = start + dt * velocity;
    nextZ[i] = velocity;
    nextY[i] = position;
    energies += velocity * velocity + a * position * position;
  }
  return energies;
}

/** @throws for what is out of its range at one oscillator. */
function refuse(A: Diagonal, G: Diagonal | null, nameOfG: string, force: number, i: number): never {
  if (!atLeastZero(diagonalAt(A, i))) badStiffness(A, i);
  if (G !== null && !atLeastZero(diagonalAt(G, i))) badDamping(nameOfG, G, i);
  throw new InvalidValueError("options.u", `must force every oscillator finitely, not ${i} by ${force}`);
}

/** The forcing B u, whose shapes have been checked. */
function forcingOf({ B, u = 0 }: Forcing, n: number): Float64Array {
  if (B === undefined && u instanceof Float64Array) return u;
  const force = space("force", n);
  if (typeof u === "number" && (B === undefined || isVector(B))) force.fill(u, 0, n);
  else if (B === undefined || isVector(B)) force.set(u as Vector);
  if (isVector(B)) {
    for (let i = 0; i < n; i++) force[i]! *= B[i]!;
  } else if (B !== undefined) {
    const inputs = typeof u === "number" ? [u] : u;
    for (let i = 0; i < n; i++) {
      const row = (B as Matrix)[i]!;
      let sum = 0;
      for (let j = 0; j < inputs.length; j++) sum += row[j]! * inputs[j]!;
      force[i] = sum;
    }
  }
  return force;
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
