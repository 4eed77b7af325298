import { OptionError, show, VectorError } from "../errors.ts";
import { capRowSums, symmetrize } from "../graph/adjacency.ts";
import { nearestNeighbors } from "../graph/neighbors.ts";
import { kernel } from "../kernels/fastest.ts";
import { product } from "../kernels/scalar.ts";
import { defined, resolveOptions } from "../options/options.ts";
import type { Options } from "../options/types.ts";
import {
  compareRows,
  contentOrder,
  gather,
  pack,
  packOne,
  unitRows,
  unitScale,
  type Vector,
  type Vectors,
  widthOf,
} from "../pool/matrix.ts";
import { eliminate, iterate, screen } from "./screened.ts";

/** The options of {@link computeDiffusionGates}. The graph's are the lattice's own, and so are their defaults. */
export interface GateOptions extends Pick<Options, "neighbors" | "graph" | "similarityFloor"> {
  /**
   * Candidates whose edge weights sum to more than this have them scaled down, so that walks visit hubs less often.
   * > 0, default Infinity, which is neutral. One so low that it meets every candidate alike cancels again.
   */
  rowCap?: number;
  /**
   * Screening: a walk stops at each node with probability `gamma / (1 + gamma)`. In [0.001, 1000], default 0.5, which
   * is `lamG / lamC` of the lattice. Towards 1000, the neutral end, h is the candidate's own similarity;
   * towards 0.001 the mean of all that it is connected to.
   */
  gamma?: number;
  /**
   * Gain: multiplies the odds `h / (1 - h)`. >= 0, default 1, which is neutral: the gates are h itself. 0 closes all;
   * as it grows, all with h > 0 open. Refused with `"minmax"`, where it would cancel.
   */
  beta?: number;
  /**
   * `"direct"`: dense Cholesky, N² float64 values. `"cg"`: conjugate gradients, memory by the edge. Both solve for h
   * to 1e-9. `"auto"` (default) takes the first up to 256 candidates.
   */
  method?: "auto" | "direct" | "cg";
  /**
   * `"none"` (default): there is nothing to normalize, h lies in [0, 1]. `"minmax"`: the Python package's gates, for
   * comparison: its equation, and the pool's lowest gate made 0 and its highest 1. With neighbors 6, graph `"mutual"`,
   * similarityFloor 0, rowCap 1 and gamma 0.1 they are what it returns by default.
   */
  normalization?: "none" | "minmax";
}

/** Up to here the Cholesky factor is 512 KiB and takes a few milliseconds. */
const DIRECT_LIMIT = 256;

/**
 * Gates in [0, 1], one a candidate: how much of the query's topic lies around it. Fit to be passed as trust.
 *
 * Each candidate is a source of strength `s_i = max(0, cos(y_i, psi))`, and the sources spread over the candidates'
 * neighbour graph (weights A, degrees D) until they are screened:
 *
 *     (I - D⁻¹A + gamma I) h = gamma s,        gate = beta h / (1 - h + beta h)
 *
 * A screened Poisson equation: up to scaling by degree its inverse is the regularized Laplacian kernel (Smola & Kondor
 * 2003). Read as a walk (Doyle & Snell 1984), h_i is the similarity expected where a walk from i along the edges stops.
 * So h is a mean of the sources (the maximum principle): equal sources give equal gates whatever the graph, gates lie
 * no further apart than the sources do, and nothing has to be normalized afterwards. The published form, with the
 * symmetric Laplacian, tends to `sqrt(degree)` instead: it opens hubs, and needs its min-max.
 *
 * A candidate without neighbours keeps `h = s`; one without a vector, or with a zero one, gets gate 0. Lengths do not
 * matter, identical vectors get identical gates, and another order of the candidates gives the same bits.
 *
 * @example
 * const trust = computeDiffusionGates(embeddings, query); // note that trust 0 excludes a candidate
 *
 * @throws {OptionError} for an unknown option, a value out of range, or a beta that would not matter.
 * @throws {VectorError} for vectors of different widths, values that are not finite, or a zero query.
 */
export function computeDiffusionGates(vectors: Vectors, query: Vector, options: GateOptions = {}): number[] {
  const params = resolveGateOptions(options);
  const { h, present } = diffuse(vectors, query, params);
  const gates = new Array<number>(h.length).fill(0);
  const { beta } = params;
  const low = h.reduce((a, b) => Math.min(a, b), Infinity);
  const span = h.reduce((a, b) => Math.max(a, b), -Infinity) - low;
  for (const i of present) {
    const open = beta * h[i]!;
    if (params.normalization === "minmax") gates[i] = span > 1e-12 ? (h[i]! - low) / span : 1;
    else if (open > 0) gates[i] = open / (1 - h[i]! + open);
  }
  return gates;
}

