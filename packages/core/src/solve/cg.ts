import type { Kernel, SparseSymmetric } from "../kernels/kernel.ts";
import type { SolveOptions } from "../options/types.ts";

/** What a solve reached. */
export interface Convergence {
  /** Iterations of the block of columns that needed most. */
  readonly iterations: number;
  /** `|F - M X|` (Frobenius) in the coordinates of X, recomputed from the result, not the recursion's own. */
  readonly residual: number;
  /** Whether the residual is at most `tolerance * |F|`. */
  readonly converged: boolean;
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
 * @param x the start, overwritten with the result. From zero it takes one product with M less.
 * @param left is told of `F - M X`, a block of columns at a time, if that is wanted.
 */
export function conjugateGradients(
  m: SparseSymmetric,
  rhs: Float32Array,
  x: Float32Array,
  width: number,
  { tolerance, maxIterations, preconditioner }: SolveOptions,
  kernel: Kernel,
  left: ((residual: BlockOfColumns) => void) | null = null,
): Convergence {
  const { n } = m;
  const size = n * Math.min(BLOCK, width);
  const scales = m.diagonal.map((d) => 1 / d);
  // One number for all rows, as the default system has, preconditions nothing.
  const plain = preconditioner === "none" || scales.every((scale) => scale === scales[0]);
  const [diagonal, rowStart, columnsOf, values, inverse, f, u, p, q, r, z] = kernel.place(
    m.diagonal,
    m.rowStart,
    m.columns,
    m.values,
    scales,
    size,
    size,
    size,
    size,
    size,
    size,
  );
  const alone = rowsAlone(m);
  const placed = { n, diagonal, rowStart, columns: columnsOf, values };
  let iterations = 0;
  let squares = 0;
  let rhsSquares = 0;
  for (let c0 = 0; c0 < width; c0 += BLOCK) {
    const columns = Math.min(BLOCK, width - c0);
    const length = n * columns;
    const block = { width, c0, columns, n };
    const scale = scaleOf(takeColumns(rhs, f, block));
    let fromZero = takeColumns(x, u, block) === 0;
    for (let at = 0; at < length && scale !== 1; at++) {
      f[at]! /= scale;
      u[at]! /= scale;
    }
    p.fill(0);
    if (fromZero) {
      // Rows without neighbours are solved at once: the search then leaves them where they are.
      for (const i of alone) {
        for (let at = i * columns; at < (i + 1) * columns; at++) u[at] = f[at]! / m.diagonal[i]!;
      }
    }
    /** Makes r = f - M u; returns its square. */
    const residual = (): number => {
      r.set(f);
      if (fromZero) {
        for (const i of alone) r.fill(0, i * columns, (i + 1) * columns);
      } else {
        kernel.multiply(placed, u, q, columns);
        kernel.axpy(-1, q, r, length);
      }
      return kernel.dot(r, 0, r, 0, length);
    };

    const fNorm2 = kernel.dot(f, 0, f, 0, length);
    const goal = tolerance * tolerance * fNorm2;
    // M times zero: nothing to search for.
    if (fNorm2 === 0) u.fill(0);
    let rNorm2 = residual();
    let rz = 0;
    let count = 0;
    // The recursion drifts from the true residual by rounding: it is recomputed at the end, and if it misses the
    // goal the search starts again from there.
    // Where that no longer halves it, float32 has no more to give.
    let before = Infinity;
    for (let fresh = true; rNorm2 > goal && count < maxIterations; ) {
      if (!plain) kernel.scaleRows(inverse, r, z, columns);
      const next = plain ? rNorm2 : kernel.dot(r, 0, z, 0, length);
      kernel.xpby(plain ? r : z, fresh ? 0 : next / rz, p, length);
      rz = next;
      kernel.multiply(placed, p, q, columns);
      const alpha = rz / kernel.dot(p, 0, q, 0, length);
      kernel.axpy(alpha, p, u, length);
      kernel.axpy(-alpha, q, r, length);
      fromZero = false;
      count++;
      rNorm2 = kernel.dot(r, 0, r, 0, length);
      fresh = rNorm2 <= goal || count === maxIterations;
      if (!fresh) continue;
      rNorm2 = residual();
      if (4 * rNorm2 > before) break;
      before = rNorm2;
    }
    if (fromZero && alone.length > 0) {
      fromZero = false;
      rNorm2 = residual();
    }
    putColumns({ ...block, values: u, scale }, x);
    left?.({ ...block, values: r, scale });
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

/** The rows that have no entry but the diagonal's. */
const rowsAlone = ({ n, rowStart }: SparseSymmetric): number[] =>
  Array.from({ length: n }, (_, i) => i).filter((i) => rowStart[i] === rowStart[i + 1]);

/**
 * A power of two to divide a block by, whose largest magnitude is given: that rounds nothing, and keeps products of two
 * values from under- and overflowing. 1 where there is no such danger.
 */
function scaleOf(largest: number): number {
  let scale = 1;
  while (largest > 2 ** 16 * scale) scale *= 2;
  while (largest > 0 && largest < 2 ** -16 * scale) scale /= 2;
  return scale;
}

/** Which columns of a matrix of n rows make a block. */
interface Block {
  readonly width: number;
  readonly c0: number;
  readonly columns: number;
  readonly n: number;
}

/** Some columns of a matrix: n rows of `columns` values, each to be multiplied by `scale`. */
export interface BlockOfColumns extends Block {
  readonly values: Float32Array;
  readonly scale: number;
}

/** Copies a block's columns; returns the largest magnitude among them. */
function takeColumns(matrix: Float32Array, block: Float32Array, { width, c0, columns, n }: Block): number {
  let largest = 0;
  for (let i = 0, to = 0; i < n; i++) {
    for (let from = i * width + c0, end = from + columns; from < end; from++) {
      const value = matrix[from]!;
      block[to++] = value;
      const magnitude = Math.abs(value);
      if (magnitude > largest) largest = magnitude;
    }
  }
  return largest;
}

/** Copies a block into the matrix that it is of. */
export function putColumns(
  { values, scale, width, c0, columns, n }: BlockOfColumns,
  matrix: Float32Array,
): void {
  for (let i = 0, from = 0; i < n; i++) {
    for (let to = i * width + c0, end = to + columns; to < end; to++) matrix[to] = values[from++]! * scale;
  }
}
