import { diagonalAt } from "./check.ts";
import type { Diagonal, Vector } from "./types.ts";

/** What each scratch buffer holds. */
type Use = "y" | "z" | "A" | "G" | "force";

/** Kept from call to call, so that a step allocates nothing. No call ends with anything in them that another reads. */
const buffers: Record<Use, Float64Array> = {
  y: new Float64Array(0),
  z: new Float64Array(0),
  A: new Float64Array(0),
  G: new Float64Array(0),
  force: new Float64Array(0),
};

/** A scratch buffer of at least n values, with whatever an earlier call left in it. */
export function space(use: Use, n: number): Float64Array {
  if (buffers[use].length < n) buffers[use] = new Float64Array(n);
  return buffers[use];
}

/** A vector as Float64Array: itself, or a copy in scratch. Loops over one kind of array are several times as fast. */
export function asFloat64(use: Use, value: Vector, n: number): Float64Array {
  if (value instanceof Float64Array) return value;
  const copy = space(use, n);
  copy.set(value);
  return copy;
}

/** The values of a diagonal whose shape has been checked, likewise. */
export function diagonalAsFloat64(use: Use, value: Diagonal, n: number): Float64Array {
  if (typeof value === "number") return space(use, n).fill(value, 0, n);
  if (typeof value[0] !== "object") return asFloat64(use, value as Vector, n);
  const copy = space(use, n);
  for (let i = 0; i < n; i++) copy[i] = diagonalAt(value, i);
  return copy;
}
