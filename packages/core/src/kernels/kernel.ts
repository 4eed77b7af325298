import type { Matrix } from "../embeddings.ts";

/** A sparse symmetric matrix: its diagonal, and the rest in compressed sparse rows (CSR), columns ascending. */
export interface SparseSymmetric {
  readonly n: number;
  readonly diagonal: Float32Array;
  /** Row i's off-diagonal entries are at `rowStart[i] … rowStart[i + 1] - 1`; length n + 1. */
  readonly rowStart: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float32Array;
}

/**
 * The arithmetic of the inner loops, in float32. Every kernel rounds each product and each sum to float32 in the
 * same order, so that all of them return the same bits: sums along a row run in four lanes (element i in lane
 * i mod 4), and the lanes are added as `(lane0 + lane2) + (lane1 + lane3)`. Lengths are multiples of four.
 */
export interface Kernel {
  readonly name: string;
  readonly version: number;
  /** The dot product of `length` values from `a[aStart]` and `b[bStart]`. */
  dot(a: Float32Array, aStart: number, b: Float32Array, bStart: number, length: number): number;
  /** `out[(i - i0) * (j1 - j0) + (j - j0)] = a_i · b_j` for rows i0 <= i < i1 of a and j0 <= j < j1 of b. */
  dots(a: Matrix, i0: number, i1: number, b: Matrix, j0: number, j1: number, out: Float32Array): void;
  /** `out = m x` for x with `width` values a row. */
  multiply(m: SparseSymmetric, x: Float32Array, out: Float32Array, width: number): void;
  /** `y += alpha x` over `length` values. */
  axpy(alpha: number, x: Float32Array, y: Float32Array, length: number): void;
  /** `y = x + beta y` over `length` values. */
  xpby(x: Float32Array, beta: number, y: Float32Array, length: number): void;
  /** `out_i = scale_i x_i` for rows of `width` values. */
  scaleRows(scale: Float32Array, x: Float32Array, out: Float32Array, width: number): void;
}
