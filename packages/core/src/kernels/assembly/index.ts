/**
 * The SIMD kernel, in AssemblyScript: the operations of ../kernel.ts on addresses in the module's own memory. Four
 * lanes wide, one instruction a rounding, nothing fused and nothing relaxed, so that each value has the bits that the
 * scalar kernel gives it.
 *
 * Strides, widths and lengths count float32 values and are multiples of 4. Addresses and their steps count bytes.
 */

/** Bytes of a vector of four lanes. */
const LANES: usize = 16;
const FLOAT: usize = 4;
const DOUBLE: usize = 8;
/** Rows of a tile of the Gram matrix: 32 rows of 1536 values, twice, are 384 KiB and stay in the second-level cache. */
const TILE: i32 = 32;
/** Rows of the strips that a tile on the diagonal is cut into. */
const STRIP: i32 = 4;

/** Where the memory begins that callers may use. */
export function base(): usize {
  return __heap_base;
}

@inline
function sumOfLanes(s: v128): f32 {
  return (
    f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 2) + (f32x4.extract_lane(s, 1) + f32x4.extract_lane(s, 3))
  );
}

/** The sums of the lanes of four vectors: each as {@link sumOfLanes} has it, all at once. */
@inline
function sumsOfLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 1, 4, 5), v128.shuffle<f32>(c, d, 2, 3, 6, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

@inline
function multiplyAdd(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

/** The upper two lanes, as the lower two. */
@inline
function upper(x: v128): v128 {
  return v128.shuffle<f32>(x, x, 2, 3, 2, 3);
}

@inline
function product64(a: usize, b: usize, length: i32): f64 {
  let s01 = f64x2.splat(0);
  let s23 = s01;
  for (let end = a + <usize>length * FLOAT; a < end; a += LANES, b += LANES) {
    const x = v128.load(a);
    const y = v128.load(b);
    s01 = f64x2.add(s01, f64x2.mul(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(y)));
    s23 = f64x2.add(s23, f64x2.mul(f64x2.promote_low_f32x4(upper(x)), f64x2.promote_low_f32x4(upper(y))));
  }
  const s = f64x2.add(s01, s23);
  return f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
}

export function norms(rows: usize, n: i32, stride: i32, out: usize): void {
  const step = <usize>stride * FLOAT;
  for (let end = rows + <usize>n * step; rows < end; rows += step, out += DOUBLE) {
    f64.store(out, sqrt(product64(rows, rows, stride)));
  }
}

export function products(rows: usize, n: i32, stride: i32, vector: usize, out: usize): void {
  const step = <usize>stride * FLOAT;
  for (let end = rows + <usize>n * step; rows < end; rows += step, out += DOUBLE) {
    f64.store(out, product64(rows, vector, stride));
  }
}

export function sumRows(rows: usize, n: i32, stride: i32, scale: usize, out: usize): void {
  const step = <usize>stride * FLOAT;
  for (let i = 0; i < n; i++, scale += DOUBLE) {
    const by = v128.load64_splat(scale);
    let to = out;
    for (let end = rows + step; rows < end; rows += LANES, to += 2 * LANES) {
      const x = v128.load(rows);
      const low = f64x2.mul(f64x2.promote_low_f32x4(x), by);
      const high = f64x2.mul(f64x2.promote_low_f32x4(upper(x)), by);
      v128.store(to, f64x2.add(v128.load(to), low));
      v128.store(to, f64x2.add(v128.load(to, LANES), high), LANES);
    }
  }
}

export function gatherRows(rows: usize, stride: i32, order: usize, count: i32, scale: usize, out: usize): void {
  const step = <usize>stride * FLOAT;
  for (let i = 0; i < count; i++, order += FLOAT) {
    const row = <usize>i32.load(order);
    const by = v128.load64_splat(scale + row * DOUBLE);
    let from = rows + row * step;
    for (let end = from + step; from < end; from += LANES, out += LANES) {
      const x = v128.load(from);
      const low = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.promote_low_f32x4(x), by));
      const high = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.promote_low_f32x4(upper(x)), by));
      v128.store(out, v128.shuffle<f32>(low, high, 0, 1, 4, 5));
    }
  }
}

export function dot(a: usize, b: usize, length: i32): f32 {
  let s = f32x4.splat(0);
  for (let end = a + <usize>length * FLOAT; a < end; a += LANES, b += LANES) {
    s = multiplyAdd(s, v128.load(a), v128.load(b));
  }
  return sumOfLanes(s);
}

