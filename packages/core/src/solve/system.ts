import type { Laplacian } from "../graph/laplacian.ts";
import type { SparseSymmetric } from "../kernels/kernel.ts";

/** The linear system `M U = F` of the lattice, `M = lamG I + lamC L + diag(pull)`. */
export interface System {
  readonly matrix: SparseSymmetric;
  readonly lamG: number;
  /** The query's pull on each node, `lamQ b_i`. */
  readonly pull: Float32Array;
}

/**
 * Assembles M as one sparse symmetric matrix. With `lamG > 0` and the other weights `>= 0` it is positive definite
 * with smallest eigenvalue >= lamG, since L is positive semidefinite: the energy has one minimum.
 */
export function assemble(laplacian: Laplacian, lamG: number, lamC: number, pull: Float32Array): System {
  const { n, rowStart, columns, weights, connected } = laplacian;
  const diagonal = Float32Array.from(pull, (b, i) => lamG + lamC * connected[i]! + b);
  const values = weights.map((w) => -lamC * w);
  return { matrix: { n, diagonal, rowStart, columns, values }, lamG, pull };
}

/** `I + dt M`: the matrix of one implicit Euler step of length dt down the energy's gradient. */
export function implicitEuler({ matrix }: System, dt: number): SparseSymmetric {
  return {
    ...matrix,
    diagonal: matrix.diagonal.map((d) => 1 + dt * d),
    values: matrix.values.map((v) => dt * v),
  };
}
