import type { Kernel, SparseSymmetric } from "../kernels/kernel.ts";
import { product } from "../kernels/scalar.ts";
import type { SolveOptions } from "../options/types.ts";
import { type BlockOfColumns, type Convergence, conjugateGradients, putColumns } from "./cg.ts";
import type { Space } from "./space.ts";

/** What a solve reached, and where. */
export interface Solved {
  readonly convergence: Convergence;
  /** `|F - M U|` of each row, in the vectors themselves. */
  readonly residuals: Float64Array;
}

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
): Solved {
  const { width } = space;
  const { tolerance, maxIterations } = options;
  if (space.kind === "ambient") {
    const squares = new Float64Array(m.n);
    const convergence = conjugateGradients(
      m,
      rhs,
      x,
      width,
      options,
      kernel,
      ({ values, scale, columns }) => {
        for (let i = 0; i < m.n; i++) {
          squares[i]! += scale * scale * product(values, i * columns, values, i * columns, columns);
        }
      },
    );
    return { convergence, residuals: squares.map(Math.sqrt) };
  }
  const rest = new Float32Array(x.length);
  const put = (block: BlockOfColumns) => putColumns(block, rest);
  const goal = tolerance * (size ?? norm(lengths(space, rhs)));
  let iterations = 0;
  for (let inner = tolerance; ; inner /= 8) {
    const left = { ...options, tolerance: inner, maxIterations: maxIterations - iterations };
    iterations += conjugateGradients(m, rhs, x, width, left, kernel, put).iterations;
    const residuals = lengths(space, rest);
    const residual = norm(residuals);
    const converged = residual <= goal;
    // Below float32's resolution there is nothing left to gain.
    if (converged || iterations >= maxIterations || inner < 1e-8) {
      return { convergence: { iterations, residual, converged }, residuals };
    }
  }
}

/** The lengths of the vectors that a state stands for. */
function lengths(space: Space, x: Float32Array): Float64Array {
  const { rows, width } = space;
  const xg = space.metric(x);
  const length = (_: unknown, i: number) =>
    Math.sqrt(Math.max(0, product(x, i * width, xg, i * width, width)));
  return Float64Array.from({ length: rows }, length);
}

const norm = (values: Float64Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

/** Half the distance of float32 numbers around 1. */
const UNIT = 2 ** -24;

/**
 * How far each vector of a solution may be from the exact one, by what is left of each row's equation.
 *
 * Two bounds hold, and the smaller one is taken. M is positive definite with smallest eigenvalue at least lamG, so no row
 * is further off than `|R| / lamG`. And M is an M-matrix (Berman & Plemmons 1994): its entries off the diagonal are not
 * above 0, so with any `w > 0` and `c = min (M w)_i / w_i > 0` row i is off by `w_i / c max_j |r_j| / w_j` at most. For
 * `w = √degree` the normalized Laplacian vanishes and c is lamG: that bound is of single rows, √n times narrower.
 *
 * To each residual is added what its own float32 sums may have lost: of m terms, `√m` roundings (Higham & Mary 2019). That
 * is an estimate, one rounding error not knowing of the other, not a bound.
 *
 * @param residuals `|r_i|` of each row.
 * @param lengths of the solution's vectors.
 * @param w a positive number a row.
 */
export function errorBounds(
  m: SparseSymmetric,
  residuals: Float64Array,
  lengths: Float64Array,
  lamG: number,
  w: Float64Array,
): Float64Array {
  const { n, diagonal, rowStart, columns, values } = m;
  let squares = 0;
  let c = Infinity;
  let worst = 0;
  for (let i = 0; i < n; i++) {
    const [first, end] = [rowStart[i]!, rowStart[i + 1]!];
    let image = diagonal[i]! * w[i]!;
    let size = diagonal[i]! * lengths[i]!;
    for (let e = first; e < end; e++) {
      const j = columns[e]!;
      image += values[e]! * w[j]!;
      size += Math.abs(values[e]!) * lengths[j]!;
    }
    // The terms of a row's sum: its entries, the diagonal's and F's own.
    const residual = residuals[i]! + Math.sqrt(end - first + 2) * UNIT * size;
    squares += residual * residual;
    c = Math.min(c, image / w[i]!);
    worst = Math.max(worst, residual / w[i]!);
  }
  const whole = Math.sqrt(squares) / lamG;
  return w.map((own) => (c > 0 ? Math.min(whole, (own / c) * worst) : whole));
}
