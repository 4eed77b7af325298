import { checkFinite, checkMatrix, checkVector } from "./check.ts";
import { InvalidShapeError, InvalidValueError, isVector, show } from "./errors.ts";
import type { Matrix, Vector } from "./types.ts";

/** Options of {@link kalmanFilter}. */
export interface KalmanOptions {
  /** How the control enters, n x p. Needs u. */
  readonly Bd?: Matrix;
  /**
   * The control, T rows of p values, or a vector of T where p is 1. **Row t acts on the prediction of state t**, the one that
   * observation t corrects: to drive state t + 1 with it, move the rows by one.
   */
  readonly u?: Vector | Matrix;
  /** Mean of the state **before** the first prediction, so that observation 0 sees `Ad m0`. Default 0. */
  readonly m0?: Vector;
  /** Covariance of that state. Default the identity. */
  readonly P0?: Matrix;
}

/** What a filter knows of T states of n values. */
export interface KalmanResult {
  /** T means after the observation of their time. */
  readonly means: Float64Array[];
  /** T covariances after it, n rows each. */
  readonly covariances: Float64Array[][];
  /** T means before it. */
  readonly predictedMeans: Float64Array[];
  /** T covariances before it. */
  readonly predictedCovariances: Float64Array[][];
  /** Natural logarithm of the density of the observations. */
  readonly logLikelihood: number;
}

/** What the whole of the observations tells of T states. */
export interface SmootherResult {
  readonly means: Float64Array[];
  readonly covariances: Float64Array[][];
}

/**
 * The Kalman filter of `x_t = Ad x_(t-1) + Bd u_t + noise(Qd)`, `y_t = H x_t + noise(R)` with one observed value a time.
 *
 * A NaN in y is a missing observation: the prediction stands, and the likelihood does not count it. The covariance is updated in
 * Joseph's form, which keeps it symmetric and positive where R is tiny.
 *
 * @param y T observations. @param Ad n x n. @param Qd n x n. @param H 1 x n. @param R 1 x 1.
 * @throws {InvalidShapeError} for shapes that do not fit, or one of Bd and u without the other.
 * @throws {InvalidValueError} for a value that is not finite, or an observation that is predicted without any variance.
 */
export function kalmanFilter(
  y: Vector,
  Ad: Matrix,
  Qd: Matrix,
  H: Matrix,
  R: Matrix,
  options: KalmanOptions = {},
): KalmanResult {
  checkVector("y", y);
  checkMatrix("Ad", Ad);
  const n = Ad.length;
  checkMatrix("Ad", Ad, n, n);
  checkMatrix("Qd", Qd, n, n);
  checkMatrix("H", H, 1, n);
  checkMatrix("R", R, 1, 1);
  const control = controlOf(options, y.length, n);
  const { m0, P0 } = options;
  if (m0 !== undefined) {
    checkVector("options.m0", m0, n);
    checkFinite("options.m0", m0);
  }
  if (P0 !== undefined) checkMatrix("options.P0", P0, n, n);

  const [h, r] = [H[0]!, R[0]![0]!];
  let mean: Float64Array = m0 === undefined ? new Float64Array(n) : Float64Array.from(m0);
  let covariance: Float64Array[] = P0 === undefined ? identity(n) : P0.map((row) => Float64Array.from(row));
  const result = {
    means: [] as Float64Array[],
    covariances: [] as Float64Array[][],
    predictedMeans: [] as Float64Array[],
    predictedCovariances: [] as Float64Array[][],
    logLikelihood: 0,
  };
  for (let t = 0; t < y.length; t++) {
    mean = times(Ad, mean).map((value, i) => value + control(t, i));
    covariance = add(product(product(Ad, covariance), transpose(Ad)), Qd);
    result.predictedMeans.push(mean);
    result.predictedCovariances.push(covariance);
    if (!Number.isNaN(y[t]!)) {
      const seen = times(covariance, h);
      const variance = dot(h, seen) + r;
      if (!(variance > 0)) {
        throw new InvalidValueError(
          "R",
          `leaves observation ${t} a variance of ${variance}: it must be positive`,
        );
      }
      const gain = seen.map((value) => value / variance);
      const surprise = y[t]! - dot(h, mean);
      mean = mean.map((value, i) => value + gain[i]! * surprise);
      covariance = joseph(covariance, gain, h, r);
      result.logLikelihood -= 0.5 * (Math.log(2 * Math.PI * variance) + (surprise * surprise) / variance);
    }
    result.means.push(mean);
    result.covariances.push(covariance);
  }
  if (!Number.isFinite(result.logLikelihood))
    checkFinite(
      "y",
      Array.from(y, (v) => (Number.isNaN(v) ? 0 : v)),
    );
  return result;
}

