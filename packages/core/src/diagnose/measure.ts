import { VectorError } from "../errors.ts";
import { kernel } from "../kernels/fastest.ts";
import { product } from "../kernels/scalar.ts";
import { gather, pack, type Vectors } from "../pool/matrix.ts";
import type { Query } from "../pool/query.ts";
import { ambientSpace, type Space } from "../solve/space.ts";
import { type State, stateOf } from "../solve/state.ts";
import { asked, queryProducts, type VectorProblem } from "../solve/vectors.ts";
import { edgeResiduals, residualsOfCosines } from "./edges.ts";
import { type Energy, energyOf, type Measured } from "./energy.ts";

/** Measures a state of a lattice. @param query needed where it pulls, and ignored elsewhere. */
export function measure(problem: VectorProblem, query: Query | null, space: Space, state: State): Measured {
  const { network, system } = problem;
  const { graph, cosines } = network;
  const { x, squares } = state;
  const atStart = x === space.start || x.every((value, at) => value === space.start[at]);
  const residuals = cosines && atStart ? residualsOfCosines(graph) : edgeResiduals(graph, state, kernel);
  // What no query pulls at needs no products with it.
  const pulls = problem.params.lamQ > 0;
  const products = pulls ? queryProducts(problem, asked(query), space, state) : squares.map(() => 0);
  return energyOf(system, graph, space, state, products, query?.square ?? 0, residuals);
}

/** The candidates' own vectors, measured. */
export const measureStart = (problem: VectorProblem, query: Query | null, space: Space): Measured =>
  measure(problem, query, space, stateOf(space, space.start));

/**
 * The energy of any state: row i is candidate i's vector. Rows of candidates that are no nodes are ignored.
 *
 * @throws {VectorError} for another number of vectors, or of values in them.
 */
export function energyOfVectors(
  { pool, network, system }: VectorProblem,
  query: Query,
  vectors: Vectors,
): Energy {
  const given = pack(vectors, (i) => `vectors[${i}]`);
  if (given.rows !== pool.n || given.columns !== pool.d) {
    const wanted = `${pool.n} vectors of ${pool.d} values`;
    throw new VectorError("vectors", `must be ${wanted}, not ${given.rows} of ${given.columns}`);
  }
  const { vector, square } = query;
  const space = ambientSpace(pool.vectors, vector);
  const { width } = space;
  const state = stateOf(space, gather(given, pool.candidate).data);
  const products = state.squares.map((_, i) => product(state.x, i * width, vector, 0, width));
  const { graph } = network;
  return energyOf(system, graph, space, state, products, square, edgeResiduals(graph, state, kernel)).energy;
}
