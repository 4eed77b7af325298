import type { Matrix } from "./matrix.ts";

/** Which entries of a square matrix are there, in compressed sparse rows (CSR), columns ascending. */
export interface Pattern {
  readonly n: number;
  /** Row i's entries are at `rowStart[i] … rowStart[i + 1] - 1`; length n + 1. */
  readonly rowStart: Int32Array;
  readonly columns: Int32Array;
}

/** A sparse symmetric matrix: its diagonal, and the rest as a pattern with values. */
export interface SparseSymmetric extends Pattern {
  readonly diagonal: Float32Array;
  readonly values: Float32Array;
}

/**
 * For each of n rows, the list of those that may still be among its k nearest: the r-th of row i is
 * `to[i * capacity + r]`, of similarity `weight[i * capacity + r]`. A row's others come to it by rising index.
 */
export interface NearestLists {
  readonly k: number;
  readonly capacity: number;
  readonly to: Int32Array;
  readonly weight: Float32Array;
  /** How many are listed; length n. */
  readonly count: Int32Array;
  /** What a similarity must reach to be listed, > 0; length n. */
  readonly threshold: Float32Array;
  /** Whether all that are tied with the k-th stay, or those alone that came first. */
  readonly keepTies: boolean;
}

/** What {@link Kernel.place} takes: arrays and matrices to copy, or lengths of arrays of zeros. */
export type Placeable = Float32Array | Float64Array | Int32Array | Matrix | number;

/** What it returns: an array for each, or a matrix for a matrix. */
export type Placed<T extends readonly Placeable[]> = {
  [I in keyof T]: T[I] extends number ? Float32Array : T[I] extends Matrix ? Matrix : T[I];
};

/**
 * The arithmetic of the inner loops, in float32; where the result is a Float64Array, in float64. Every kernel rounds each
 * product and each sum in the same order, so that all of them return the same bits: sums along a row run in four lanes
 * (element i in lane i mod 4), and the lanes are added as `(lane0 + lane2) + (lane1 + lane3)`. Widths, strides and lengths
 * are multiples of four.
 *
 * Operations take any arrays; those that {@link place} returned are the fast ones.
 */
export interface Kernel {
  readonly name: string;
  readonly version: number;
  /**
   * Copies of arrays, and arrays of zeros, in the memory that the kernel computes in. They are gone at the next call,
   * which takes the same memory: what is to last is copied out.
   */
  place<const T extends readonly Placeable[]>(...sources: T): Placed<T>;
  /**
   * Has {@link place} copy a matrix once for many calls, until another is held: rows that several operations read. So neither it
   * nor its copies may be written to. What was placed before is gone.
   */
  hold(rows: Matrix): void;
  /**
   * The rows `scale_r rows_r` for `r = order_i`, multiplied in float64 and then rounded: what is held from now on. Its `data` are
   * made when they are first read, of what they came from, which must not be written to.
   */
  gather(rows: Matrix, order: Int32Array, scale: Float64Array): Matrix;
  /** `out_i = |rows_i|`. */
  norms(rows: Matrix, out: Float64Array): void;
  /** `out_i = rows_i · vector`. */
  products(rows: Matrix, vector: Float32Array, out: Float64Array): void;
  /** `out += Σ scale_i rows_i`. */
  sumRows(rows: Matrix, scale: Float64Array, out: Float64Array): void;
  /** The dot product of `length` values from `a[aStart]` and `b[bStart]`. */
  dot(a: Float32Array, aStart: number, b: Float32Array, bStart: number, length: number): number;
  /** `out[(i - i0) * (j1 - j0) + (j - j0)] = a_i · b_j` for rows i0 <= i < i1 of a and j0 <= j < j1 of b. */
  dots(a: Matrix, i0: number, i1: number, b: Matrix, j0: number, j1: number, out: Float32Array): void;
  /** `out_ij = rows_i · rows_j`, both halves: the Gram matrix. */
  gram(rows: Matrix, out: Matrix): void;
  /** `out = m x` for x with `width` values a row. */
  multiply(m: SparseSymmetric, x: Float32Array, out: Float32Array, width: number): void;
  /** `out[e] = (x_i - x_j) · (y_i - y_j)` for each entry e = (i, j) with i < j; the others are left as they are. */
  differences(pattern: Pattern, x: Float32Array, y: Float32Array, out: Float32Array, width: number): void;
  /**
   * Offers pairs to the lists of both their rows: those i < j among rows i0 <= i < i1 and columns j0 <= j < j1, whose
   * product is `products[(i - i0) * stride + (j - j0)]`. A product above 1 counts as 1. A list that gets full is cut
   * down as {@link keepBest} says.
   */
  offer(
    lists: NearestLists,
    products: Float32Array,
    stride: number,
    i0: number,
    i1: number,
    j0: number,
    j1: number,
  ): void;
  /**
   * Cuts each list of more than k down to its k best and, with `keepTies`, those tied with the k-th; from then on
   * others must reach these to be listed. A class of ties that would leave the list full is left out whole.
   */
  keepBest(lists: NearestLists): void;
  /** `y += alpha x` over `length` values. */
  axpy(alpha: number, x: Float32Array, y: Float32Array, length: number): void;
  /** `y = x + beta y` over `length` values. */
  xpby(x: Float32Array, beta: number, y: Float32Array, length: number): void;
  /** `out_i = scale_i x_i` for rows of `width` values. */
  scaleRows(scale: Float32Array, x: Float32Array, out: Float32Array, width: number): void;
}

/** How far a kernel's product of two rows of length 1 may be from the exact one: sums in four lanes (Higham 2002, 3.1). */
export const productRadius = ({ stride }: Matrix): number => (stride / 4 + 4) * 2 ** -24;
