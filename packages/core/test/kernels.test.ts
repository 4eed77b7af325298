import { expect, test } from "vitest";
import type { Kernel, NearestLists } from "../src/kernels/kernel.ts";
import { matrix } from "../src/kernels/matrix.ts";
import { scalar } from "../src/kernels/scalar.ts";
import { simdKernel } from "../src/kernels/simd.ts";
import { kernelContract } from "./kernel.contract.ts";
import { dot, float32, randomRow } from "./support.ts";

const add = (a: number, b: number): number => float32(a + b);
const product = (a: number, b: number): number => float32(a * b);

/** The lane order as kernel.ts words it, element by element and with no thought of speed. */
function laneDot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const lane = (l: number): number => {
    let sum = 0;
    for (let i = l; i < a.length; i += 4) sum = add(sum, product(a[i]!, b[i]!));
    return sum;
  };
  return add(add(lane(0), lane(2)), add(lane(1), lane(3)));
}

/** The same with products and sums in float64. */
function laneDot64(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const lane = (l: number): number => {
    let sum = 0;
    for (let i = l; i < a.length; i += 4) sum += a[i]! * b[i]!;
    return sum;
  };
  return lane(0) + lane(2) + (lane(1) + lane(3));
}

/** The next float32 above one >= 0. */
function successor(value: number): number {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  bits.setInt32(0, bits.getInt32(0) + 1);
  return bits.getFloat32(0);
}

/** One list of {@link NearestLists}, cut down as kernel.ts words it. */
function cutDown({ k, capacity, to, weight, count, threshold, keepTies }: NearestLists, row: number): void {
  const start = row * capacity;
  const places = Array.from({ length: count[row]! }, (_, r) => start + r);
  const kth = places.map((at) => weight[at]!).sort((a, b) => b - a)[k - 1]!;
  const better = places.filter((at) => weight[at]! > kth);
  const tied = places.filter((at) => weight[at] === kth);
  const full = better.length + tied.length === capacity;
  const staying = keepTies ? (full ? [] : tied) : tied.slice(0, k - better.length);
  const list = places.filter((at) => better.includes(at) || staying.includes(at));
  const kept = list.map((at) => ({ other: to[at]!, similarity: weight[at]! }));
  for (const [r, { other, similarity }] of kept.entries()) {
    to[start + r] = other;
    weight[start + r] = similarity;
  }
  count[row] = kept.length;
  // One more that is tied may come in only where all do.
  threshold[row] = keepTies && !full ? kth : successor(kth);
}

const documented: Kernel = {
  name: "documented",
  version: 1,
  place: scalar.place,
  hold: scalar.hold,
  dot: (a, p, b, q, length) => laneDot(a.slice(p, p + length), b.slice(q, q + length)),
  dots(a, i0, i1, b, j0, j1, out) {
    const row = ({ data, stride }: typeof a, i: number) => data.slice(i * stride, (i + 1) * stride);
    for (let i = i0; i < i1; i++) {
      for (let j = j0; j < j1; j++) out[(i - i0) * (j1 - j0) + (j - j0)] = laneDot(row(a, i), row(b, j));
    }
  },
  norms({ rows, stride, data }, out) {
    for (let i = 0; i < rows; i++) {
      const row = data.slice(i * stride, (i + 1) * stride);
      out[i] = Math.sqrt(laneDot64(row, row));
    }
  },
  products({ rows, stride, data }, vector, out) {
    for (let i = 0; i < rows; i++) out[i] = laneDot64(data.slice(i * stride, (i + 1) * stride), vector);
  },
  sumRows({ rows, stride, data }, scale, out) {
    for (let c = 0; c < stride; c++) {
      for (let i = 0; i < rows; i++) out[c] = out[c]! + scale[i]! * data[i * stride + c]!;
    }
  },
  gather({ columns, stride, data }, order, scale) {
    const out = matrix(order.length, columns);
    order.forEach((row, i) => {
      for (let c = 0; c < stride; c++)
        out.data[i * stride + c] = float32(data[row * stride + c]! * scale[row]!);
    });
    return out;
  },
  gram({ rows, stride, data }, out) {
    const row = (i: number) => data.slice(i * stride, (i + 1) * stride);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < rows; j++) out.data[i * out.stride + j] = laneDot(row(i), row(j));
    }
  },
  multiply({ n, diagonal, rowStart, columns, values }, x, out, width) {
    for (let i = 0; i < n; i++) {
      for (let c = 0; c < width; c++) {
        let sum = product(diagonal[i]!, x[i * width + c]!);
        for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
          sum = add(sum, product(values[e]!, x[columns[e]! * width + c]!));
        }
        out[i * width + c] = sum;
      }
    }
  },
  differences({ n, rowStart, columns }, x, y, out, width) {
    const row = (data: Float32Array, i: number) => data.slice(i * width, (i + 1) * width);
    const less = (a: Float32Array, b: Float32Array) => a.map((value, c) => add(value, -b[c]!));
    for (let i = 0; i < n; i++) {
      for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
        const j = columns[e]!;
        if (j > i) out[e] = laneDot(less(row(x, i), row(x, j)), less(row(y, i), row(y, j)));
      }
    }
  },
  offer(lists, products, stride, i0, i1, j0, j1) {
    const { to, weight, count, threshold, capacity } = lists;
    for (let i = i0; i < i1; i++) {
      for (let j = j0; j < j1; j++) {
        if (i >= j) continue;
        const similarity = Math.min(1, products[(i - i0) * stride + (j - j0)]!);
        for (const [row, other] of [
          [i, j],
          [j, i],
        ] as const) {
          if (similarity < threshold[row]!) continue;
          to[row * capacity + count[row]!] = other;
          weight[row * capacity + count[row]!] = similarity;
          count[row]!++;
          if (count[row] === capacity) cutDown(lists, row);
        }
      }
    }
  },
  keepBest(lists) {
    for (const [row, count] of lists.count.entries()) if (count > lists.k) cutDown(lists, row);
  },
  axpy(alpha, x, y, length) {
    for (let i = 0; i < length; i++) y[i] = add(y[i]!, product(float32(alpha), x[i]!));
  },
  xpby(x, beta, y, length) {
    for (let i = 0; i < length; i++) y[i] = add(x[i]!, product(float32(beta), y[i]!));
  },
  scaleRows(scale, x, out, width) {
    for (let at = 0; at < scale.length * width; at++) {
      out[at] = product(scale[Math.floor(at / width)]!, x[at]!);
    }
  },
};

kernelContract(scalar, documented);
kernelContract(simdKernel()!, scalar);

test("a float32 dot product lies within n units of rounding of the exact one", () => {
  for (const d of [4, 384, 1536]) {
    const a = randomRow(d, d);
    const b = randomRow(d, d + 1);
    const size = dot(a.map(Math.abs), b.map(Math.abs));
    const computed = scalar.dot(Float32Array.from(a), 0, Float32Array.from(b), 0, d);
    // Higham 2002, (3.5): a sum of d/4 products and two more additions.
    expect(Math.abs(computed - dot(a, b))).toBeLessThanOrEqual((d / 4 + 3) * 2 ** -24 * size);
  }
});

test("a sum of negative zeros is positive zero, as lanes that start at 0 give it", () => {
  const zeros = new Float32Array(8).fill(-0);
  const ones = new Float32Array(8).fill(1);
  expect(scalar.dot(zeros, 0, ones, 0, 8)).toBe(0);
});
