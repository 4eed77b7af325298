import { modeOf } from "./check.ts";
import { InvalidShapeError, isMatrix, isVector, show } from "./errors.ts";
import { linossStep } from "./step.ts";
import type { Diagonal, Matrix, StepMetrics, StepOptions, Vector } from "./types.ts";

/** Options of a scan. */
export interface ScanOptions extends Omit<StepOptions, "u" | "out"> {
  /** Positions before the first step. Default 0. */
  readonly y0?: Vector;
  /** Velocities before the first step. Default 0. */
  readonly z0?: Vector;
}

/** The states of a scan over T steps, the initial one first, and what each step did. */
export interface ScanResult {
  /** T + 1 vectors of n positions. */
  readonly Y: Float64Array[];
  /** T + 1 vectors of n velocities. */
  readonly Z: Float64Array[];
  /** T records. */
  readonly metrics: StepMetrics[];
}

/**
 * A sequence of {@link linossStep}: step t is forced by row t of U.
 *
 * The number n of oscillators is the length of y0 or z0, of a vector or matrix A, or the rows of B; with a number for A and no B
 * it is the columns of U.
 *
 * @param U T inputs: a vector of T numbers, or T rows of m values. Empty: no step.
 * @throws as {@link linossStep} does, and {@link InvalidShapeError} for a U that is neither.
 */
export function linossScan(
  U: Vector | Matrix,
  A: Diagonal,
  dt: number,
  options: ScanOptions = {},
): ScanResult {
  const { y0, z0, ...rest } = options;
  if (!isVector(U) && !isMatrix(U)) {
    throw new InvalidShapeError("U", `must be a vector of T numbers or T rows of one length, not ${show(U)}`);
  }
  modeOf(rest.mode);
  const n = sizeOf(U, A, options);
  let y: Float64Array = y0 === undefined ? new Float64Array(n) : Float64Array.from(y0);
  let z: Float64Array = z0 === undefined ? new Float64Array(n) : Float64Array.from(z0);
  if (y.length !== z.length) {
    throw new InvalidShapeError("options.z0", `must have the length of y0, ${y.length}, not ${z.length}`);
  }
  const result: ScanResult = { Y: [y], Z: [z], metrics: [] };
  for (let t = 0; t < U.length; t++) {
    const next = linossStep(y, z, A, dt, { ...rest, u: U[t]! });
    ({ y, z } = next);
    result.Y.push(y);
    result.Z.push(z);
    result.metrics.push(next.metrics);
  }
  return result;
}

function sizeOf(U: Vector | Matrix, A: Diagonal, { B, y0, z0 }: ScanOptions): number {
  if (y0 !== undefined) return y0.length;
  if (z0 !== undefined) return z0.length;
  if (typeof A !== "number" && A.length !== 1) return A.length;
  if (B === undefined) return isMatrix(U) ? U[0]!.length : 1;
  if (typeof B !== "number") return B.length;
  throw new InvalidShapeError("options.B", `must be a vector or a matrix, not ${show(B)}`);
}