/** Source and potential of each candidate, both 0 where there is no vector, and the indices of those with one. */
interface Diffusion {
  readonly source: Float64Array;
  readonly h: Float64Array;
  readonly present: readonly number[];
}

/** The screened diffusion itself: what the gates are read off. */
export function diffuse(vectors: Vectors, query: Vector, params: Required<GateOptions>): Diffusion {
  const raw = pack(vectors, (i) => `vectors[${i}]`);
  const psi = packOne(query, raw.columns || widthOf(query, "query"), "query");
  if (psi.norms[0] === 0) {
    throw new VectorError("query", "is zero; it has no direction to compare with");
  }

  const present = Array.from({ length: raw.rows }, (_, i) => i).filter((i) => raw.norms[i]! > 0);
  const n = present.length;
  const scale = unitScale(raw.norms);
  // Computed in the order of content: sums then run alike whatever order the candidates came in.
  const order = contentOrder(raw, present, scale);
  const unit = gather(raw, order, scale);
  const { data, stride } = unit;
  const psiUnit = unitRows(psi).data;
  const similarity = (i: number) => product(data, i * stride, psiUnit, 0, stride);
  const s = Float64Array.from({ length: n }, (_, i) => Math.max(0, Math.min(1, similarity(i))));

  const edges = nearestNeighbors(unit, null, params.neighbors, params.similarityFloor, "all", kernel);
  const graph = symmetrize(n, edges, params.graph);
  // The Python package takes the sources as they are and lets lone nodes have L_ii = 1; it stays in the symmetric
  // coordinates sqrt(d_i) h_i, in which both equations have the same matrix.
  const published = params.normalization === "minmax";
  const system = screen(capRowSums(graph, params.rowCap), params.gamma, published ? 1 : 0);
  const { root } = system;
  const f = published ? s : s.map((v, i) => params.gamma * root[i]! * v);
  const direct = params.method === "auto" ? n <= DIRECT_LIMIT : params.method === "direct";
  const x = direct ? eliminate(system, f) : iterate(system, f);

  const source = new Float64Array(raw.rows);
  const h = new Float64Array(raw.rows);
  order.forEach((to, i) => {
    // Identical nodes differ by the order of summation alone, in the last bit.
    const twin = i > 0 && compareRows(unit, i, i - 1) === 0;
    const own = published ? x[i]! : Math.min(1, x[i]! / root[i]!);
    h[to] = twin ? h[order[i - 1]!]! : own;
    source[to] = s[i]!;
  });
  return { source, h, present };
}

const within = (least: number, most: number) => (value: unknown) =>
  typeof value === "number" && value >= least && value <= most;

/** What an option of our own must be; the graph's are judged where the lattice's are. */
const wanted: Record<string, readonly [string, (value: unknown) => boolean]> = {
  rowCap: ["a number > 0", within(Number.MIN_VALUE, Infinity)],
  gamma: ["a number in [0.001, 1000]", within(0.001, 1000)],
  beta: ["a finite number >= 0", within(0, Number.MAX_VALUE)],
  method: ['one of "auto", "direct", "cg"', (value) => ["auto", "direct", "cg"].includes(value as string)],
  normalization: ['one of "none", "minmax"', (value) => ["none", "minmax"].includes(value as string)],
};

/** Every option, judged and filled in. */
export function resolveGateOptions(options: GateOptions): Required<GateOptions> {
  const known = ["neighbors", "graph", "similarityFloor", ...Object.keys(wanted)];
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) throw new OptionError(name, `unknown option; known are ${known.join(", ")}`);
    const [range, accepts] = wanted[name] ?? ["", () => true];
    if (value !== undefined && !accepts(value)) {
      throw new OptionError(name, `must be ${range}, not ${show(value)}`);
    }
  }
  const { rowCap = Infinity, gamma = 0.5, beta, method = "auto", normalization = "none", ...rest } = options;
  if (normalization === "minmax" && beta !== undefined) {
    throw new OptionError("beta", 'cancels in the normalization "minmax"; leave one of the two out');
  }
  const { neighbors, graph, similarityFloor } = resolveOptions({
    neighbors: 30,
    graph: "union",
    ...defined(rest),
  });
  return { neighbors, graph, similarityFloor, rowCap, gamma, beta: beta ?? 1, method, normalization };
}
