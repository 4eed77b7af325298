import { isFloats } from "../bytes.ts";
import { show, VectorError } from "../errors.ts";
import { kernel } from "../kernels/fastest.ts";
import { type Matrix, matrix } from "../kernels/matrix.ts";
import { scalar } from "../kernels/scalar.ts";
import { once } from "../once.ts";

/** One vector: an array of numbers, or a typed array of them. Nothing else with a `length` is one. */
export type Vector = readonly number[] | NumberArray;

/** A typed array of numbers, as far as it is needed here. */
export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/**
 * Whether a value is an array or a typed array, of this realm or of another. An object that merely says that it has a length,
 * as JSON can, is none: a loop over it would run for as long as it likes.
 */
export const isList = (value: unknown): value is readonly unknown[] =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView) && "length" in value);

/** Vectors already packed row after row in one array of `n * d` values. */
export interface PackedVectors {
  readonly data: Float32Array;
  readonly n: number;
  readonly d: number;
}

/** N vectors of the same width: an array of rows (null where there is no vector), or one packed matrix. */
export type Vectors = readonly (Vector | null | undefined)[] | PackedVectors;

/** Rows with their lengths, taken before anything was scaled. */
export interface Packed extends Matrix {
  readonly norms: Float64Array;
}

/** Vectors, and the matrix that they were copied into. */
export interface Copied {
  readonly all: readonly (Vector | null)[];
  readonly packed: Matrix;
}

/**
 * Copies vectors into one padded matrix, rounding to float32; the rows of absent vectors are zero. The input is never
 * kept or changed.
 *
 * @param name what row i is called in messages.
 * @throws {VectorError} for a row of another width than the first, an empty row, or a value that is no finite float32.
 */
export function pack(vectors: Vectors, name: (i: number) => string): Packed {
  const { all, packed } = copied(vectors, name);
  const raw = { ...packed, norms: new Float64Array(packed.rows) };
  measure(raw, raw.norms);
  // Judged after rounding, 1e39 being a finite double but an infinite float32; and all at once, for the square of a
  // finite float32 is a finite double.
  const bad = raw.norms.findIndex((norm) => !Number.isFinite(norm));
  if (bad >= 0) refuseValues(all[bad]!, () => name(bad));
  return raw;
}

/** As {@link pack}, but that values which are no finite float32 are not looked for. */
export function copied(vectors: Vectors, name: (i: number) => string): Copied {
  const { n, row } = rowsOf(vectors, name);
  const all = Array.from({ length: n }, (_, i) => row(i) ?? null);
  const first = all.findIndex((vector) => vector !== null);
  // All are judged before anything is allocated: n rows of this width are then no more than what came in.
  const width = first < 0 ? 0 : widthOf(all[first]!, name(first));
  all.forEach((vector, i) => {
    if (vector !== null) checkWidth(vector, width, () => name(i));
  });
  const packed = matrix(n, width);
  all.forEach((vector, i) => {
    if (vector !== null) copyRow(vector, packed, i, () => name(i));
  });
  return { all, packed };
}

/** How many values a vector has. @throws {VectorError} for what is no vector, or holds a value that is no finite float32. */
export function widthOf(vector: Vector, name: string): number {
  checkVector(vector, () => name);
  refuseValues(vector, () => name);
  return vector.length;
}

function checkVector(vector: Vector, name: () => string): void {
  if (!isList(vector)) throw new VectorError(name(), `must be an array of numbers, not ${show(vector)}`);
  if (vector.length === 0) throw new VectorError(name(), "has 0 values; a vector needs at least one");
}

function checkWidth(vector: Vector, columns: number, name: () => string): void {
  checkVector(vector, name);
  if (vector.length === columns) return;
  const hint = "were they made by the same model?";
  throw new VectorError(name(), `has ${vector.length} values where the others have ${columns}; ${hint}`);
}

/** @throws {VectorError} for the first value that is no finite float32. */
function refuseValues(vector: Vector, name: () => string): void {
  for (let c = 0; c < vector.length; c++) {
    const value: unknown = vector[c];
    if (typeof value === "number" && Number.isFinite(Math.fround(value))) continue;
    throw new VectorError(name(), `value ${c} must be a finite float32 number, not ${show(value)}`);
  }
}

/** One vector as a matrix of one row, judged as {@link pack} says. */
export function packOne(vector: Vector, columns: number, name: string): Packed {
  checkWidth(vector, columns, () => name);
  return pack([vector], () => name);
}

/** Copies one vector into row `i`. @throws {VectorError} for a value that is no number. */
function copyRow(vector: Vector, { columns, stride, data }: Matrix, i: number, name: () => string): void {
  const start = i * stride;
  let c = 0;
  // Typed arrays have a loop of their own, so that the others see one kind of array and stay fast.
  // -0 becomes 0: JSON drops the sign, and a receipt must hold for what was stored as JSON too.
  if (vector instanceof Float32Array || vector instanceof Float64Array) {
    for (; c < columns; c++) data[start + c] = vector[c]! + 0;
  }
  // By fours, which takes half of the time that one by one takes.
  for (const fours = columns & ~3; c < fours; c += 4) {
    const v0 = vector[c];
    const v1 = vector[c + 1];
    const v2 = vector[c + 2];
    const v3 = vector[c + 3];
    if (
      typeof v0 !== "number" ||
      typeof v1 !== "number" ||
      typeof v2 !== "number" ||
      typeof v3 !== "number"
    ) {
      break;
    }
    data[start + c] = v0 + 0;
    data[start + c + 1] = v1 + 0;
    data[start + c + 2] = v2 + 0;
    data[start + c + 3] = v3 + 0;
  }
  for (; c < columns; c++) {
    const value = vector[c];
    if (typeof value !== "number") break;
    data[start + c] = value + 0;
  }
  if (c < columns) refuseValues(vector, name);
}

