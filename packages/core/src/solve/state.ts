import { product } from "../kernels/scalar.ts";
import type { Space } from "./space.ts";

/** The coordinates of a state, and their metric: `u_i · u_j` is the dot product of row i of `x` with row j of `xg`. */
export interface Coordinates {
  readonly x: Float32Array;
  readonly xg: Float32Array;
  readonly width: number;
}

/** A state of the lattice. */
export interface State extends Coordinates {
  /** `|U_i|²` of each node. */
  readonly squares: Float64Array;
}

/** The state with coordinates `x`. */
export function stateOf(space: Space, x: Float32Array): State {
  const { rows, width, start, startMetric } = space;
  const xg = x === start ? startMetric : space.metric(x);
  const square = (_: unknown, i: number) => Math.max(0, product(x, i * width, xg, i * width, width));
  return { x, xg, width, squares: Float64Array.from({ length: rows }, square) };
}