/**
 * The products of `aRows` rows from a with `bRows` rows from b. Blocks of 4 x 2 rows are read once for 8 products: six
 * loads for eight multiplications, and as many sums as the registers of an x64 hold.
 *
 * @param outStep from one row of the products to the next.
 */
export function dots(a: usize, aRows: i32, b: usize, bRows: i32, stride: i32, out: usize, outStep: usize): void {
  const step = <usize>stride * FLOAT;
  let i = 0;
  for (; i + 4 <= aRows; i += 4, a += 4 * step, out += 4 * outStep) {
    let bRow = b;
    let at = out;
    let j = 0;
    for (; j + 2 <= bRows; j += 2, bRow += 2 * step, at += 2 * FLOAT) block(a, bRow, step, at, outStep);
    for (; j < bRows; j++, bRow += step, at += FLOAT) {
      for (let r: usize = 0; r < 4; r++) f32.store(at + r * outStep, dot(a + r * step, bRow, stride));
    }
  }
  for (; i < aRows; i++, a += step, out += outStep) {
    let bRow = b;
    for (let j = 0; j < bRows; j++, bRow += step) f32.store(out + <usize>j * FLOAT, dot(a, bRow, stride));
  }
}

@inline
function block(a0: usize, b0: usize, step: usize, out: usize, outStep: usize): void {
  const a1 = a0 + step;
  const a2 = a1 + step;
  const a3 = a2 + step;
  const b1 = b0 + step;
  let s00 = f32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  let x0: v128;
  let x1: v128;
  let y: v128;
  let at: usize = 0;
  // Two fours of columns a turn: their addresses are made once.
  for (const most = step & ~(2 * LANES - 1); at < most; at += 2 * LANES) {
    x0 = v128.load(b0 + at);
    x1 = v128.load(b1 + at);
    y = v128.load(a0 + at);
    s00 = multiplyAdd(s00, y, x0);
    s01 = multiplyAdd(s01, y, x1);
    y = v128.load(a1 + at);
    s10 = multiplyAdd(s10, y, x0);
    s11 = multiplyAdd(s11, y, x1);
    y = v128.load(a2 + at);
    s20 = multiplyAdd(s20, y, x0);
    s21 = multiplyAdd(s21, y, x1);
    y = v128.load(a3 + at);
    s30 = multiplyAdd(s30, y, x0);
    s31 = multiplyAdd(s31, y, x1);
    x0 = v128.load(b0 + at, LANES);
    x1 = v128.load(b1 + at, LANES);
    y = v128.load(a0 + at, LANES);
    s00 = multiplyAdd(s00, y, x0);
    s01 = multiplyAdd(s01, y, x1);
    y = v128.load(a1 + at, LANES);
    s10 = multiplyAdd(s10, y, x0);
    s11 = multiplyAdd(s11, y, x1);
    y = v128.load(a2 + at, LANES);
    s20 = multiplyAdd(s20, y, x0);
    s21 = multiplyAdd(s21, y, x1);
    y = v128.load(a3 + at, LANES);
    s30 = multiplyAdd(s30, y, x0);
    s31 = multiplyAdd(s31, y, x1);
  }
  if (at < step) {
    x0 = v128.load(b0 + at);
    x1 = v128.load(b1 + at);
    y = v128.load(a0 + at);
    s00 = multiplyAdd(s00, y, x0);
    s01 = multiplyAdd(s01, y, x1);
    y = v128.load(a1 + at);
    s10 = multiplyAdd(s10, y, x0);
    s11 = multiplyAdd(s11, y, x1);
    y = v128.load(a2 + at);
    s20 = multiplyAdd(s20, y, x0);
    s21 = multiplyAdd(s21, y, x1);
    y = v128.load(a3 + at);
    s30 = multiplyAdd(s30, y, x0);
    s31 = multiplyAdd(s31, y, x1);
  }
  const first = sumsOfLanes(s00, s01, s10, s11);
  const last = sumsOfLanes(s20, s21, s30, s31);
  v128.store64_lane(out, first, 0);
  v128.store64_lane(out + outStep, first, 1);
  v128.store64_lane(out + 2 * outStep, last, 0);
  v128.store64_lane(out + 3 * outStep, last, 1);
}

/**
 * The Gram matrix of n rows: tile by tile from the diagonal upwards, then mirrored. A tile on the diagonal is cut into
 * strips, so that little of its lower half is computed.
 */
