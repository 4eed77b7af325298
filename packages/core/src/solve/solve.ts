import type { Kernel, SparseSymmetric } from "../kernels/kernel.ts";
import { type Convergence, conjugateGradients, type SolveOptions } from "./cg.ts";
import type { Space } from "./space.ts";

/**
 * Solves `M X = F` in either space until the residual of the vectors themselves, `|F - M U|`, is at most
 * `tolerance * |F|`. In a span the coefficients' residual is another norm, so the goal is checked in the right one
 * and tightened when it was missed.
 */
export function solve(
  m: SparseSymmetric,
  space: Space,
  rhs: Float32Array,
  x: Float32Array,
  options: SolveOptions,
  kernel: Kernel,
): Convergence {
  const { width } = space;
  const { tolerance, maxIterations } = options;
  if (space.kind === "ambient") return conjugateGradients(m, rhs, x, width, options, kernel);
  const goal = tolerance * norm(space, rhs, kernel);
  const residual = new Float32Array(x.length);
  let iterations = 0;
  for (let inner = tolerance; ; inner /= 8) {
    const rest = { ...options, tolerance: inner, maxIterations: maxIterations - iterations };
    iterations += conjugateGradients(m, rhs, x, width, rest, kernel).iterations;
    kernel.multiply(m, x, residual, width);
    kernel.xpby(rhs, -1, residual, residual.length);
    const reached = norm(space, residual, kernel);
    const converged = reached <= goal;
    // Below float32's resolution there is nothing left to gain.
    if (converged || iterations >= maxIterations || inner < 1e-8) {
      return { iterations, residual: reached, converged };
    }
  }
}

/** The Frobenius norm of the vectors that a state stands for. */
function norm(space: Space, x: Float32Array, kernel: Kernel): number {
  const { width } = space;
  const xg = space.metric(x);
  let sum = 0;
  for (let at = 0; at < x.length; at += width) sum += kernel.dot(x, at, xg, at, width);
  return Math.sqrt(Math.max(0, sum));
}
