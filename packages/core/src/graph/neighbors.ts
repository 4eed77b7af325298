import { type Matrix, matrix } from "../embeddings.ts";
import type { Kernel } from "../kernels/kernel.ts";

/** Directed edges `from[e] -> to[e]` of similarity `weight[e]`: `from` ascending, and `to` within it. */
export interface Edges {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly weight: Float32Array;
}

/** Rows of a tile of the Gram matrix: 32 rows of 1536 values, twice, are 384 KiB and stay in the second-level cache. */
const TILE = 32;
/** Rows of the strips that a tile on the diagonal is cut into, so that little of its lower half is computed. */
const STRIP = 8;

/** The products of rows i0 to i1 with rows j0 to j1, row by row; i0 <= j0. */
type Visit = (products: Float32Array, i0: number, i1: number, j0: number, j1: number) => void;

/**
 * Visits the Gram matrix `rows rowsᵀ` from its diagonal upwards, a tile at a time: an N x N array never exists here. A
 * tile on the diagonal holds some products below it too.
 */
function eachTile(rows: Matrix, kernel: Kernel, visit: Visit): void {
  const n = rows.rows;
  const [data, tile] = kernel.place(rows.data, TILE * TILE);
  const placed = { ...rows, data };
  for (let top = 0; top < n; top += TILE) {
    const bottom = Math.min(top + TILE, n);
    for (let left = top; left < n; left += TILE) {
      const right = Math.min(left + TILE, n);
      const height = left === top ? STRIP : TILE;
      for (let i0 = top; i0 < bottom; i0 += height) {
        const i1 = Math.min(i0 + height, bottom);
        const j0 = Math.max(i0, left);
        kernel.dots(placed, i0, i1, placed, j0, right, tile);
        visit(tile, i0, i1, j0, right);
      }
    }
  }
}

/** The whole Gram matrix `rows rowsᵀ`, for pools small enough to keep it. */
export function gramMatrix(rows: Matrix, kernel: Kernel): Matrix {
  const gram = matrix(rows.rows, rows.rows);
  const { data, stride } = gram;
  eachTile(rows, kernel, (products, i0, i1, j0, j1) => {
    for (let i = i0, at = 0; i < i1; i++) {
      for (let j = j0; j < j1; j++) {
        const product = products[at++]!;
        data[i * stride + j] = product;
        data[j * stride + i] = product;
      }
    }
  });
  return gram;
}

/**
 * The k nearest rows of each row by cosine, exactly, in O(N (k + D)) memory: each row keeps a bounded buffer of its
 * best.
 *
 * @param unit rows of length 1 (or 0: such a row has no neighbours).
 * @param gram their Gram matrix, if it is at hand.
 * @param floor only similarities above this count.
 * @param ties `"all"` lists the rows tied with the k-th too: a tie broken by position would treat identical documents
 *   differently. A class of ties that would fill a row's buffer (4 k + 64) is left out whole, which is as symmetric and
 *   keeps the memory bounded when a pool holds a thousand copies of one document. `"first"` keeps the lower indices.
 */
export function nearestNeighbors(
  unit: Matrix,
  gram: Matrix | null,
  k: number,
  floor: number,
  ties: "all" | "first",
  kernel: Kernel,
): Edges {
  const n = unit.rows;
  const buffers = new Buffers(n, k, Math.min(4 * k + 64, n), floor, ties);
  if (gram === null) {
    eachTile(unit, kernel, (products, i0, i1, j0, j1) => {
      for (let i = i0; i < i1; i++) {
        const start = (i - i0) * (j1 - j0);
        const first = Math.max(j0, i + 1);
        buffers.offerRow(i, first, j1, products, start + first - j0);
      }
    });
  } else {
    for (let i = 0; i < n; i++) buffers.offerRow(i, i + 1, n, gram.data, i * gram.stride + i + 1);
  }
  return buffers.edges();
}

/** For each row, the candidates that may still be among its k best. A row's candidates come by rising index. */
class Buffers {
  readonly #n: number;
  readonly #k: number;
  readonly #capacity: number;
  readonly #to: Int32Array;
  readonly #weight: Float32Array;
  readonly #count: Int32Array;
  /** What a similarity must reach to enter; just above the k-th best where its class of ties was left out. */
  readonly #threshold: Float32Array;
  readonly #scratch: Float32Array;
  readonly #ties: "all" | "first";

