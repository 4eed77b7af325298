import { degrees } from "../graph/adjacency.ts";
import { type Chain, pathGraph } from "../graph/path.ts";
import type { Pattern } from "../kernels/kernel.ts";
import type { Problem } from "./problem.ts";

/** A Laplacian in float64: `diagonal - weights`. */
interface Coupling extends Pattern {
  readonly diagonal: Float64Array;
  readonly weights: Float64Array;
}

/** `M = lamG I + lamC L + lamP L_path`, for one number a node. */
export interface EvidenceSystem {
  readonly n: number;
  readonly lamG: number;
  readonly lamC: number;
  /** The normalized Laplacian of the graph; a node without neighbours keeps what it has. */
  readonly laplacian: Coupling;
  readonly lamP: number;
  /** The plain Laplacian of the chain; null without one. */
  readonly path: Coupling | null;
  /** The square roots of the degrees, 1 for a node without neighbours: L takes them to 0. */
  readonly roots: Float64Array;
}

/** The evidence that settled. */
export interface Settled {
  /** One number a node: the minimum of the energy. */
  readonly f: Float64Array;
  readonly iterations: number;
  /** `|lamG y - M f|` of each node, recomputed. */
  readonly residuals: Float64Array;
}

/** The terms of `H(f) = lamG |f - y|² + lamC fᵀ L f + lamP fᵀ L_path f`. All are >= 0. */
export interface EvidenceEnergy {
  /** How far the evidence moved. */
  readonly anchor: number;
  /** How much neighbours disagree. */
  readonly coherence: number;
  /** How much the links of the chain disagree. */
  readonly chain: number;
}

/** The system of a problem. @param lamC the weight of coherence that its evidence asks for. */
export function evidenceSystem({ network, params, chain }: Problem, lamC: number): EvidenceSystem {
  const { n, rowStart, columns, weights } = network.graph;
  const degree = degrees(network.graph);
  const roots = degree.map((d) => (d > 0 ? Math.sqrt(d) : 1));
  const scaled = new Float64Array(columns.length);
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
      scaled[e] = weights[e]! / (roots[i]! * roots[columns[e]!]!);
    }
  }
  const diagonal = degree.map((d) => (d > 0 ? 1 : 0));
  return {
    n,
    lamG: params.lamG,
    lamC,
    laplacian: { n, rowStart, columns, diagonal, weights: scaled },
    lamP: chain?.lamP ?? 0,
    path: chain && chain.lamP > 0 ? plainCoupling(n, chain) : null,
    roots,
  };
}

function plainCoupling(n: number, chain: Chain): Coupling {
  const graph = pathGraph(n, chain);
  return { ...graph, diagonal: degrees(graph), weights: Float64Array.from(graph.weights) };
}

/** More iterations than any system takes whose weights are of one size: M's condition is then 2 at the default. */
const MOST = 1000;

/**
 * Solves `M f = lamG y` by conjugate gradients in float64, preconditioned by M's diagonal (Hestenes & Stiefel 1952), until
 * rounding is all that is left. M is positive definite with smallest eigenvalue at least lamG, so there is one solution.
 */
export function settle(system: EvidenceSystem, y: Float64Array): Settled {
  const { n, lamG, lamC, laplacian, lamP, path } = system;
  const inverse = laplacian.diagonal.map(
    (own, i) => 1 / (lamG + lamC * own + (path ? lamP * path.diagonal[i]! : 0)),
  );
  const rhs = y.map((value) => lamG * value);
  const f = y.slice();
  const residual = () => multiply(system, f).map((image, i) => rhs[i]! - image);
  const size = Math.sqrt(dot(rhs, rhs));
  let r = residual();
  let iterations = 0;
  // The recursion drifts from the true residual: it starts again from there as long as that halves it.
  for (let before = Infinity; ; ) {
    const left = Math.sqrt(dot(r, r));
    if (!(left > 1e-15 * size) || 2 * left > before || iterations >= MOST) break;
    before = left;
    const p = r.map((value, i) => inverse[i]! * value);
    let rz = dot(r, p);
    for (
      let square = left * left;
      square > 1e-30 * size * size && rz > 0 && iterations < MOST;
      iterations++
    ) {
      const q = multiply(system, p);
      const alpha = rz / dot(p, q);
      for (let i = 0; i < n; i++) {
        f[i]! += alpha * p[i]!;
        r[i]! -= alpha * q[i]!;
      }
      square = dot(r, r);
      let next = 0;
      for (let i = 0; i < n; i++) next += r[i]! * inverse[i]! * r[i]!;
      for (let i = 0; i < n; i++) p[i] = inverse[i]! * r[i]! + (next / rz) * p[i]!;
      rz = next;
    }
    r = residual();
  }
  return { f, iterations, residuals: r.map(Math.abs) };
}

/** The energy of any evidence `f`, which was `y`. */
export function evidenceEnergy(system: EvidenceSystem, f: Float64Array, y: Float64Array): EvidenceEnergy {
  const { lamG, lamC, laplacian, lamP, path, n, roots } = system;
  let anchor = 0;
  for (let i = 0; i < n; i++) anchor += (f[i]! - y[i]!) * (f[i]! - y[i]!);
  // By edges, whose terms are squares: products of f with L f would cancel.
  const divided = f.map((value, i) => value / roots[i]!);
  const disagreement = (of: Coupling, values: Float64Array, scale: Float64Array | null): number => {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      for (let e = of.rowStart[i]!; e < of.rowStart[i + 1]!; e++) {
        const j = of.columns[e]!;
        const weight = scale ? of.weights[e]! * scale[i]! * scale[j]! : of.weights[e]!;
        sum += 0.5 * weight * (values[i]! - values[j]!) * (values[i]! - values[j]!);
      }
    }
    return sum;
  };
  return {
    anchor: lamG * anchor,
    coherence: lamC > 0 ? lamC * disagreement(laplacian, divided, roots) : 0,
    chain: path ? lamP * disagreement(path, f, null) : 0,
  };
}

/** `M x`. */
export function multiply(system: EvidenceSystem, x: Float64Array): Float64Array {
  const { lamG, lamC, laplacian, lamP, path } = system;
  const image = x.map((value) => lamG * value);
  if (lamC > 0) addProduct(laplacian, lamC, x, image);
  if (path) addProduct(path, lamP, x, image);
  return image;
}

/** `image += by (diagonal - weights) x`. */
function addProduct(coupling: Coupling, by: number, x: Float64Array, image: Float64Array): void {
  const { n, rowStart, columns, weights, diagonal } = coupling;
  for (let i = 0; i < n; i++) {
    let sum = diagonal[i]! * x[i]!;
    for (let e = rowStart[i]!, end = rowStart[i + 1]!; e < end; e++) sum -= weights[e]! * x[columns[e]!]!;
    image[i]! += by * sum;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** How much each edge disagrees: `lamC w_ij (f_i/√d_i - f_j/√d_j)²`, one value an entry of the graph. */
export function edgeStrain({ lamC, laplacian, roots, n }: EvidenceSystem, f: Float64Array): Float64Array {
  const { rowStart, columns, weights } = laplacian;
  const strain = new Float64Array(columns.length);
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
      const j = columns[e]!;
      const difference = f[i]! / roots[i]! - f[j]! / roots[j]!;
      strain[e] = lamC * weights[e]! * roots[i]! * roots[j]! * difference * difference;
    }
  }
  return strain;
}