export function gram(rows: usize, n: i32, stride: i32, out: usize, outStride: i32): void {
  const step = <usize>stride * FLOAT;
  const outStep = <usize>outStride * FLOAT;
  for (let top = 0; top < n; top += TILE) {
    const bottom = min(top + TILE, n);
    for (let left = top; left < n; left += TILE) {
      const right = min(left + TILE, n);
      const height = left === top ? STRIP : TILE;
      for (let i = top; i < bottom; i += height) {
        const j = max(i, left);
        const at = out + <usize>i * outStep + <usize>j * FLOAT;
        dots(rows + <usize>i * step, min(height, bottom - i), rows + <usize>j * step, right - j, stride, at, outStep);
      }
    }
  }
  for (let i = 1; i < n; i++) {
    const row = out + <usize>i * outStep;
    let above = out + <usize>i * FLOAT;
    for (let j = 0; j < i; j++, above += outStep) f32.store(row + <usize>j * FLOAT, f32.load(above));
  }
}

/** `out = m x`, 32 columns at a time, then 16, then 4: their sums stay in registers along a row's entries. */
export function multiply(
  n: i32,
  diagonal: usize,
  rowStart: usize,
  columns: usize,
  values: usize,
  x: usize,
  out: usize,
  width: i32,
): void {
  const step = <usize>width * FLOAT;
  const wide = step & ~(8 * LANES - 1);
  for (let i: usize = 0; i < <usize>n; i++) {
    const d = f32x4.splat(f32.load(diagonal + i * FLOAT));
    const start = <usize>i32.load(rowStart + i * FLOAT) * FLOAT;
    const end = <usize>i32.load(rowStart + i * FLOAT, FLOAT) * FLOAT;
    const own = x + i * step;
    const target = out + i * step;
    for (let c: usize = 0; c < wide; c += 8 * LANES) {
      const from = own + c;
      let s0 = f32x4.mul(d, v128.load(from));
      let s1 = f32x4.mul(d, v128.load(from, LANES));
      let s2 = f32x4.mul(d, v128.load(from, 2 * LANES));
      let s3 = f32x4.mul(d, v128.load(from, 3 * LANES));
      let s4 = f32x4.mul(d, v128.load(from, 4 * LANES));
      let s5 = f32x4.mul(d, v128.load(from, 5 * LANES));
      let s6 = f32x4.mul(d, v128.load(from, 6 * LANES));
      let s7 = f32x4.mul(d, v128.load(from, 7 * LANES));
      for (let e = start; e < end; e += FLOAT) {
        const v = v128.load32_splat(values + e);
        const other = x + <usize>i32.load(columns + e) * step + c;
        s0 = multiplyAdd(s0, v, v128.load(other));
        s1 = multiplyAdd(s1, v, v128.load(other, LANES));
        s2 = multiplyAdd(s2, v, v128.load(other, 2 * LANES));
        s3 = multiplyAdd(s3, v, v128.load(other, 3 * LANES));
        s4 = multiplyAdd(s4, v, v128.load(other, 4 * LANES));
        s5 = multiplyAdd(s5, v, v128.load(other, 5 * LANES));
        s6 = multiplyAdd(s6, v, v128.load(other, 6 * LANES));
        s7 = multiplyAdd(s7, v, v128.load(other, 7 * LANES));
      }
      const to = target + c;
      v128.store(to, s0);
      v128.store(to, s1, LANES);
      v128.store(to, s2, 2 * LANES);
      v128.store(to, s3, 3 * LANES);
      v128.store(to, s4, 4 * LANES);
      v128.store(to, s5, 5 * LANES);
      v128.store(to, s6, 6 * LANES);
      v128.store(to, s7, 7 * LANES);
    }
    let c = wide;
    if (step - c >= 4 * LANES) {
      const from = own + c;
      let s0 = f32x4.mul(d, v128.load(from));
      let s1 = f32x4.mul(d, v128.load(from, LANES));
      let s2 = f32x4.mul(d, v128.load(from, 2 * LANES));
      let s3 = f32x4.mul(d, v128.load(from, 3 * LANES));
      for (let e = start; e < end; e += FLOAT) {
        const v = v128.load32_splat(values + e);
        const other = x + <usize>i32.load(columns + e) * step + c;
        s0 = multiplyAdd(s0, v, v128.load(other));
        s1 = multiplyAdd(s1, v, v128.load(other, LANES));
        s2 = multiplyAdd(s2, v, v128.load(other, 2 * LANES));
        s3 = multiplyAdd(s3, v, v128.load(other, 3 * LANES));
      }
      const to = target + c;
      v128.store(to, s0);
      v128.store(to, s1, LANES);
      v128.store(to, s2, 2 * LANES);
      v128.store(to, s3, 3 * LANES);
      c += 4 * LANES;
    }
    for (; c < step; c += LANES) {
      let s = f32x4.mul(d, v128.load(own + c));
      for (let e = start; e < end; e += FLOAT) {
        const other = x + <usize>i32.load(columns + e) * step + c;
        s = multiplyAdd(s, v128.load32_splat(values + e), v128.load(other));
      }
      v128.store(target + c, s);
    }
  }
}

