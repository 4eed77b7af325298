import type { Kernel } from "../kernels/kernel.ts";
import { type Matrix, matrix, padded } from "../kernels/matrix.ts";
import { product } from "../kernels/scalar.ts";

/**
 * The coordinates in which the system is solved. Every settled vector is a combination of the candidates' (and the
 * query's, if it pulls), so there are two ways to write one down:
 *
 * - `ambient`: its D values;
 * - `span`: its coefficients over the candidates' own vectors Z. When there are fewer candidates than dimensions
 *   this is less work, and lengths and cosines follow from the Gram matrix `G = Z Zᵀ` that the graph needs anyway.
 *
 * What is computed downstream is the same in both: `u_i · u_j = x_i G x_jᵀ`, with `G = I` in the ambient space.
 */
export interface Space {
  readonly kind: "ambient" | "span";
  /** Rows of a state: one a node. */
  readonly rows: number;
  /** Values a row, a multiple of 4. */
  readonly width: number;
  /** The candidates' vectors in these coordinates, n rows of `width`, and the metric of them. */
  readonly start: Float32Array;
  readonly startMetric: Float32Array;
  /** The query in these coordinates; null in a span without it. */
  readonly query: Float32Array | null;
  /** `X G`: the inner product of two states is the dot product of the one with the metric of the other. */
  metric(x: Float32Array): Float32Array;
  /** The state as n rows of D values. */
  toVectors(x: Float32Array): Matrix;
}

/** The largest number of candidates whose whole Gram matrix is kept: 512 x 512 float32 values are 1 MiB. */
export const SPAN_LIMIT = 512;

/**
 * The cheaper space, by the products that each needs: about 8 sparse multiplications of `entries` entries, and in
 * the span two dense ones by G. It depends on the sizes alone, so the same input always takes the same way.
 */
export function cheaperSpace(n: number, d: number, entries: number): Space["kind"] {
  const ambient = 8 * entries * d;
  const span = 8 * entries * n + 2 * n * n * n;
  return n <= SPAN_LIMIT && span < ambient ? "span" : "ambient";
}

export function ambientSpace(vectors: Matrix, query: Float32Array | null): Space {
  return {
    kind: "ambient",
    rows: vectors.rows,
    width: vectors.stride,
    start: vectors.data,
    startMetric: vectors.data,
    query,
    metric: (x) => x,
    toVectors: (x) => ({ ...vectors, data: x.slice() }),
  };
}

/**
 * @param gram the inner products of the vectors with each other.
 * @param query added to the basis if given: needed when the query pulls.
 */
export function spanSpace(vectors: Matrix, gram: Matrix, query: Float32Array | null, kernel: Kernel): Space {
  const { rows: n, stride, data } = vectors;
  const width = padded(query === null ? n : n + 1);
  const products = matrix(width, width);
  for (let i = 0; i < n; i++) {
    products.data.set(gram.data.subarray(i * gram.stride, i * gram.stride + n), i * width);
  }
  let queryCoordinates: Float32Array | null = null;
  if (query !== null) {
    for (let j = 0; j < n; j++) {
      const value = product(query, 0, data, j * stride, stride);
      products.data[n * width + j] = value;
      products.data[j * width + n] = value;
    }
    products.data[n * width + n] = product(query, 0, query, 0, stride);
    queryCoordinates = new Float32Array(width);
    queryCoordinates[n] = 1;
  }
  const start = new Float32Array(n * width);
  for (let i = 0; i < n; i++) start[i * width + i] = 1;

  return {
    kind: "span",
    rows: n,
    width,
    start,
    startMetric: products.data.subarray(0, n * width),
    query: queryCoordinates,
    metric(x) {
      const [rows, columns, out] = kernel.place(x, products.data, n * width);
      const states = { rows: n, columns: width, stride: width, data: rows };
      kernel.dots(states, 0, n, { ...products, data: columns }, 0, width, out);
      return out.slice();
    },
    toVectors(x) {
      const out = matrix(n, vectors.columns);
      for (let i = 0; i < n; i++) {
        const row = out.data.subarray(i * stride, (i + 1) * stride);
        for (let j = 0; j < n; j++) kernel.axpy(x[i * width + j]!, data.subarray(j * stride), row, stride);
        if (query !== null) kernel.axpy(x[i * width + n]!, query, row, stride);
      }
      return out;
    },
  };
}
