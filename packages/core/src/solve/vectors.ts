import { StateError } from "../errors.ts";
import { degrees } from "../graph/adjacency.ts";
import { normalizedLaplacian, plainLaplacian } from "../graph/laplacian.ts";
import { pathGraph } from "../graph/path.ts";
import { kernel } from "../kernels/fastest.ts";
import { product } from "../kernels/scalar.ts";
import type { SolveOptions } from "../options/types.ts";
import type { PackedVectors } from "../pool/matrix.ts";
import { ownProduct, type Query } from "../pool/query.ts";
import type { Convergence } from "./cg.ts";
import { type Problem, strategiesOf } from "./problem.ts";
import { errorBounds, solve } from "./solve.ts";
import { ambientSpace, cheaperSpace, type Space, spanSpace } from "./space.ts";
import { type State, stateOf } from "./state.ts";
import { assemble, type System, shifted } from "./system.ts";

/** A problem whose vectors are to settle. */
export interface VectorProblem extends Problem {
  readonly system: System;
}

/** The settled state. It does not depend on the query, unless that pulls. */
export interface Solution {
  readonly options: SolveOptions;
  readonly convergence: Convergence;
  readonly state: State;
  /** How far each settled vector may be from the exact one. */
  readonly bounds: Float64Array;
}

/** Where steps of the lattice have led. */
export interface Moved {
  readonly state: Float32Array;
  /** The state before the last step. */
  readonly before: Float32Array;
  /** What the last step reached. */
  readonly convergence: Convergence;
}

/** Assembles the system in which the vectors of a problem settle. */
export function vectorProblem(problem: Problem): VectorProblem {
  const { pool, params, chain, network } = problem;
  const strategies = strategiesOf(problem);
  const { lamG, lamC, lamQ } = params;
  const pull = Float32Array.from(pool.nodeTrust, (b) => lamQ * (strategies.trust === "pull" ? b : 1));
  const path = chain && pathGraph(pool.vectors.rows, chain);
  const links = path && {
    laplacian: strategies.chain === "plain" ? plainLaplacian(path) : normalizedLaplacian(path, "shrink"),
    lamP: chain!.lamP,
  };
  const laplacian = normalizedLaplacian(network.graph, strategies.isolated);
  return { ...problem, system: assemble(laplacian, lamG, lamC, pull, links) };
}

/** The query of a problem that needs one. @throws {StateError} if none was set. */
export function asked(query: Query | null): Query {
  if (query === null) throw new StateError("query", "is not set; call setQuery first");
  return query;
}

/** The coordinates to solve in. @throws {StateError} if no query was set though it pulls. */
export function spaceOf({ params, pool, network }: Problem, query: Query | null): Space {
  const pulling = params.lamQ > 0 ? asked(query).vector : null;
  const { rows: n, columns } = pool.vectors;
  const kind = cheaperSpace(n, columns, n * Math.min(2 * params.neighbors, n));
  return network.gram === null || kind === "ambient"
    ? ambientSpace(pool.vectors, pulling)
    : spanSpace(pool.vectors, network.gram, pulling, kernel);
}

/** Solves for the minimum U*, starting from `x`, which becomes the solution. */
export function settleVectors(
  problem: VectorProblem,
  query: Query | null,
  space: Space,
  x: Float32Array,
  options: SolveOptions,
): Solution {
  const { network, system } = problem;
  const { graph } = network;
  const rhs = rightHandSide(problem, space);
  const solved = solve(system.matrix, space, rhs, x, options, kernel, rightHandNorm(problem, query));
  const roots = degrees(graph).map((degree) => (degree > 0 ? Math.sqrt(degree) : 1));
  const state = stateOf(space, x);
  const lengths = state.squares.map(Math.sqrt);
  const bounds = errorBounds(system.matrix, solved.residuals, lengths, system.lamG, roots);
  return { options, convergence: solved.convergence, state, bounds };
}

/**
 * One implicit Euler step `(I + dt M) U⁺ = U + dt F`, of which none raises the energy.
 *
 * @param state where it starts; the candidates' own vectors are `space.start`.
 * @param warmStart whether the solver starts from that state, or from zero.
 */
export function step(
  problem: VectorProblem,
  space: Space,
  state: Float32Array,
  dt: number,
  warmStart: boolean,
  options: SolveOptions,
): Moved {
  // A step longer than 1 is divided by dt, so that an endless one is the minimum and not an overflow.
  const identity = dt > 1 ? 1 / dt : 1;
  const rhs = state.map((value) => identity * value);
  kernel.axpy(identity * dt, rightHandSide(problem, space), rhs, rhs.length);
  const next = warmStart ? state.slice() : new Float32Array(state.length);
  const matrix = shifted(problem.system, identity, identity * dt);
  const { convergence } = solve(matrix, space, rhs, next, options, kernel);
  return { state: next, before: state, convergence };
}

/** `U_i · psi` of each node. */
export function queryProducts(
  { pool }: VectorProblem,
  query: Query,
  space: Space,
  { x, width }: State,
): Float64Array {
  const nodes = pool.candidate.length;
  let target = query.vector;
  if (space.kind === "span") {
    // In a span a node's product with the query is its coefficients' with those of the basis.
    target = new Float32Array(width);
    for (let i = 0; i < nodes; i++) target[i] = ownProduct(pool, query, i);
    if (space.query !== null) target[nodes] = query.square;
  }
  return Float64Array.from({ length: nodes }, (_, i) => product(x, i * width, target, 0, width));
}

/** `F = lamG Y + lamQ B 1 psiᵀ` in the coordinates of the space. */
function rightHandSide({ system }: VectorProblem, { start, query, width }: Space): Float32Array {
  const { lamG, pull } = system;
  if (lamG === 1 && query === null) return start;
  const rhs = start.map((y) => lamG * y);
  if (query !== null) {
    for (let i = 0; i < pull.length; i++) kernel.axpy(pull[i]!, query, rhs.subarray(i * width), width);
  }
  return rhs;
}

/** `|F|`, from the products that are at hand. */
function rightHandNorm({ params, pool, system }: VectorProblem, given: Query | null): number {
  const { lamG, pull } = system;
  const query = params.lamQ > 0 ? given : null;
  const square = (norm: number, i: number): number => {
    const own = lamG * lamG * norm * norm;
    if (query === null) return own;
    return own + 2 * lamG * pull[i]! * ownProduct(pool, query, i) + pull[i]! * pull[i]! * query.square;
  };
  return Math.sqrt(pool.norms.reduce((sum, norm, i) => sum + Math.max(0, square(norm, i)), 0));
}

/** A state as vectors: row i is candidate i's, zero for a candidate that is no node. */
export function vectorsOf({ pool }: VectorProblem, space: Space, x: Float32Array): PackedVectors {
  const { n, d, candidate } = pool;
  const vectors = space.toVectors(x);
  const data = new Float32Array(n * d);
  candidate.forEach((index, node) => {
    const start = node * vectors.stride;
    data.set(vectors.data.subarray(start, start + d), index * d);
  });
  return { data, n, d };
}
