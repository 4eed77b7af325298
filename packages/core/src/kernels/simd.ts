import { fromBase64Text, instantiate } from "../platform.ts";
import type { Kernel, Placeable, Placed } from "./kernel.ts";
import { scalar } from "./scalar.ts";
import { wasm } from "./wasm.ts";

/** What assembly/index.ts exports. */
interface Module {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  base(): number;
  dot(a: number, b: number, length: number): number;
  dots(a: number, aRows: number, b: number, bRows: number, stride: number, out: number): void;
  multiply(
    n: number,
    diagonal: number,
    rowStart: number,
    columns: number,
    values: number,
    x: number,
    out: number,
    width: number,
  ): void;
  differences(
    n: number,
    rowStart: number,
    columns: number,
    x: number,
    y: number,
    out: number,
    width: number,
  ): void;
  offer(
    products: number,
    stride: number,
    i0: number,
    i1: number,
    j0: number,
    j1: number,
    to: number,
    weight: number,
    count: number,
    threshold: number,
    capacity: number,
    k: number,
    keepTies: number,
  ): void;
  keepBest(
    row: number,
    to: number,
    weight: number,
    count: number,
    threshold: number,
    capacity: number,
    k: number,
    keepTies: number,
  ): void;
  axpy(alpha: number, x: number, y: number, length: number): void;
  xpby(x: number, beta: number, y: number, length: number): void;
  scaleRows(rows: number, scale: number, x: number, out: number, width: number): void;
}

const PAGE = 65536;
/** Arrays begin at lines of the cache. */
const LINE = 64;

/**
 * The kernel in WebAssembly SIMD, four float32 lanes an instruction: the bits of the scalar kernel, 10 to 30 times
 * faster. Its memory grows to what the largest call needed and is reused by all; arrays that are not in it are left to
 * the scalar kernel.
 *
 * @returns null where WebAssembly or SIMD is missing or refused, as by a page's content security policy.
 */
export function simdKernel(): Kernel | null {
  let module: Module;
  try {
    const bytes = Uint8Array.from(fromBase64Text(wasm), (character) => character.charCodeAt(0));
    module = instantiate(bytes) as Module;
  } catch {
    return null;
  }
  const { memory } = module;
  const base = module.base();
  const at = (array: Float32Array | Int32Array, index = 0): number => array.byteOffset + 4 * index;
  // The memory's buffer, which is another after it has grown.
  let { buffer } = memory;
  const inside = (a: Float32Array | Int32Array, b = a, c = a, d = a): boolean =>
    a.buffer === buffer && b.buffer === buffer && c.buffer === buffer && d.buffer === buffer;

  return {
    name: "simd",
    version: 1,

    place<const T extends readonly Placeable[]>(...sources: T): Placed<T> {
      let end = base;
      const starts = sources.map((source) => {
        const start = Math.ceil(end / LINE) * LINE;
        end = start + 4 * (typeof source === "number" ? source : source.length);
        return start;
      });
      const missing = end - buffer.byteLength;
      try {
        if (missing > 0) {
          memory.grow(Math.ceil(missing / PAGE));
          buffer = memory.buffer;
        }
      } catch {
        // No more memory to be had here: the heap may have some.
        return scalar.place(...sources);
      }
      return sources.map((source, i) => {
        if (typeof source === "number") return new Float32Array(buffer, starts[i], source).fill(0);
        const kind = source instanceof Int32Array ? Int32Array : Float32Array;
        const copy = new kind(buffer, starts[i], source.length);
        copy.set(source);
        return copy;
      }) as Placed<T>;
    },

    dot(a, aStart, b, bStart, length) {
      if (!inside(a, b)) return scalar.dot(a, aStart, b, bStart, length);
      return module.dot(at(a, aStart), at(b, bStart), length);
    },

    dots(a, i0, i1, b, j0, j1, out) {
      if (!inside(a.data, b.data, out)) return scalar.dots(a, i0, i1, b, j0, j1, out);
      const { stride } = a;
      module.dots(at(a.data, i0 * stride), i1 - i0, at(b.data, j0 * stride), j1 - j0, stride, at(out));
    },

    multiply(m, x, out, width) {
      const { n, diagonal, rowStart, columns, values } = m;
      if (!inside(diagonal, rowStart, columns, values) || !inside(x, out))
        return scalar.multiply(m, x, out, width);
      module.multiply(n, at(diagonal), at(rowStart), at(columns), at(values), at(x), at(out), width);
    },

    differences(pattern, x, y, out, width) {
      const { n, rowStart, columns } = pattern;
      if (!inside(rowStart, columns, x, y) || !inside(out))
        return scalar.differences(pattern, x, y, out, width);
      module.differences(n, at(rowStart), at(columns), at(x), at(y), at(out), width);
    },

    offer(lists, products, stride, i0, i1, j0, j1) {
      const { to, weight, count, threshold, capacity, k, keepTies } = lists;
      if (!inside(to, weight, count, threshold) || !inside(products)) {
        return scalar.offer(lists, products, stride, i0, i1, j0, j1);
      }
      const list = [at(to), at(weight), at(count), at(threshold), capacity, k, Number(keepTies)] as const;
      module.offer(at(products), stride, i0, i1, j0, j1, ...list);
    },

    keepBest(lists, row) {
      const { to, weight, count, threshold, capacity, k, keepTies } = lists;
      if (!inside(to, weight, count, threshold)) return scalar.keepBest(lists, row);
      module.keepBest(row, at(to), at(weight), at(count), at(threshold), capacity, k, Number(keepTies));
    },

    axpy(alpha, x, y, length) {
      if (!inside(x, y)) return scalar.axpy(alpha, x, y, length);
      module.axpy(alpha, at(x), at(y), length);
    },

    xpby(x, beta, y, length) {
      if (!inside(x, y)) return scalar.xpby(x, beta, y, length);
      module.xpby(at(x), beta, at(y), length);
    },

    scaleRows(scale, x, out, width) {
      if (!inside(scale, x, out)) return scalar.scaleRows(scale, x, out, width);
      module.scaleRows(scale.length, at(scale), at(x), at(out), width);
    },
  };
}
