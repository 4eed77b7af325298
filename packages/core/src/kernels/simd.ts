import { fromBase64Text, instantiate } from "../platform.ts";
import type { Kernel, Placeable, Placed } from "./kernel.ts";
import { scalar } from "./scalar.ts";
import { wasm } from "./wasm.ts";

/** What assembly/index.ts exports. */
interface Module {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  base(): number;
  dot(a: number, b: number, length: number): number;
  norms(rows: number, n: number, stride: number, out: number): void;
  products(rows: number, n: number, stride: number, vector: number, out: number): void;
  sumRows(rows: number, n: number, stride: number, scale: number, out: number): void;
  gatherRows(rows: number, stride: number, order: number, count: number, scale: number, out: number): void;
  dots(
    a: number,
    aRows: number,
    b: number,
    bRows: number,
    stride: number,
    out: number,
    outStep: number,
  ): void;
  gram(rows: number, n: number, stride: number, out: number, outStride: number): void;
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
  keepBestOfAll(
    n: number,
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
  const line = (address: number): number => Math.ceil(address / LINE) * LINE;
  const base = line(module.base());
  const at = (array: Placeable & object, index = 0): number =>
    array.byteOffset + array.BYTES_PER_ELEMENT * index;
  // The memory's buffer, which is another after it has grown.
  let { buffer } = memory;
  const inside = (
    a: Placeable & object,
    b: Placeable & object = a,
    c: Placeable & object = a,
    d: Placeable & object = a,
  ): boolean => a.buffer === buffer && b.buffer === buffer && c.buffer === buffer && d.buffer === buffer;

  /** Grows the memory up to an address; false where there is no more to be had. */
  const reach = (end: number): boolean => {
    const missing = end - buffer.byteLength;
    try {
      if (missing > 0) {
        memory.grow(Math.ceil(missing / PAGE));
        buffer = memory.buffer;
      }
      return true;
    } catch {
      return false;
    }
  };
  // What was held last is known by its number: an array here, or a WeakRef to one, would keep it alive.
  const numbers = new WeakMap<object, number>();
  let held = 0;
  let free = base;
  const isHeld = (source: Placeable): boolean => typeof source === "object" && numbers.get(source) === held;

  return {
    name: "simd",
    version: 1,

    hold(source) {
      if (isHeld(source) || !reach(base + source.byteLength)) return;
      new Float32Array(buffer, base, source.length).set(source);
      numbers.set(source, ++held);
      free = line(base + source.byteLength);
    },

    place<const T extends readonly Placeable[]>(...sources: T): Placed<T> {
      let end = free;
      const starts = sources.map((source) => {
        if (isHeld(source)) return base;
        const start = line(end);
        end = start + (typeof source === "number" ? 4 * source : source.byteLength);
        return start;
      });
      // The heap may have some memory where there is none here.
      if (!reach(end)) return scalar.place(...sources);
      return sources.map((source, i) => {
        if (typeof source === "number") return new Float32Array(buffer, starts[i], source).fill(0);
        const kind =
          source instanceof Int32Array
            ? Int32Array
            : source instanceof Float64Array
              ? Float64Array
              : Float32Array;
        const copy = new kind(buffer, starts[i], source.length);
        if (starts[i] !== base || !isHeld(source)) copy.set(source);
        return copy;
      }) as Placed<T>;
    },

    dot(a, aStart, b, bStart, length) {
      if (!inside(a, b)) return scalar.dot(a, aStart, b, bStart, length);
      return module.dot(at(a, aStart), at(b, bStart), length);
    },

    norms(rows, out) {
      if (!inside(rows.data, out)) return scalar.norms(rows, out);
      module.norms(at(rows.data), rows.rows, rows.stride, at(out));
    },

    products(rows, vector, out) {
      if (!inside(rows.data, vector, out)) return scalar.products(rows, vector, out);
      module.products(at(rows.data), rows.rows, rows.stride, at(vector), at(out));
    },

    sumRows(rows, scale, out) {
      if (!inside(rows.data, scale, out)) return scalar.sumRows(rows, scale, out);
      module.sumRows(at(rows.data), rows.rows, rows.stride, at(scale), at(out));
    },

    gatherRows(rows, order, scale, out) {
      if (!inside(rows.data, order, scale, out)) return scalar.gatherRows(rows, order, scale, out);
      module.gatherRows(at(rows.data), rows.stride, at(order), order.length, at(scale), at(out));
    },

    dots(a, i0, i1, b, j0, j1, out) {
      if (!inside(a.data, b.data, out)) return scalar.dots(a, i0, i1, b, j0, j1, out);
      const { stride } = a;
      const [rows, columns] = [i1 - i0, j1 - j0];
      module.dots(
        at(a.data, i0 * stride),
        rows,
        at(b.data, j0 * stride),
        columns,
        stride,
        at(out),
        4 * columns,
      );
    },

    gram(rows, out) {
      if (!inside(rows.data, out.data)) return scalar.gram(rows, out);
      module.gram(at(rows.data), rows.rows, rows.stride, at(out.data), out.stride);
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

    keepBest(lists) {
      const { to, weight, count, threshold, capacity, k, keepTies } = lists;
      if (!inside(to, weight, count, threshold)) return scalar.keepBest(lists);
      const n = count.length;
      module.keepBestOfAll(n, at(to), at(weight), at(count), at(threshold), capacity, k, Number(keepTies));
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