/** `out[e] = (x_i - x_j) · (y_i - y_j)` for the entries e = (i, j) of a symmetric pattern with i < j. */
export function differences(
  n: i32,
  rowStart: usize,
  columns: usize,
  x: usize,
  y: usize,
  out: usize,
  width: i32,
): void {
  const step = <usize>width * FLOAT;
  for (let i: usize = 0; i < <usize>n; i++) {
    const start = <usize>i32.load(rowStart + i * FLOAT) * FLOAT;
    const end = <usize>i32.load(rowStart + i * FLOAT, FLOAT) * FLOAT;
    for (let e = start; e < end; e += FLOAT) {
      const j = <usize>i32.load(columns + e);
      if (j <= i) continue;
      const p = i * step;
      const q = j * step;
      const product = x === y ? squaredDistance(x + p, x + q, step) : difference(x + p, x + q, y + p, y + q, step);
      f32.store(out + e, product);
    }
  }
}

@inline
function difference(xi: usize, xj: usize, yi: usize, yj: usize, step: usize): f32 {
  let s = f32x4.splat(0);
  for (let c: usize = 0; c < step; c += LANES) {
    const dx = f32x4.sub(v128.load(xi + c), v128.load(xj + c));
    const dy = f32x4.sub(v128.load(yi + c), v128.load(yj + c));
    s = multiplyAdd(s, dx, dy);
  }
  return sumOfLanes(s);
}

/** The same for y = x, with half the loads. */
@inline
function squaredDistance(xi: usize, xj: usize, step: usize): f32 {
  let s = f32x4.splat(0);
  for (let c: usize = 0; c < step; c += LANES) {
    const d = f32x4.sub(v128.load(xi + c), v128.load(xj + c));
    s = multiplyAdd(s, d, d);
  }
  return sumOfLanes(s);
}

export function axpy(alpha: f32, x: usize, y: usize, length: i32): void {
  const a = f32x4.splat(alpha);
  for (let end = x + <usize>length * FLOAT; x < end; x += LANES, y += LANES) {
    v128.store(y, multiplyAdd(v128.load(y), a, v128.load(x)));
  }
}

export function xpby(x: usize, beta: f32, y: usize, length: i32): void {
  const b = f32x4.splat(beta);
  for (let end = x + <usize>length * FLOAT; x < end; x += LANES, y += LANES) {
    v128.store(y, multiplyAdd(v128.load(x), b, v128.load(y)));
  }
}

export function scaleRows(rows: i32, scale: usize, x: usize, out: usize, width: i32): void {
  for (let i = 0; i < rows; i++, scale += FLOAT) {
    const s = v128.load32_splat(scale);
    for (let end = x + <usize>width * FLOAT; x < end; x += LANES, out += LANES) {
      v128.store(out, f32x4.mul(s, v128.load(x)));
    }
  }
}

/**
 * Offers the pairs i < j of a tile of products to the lists of both: see Kernel.offer. Four products are looked at
 * together, and most fours hold nothing that either list wants.
 */
export function offer(
  products: usize,
  stride: i32,
  i0: i32,
  i1: i32,
  j0: i32,
  j1: i32,
  to: usize,
  weight: usize,
  count: usize,
  threshold: usize,
  capacity: i32,
  k: i32,
  keepTies: bool,
): void {
  for (let i = i0; i < i1; i++) {
    const own = threshold + <usize>i * FLOAT;
    let j = max(j0, i + 1);
    let at = products + (<usize>(i - i0) * stride + (j - j0)) * FLOAT;
    for (; j + 4 <= j1; j += 4, at += LANES) {
      const four = v128.load(at);
      const wanted = v128.or(
        f32x4.ge(four, v128.load32_splat(own)),
        f32x4.ge(four, v128.load(threshold + <usize>j * FLOAT)),
      );
      for (let mask = i32x4.bitmask(wanted); mask !== 0; mask &= mask - 1) {
        const lane = ctz(mask);
        offerPair(i, j + lane, f32.load(at + <usize>lane * FLOAT), to, weight, count, threshold, capacity, k, keepTies);
      }
    }
    for (; j < j1; j++, at += FLOAT) {
      offerPair(i, j, f32.load(at), to, weight, count, threshold, capacity, k, keepTies);
    }
  }
}

