import { checkTimeStep, diagonalAt, diagonalOf, modeOf } from "./check.ts";
import { InvalidShapeError, InvalidValueError, show } from "./errors.ts";
import type { Diagonal, Mode } from "./types.ts";

/** Options of {@link isStable}. */
export interface StabilityOptions {
  /** Damping, 1/time. Not given: none. */
  readonly G?: Diagonal;
  /** The time step; the implicit-explicit mode needs it. */
  readonly dt?: number;
  /** Default `"implicit"`. */
  readonly mode?: Mode;
}

/** An answer and its reason. */
export interface Stability {
  readonly stable: boolean;
  readonly reason: string;
}

/**
 * Whether the free steps of {@link linossStep} stay bounded from every state.
 *
 * Both modes need A > 0, or A = 0 with G > 0: without either, an oscillator drifts, and its position grows with time. The
 * implicit-explicit mode needs `dt² A < 4 + 2 dt G` besides: there the spectral radius of the step reaches 1.
 *
 * @param A stiffness: a number, a vector, or a diagonal matrix. Negative values are no error here: they are not stable.
 * @throws {InvalidValueError} for a NaN in A or G, or a dt that is not positive. @throws {UnsupportedModeError}
 */
export function isStable(A: Diagonal, options: StabilityOptions = {}): Stability {
  const { dt, mode } = options;
  const explicit = modeOf(mode) === "implicit_explicit";
  if (dt !== undefined) checkTimeStep(dt);
  const lengthOf = (value: Diagonal) => (typeof value === "number" ? 1 : value.length);
  const n = lengthOf(A) === 1 ? lengthOf(options.G ?? 0) : lengthOf(A);
  const stiffness = diagonalOf("A", A, n);
  const G = diagonalOf("G", options.G ?? 0, n);
  const unstable = (reason: string): Stability => ({ stable: false, reason });
  for (let i = 0; i < n; i++) {
    const [a, g] = [diagonalAt(stiffness, i), diagonalAt(G, i)];
    if (!Number.isFinite(a))
      throw new InvalidValueError(`A[${i}]`, `must be a finite number, not ${show(a)}`);
    if (!Number.isFinite(g))
      throw new InvalidValueError(`G[${i}]`, `must be a finite number, not ${show(g)}`);
    if (a < 0) return unstable(`A[${i}] is ${a}: a negative stiffness drives the oscillator away`);
    if (g < 0) return unstable(`G[${i}] is ${g}: a negative damping adds energy`);
    if (a === 0 && g === 0) return unstable(`A[${i}] and its damping are 0: the position grows with time`);
    if (!explicit) continue;
    if (dt === undefined) return unstable("dt is needed to tell for the implicit-explicit mode");
    const [left, right] = [dt * dt * a, 4 + 2 * dt * g];
    if (!(left < right)) return unstable(`dt² A[${i}] is ${left}, and not below 4 + 2 dt G[${i}], ${right}`);
  }
  return { stable: true, reason: n === 0 ? "there is no oscillator" : "every oscillator stays bounded" };
}

/**
 * The block-diagonal matrix that advances damped rotations by dt: for each omega the block
 * `exp(-gamma dt) [[cos, -sin], [sin, cos]](omega dt)`.
 *
 * Here omega is the frequency that is seen, the damped one: in {@link dampedOscillatorClosedForm} it is that without damping.
 *
 * @param omegas frequencies, radians a time, at least 0. @param dampings gamma of each, 1/time; null: 0.
 * @returns 2n rows of 2n values, which {@link kalmanFilter} takes as Ad.
 * @throws {InvalidShapeError} for lists of different lengths. @throws {InvalidValueError} for a negative omega, or no finite number.
 */
export function harmonicStack(
  omegas: number | ArrayLike<number>,
  dampings: number | ArrayLike<number> | null,
  dt: number,
): Float64Array[] {
  const listOf = (value: number | ArrayLike<number>) =>
    Float64Array.from(typeof value === "number" ? [value] : value);
  const frequencies = listOf(omegas);
  const gammas = dampings === null ? new Float64Array(frequencies.length) : listOf(dampings);
  if (gammas.length !== frequencies.length) {
    throw new InvalidShapeError(
      "dampings",
      `must be as many as the omegas, ${frequencies.length}, not ${gammas.length}`,
    );
  }
  if (!Number.isFinite(dt)) throw new InvalidValueError("dt", `must be a finite number, not ${show(dt)}`);
  const rows = Array.from({ length: 2 * frequencies.length }, () => new Float64Array(2 * frequencies.length));
  frequencies.forEach((omega, i) => {
    const gamma = gammas[i]!;
    if (!(omega >= 0 && omega < Infinity)) {
      throw new InvalidValueError(
        `omegas[${i}]`,
        `must be a finite number of at least 0, not ${show(omega)}`,
      );
    }
    if (!Number.isFinite(gamma)) {
      throw new InvalidValueError(`dampings[${i}]`, `must be a finite number, not ${show(gamma)}`);
    }
    const shrink = Math.exp(-gamma * dt);
    const [cos, sin] = [shrink * Math.cos(omega * dt), shrink * Math.sin(omega * dt)];
    rows[2 * i]!.set([cos, -sin], 2 * i);
    rows[2 * i + 1]!.set([sin, cos], 2 * i);
  });
  return rows;
}

/**
 * The period of a frequency: `2π / omega`, in the unit of time of omega.
 *
 * @throws {InvalidValueError} for an omega that is not positive and finite.
 */
export function periodFromOmega(omega: number): number;
export function periodFromOmega(omega: ArrayLike<number>): Float64Array;
export function periodFromOmega(omega: number | ArrayLike<number>): number | Float64Array;
export function periodFromOmega(omega: number | ArrayLike<number>): number | Float64Array {
  const periodOf = (value: number, name: string) => {
    if (value > 0 && value < Infinity) return (2 * Math.PI) / value;
    throw new InvalidValueError(name, `must be a positive finite number, not ${show(value)}`);
  };
  if (typeof omega === "number") return periodOf(omega, "omega");
  return Float64Array.from(omega, (value, i) => periodOf(value, `omega[${i}]`));
}
