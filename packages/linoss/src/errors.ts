/** Every error that this package throws on purpose: the message names the parameter, what came, and what to do. */
export class LinOSSError extends Error {
  override readonly name: string = "LinOSSError";
  /** The parameter at fault, as the caller wrote it: `"A"`, `"options.mode"`. */
  readonly parameter: string;

  constructor(parameter: string, message: string) {
    super(`${parameter}: ${message}`);
    this.parameter = parameter;
  }
}

/** A vector or matrix of the wrong kind or size, or a matrix that should be diagonal and is not. */
export class InvalidShapeError extends LinOSSError {
  override readonly name = "InvalidShapeError";
}

/** A damping that is negative or not finite. */
export class InvalidDampingError extends LinOSSError {
  override readonly name = "InvalidDampingError";
}

/** A mode that is neither implicit nor implicit-explicit. */
export class UnsupportedModeError extends LinOSSError {
  override readonly name = "UnsupportedModeError";
}

/** A number out of its range: a time step that is not positive, a negative stiffness, a NaN, a singular matrix. */
export class InvalidValueError extends LinOSSError {
  override readonly name = "InvalidValueError";
}

/** How a value is shown in a message: short, and never the values of a long array. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (isVector(value)) return `a vector of ${value.length}`;
  if (isMatrix(value)) return `a matrix of ${value.length} x ${value[0]!.length}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" ? "a function" : String(value);
}

/** Whether a value is a vector: an array of numbers, typed or not. An empty array is one. */
export function isVector(value: unknown): value is ArrayLike<number> {
  if (Array.isArray(value)) return value.length === 0 || typeof value[0] === "number";
  return ArrayBuffer.isView(value) && typeof (value as unknown as { length?: unknown }).length === "number";
}

/** Whether a value is a matrix: an array of rows, each a vector. */
export function isMatrix(value: unknown): value is readonly ArrayLike<number>[] {
  return Array.isArray(value) && value.length > 0 && typeof value[0] !== "number" && value.every(isVector);
}
