import type { Kernel, SparseSymmetric } from "../kernels/kernel.ts";

/** What a solve reached. */
export interface Convergence {
  /** Iterations of the block of columns that needed most. */
  readonly iterations: number;
  /** `|F - M X|` (Frobenius) in the coordinates of X, recomputed from the result, not the recursion's own. */
  readonly residual: number;
  /** Whether the residual is at most `tolerance * |F|`. */
  readonly converged: boolean;
}

/** When to stop, and how to precondition. */
export interface SolveOptions {
  readonly tolerance: number;
  readonly maxIterations: number;
  readonly preconditioner: "jacobi" | "none";
}

/** Columns solved together: for a pool of 100, the five arrays of a block are 125 KiB and stay in the cache. */
const BLOCK = 64;

/**
 * Solves `M X = F` for all columns of F by preconditioned conjugate gradients (Hestenes & Stiefel 1952;
 * Saad 2003, algorithm 9.1), starting from what X holds.
 *
 * The columns of a block share one step length: a block is one long vector and the operator is M on each column, so
 * the convergence bound is that of M, and the inner loops are plain dot products.
 *
 * @param rhs F, n rows of `width` values; width a multiple of 4.
 * @param x the start, overwritten with the result.
 */
export function conjugateGradients(
  m: SparseSymmetric,
  rhs: Float32Array,
  x: Float32Array,
  width: number,
  { tolerance, maxIterations, preconditioner }: SolveOptions,
  kernel: Kernel,
): Convergence {
  const inverse = m.diagonal.map((d) => (preconditioner === "jacobi" ? 1 / d : 1));
  let iterations = 0;
  let squares = 0;
  let rhsSquares = 0;
  for (let c0 = 0; c0 < width; c0 += BLOCK) {
    const columns = Math.min(BLOCK, width - c0);
    const length = m.n * columns;
    const f = takeColumns(rhs, width, c0, columns, m.n);
    const u = takeColumns(x, width, c0, columns, m.n);
    // Scaled by a power of two, which rounds nothing, so that no product of two values under- or overflows.
    const scale = powerAbove(f);
    for (let at = 0; at < length; at++) {
      f[at]! /= scale;
      u[at]! /= scale;
    }
    const p = new Float32Array(length);
    const q = new Float32Array(length);
    const z = new Float32Array(length);
    const residual = (): Float32Array => {
      const r = f.slice();
      kernel.multiply(m, u, q, columns);
      kernel.axpy(-1, q, r, length);
      return r;
    };

    const fNorm2 = kernel.dot(f, 0, f, 0, length);
    const goal = tolerance * tolerance * fNorm2;
    // M times zero: nothing to search for.
    if (fNorm2 === 0) u.fill(0);
    let r = residual();
    let rNorm2 = kernel.dot(r, 0, r, 0, length);
    let rz = 0;
    let count = 0;
    // The recursion drifts from the true residual by rounding: it is recomputed at the end, and if it misses the
    // goal the search starts again from there.
    for (let fresh = true; rNorm2 > goal && count < maxIterations; count++) {
      kernel.scaleRows(inverse, r, z, columns);
      const next = kernel.dot(r, 0, z, 0, length);
      kernel.xpby(z, fresh ? 0 : next / rz, p, length);
      rz = next;
      kernel.multiply(m, p, q, columns);
      const alpha = rz / kernel.dot(p, 0, q, 0, length);
      kernel.axpy(alpha, p, u, length);
      kernel.axpy(-alpha, q, r, length);
      fresh = false;
      if (kernel.dot(r, 0, r, 0, length) <= goal || count + 1 === maxIterations) {
        r = residual();
        fresh = true;
      }
      rNorm2 = kernel.dot(r, 0, r, 0, length);
    }
    for (let at = 0; at < length; at++) u[at]! *= scale;
    putColumns(u, x, width, c0, columns, m.n);
    iterations = Math.max(iterations, count);
    squares += rNorm2 * scale * scale;
    rhsSquares += fNorm2 * scale * scale;
  }
  return {
    iterations,
    residual: Math.sqrt(squares),
    converged: squares <= tolerance * tolerance * rhsSquares,
  };
}

/** The smallest power of two above all values' magnitudes; 1 if all are zero. */
function powerAbove(values: Float32Array): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  if (largest === 0) return 1;
  let power = 1;
  while (power <= largest) power *= 2;
  while (power / 2 > largest) power /= 2;
  return power;
}

function takeColumns(
  source: Float32Array,
  width: number,
  c0: number,
  columns: number,
  n: number,
): Float32Array {
  const block = new Float32Array(n * columns);
  for (let i = 0; i < n; i++) {
    block.set(source.subarray(i * width + c0, i * width + c0 + columns), i * columns);
  }
  return block;
}

function putColumns(
  block: Float32Array,
  target: Float32Array,
  width: number,
  c0: number,
  columns: number,
  n: number,
): void {
  for (let i = 0; i < n; i++) {
    target.set(block.subarray(i * columns, (i + 1) * columns), i * width + c0);
  }
}