/**
 * The Rauch-Tung-Striebel smoother: each state given all observations, from the results of {@link kalmanFilter}.
 *
 * @param filtered what the filter returned. @param Ad the matrix that the filter had.
 * @throws {InvalidShapeError} for an Ad of another size. @throws {InvalidValueError} for a predicted covariance that is singular.
 */
export function rtsSmoother(filtered: KalmanResult, Ad: Matrix): SmootherResult {
  const last = filtered.means.length - 1;
  const n = filtered.means[0]?.length;
  checkMatrix("Ad", Ad, n, n);
  const means: Float64Array[] = filtered.means.map((mean) => mean.slice());
  const covariances: Float64Array[][] = filtered.covariances.map((rows) => rows.map((row) => row.slice()));
  for (let t = last - 1; t >= 0; t--) {
    const ahead = filtered.predictedCovariances[t + 1]!;
    // G = P Adᵀ ahead⁻¹, so that Gᵀ solves ahead Gᵀ = Ad P.
    const gain = transpose(solve(ahead, product(Ad, filtered.covariances[t]!), t + 1));
    const surprise = means[t + 1]!.map((value, i) => value - filtered.predictedMeans[t + 1]![i]!);
    const correction = times(gain, surprise);
    means[t] = means[t]!.map((value, i) => value + correction[i]!);
    const spread = covariances[t + 1]!.map((row, i) => row.map((value, j) => value - ahead[i]![j]!));
    covariances[t] = add(product(product(gain, spread), transpose(gain)), covariances[t]!);
  }
  return { means, covariances };
}

/** The value that the control adds to entry i at time t. */
function controlOf({ Bd, u }: KalmanOptions, T: number, n: number): (t: number, i: number) => number {
  if (Bd === undefined && u === undefined) return () => 0;
  if (Bd === undefined || u === undefined) {
    const [missing, other] = Bd === undefined ? ["Bd", "u"] : ["u", "Bd"];
    throw new InvalidShapeError(`options.${missing}`, `is missing: give it with ${other}, or neither`);
  }
  checkMatrix("options.Bd", Bd, n);
  const p = Bd[0]!.length;
  if (isVector(u)) {
    const wanted = `must be ${p === 1 ? `a vector of length ${T} or ` : ""}${T} rows of ${p} values`;
    if (p !== 1 || u.length !== T) throw new InvalidShapeError("options.u", `${wanted}, not ${show(u)}`);
    checkFinite("options.u", u);
    return (t, i) => Bd[i]![0]! * u[t]!;
  }
  checkMatrix("options.u", u, T, p);
  return (t, i) => dot(Bd[i]!, u[t]!);
}

/** (I - k hᵀ) P (I - k hᵀ)ᵀ + r k kᵀ. */
function joseph(P: Matrix, gain: Vector, h: Vector, r: number): Float64Array[] {
  const keep = identity(gain.length).map((row, i) => row.map((value, j) => value - gain[i]! * h[j]!));
  const noise = Array.from(gain, (k) => Float64Array.from(gain, (other) => r * k * other));
  return add(product(product(keep, P), transpose(keep)), noise);
}

const identity = (n: number): Float64Array[] =>
  Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (_, j) => Number(i === j)));

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const times = (A: Matrix, x: Vector): Float64Array => Float64Array.from(A, (row) => dot(row, x));

const transpose = (A: Matrix): Float64Array[] =>
  Array.from(A[0]!, (_, j) => Float64Array.from(A, (row) => row[j]!));

function product(A: Matrix, B: Matrix): Float64Array[] {
  const columns = transpose(B);
  return A.map((row) => Float64Array.from(columns, (column) => dot(row, column)));
}

const add = (A: Matrix, B: Matrix): Float64Array[] =>
  A.map((row, i) => Float64Array.from(row, (value, j) => value + B[i]![j]!));

/** X with A X = B, by Gaussian elimination with the largest pivot of each column. */
function solve(A: Matrix, B: Matrix, t: number): Float64Array[] {
  const n = A.length;
  const rows = A.map((row, i) => Float64Array.from([...Array.from(row), ...Array.from(B[i]!)]));
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let i = c + 1; i < n; i++) if (Math.abs(rows[i]![c]!) > Math.abs(rows[pivot]![c]!)) pivot = i;
    [rows[c], rows[pivot]] = [rows[pivot]!, rows[c]!];
    if (rows[c]![c] === 0) {
      throw new InvalidValueError(
        `filtered.predictedCovariances[${t}]`,
        "is singular: give Qd a positive diagonal",
      );
    }
    for (let i = 0; i < n; i++) {
      if (i === c) continue;
      const factor = rows[i]![c]! / rows[c]![c]!;
      for (let j = c; j < rows[i]!.length; j++) rows[i]![j]! -= factor * rows[c]![j]!;
    }
  }
  return rows.map((row, i) => row.subarray(n).map((value) => value / row[i]!));
}
