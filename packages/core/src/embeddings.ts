import { show, VectorError } from "./errors.ts";

/** One vector: an array of numbers, or a typed array of them. */
export type Vector = ArrayLike<number>;

/** Vectors already packed row after row in one array of `n * d` values. */
export interface PackedVectors {
  readonly data: Float32Array;
  readonly n: number;
  readonly d: number;
}

/** N vectors of the same width: an array of rows (null where there is no vector), or one packed matrix. */
export type Vectors = readonly (Vector | null | undefined)[] | PackedVectors;

/**
 * N rows of D float32 values, each padded with zeros to a multiple of four: kernels then work in whole groups of
 * four lanes, with no remainder to treat apart.
 */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Values from one row to the next: `columns` rounded up to a multiple of 4. */
  readonly stride: number;
  /** `rows * stride` values; column c of row i is at `i * stride + c`. */
  readonly data: Float32Array;
}

export const padded = (columns: number): number => (columns + 3) & ~3;

export function matrix(rows: number, columns: number): Matrix {
  const stride = padded(columns);
  return { rows, columns, stride, data: new Float32Array(rows * stride) };
}

/**
 * Copies vectors into one padded matrix, rounding to float32; the rows of absent vectors are zero. The input is never
 * kept or changed.
 *
 * @param name what row i is called in messages.
 * @throws {VectorError} for a row of another width than the first, an empty row, or a value that is no finite float32.
 */
export function pack(vectors: Vectors, name: (i: number) => string): Matrix {
  const { n, row } = rowsOf(vectors, name);
  const all = Array.from({ length: n }, (_, i) => row(i) ?? null);
  const first = all.findIndex((vector) => vector !== null);
  const packed = matrix(n, first < 0 ? 0 : widthOf(all[first]!, name(first)));
  all.forEach((vector, i) => {
    if (vector !== null) packRow(vector, packed, i, name(i));
  });
  return packed;
}

/** How many values a vector has. */
export function widthOf(vector: Vector, name: string): number {
  if (
    typeof vector !== "object" ||
    vector === null ||
    !(Number.isSafeInteger(vector.length) && vector.length >= 0)
  ) {
    throw new VectorError(name, `must be an array of numbers, not ${show(vector)}`);
  }
  if (vector.length === 0) throw new VectorError(name, "has 0 values; a vector needs at least one");
  return vector.length;
}

/** Copies one vector into row `i`, judged as {@link pack} says. */
export function packRow(vector: Vector, target: Matrix, i: number, name: string): void {
  const { columns, stride, data } = target;
  const width = widthOf(vector, name);
  if (width !== columns) {
    const hint = "were they made by the same model?";
    throw new VectorError(name, `has ${width} values where the others have ${columns}; ${hint}`);
  }
  const start = i * stride;
  for (let c = 0; c < columns; c++) {
    const value = vector[c];
    // Judged after rounding: 1e39 is a finite double but an infinite float32.
    if (typeof value !== "number" || !Number.isFinite(Math.fround(value))) {
      throw new VectorError(name, `value ${c} must be a finite float32 number, not ${show(value)}`);
    }
    data[start + c] = value;
  }
}

function rowsOf(
  vectors: Vectors,
  name: (i: number) => string,
): { n: number; row: (i: number) => Vector | null | undefined } {
  if (Array.isArray(vectors)) return { n: vectors.length, row: (i) => vectors[i] };
  const { data, n, d } = (vectors ?? {}) as PackedVectors;
  if (!(data instanceof Float32Array) || !Number.isSafeInteger(n) || !Number.isSafeInteger(d) || n < 0) {
    const wanted = "must be an array of vectors, or { data: Float32Array, n, d }";
    throw new VectorError(name(0), `${wanted}, not ${show(vectors)}`);
  }
  if (data.length !== n * d) {
    const wanted = `n * d = ${n} * ${d} = ${n * d}`;
    throw new VectorError(name(0), `the packed data hold ${data.length} values where ${wanted} are needed`);
  }
  return { n, row: (i) => data.subarray(i * d, (i + 1) * d) };
}

/** The length of row `i`, summed in float64 so that neither huge nor tiny rows overflow. */
export function rowNorm({ data, stride, columns }: Matrix, i: number): number {
  let sum = 0;
  for (let at = i * stride, end = at + columns; at < end; at++) sum += data[at]! * data[at]!;
  return Math.sqrt(sum);
}

/** A copy of some rows, in the given order. */
export function gather(source: Matrix, order: ArrayLike<number>): Matrix {
  const { stride } = source;
  const target = matrix(order.length, source.columns);
  for (let to = 0; to < order.length; to++) {
    const from = order[to]! * stride;
    target.data.set(source.data.subarray(from, from + stride), to * stride);
  }
  return target;
}

/** A copy with each row scaled to length 1; a zero row stays zero. */
export function unitRows(source: Matrix): Matrix {
  const { rows, columns, stride, data } = source;
  const target = matrix(rows, columns);
  for (let i = 0; i < rows; i++) {
    const norm = rowNorm(source, i) || 1;
    for (let at = i * stride, end = at + columns; at < end; at++) target.data[at] = data[at]! / norm;
  }
  return target;
}

/**
 * The order of the rows by what they hold, not by where they stood: lexicographic by value. The lattice computes in this
 * order, so that the order in which a store returned its hits changes no bit of any score. Equal rows stay in the
 * order they came.
 */
export function contentOrder(vectors: Matrix): Int32Array {
  const order = Int32Array.from({ length: vectors.rows }, (_, i) => i);
  return order.sort((a, b) => compareRows(vectors, a, b) || a - b);
}

/** Negative, zero or positive as row `a` comes before, equals or comes after row `b`. */
export function compareRows({ data, stride, columns }: Matrix, a: number, b: number): number {
  for (let c = 0, at = a * stride, bt = b * stride; c < columns; c++) {
    const difference = data[at + c]! - data[bt + c]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
