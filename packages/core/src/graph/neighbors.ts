import { type Matrix, matrix } from "../embeddings.ts";
import type { Kernel } from "../kernels/kernel.ts";

/** Directed edges `from[e] -> to[e]` of similarity `weight[e]`, in no particular order. */
export interface Edges {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly weight: Float32Array;
}

/** Rows of a tile of the Gram matrix: 64 x 64 float32 values are 16 KiB, and fit the first-level cache. */
const TILE = 64;

/**
 * Visits the Gram matrix `rows rowsᵀ` above its diagonal, and the diagonal, one tile at a time: an N x N array never
 * exists here.
 */
function eachProduct(
  rows: Matrix,
  kernel: Kernel,
  visit: (i: number, j: number, product: number) => void,
): void {
  const n = rows.rows;
  const tile = new Float32Array(TILE * TILE);
  for (let i0 = 0; i0 < n; i0 += TILE) {
    const i1 = Math.min(i0 + TILE, n);
    for (let j0 = i0; j0 < n; j0 += TILE) {
      const j1 = Math.min(j0 + TILE, n);
      kernel.dots(rows, i0, i1, rows, j0, j1, tile);
      for (let i = i0, at = 0; i < i1; i++) {
        for (let j = j0; j < j1; j++, at++) if (j >= i) visit(i, j, tile[at]!);
      }
    }
  }
}

/** The whole Gram matrix `rows rowsᵀ`, for pools small enough to keep it. */
export function gramMatrix(rows: Matrix, kernel: Kernel): Matrix {
  const gram = matrix(rows.rows, rows.rows);
  eachProduct(rows, kernel, (i, j, product) => {
    gram.data[i * gram.stride + j] = product;
    gram.data[j * gram.stride + i] = product;
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
  const offer = (i: number, j: number, product: number): void => {
    if (i === j) return;
    // Rounding can take the cosine of two unit rows a little above 1.
    const similarity = Math.min(product, 1);
    buffers.offer(i, j, similarity);
    buffers.offer(j, i, similarity);
  };
  if (gram === null) eachProduct(unit, kernel, offer);
  else {
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) offer(i, j, gram.data[i * gram.stride + j]!);
    }
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
  /** What a similarity must exceed to enter; `#open[i]` lets those that equal it in as well. */
  readonly #threshold: Float32Array;
  readonly #open: Uint8Array;
  readonly #scratch: Float32Array;
  readonly #ties: "all" | "first";

  constructor(n: number, k: number, capacity: number, floor: number, ties: "all" | "first") {
    this.#n = n;
    this.#k = k;
    this.#capacity = capacity;
    this.#to = new Int32Array(n * capacity);
    this.#weight = new Float32Array(n * capacity);
    this.#count = new Int32Array(n);
    this.#threshold = new Float32Array(n).fill(floor);
    this.#open = new Uint8Array(n);
    this.#scratch = new Float32Array(capacity);
    this.#ties = ties;
  }

  offer(row: number, to: number, similarity: number): void {
    const threshold = this.#threshold[row]!;
    if (similarity < threshold || (similarity === threshold && !this.#open[row])) return;
    const at = row * this.#capacity + this.#count[row]!++;
    this.#to[at] = to;
    this.#weight[at] = similarity;
    // A row has at most n - 1 others, so a buffer of capacity n never fills: small pools keep every tie.
    if (this.#count[row] === this.#capacity) this.#compact(row);
  }

  /** Drops what is below the k-th best, and of its class of ties what the rule says. */
  #compact(row: number): void {
    const count = this.#count[row]!;
    const start = row * this.#capacity;
    const sorted = this.#scratch.subarray(0, count);
    sorted.set(this.#weight.subarray(start, start + count));
    sorted.sort();
    const kth = sorted[count - this.#k]!;
    // How many of the class stay: those that make up k, or all unless they would leave the buffer full.
    const overfull = sorted[0] === kth && count === this.#capacity;
    let ties = this.#ties === "all" ? (overfull ? 0 : count) : this.#k - above(sorted, kth);
    this.#threshold[row] = kth;
    this.#open[row] = this.#ties === "all" && !overfull ? 1 : 0;
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

/** How many of the sorted values exceed `value`. */
function above(sorted: Float32Array, value: number): number {
  let count = 0;
  while (count < sorted.length && sorted[sorted.length - 1 - count]! > value) count++;
  return count;
}
