import { checkFinite, checkTimeStep } from "./check.ts";
import { InvalidDampingError, InvalidShapeError, InvalidValueError, isVector, show } from "./errors.ts";
import type { Vector } from "./types.ts";

/** Options of {@link dampedOscillatorClosedForm}. */
export interface ClosedFormOptions {
  /** A constant forcing u. Default 0. */
  readonly forcing?: number | Vector;
}

/**
 * The exact state after dt of oscillators `y'' + 2 gamma y' + omega² y = u`.
 *
 * Every parameter is a number or a vector; numbers and vectors of length 1 stand for all oscillators. Under-, over- and critically
 * damped ones are told apart exactly, with no tolerance, and each has a form that neither overflows nor cancels.
 *
 * @param y positions. @param z velocities.
 * @param omega frequency without damping, radians a time, above 0. @param gamma damping, 1/time, at least 0: half the G of
 *   {@link dampedLinossStep}. @param dt time, above 0.
 * @throws {InvalidShapeError} for vectors of different lengths. @throws {InvalidDampingError} for a negative gamma.
 * @throws {InvalidValueError} for an omega or dt that is not positive, or a value that is not finite.
 */
export function dampedOscillatorClosedForm(
  y: number | Vector,
  z: number | Vector,
  omega: number | Vector,
  gamma: number | Vector,
  dt: number,
  { forcing = 0 }: ClosedFormOptions = {},
): { y: Float64Array; z: Float64Array } {
  checkTimeStep(dt);
  const given = { y, z, omega, gamma, "options.forcing": forcing };
  const n = lengthOf(given);
  const at = (value: number | Vector, i: number): number =>
    typeof value === "number" ? value : value[value.length === 1 ? 0 : i]!;
  const next = { y: new Float64Array(n), z: new Float64Array(n) };
  for (let i = 0; i < n; i++) {
    const [w, g] = [at(omega, i), at(gamma, i)];
    if (!(w > 0)) throw new InvalidValueError("omega", `must be above 0, not ${show(w)}`);
    if (!(g >= 0)) throw new InvalidDampingError("gamma", `must be at least 0, not ${show(g)}`);
    // Around the point of rest the motion is free.
    const rest = at(forcing, i) / (w * w);
    const [distance, velocity] = [at(y, i) - rest, at(z, i)];
    const { plus, minus, sine } = propagator(w, g, dt);
    next.y[i] = rest + plus * distance + sine * velocity;
    next.z[i] = minus * velocity - w * w * sine * distance;
  }
  return next;
}

/**
 * With C and S the solutions that start as 1 and as t: `plus = e^(-gt) (C + g S)`, `minus = e^(-gt) (C - g S)` and
 * `sine = e^(-gt) S`.
 */
function propagator(w: number, g: number, t: number): { plus: number; minus: number; sine: number } {
  // A product of two factors, for the difference of two squares would cancel near the critical damping.
  const d = (w - g) * (w + g);
  const shrink = Math.exp(-g * t);
  if (d > 0) {
    const r = Math.sqrt(d);
    const [cos, sine] = [shrink * Math.cos(r * t), (shrink * Math.sin(r * t)) / r];
    return { plus: cos + g * sine, minus: cos - g * sine, sine };
  }
  if (d === 0) {
    const sine = shrink * t;
    return { plus: shrink + g * sine, minus: shrink - g * sine, sine };
  }
  // Both exponents are at most 0, so that nothing overflows. The slow one is -w² / (g + r): g - r would cancel.
  const r = Math.sqrt(-d);
  const fast = Math.exp(-(g + r) * t);
  const slowRate = (w * w) / (g + r);
  const sine = (Math.exp(-slowRate * t) * -Math.expm1(-2 * r * t)) / (2 * r);
  return { plus: fast + (g + r) * sine, minus: fast - slowRate * sine, sine };
}

/** The one length of the vectors that are longer than 1; 1 where there is none. */
function lengthOf(given: Readonly<Record<string, number | Vector>>): number {
  let n = 1;
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === "number") {
      if (!Number.isFinite(value))
        throw new InvalidValueError(name, `must be a finite number, not ${show(value)}`);
      continue;
    }
    if (!isVector(value))
      throw new InvalidShapeError(name, `must be a number or a vector, not ${show(value)}`);
    checkFinite(name, value);
    if (value.length === 1 || value.length === n) continue;
    if (n !== 1)
      throw new InvalidShapeError(name, `must be a number or a vector of length ${n}, not ${show(value)}`);
    n = value.length;
  }
  return n;
}