function rowsOf(
  vectors: Vectors,
  name: (i: number) => string,
): { n: number; row: (i: number) => Vector | null | undefined } {
  if (Array.isArray(vectors)) return { n: vectors.length, row: (i) => vectors[i] };
  const { data, n, d } = (vectors ?? {}) as PackedVectors;
  const counts = Number.isSafeInteger(n) && Number.isSafeInteger(d) && n >= 0 && d >= (n > 0 ? 1 : 0);
  if (!isFloats(data) || !counts) {
    const wanted = "must be an array of vectors, or { data: Float32Array, n, d } with d >= 1";
    throw new VectorError(name(0), `${wanted}, not ${show(vectors)}`);
  }
  if (data.length !== n * d) {
    const wanted = `n * d = ${n} * ${d} = ${n * d}`;
    throw new VectorError(name(0), `the packed data hold ${data.length} values where ${wanted} are needed`);
  }
  return { n, row: (i) => data.subarray(i * d, (i + 1) * d) };
}

/** Takes the lengths of rows. A single one, such as a query, is left to the heap: the kernel goes on holding what it does. */
function measure(rows: Matrix, norms: Float64Array): void {
  if (rows.rows === 1) {
    scalar.norms(rows, norms);
    return;
  }
  kernel.hold(rows);
  const [placed, lengths] = kernel.place(rows, norms);
  kernel.norms(placed, lengths);
  norms.set(lengths);
}

/**
 * The product of two rows, in float64, as often as it is asked for: in the kernel, which is not to be given other work meanwhile.
 */
export function rowProducts(rows: Matrix): (i: number, j: number) => number {
  const placed = once(() => kernel.place(rows, new Float64Array(1)));
  return (i, j) => {
    const [{ data, stride, columns }, out] = placed();
    const row = (at: number) => data.subarray(at * stride, (at + 1) * stride);
    kernel.products({ rows: 1, columns, stride, data: row(i) }, row(j), out);
    return out[0]!;
  };
}

/** A cosine from a product and the product of the lengths; 0 where one of them is 0. */
export function cosineOf(product: number, norms: number): number {
  return norms > 0 ? Math.max(-1, Math.min(1, product / norms)) : 0;
}

/** A copy of some rows, in the given order; with a scale, row i of the source times `scale[i]`. */
export function gather(source: Matrix, order: Int32Array, scale: Float64Array | null = null): Matrix {
  const by = scale ?? new Float64Array(source.rows).fill(1);
  return (source.rows === 1 ? scalar : kernel).gather(source, order, by);
}

/** What rows of these lengths are to be multiplied by to have length 1; a zero row stays zero. */
export const unitScale = (norms: Float64Array): Float64Array => norms.map((norm) => 1 / (norm || 1));

/** A copy with each row scaled to length 1; a zero row stays zero. */
export function unitRows(source: Matrix): Matrix {
  const all = Int32Array.from({ length: source.rows }, (_, i) => i);
  const norms = new Float64Array(source.rows);
  measure(source, norms);
  return gather(source, all, unitScale(norms));
}

/**
 * Rows by what they hold, not by where they stood: lexicographic by value. The lattice computes in this order, so that
 * the order in which a store returned its hits changes no bit of any score.
 *
 * @param rows which rows to put in order.
 * @param scale what each row of the source is multiplied by before it is compared.
 * @param otherwise the order of equal rows. Default: as they were given.
 */
export function contentOrder(
  source: Matrix,
  rows: ArrayLike<number>,
  scale: Float64Array | null = null,
  otherwise: (a: number, b: number) => number = () => 0,
): Int32Array {
  const { data, stride } = source;
  const first = new Float32Array(source.rows).map((_, i) => (data[i * stride] ?? 0) * (scale?.[i] ?? 1));
  // The first value tells most rows apart.
  return Int32Array.from(rows).sort(
    (a, b) => first[a]! - first[b]! || compareRows(source, a, b, scale) || otherwise(a, b),
  );
}

/** Negative, zero or positive as row `a` comes before, equals or comes after row `b`. */
export function compareRows(
  { data, stride, columns }: Matrix,
  a: number,
  b: number,
  scale: Float64Array | null = null,
): number {
  const [byA, byB] = scale === null ? [1, 1] : [scale[a]!, scale[b]!];
  for (let c = 0, at = a * stride, bt = b * stride; c < columns; c++) {
    const difference = Math.fround(data[at + c]! * byA) - Math.fround(data[bt + c]! * byB);
    if (difference !== 0) return difference;
  }
  return 0;
}
