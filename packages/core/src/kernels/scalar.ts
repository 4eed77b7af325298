import type { Kernel, NearestLists, Placeable, Placed } from "./kernel.ts";
import { matrix } from "./matrix.ts";

const f = Math.fround;

/**
 * The reference kernel, in plain JavaScript. `Math.fround` after each operation is exactly float32 arithmetic: the
 * product or sum of two float32 values, computed in float64 and rounded once more, is the correctly rounded one.
 * Stores into a Float32Array round in the same way, so they carry no `f` of their own.
 */
export const scalar: Kernel = {
  name: "scalar",
  version: 1,

  place<const T extends readonly Placeable[]>(...sources: T): Placed<T> {
    return sources.map((source) => {
      if (typeof source === "number") return new Float32Array(source);
      return "data" in source ? { ...source, data: source.data.slice() } : source.slice();
    }) as Placed<T>;
  },

  hold() {},

  norms({ rows, stride, data }, out) {
    for (let i = 0; i < rows; i++) {
      out[i] = Math.sqrt(product(data, i * stride, data, i * stride, stride));
    }
  },

  products({ rows, stride, data }, vector, out) {
    for (let i = 0; i < rows; i++) out[i] = product(data, i * stride, vector, 0, stride);
  },

  sumRows({ rows, stride, data }, scale, out) {
    for (let i = 0; i < rows; i++) {
      const by = scale[i]!;
      for (let c = 0, at = i * stride; c < stride; c++, at++) out[c]! += data[at]! * by;
    }
  },

  gather({ columns, stride, data }, order, scale) {
    const out = matrix(order.length, columns);
    for (let i = 0, to = 0; i < order.length; i++) {
      const row = order[i]!;
      const by = scale[row]!;
      for (let at = row * stride, end = at + stride; at < end; at++, to++) out.data[to] = data[at]! * by;
    }
    return out;
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

  gram({ rows, stride, data }, out) {
    for (let i = 0; i < rows; i++) {
      for (let j = i; j < rows; j++) {
        const product = dot(data, i * stride, data, j * stride, stride);
        out.data[i * out.stride + j] = product;
        out.data[j * out.stride + i] = product;
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

  offer(lists, products, stride, i0, i1, j0, j1) {
    const { threshold } = lists;
    for (let i = i0; i < i1; i++) {
      for (let j = Math.max(j0, i + 1), at = (i - i0) * stride + j - j0; j < j1; j++, at++) {
        // Rounding can take the cosine of two unit rows a little above 1.
        const similarity = Math.min(products[at]!, 1);
        if (similarity >= threshold[i]!) add(lists, i, j, similarity);
        if (similarity >= threshold[j]!) add(lists, j, i, similarity);
      }
    }
  },

  keepBest(lists) {
    for (const [row, count] of lists.count.entries()) if (count > lists.k) keepBest(lists, row);
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

/**
 * The product of `length` values from `a[p]` and `b[q]`, length a multiple of 4: summed in float64, so that neither huge
 * nor tiny values overflow, and in four lanes, for one sum would wait for itself.
 */
export function product(a: Float32Array, p: number, b: Float32Array, q: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (const end = p + length; p < end; p += 4, q += 4) {
    s0 += a[p]! * b[q]!;
    s1 += a[p + 1]! * b[q + 1]!;
    s2 += a[p + 2]! * b[q + 2]!;
    s3 += a[p + 3]! * b[q + 3]!;
  }
  return s0 + s2 + (s1 + s3);
}

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

function add(lists: NearestLists, row: number, other: number, similarity: number): void {
  const { to, weight, count, capacity } = lists;
  const at = row * capacity + count[row]!++;
  to[at] = other;
  weight[at] = similarity;
  if (count[row] === capacity) keepBest(lists, row);
}

function keepBest({ k, capacity, to, weight, count, threshold, keepTies }: NearestLists, row: number): void {
  const length = count[row]!;
  const start = row * capacity;
  const kth = weight.slice(start, start + length).sort()[length - k]!;
  let above = 0;
  let below = 0;
  for (let at = start; at < start + length; at++) {
    if (weight[at]! > kth) above++;
    if (weight[at]! < kth) below++;
  }
  const overfull = below === 0 && length === capacity;
  // How many of the class of ties stay: those that make up k, or all unless they would leave the list full.
  let ties = keepTies ? (overfull ? 0 : length) : k - above;
  threshold[row] = keepTies && !overfull ? kth : nextAbove(kth);
  let kept = start;
  for (let at = start; at < start + length; at++) {
    if (weight[at]! < kth || (weight[at] === kth && ties-- <= 0)) continue;
    to[kept] = to[at]!;
    weight[kept++] = weight[at]!;
  }
  count[row] = kept - start;
}

/** The smallest float32 above a value >= 0. */
export function nextAbove(value: number): number {
  const float = Float32Array.of(value);
  if (float[0]! <= value) new Int32Array(float.buffer)[0]!++;
  return float[0]!;
}
