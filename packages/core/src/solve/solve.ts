import { product } from "../embeddings.ts";
import type { Kernel, SparseSymmetric } from "../kernels/kernel.ts";
import { type Convergence, conjugateGradients, type SolveOptions } from "./cg.ts";
import type { Space } from "./space.ts";

/**
 * Solves `M X = F` in either space until the residual of the vectors themselves, `|F - M U|`, is at most
 * `tolerance * |F|`. In a span the coefficients' residual is another norm, so the goal is checked in the right one
 * and tightened when it was missed.
 *
 * @param size `|F|` of the vectors, if it is known: in a span it costs as much as a few iterations.
 */
export function solve(
  m: SparseSymmetric,
  space: Space,
  rhs: Float32Array,
  x: Float32Array,
  options: SolveOptions,
  kernel: Kernel,
  size: number | null = null,
): Convergence {
  const { width } = space;
  const { tolerance, maxIterations } = options;
  if (space.kind === "ambient") return conjugateGradients(m, rhs, x, width, options, kernel);
  const goal = tolerance * (size ?? norm(space, rhs));
  const residual = new Float32Array(x.length);
  let iterations = 0;
  for (let inner = tolerance; ; inner /= 8) {
    const rest = { ...options, tolerance: inner, maxIterations: maxIterations - iterations };
    iterations += conjugateGradients(m, rhs, x, width, rest, kernel, residual).iterations;
    const reached = norm(space, residual);
    const converged = reached <= goal;
    // Below float32's resolution there is nothing left to gain.
    if (converged || iterations >= maxIterations || inner < 1e-8) {
      return { iterations, residual: reached, converged };
    }
  }
}

/** The Frobenius norm of the vectors that a state stands for. */
function norm(space: Space, x: Float32Array): number {
  return Math.sqrt(Math.max(0, product(x, 0, space.metric(x), 0, x.length)));
}