  constructor(n: number, k: number, capacity: number, floor: number, ties: "all" | "first") {
    this.#n = n;
    this.#k = k;
    this.#capacity = capacity;
    this.#to = new Int32Array(n * capacity);
    this.#weight = new Float32Array(n * capacity);
    this.#count = new Int32Array(n);
    this.#threshold = new Float32Array(n).fill(nextAbove(floor));
    this.#scratch = new Float32Array(capacity);
    this.#ties = ties;
  }

  /** Offers the rows from `first` to `end` to row i, and row i to each of them; their products are at `products[at]`. */
  offerRow(i: number, first: number, end: number, products: Float32Array, at: number): void {
    const threshold = this.#threshold;
    for (let j = first; j < end; j++, at++) {
      const product = products[at]!;
      if (product < threshold[i]! && product < threshold[j]!) continue;
      // Rounding can take the cosine of two unit rows a little above 1.
      const similarity = Math.min(product, 1);
      if (similarity >= threshold[i]!) this.#add(i, j, similarity);
      if (similarity >= threshold[j]!) this.#add(j, i, similarity);
    }
  }

  #add(row: number, to: number, similarity: number): void {
    const count = this.#count[row]!;
    const at = row * this.#capacity + count;
    this.#to[at] = to;
    this.#weight[at] = similarity;
    this.#count[row] = count + 1;
    // A row has at most n - 1 others, so a buffer of capacity n never fills: small pools keep every tie.
    if (count + 1 === this.#capacity) this.#compact(row);
  }

  /** Drops what is below the k-th best, and of its class of ties what the rule says. */
  #compact(row: number): void {
    const count = this.#count[row]!;
    const start = row * this.#capacity;
    const weights = this.#weight.subarray(start, start + count);
    const values = this.#scratch.subarray(0, count);
    values.set(weights);
    const kth = kthLargest(values, this.#k);
    let above = 0;
    let least = Infinity;
    for (const weight of weights) {
      if (weight > kth) above++;
      if (weight < least) least = weight;
    }
    // How many of the class stay: those that make up k, or all unless they would leave the buffer full.
    const overfull = least === kth && count === this.#capacity;
    let ties = this.#ties === "all" ? (overfull ? 0 : count) : this.#k - above;
    this.#threshold[row] = this.#ties === "all" && !overfull ? kth : nextAbove(kth);
    let kept = start;
    for (let at = start; at < start + count; at++) {
      const weight = this.#weight[at]!;
      if (weight < kth || (weight === kth && ties-- <= 0)) continue;
      this.#to[kept] = this.#to[at]!;
      this.#weight[kept++] = weight;
    }
    this.#count[row] = kept - start;
  }

  edges(): Edges {
    let total = 0;
    for (let row = 0; row < this.#n; row++) {
      if (this.#count[row]! > this.#k) this.#compact(row);
      total += this.#count[row]!;
    }
    const from = new Int32Array(total);
    const to = new Int32Array(total);
    const weight = new Float32Array(total);
    for (let row = 0, at = 0; row < this.#n; row++) {
      const start = row * this.#capacity;
      const count = this.#count[row]!;
      from.fill(row, at, at + count);
      to.set(this.#to.subarray(start, start + count), at);
      weight.set(this.#weight.subarray(start, start + count), at);
      at += count;
    }
    return { from, to, weight };
  }
}

/** The smallest float32 above a value >= 0. */
function nextAbove(value: number): number {
  const float = Float32Array.of(value);
  if (float[0]! <= value) new Int32Array(float.buffer)[0]!++;
  return float[0]!;
}

/** The k-th largest of the values, which it reorders (Hoare 1961, quickselect). 1 <= k <= their number. */
function kthLargest(values: Float32Array, k: number): number {
  const wanted = k - 1;
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! > pivot) i++;
      while (values[j]! < pivot) j--;
      if (i <= j) {
        const value = values[i]!;
        values[i++] = values[j]!;
        values[j--] = value;
      }
    }
    // Now all up to j are >= the pivot, all from i on <= it, and those between equal it.
    if (wanted <= j) high = j;
    else if (wanted >= i) low = i;
    else return pivot;
  }
  return values[wanted]!;
}
