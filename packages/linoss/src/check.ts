import {
  InvalidDampingError,
  InvalidShapeError,
  InvalidValueError,
  isMatrix,
  isVector,
  show,
  UnsupportedModeError,
} from "./errors.ts";
import type { Diagonal, Matrix, Vector } from "./types.ts";

/** @throws {InvalidValueError} for a time step that is not positive and finite. */
export function checkTimeStep(dt: number): void {
  if (typeof dt !== "number" || !(dt > 0 && dt < Infinity)) {
    throw new InvalidValueError("dt", `must be a positive finite number, not ${show(dt)}`);
  }
}

/** The one name of a mode. @throws {UnsupportedModeError} */
export function modeOf(mode: unknown): "implicit" | "implicit_explicit" {
  switch (mode) {
    // The common spellings come first, for they cost no new text.
    case undefined:
    case "implicit":
      return "implicit";
    case "implicit_explicit":
      return "implicit_explicit";
  }
  const name = typeof mode === "string" ? mode.toLowerCase().replaceAll("-", "_") : "";
  if (name === "implicit" || name === "im") return "implicit";
  if (name === "implicit_explicit" || name === "imex") return "implicit_explicit";
  throw new UnsupportedModeError(
    "mode",
    `must be "implicit" (also "IM") or "implicit_explicit" (also "IMEX"), not ${show(mode)}`,
  );
}

/** @throws {InvalidShapeError} for what is no vector, or not of the length n where one is given. */
export function checkVector(name: string, value: unknown, n?: number): asserts value is Vector {
  if (isVector(value) && (n === undefined || value.length === n)) return;
  throw new InvalidShapeError(
    name,
    `must be a vector${n === undefined ? "" : ` of length ${n}`}, not ${show(value)}`,
  );
}

/** @throws {InvalidValueError} for a value that is not finite. */
export function checkFinite(name: string, values: Vector): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) {
      throw new InvalidValueError(`${name}[${i}]`, `must be a finite number, not ${show(values[i])}`);
    }
  }
}

/**
 * @throws {InvalidShapeError} for what is no matrix of `rows` x `columns`. Undefined stands for any number.
 * @throws {InvalidValueError} for a value that is not finite.
 */
export function checkMatrix(
  name: string,
  value: unknown,
  rows?: number,
  columns?: number,
): asserts value is Matrix {
  const fits =
    isMatrix(value) &&
    (rows === undefined || value.length === rows) &&
    value.every((row) => row.length === (columns ?? value[0]!.length));
  if (!fits) {
    const size = `${rows ?? "any number of"} rows of ${columns ?? "one length"}`;
    throw new InvalidShapeError(name, `must be a matrix of ${size}, not ${show(value)}`);
  }
  value.forEach((row, i) => {
    checkFinite(`${name}[${i}]`, row);
  });
}

/**
 * A number, vector or diagonal matrix whose shape has been checked; a vector of length 1 is the number in it. A matrix costs n²
 * to check, the others nothing.
 *
 * @throws {InvalidShapeError} naming what came. An off-diagonal value that is not 0 counts, however small: it would be lost.
 */
export function diagonalOf(name: string, value: Diagonal, n: number): Diagonal {
  if (typeof value === "number") return value;
  if (isVector(value) && value.length === 1) return value[0]!;
  if (isVector(value) && value.length === n) return value;
  const wanted = `must be a number, a vector of length ${n} or a diagonal matrix of ${n} x ${n}`;
  if (!isMatrix(value) || value.length !== n || value.some((row) => row.length !== n)) {
    throw new InvalidShapeError(name, `${wanted}, not ${show(value)}`);
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (i === j || value[i]![j] === 0) continue;
      throw new InvalidShapeError(
        `${name}[${i}][${j}]`,
        `must be 0, not ${show(value[i]![j])}: ${name} ${wanted}`,
      );
    }
  }
  return value;
}

/** The i-th value of a diagonal whose shape has been checked. */
export function diagonalAt(value: Diagonal, i: number): number {
  if (typeof value === "number") return value;
  const entry = value[i]!;
  return typeof entry === "number" ? entry : entry[i]!;
}

/** Where a diagonal's value is written, for messages. */
function placeOf(name: string, value: Diagonal, i: number): string {
  if (typeof value === "number") return name;
  return isVector(value) ? `${name}[${i}]` : `${name}[${i}][${i}]`;
}

/** @throws {InvalidValueError} for a stiffness that is negative or not finite. */
export function badStiffness(value: Diagonal, i: number): never {
  const came = show(diagonalAt(value, i));
  throw new InvalidValueError(
    placeOf("A", value, i),
    `must be a finite stiffness of at least 0, not ${came}`,
  );
}

/** @throws {InvalidDampingError} for a damping that is negative or not finite. */
export function badDamping(name: string, value: Diagonal, i: number): never {
  const came = show(diagonalAt(value, i));
  throw new InvalidDampingError(
    placeOf(name, value, i),
    `must be a finite damping of at least 0, not ${came}`,
  );
}

/** Whether a number is finite and at least 0: false for NaN. */
export const atLeastZero = (value: number): boolean => value >= 0 && value < Infinity;
