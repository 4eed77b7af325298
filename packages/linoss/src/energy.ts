import { checkVector, diagonalOf } from "./check.ts";
import { InvalidValueError, show } from "./errors.ts";
import { asFloat64, diagonalAsFloat64 } from "./space.ts";
import type { Diagonal, Vector } from "./types.ts";

/**
 * The energy of oscillators: `½ Σ (z² + A y²)`.
 *
 * @throws {InvalidShapeError} for lengths that do not fit, or a matrix that is not diagonal.
 */
export function energy(y: Vector, z: Vector, A: Diagonal): number {
  checkVector("y", y);
  checkVector("z", z, y.length);
  const n = y.length;
  const stiffness = diagonalAsFloat64("A", diagonalOf("A", A, n), n);
  return 0.5 * sumOfEnergies(asFloat64("y", y, n), asFloat64("z", z, n), stiffness, n);
}

/** Twice the energy of the first n oscillators, without the checks. */
export function sumOfEnergies(y: Float64Array, z: Float64Array, A: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += z[i]! * z[i]! + A[i]! * y[i]! * y[i]!;
  return sum;
}

/** The change of an energy: next less previous, below 0 where energy was lost. */
export const deltaEnergy = (previous: number, next: number): number => next - previous;

/**
 * Whether a process has settled: the last `window` changes are all smaller than `threshold` in size.
 * False where there are fewer changes than that, or where one of them is NaN.
 *
 * @param deltas changes, oldest first. @param window how many of the last must be small: an integer of at least 1.
 * @throws {InvalidValueError} for a window that is no positive integer.
 */
export function convergenceWindow(deltas: Vector, threshold: number, window: number): boolean {
  checkVector("deltas", deltas);
  if (!Number.isSafeInteger(window) || window < 1) {
    throw new InvalidValueError("window", `must be an integer of at least 1, not ${show(window)}`);
  }
  if (deltas.length < window) return false;
  for (let i = deltas.length - window; i < deltas.length; i++) {
    if (!(Math.abs(deltas[i]!) < threshold)) return false;
  }
  return true;
}
