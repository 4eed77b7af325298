import type { Laplacian } from "../graph/laplacian.ts";
import type { SparseSymmetric } from "../kernels/kernel.ts";

/** The linear system `M U = F` of the lattice, `M = lamG I + lamC L + diag(pull) + lamP L_path`. */
export interface System {
  readonly matrix: SparseSymmetric;
  readonly laplacian: Laplacian;
  readonly lamG: number;
  readonly lamC: number;
  /** The query's pull on each node, `lamQ b_i`. */
  readonly pull: Float32Array;
  /** The chain's Laplacian times lamP; null without a chain. */
  readonly path: Laplacian | null;
}

/**
 * Assembles M as one sparse symmetric matrix. With `lamG > 0` and the other weights `>= 0` it is positive definite
 * with smallest eigenvalue >= lamG, since both Laplacians are positive semidefinite: the energy has one minimum.
 */
export function assemble(
  laplacian: Laplacian,
  lamG: number,
  lamC: number,
  pull: Float32Array,
  chain: { readonly laplacian: Laplacian; readonly lamP: number } | null = null,
): System {
  const path = chain && scaled(chain.laplacian, chain.lamP);
  const coherence = lamC > 0 ? laplacian : unconnected(laplacian.n);
  const sum = path ? added(scaled(coherence, lamC), path) : coherence;
  const by = path ? 1 : lamC;
  const matrix = {
    ...sum,
    diagonal: Float32Array.from(pull, (b, i) => lamG + b + by * sum.diagonal[i]!),
    values: times(-by, sum.weights),
  };
  return { matrix, laplacian, lamG, lamC, pull, path };
}

/**
 * `identity I + step M`: with identity 1 and step dt, the matrix of one implicit Euler step down the energy's gradient.
 */
export function shifted({ matrix }: System, identity: number, step: number): SparseSymmetric {
  return {
    ...matrix,
    diagonal: matrix.diagonal.map((d) => identity + step * d),
    values: times(step, matrix.values),
  };
}

/** The Laplacian of n nodes without edges: entries of weight 0 would make the solver work for nothing. */
const unconnected = (n: number): Laplacian => ({
  n,
  diagonal: new Float64Array(n),
  rowStart: new Int32Array(n + 1),
  columns: new Int32Array(0),
  weights: new Float32Array(0),
});

function times(by: number, values: Float32Array): Float32Array {
  const product = new Float32Array(values.length);
  for (let e = 0; e < values.length; e++) product[e] = by * values[e]!;
  return product;
}

const scaled = (laplacian: Laplacian, by: number): Laplacian => ({
  ...laplacian,
  diagonal: laplacian.diagonal.map((d) => by * d),
  weights: times(by, laplacian.weights),
});

/** The sum of two Laplacians: their rows merged, columns ascending. */
function added(a: Laplacian, b: Laplacian): Laplacian {
  const rowStart = new Int32Array(a.n + 1);
  const columns: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < a.n; i++) {
    let p = a.rowStart[i]!;
    let q = b.rowStart[i]!;
    while (p < a.rowStart[i + 1]! || q < b.rowStart[i + 1]!) {
      const left = p < a.rowStart[i + 1]! ? a.columns[p]! : Infinity;
      const right = q < b.rowStart[i + 1]! ? b.columns[q]! : Infinity;
      columns.push(Math.min(left, right));
      weights.push((left <= right ? a.weights[p++]! : 0) + (right <= left ? b.weights[q++]! : 0));
    }
    rowStart[i + 1] = columns.length;
  }
  const diagonal = a.diagonal.map((d, i) => d + b.diagonal[i]!);
  return {
    n: a.n,
    diagonal,
    rowStart,
    columns: Int32Array.from(columns),
    weights: Float32Array.from(weights),
  };
}
