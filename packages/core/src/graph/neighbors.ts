import type { Kernel, NearestLists } from "../kernels/kernel.ts";
import { type Matrix, padded } from "../kernels/matrix.ts";
import { nextAbove } from "../kernels/scalar.ts";
import { LEAST_WEIGHT } from "../pool/input.ts";

/** Directed edges `from[e] -> to[e]` of similarity `weight[e]`: `from` ascending, and `to` within it. */
export interface Edges {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly weight: Float32Array;
}

/** Rows of a tile of the Gram matrix: 32 rows of 1536 values, twice, are 384 KiB and stay in the second-level cache. */
export const TILE = 32;
/** Rows of the strips that a tile on the diagonal is cut into, so that little of its lower half is computed. */
const STRIP = 4;

/**
 * Visits the Gram matrix `rows rowsᵀ` from its diagonal upwards, a tile at a time: an N x N array never exists here. A
 * tile on the diagonal holds some products below it too.
 *
 * @param tile what the products of rows i0 to i1 with rows j0 to j1 are written to, row by row, before each visit.
 */
export function eachTile(
  rows: Matrix,
  tile: Float32Array,
  kernel: Kernel,
  visit: (i0: number, i1: number, j0: number, j1: number) => void,
): void {
  const n = rows.rows;
  for (let top = 0; top < n; top += TILE) {
    const bottom = Math.min(top + TILE, n);
    for (let left = top; left < n; left += TILE) {
      const j1 = Math.min(left + TILE, n);
      const height = left === top ? STRIP : TILE;
      for (let i0 = top; i0 < bottom; i0 += height) {
        const i1 = Math.min(i0 + height, bottom);
        const j0 = Math.max(i0, left);
        kernel.dots(rows, i0, i1, rows, j0, j1, tile);
        visit(i0, i1, j0, j1);
      }
    }
  }
}

/** The whole Gram matrix `rows rowsᵀ`, for pools small enough to keep it. */
export function gramMatrix(rows: Matrix, kernel: Kernel): Matrix {
  const n = rows.rows;
  const stride = padded(n);
  kernel.hold(rows);
  const [placed, gram] = kernel.place(rows, n * stride);
  kernel.gram(placed, { rows: n, columns: n, stride, data: gram });
  return { rows: n, columns: n, stride, data: gram.slice() };
}

/**
 * The k nearest rows of each row by cosine, exactly, in O(N (k + D)) memory: each row keeps a bounded buffer of its
 * best.
 *
 * @param unit rows of length 1 (or 0: such a row has no neighbours).
 * @param gram their Gram matrix, if it is at hand.
 * @param floor only similarities above this count, and above {@link LEAST_WEIGHT}.
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
  // A row has at most n - 1 others, so a list of n never gets full: small pools keep every tie.
  const capacity = Math.min(4 * k + 64, n);
  if (gram === null) kernel.hold(unit);
  const [rows, tile, weight, threshold, to, count] = kernel.place(
    gram ?? unit,
    TILE * TILE,
    n * capacity,
    n,
    new Int32Array(n * capacity),
    new Int32Array(n),
  );
  threshold.fill(nextAbove(Math.max(floor, LEAST_WEIGHT)));
  const lists: NearestLists = { k, capacity, to, weight, count, threshold, keepTies: ties === "all" };
  // Lists cut down early, after 32, 128, 512, … rows, ask more of what comes later: most pairs are then none of theirs.
  let next = TILE;
  const seen = (rows: number) => {
    if (rows !== n && rows !== next) return;
    kernel.keepBest(lists);
    next *= 4;
  };
  if (gram !== null) {
    for (let i = 0; i < n; i += TILE) {
      const end = Math.min(i + TILE, n);
      kernel.offer(lists, rows.data.subarray(i * gram.stride), gram.stride, i, end, 0, n);
      seen(end);
    }
  } else {
    eachTile(rows, tile, kernel, (i0, i1, j0, j1) => {
      kernel.offer(lists, tile, j1 - j0, i0, i1, j0, j1);
      if (j1 === n) seen(i1);
    });
  }
  return edgesOf(lists, n);
}

function edgesOf({ capacity, to, weight, count }: NearestLists, n: number): Edges {
  let total = 0;
  for (let row = 0; row < n; row++) total += count[row]!;
  const edges = { from: new Int32Array(total), to: new Int32Array(total), weight: new Float32Array(total) };
  for (let row = 0, at = 0; row < n; row++) {
    for (let r = row * capacity, end = r + count[row]!; r < end; r++, at++) {
      edges.from[at] = row;
      edges.to[at] = to[r]!;
      edges.weight[at] = weight[r]!;
    }
  }
  return edges;
}
