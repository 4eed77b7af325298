import { once } from "../once.ts";
import { fromBase64Text, instantiate } from "../platform.ts";
import type { Kernel, Placeable, Placed } from "./kernel.ts";
import type { Matrix } from "./matrix.ts";
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

type Values = Exclude<Placeable, Matrix | number>;

const isMatrix = (source: Placeable): source is Matrix => typeof source === "object" && "stride" in source;

const bytesOf = (source: Placeable): number => {
  if (typeof source === "number") return 4 * source;
  return isMatrix(source) ? 4 * source.rows * source.stride : source.byteLength;
};

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
    const binary = fromBase64Text(wasm);
    const bytes = new Uint8Array(binary.length).map((_, i) => binary.charCodeAt(i));
    module = instantiate(bytes) as Module;
  } catch {
    return null;
  }
  const { memory } = module;
  const line = (address: number): number => Math.ceil(address / LINE) * LINE;
  const base = line(module.base());
  const at = (array: Values, index = 0): number => array.byteOffset + array.BYTES_PER_ELEMENT * index;
  // The memory's buffer, which is another after it has grown.
  let { buffer } = memory;
  const inside = (a: Values, b: Values = a, c: Values = a, d: Values = a): boolean =>
    a.buffer === buffer && b.buffer === buffer && c.buffer === buffer && d.buffer === buffer;

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
  // What was held last is known by its number: a matrix here, or a WeakRef to one, would keep it alive.
  const numbers = new WeakMap<Matrix, number>();
  let held = 0;
  let heldAt = base;
  let free = base;
  const isHeld = (rows: Matrix): boolean => numbers.get(rows) === held;
  const keep = (rows: Matrix, start: number): void => {
    numbers.set(rows, ++held);
    heldAt = start;
    free = line(start + bytesOf(rows));
  };

  /** Where each of the sources is to stand; null where there is no memory for all. */
  const layOut = (sources: readonly Placeable[]): number[] | null => {
    let end = free;
    const starts = sources.map((source) => {
      if (isMatrix(source) && isHeld(source)) return heldAt;
      const start = line(end);
      end = start + bytesOf(source);
      return start;
    });
    return reach(end) ? starts : null;
  };

  /** What stands there from now on. */
  const placeAt = (source: Placeable, start: number): Values | Matrix => {
    if (typeof source === "number") return new Float32Array(buffer, start, source).fill(0);
    if (isMatrix(source)) {
      const data = new Float32Array(buffer, start, source.rows * source.stride);
      if (!isHeld(source)) data.set(source.data);
      return { rows: source.rows, columns: source.columns, stride: source.stride, data };
    }
    const kind =
      source instanceof Int32Array
        ? Int32Array
        : source instanceof Float64Array
          ? Float64Array
          : Float32Array;
    const copy = new kind(buffer, start, source.length);
    copy.set(source);
    return copy;
  };

  const hold = (rows: Matrix): void => {
    if (isHeld(rows) || !reach(base + bytesOf(rows))) return;
    placeAt(rows, base);
    keep(rows, base);
  };

  return {
    name: "simd",
    version: 1,

    hold,

    place<const T extends readonly Placeable[]>(...sources: T): Placed<T> {
      const starts = layOut(sources);
      // The heap may have some memory where there is none here.
      if (starts === null) return scalar.place(...sources);
      return sources.map((source, i) => placeAt(source, starts[i]!)) as Placed<T>;
    },

    gather(rows, order, scale) {
      hold(rows);
      const size = order.length * rows.stride;
      const starts = layOut([rows, order, scale, size]);
      if (starts === null) return scalar.gather(rows, order, scale);
      const [from, places, by, out] = starts as [number, number, number, number];
      placeAt(rows, from);
      placeAt(order, places);
      placeAt(scale, by);
      module.gatherRows(from, rows.stride, places, order.length, by, out);
      const data = once(() =>
        isHeld(gathered)
          ? new Float32Array(buffer, out, size).slice()
          : scalar.gather(rows, order, scale).data,
      );
      const gathered: Matrix = {
        rows: order.length,
        columns: rows.columns,
        stride: rows.stride,
        get data() {
          return data();
        },
      };
      keep(gathered, out);
      return gathered;
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
