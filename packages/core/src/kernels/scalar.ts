import type { Kernel, Placed, Source } from "./kernel.ts";

const f = Math.fround;

/**
 * The reference kernel, in plain JavaScript. `Math.fround` after each operation is exactly float32 arithmetic: the
 * product or sum of two float32 values, computed in float64 and rounded once more, is the correctly rounded one.
 * Stores into a Float32Array round in the same way, so they carry no `f` of their own.
 */
export const scalar: Kernel = {
  name: "scalar",
  version: 1,

  place<const T extends readonly Source[]>(...sources: T): Placed<T> {
    return sources.map((source) =>
      typeof source === "number" ? new Float32Array(source) : source.slice(),
    ) as Placed<T>;
  },

  dot,

  dots(a, i0, i1, b, j0, j1, out) {
    let at = 0;
    for (let i = i0; i < i1; i++) {
      for (let j = j0; j < j1; j++) {
        out[at++] = dot(a.data, i * a.stride, b.data, j * b.stride, a.stride);
      }
    }
  },

  multiply({ n, diagonal, rowStart, columns, values }, x, out, width) {
    for (let i = 0; i < n; i++) {
      const row = i * width;
      const d = diagonal[i]!;
      for (let c = 0; c < width; c++) out[row + c] = d * x[row + c]!;
      for (let e = rowStart[i]!, end = rowStart[i + 1]!; e < end; e++) {
        const v = values[e]!;
        const other = columns[e]! * width;
        for (let c = 0; c < width; c++) out[row + c] = out[row + c]! + f(v * x[other + c]!);
      }
    }
  },

  differences({ n, rowStart, columns }, x, y, out, width) {
    const dx = new Float32Array(width);
    const dy = new Float32Array(width);
    for (let i = 0; i < n; i++) {
      for (let e = rowStart[i]!, end = rowStart[i + 1]!; e < end; e++) {
        if (columns[e]! <= i) continue;
        for (let c = 0, p = i * width, q = columns[e]! * width; c < width; c++, p++, q++) {
          dx[c] = x[p]! - x[q]!;
          dy[c] = y[p]! - y[q]!;
        }
        out[e] = dot(dx, 0, dy, 0, width);
      }
    }
  },

  axpy(alpha, x, y, length) {
    const a = f(alpha);
    for (let i = 0; i < length; i++) y[i] = y[i]! + f(a * x[i]!);
  },

  xpby(x, beta, y, length) {
    const b = f(beta);
    for (let i = 0; i < length; i++) y[i] = x[i]! + f(b * y[i]!);
  },

  scaleRows(scale, x, out, width) {
    for (let i = 0; i < scale.length; i++) {
      const s = scale[i]!;
      for (let at = i * width, end = at + width; at < end; at++) out[at] = s * x[at]!;
    }
  },
};

function dot(a: Float32Array, aStart: number, b: Float32Array, bStart: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < length; i += 4) {
    const p = aStart + i;
    const q = bStart + i;
    s0 = f(s0 + f(a[p]! * b[q]!));
    s1 = f(s1 + f(a[p + 1]! * b[q + 1]!));
    s2 = f(s2 + f(a[p + 2]! * b[q + 2]!));
    s3 = f(s3 + f(a[p + 3]! * b[q + 3]!));
  }
  return f(f(s0 + s2) + f(s1 + s3));
}