@inline
function offerPair(
  i: i32,
  j: i32,
  product: f32,
  to: usize,
  weight: usize,
  count: usize,
  threshold: usize,
  capacity: i32,
  k: i32,
  keepTies: bool,
): void {
  // Rounding can take the cosine of two unit rows a little above 1.
  const similarity = min(product, 1);
  if (similarity >= f32.load(threshold + <usize>i * FLOAT)) {
    add(i, j, similarity, to, weight, count, threshold, capacity, k, keepTies);
  }
  if (similarity >= f32.load(threshold + <usize>j * FLOAT)) {
    add(j, i, similarity, to, weight, count, threshold, capacity, k, keepTies);
  }
}

function add(
  row: i32,
  other: i32,
  similarity: f32,
  to: usize,
  weight: usize,
  count: usize,
  threshold: usize,
  capacity: i32,
  k: i32,
  keepTies: bool,
): void {
  const before = i32.load(count + <usize>row * FLOAT);
  const at = <usize>(row * capacity + before) * FLOAT;
  i32.store(to + at, other);
  f32.store(weight + at, similarity);
  i32.store(count + <usize>row * FLOAT, before + 1);
  if (before + 1 === capacity) keepBest(row, to, weight, count, threshold, capacity, k, keepTies);
}

/** Keeps the k best of each list of more: see Kernel.keepBest. */
export function keepBestOfAll(
  n: i32,
  to: usize,
  weight: usize,
  count: usize,
  threshold: usize,
  capacity: i32,
  k: i32,
  keepTies: bool,
): void {
  for (let row = 0; row < n; row++) {
    if (i32.load(count + <usize>row * FLOAT) <= k) continue;
    keepBest(row, to, weight, count, threshold, capacity, k, keepTies);
  }
}

function keepBest(
  row: i32,
  to: usize,
  weight: usize,
  count: usize,
  threshold: usize,
  capacity: i32,
  k: i32,
  keepTies: bool,
): void {
  const length = i32.load(count + <usize>row * FLOAT);
  const start = <usize>(row * capacity) * FLOAT;
  const kth = kthLargest(weight + start, length, k);
  const atLeast = countAtLeast(weight + start, length, kth);
  const above = countAtLeast(weight + start, length, kth + 1);
  const overfull = atLeast === length && length === capacity;
  let ties = keepTies ? (overfull ? 0 : length) : k - above;
  i32.store(threshold + <usize>row * FLOAT, keepTies && !overfull ? kth : kth + 1);
  let kept = start;
  for (let at = start, end = start + <usize>length * FLOAT; at < end; at += FLOAT) {
    const bits = i32.load(weight + at);
    const tied = bits === kth;
    const keep = bits > kth || (tied && ties > 0);
    if (tied) ties--;
    // Written in any case, and kept by moving on: no branch to guess.
    i32.store(to + kept, i32.load(to + at));
    i32.store(weight + kept, bits);
    kept += <usize>keep * FLOAT;
  }
  i32.store(count + <usize>row * FLOAT, <i32>((kept - start) / FLOAT));
}

/**
 * The bits of the k-th largest of values in [0, 1], found from the highest bit down: floats >= 0 are ordered as their
 * bits are, and the k-th largest is the largest number that k of them reach.
 */
function kthLargest(values: usize, length: i32, k: i32): i32 {
  let found = 0;
  for (let bit = 1 << 29; bit !== 0; bit >>= 1) {
    const count = countAtLeast(values, length, found | bit);
    if (count === k) return leastFrom(values, length, found | bit);
    if (count > k) found |= bit;
  }
  return found;
}

/** The least of the values with at least these bits, of which there is one. */
function leastFrom(values: usize, length: i32, bits: i32): i32 {
  let least = i32.MAX_VALUE;
  for (let end = values + <usize>length * FLOAT; values < end; values += FLOAT) {
    const value = i32.load(values);
    least = min(least, value >= bits ? value : i32.MAX_VALUE);
  }
  return least;
}

/** How many of the values have at least these bits. */
function countAtLeast(values: usize, length: i32, bits: i32): i32 {
  const least = i32x4.splat(bits);
  let counts = i32x4.splat(0);
  let i = 0;
  for (; i + 4 <= length; i += 4, values += LANES) {
    counts = i32x4.sub(counts, i32x4.ge_s(v128.load(values), least));
  }
  let count =
    i32x4.extract_lane(counts, 0) +
    i32x4.extract_lane(counts, 1) +
    i32x4.extract_lane(counts, 2) +
    i32x4.extract_lane(counts, 3);
  for (; i < length; i++, values += FLOAT) count += <i32>(i32.load(values) >= bits);
  return count;
}
