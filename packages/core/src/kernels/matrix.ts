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
