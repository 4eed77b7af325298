import type { crowdedShare } from "../graph/adjacency.ts";
import { kernel } from "../kernels/fastest.ts";
import type { ReceiptOptions } from "../options/calls.ts";
import type { Pool } from "../pool/pool.ts";
import type { Query } from "../pool/query.ts";
import { publishedNullPoints } from "../python/nullPoints.ts";
import { strategiesOf } from "../solve/problem.ts";
import type { Space } from "../solve/space.ts";
import { stateOf } from "../solve/state.ts";
import type { Moved, Solution, VectorProblem } from "../solve/vectors.ts";
import { type Dynamics, dynamics } from "./dynamics.ts";
import { coherenceDrops } from "./edges.ts";
import { type Energy, gap } from "./energy.ts";
import { measure, measureStart } from "./measure.ts";
import { type NullPoint, nullPoints } from "./nullPoints.ts";

/** What is told of a lattice of vectors, in the names of the published receipt. */
export interface LatticeFigures {
  /**
   * `H(Y) - H(U*)`: how far the energy fell from the candidates' own vectors to the settled ones. In the profile
   * `reference` it is the published figure, what the present state has still to fall: `energy.remaining`.
   */
  readonly deltaH_total: number;
  /** The fall of the coherence term; null where `detail` is `"light"`, as all four are. */
  readonly coh_drop_sum: number | null;
  /** The anchor term at the minimum: what the fall was paid with. */
  readonly anchor_pen_sum: number | null;
  /** The fall of the query term (in `reference`, the term itself). */
  readonly query_term_sum: number | null;
  /** The fall of the chain term. `deltaH_total = coh_drop - anchor_pen + query_term + chain_drop`. */
  readonly chain_drop_sum: number | null;
  readonly energy: {
    /** H of the candidates' own vectors. */
    readonly initial: number;
    /** H of the lattice's present state: that after `settle()`, or the minimum if it was never called. */
    readonly final: number;
    /** H of the settled vectors U*. */
    readonly minimum: number;
    /** `final - minimum`, computed without cancellation. */
    readonly remaining: number;
    /** The terms of `minimum`. */
    readonly terms: Omit<Energy, "total">;
  };
  /** Iterations of the last settle, or of the solve if there was none. */
  readonly cg_iters: number;
  /** Residual `|F - M U|` that these iterations reached, recomputed. */
  readonly residual: number;
  /** No settled vector is further than this from the exact one; see `errorBounds`. */
  readonly bound: number;
  /** The coordinates in which the system was solved. */
  readonly space: Space["kind"];
  /** The edges under most tension, by candidate index; null where `detail` is `"light"`. */
  readonly null_points: readonly NullPoint[] | null;
  readonly meta: {
    readonly ustar_converged: boolean;
    readonly ustar_res: number;
    readonly ustar_iters: number;
    /** What the last `settle` moved, if that was asked for. */
    readonly dynamics: Dynamics | null;
  } & NetworkFigures;
}

/** What is told of a graph, and of its edges under most tension. */
export interface NetworkFigures {
  /** Neighbours a node. */
  readonly avg_degree: number;
  /** Share of the n (n - 1) possible directed edges. */
  readonly edge_density: number;
  readonly receipt_detail: "full" | "light";
  /** From which z on an edge was a null point; null in a light receipt, and if it was not finite. */
  readonly null_threshold: number | null;
  readonly null_points_summary: {
    readonly total_null_points: number;
    readonly returned_null_points: number;
    readonly null_cap_applied: boolean;
  } | null;
}

/** Measures a lattice of vectors. */
export function latticeFigures(
  problem: VectorProblem,
  query: Query | null,
  space: Space,
  solution: Solution,
  moved: Moved | null,
  options: Required<ReceiptOptions>,
): LatticeFigures {
  const { params, network, system } = problem;
  const { graph } = network;
  const { convergence } = solution;
  const full = options.detail === "full";
  const published = strategiesOf(problem).figures === "published";
  const start = measureStart(problem, query, space);
  const settled = measure(problem, query, space, solution.state);
  const present = moved && measure(problem, query, space, stateOf(space, moved.state));
  const remaining = present === null ? 0 : gap(system, space, present.x, settled.x, kernel);
  const { total: minimum, ...terms } = settled.energy;
  const last = moved?.convergence ?? convergence;
  const drops = () => coherenceDrops(graph, start.residuals, settled.residuals, params.lamC);
  const strain = settled.residuals.map((r) => params.lamC * r);
  const rule = strategiesOf(problem).baseline === "edges" ? nullPoints : publishedNullPoints;
  const points = full ? rule(graph, strain, options.nullThreshold) : null;
  const tension = tensionOf(problem.pool, graph, points, options);
  return {
    deltaH_total: !published
      ? start.energy.total - minimum
      : present === null
        ? gap(system, space, start.x, settled.x, kernel)
        : remaining,
    coh_drop_sum: !full
      ? null
      : published
        ? drops().reduce((sum, drop) => sum + drop, 0)
        : start.energy.coherence - terms.coherence,
    anchor_pen_sum: full ? terms.anchor : null,
    query_term_sum: !full ? null : published ? terms.query : start.energy.query - terms.query,
    chain_drop_sum: full ? start.energy.chain - terms.chain : null,
    energy: {
      initial: start.energy.total,
      final: (present ?? settled).energy.total,
      minimum,
      remaining,
      terms,
    },
    cg_iters: last.iterations,
    residual: last.residual,
    bound: solution.bounds.reduce((a, b) => Math.max(a, b), 0),
    space: space.kind,
    null_points: tension.null_points,
    meta: {
      ustar_converged: convergence.converged,
      ustar_res: convergence.residual,
      ustar_iters: convergence.iterations,
      ...tension.meta,
      dynamics: options.dynamics && moved ? dynamicsOf(problem, query, space, moved) : null,
    },
  };
}

/** The edges under most tension, at most as many as were asked for, and what is told of their graph. */
export function tensionOf(
  pool: Pool,
  graph: Parameters<typeof crowdedShare>[0],
  points: readonly NullPoint[] | null,
  { detail, nullCap, nullThreshold }: Required<ReceiptOptions>,
): { readonly null_points: readonly NullPoint[] | null; readonly meta: NetworkFigures } {
  const entries = graph.columns.length;
  const listed = points && [...points].sort((a, b) => b.z - a.z).slice(0, nullCap);
  return {
    null_points: listed?.map((point) => ({ ...point, edge: candidatesOf(pool, point.edge) })) ?? null,
    meta: {
      avg_degree: graph.n > 0 ? entries / graph.n : 0,
      edge_density: graph.n > 1 ? entries / (graph.n * (graph.n - 1)) : 0,
      receipt_detail: detail,
      null_threshold: detail === "full" && Number.isFinite(nullThreshold) ? nullThreshold : null,
      null_points_summary: points && {
        total_null_points: points.length,
        returned_null_points: listed!.length,
        null_cap_applied: listed!.length < points.length,
      },
    },
  };
}

/** What the last step moved, by candidate. */
function dynamicsOf(
  problem: VectorProblem,
  query: Query | null,
  space: Space,
  { state, before, convergence }: Moved,
): Dynamics {
  const { network, system, params, pool } = problem;
  const found = dynamics({
    graph: network.graph,
    system,
    space,
    lamC: params.lamC,
    iterations: convergence.iterations,
    before: measure(problem, query, space, stateOf(space, before)),
    after: measure(problem, query, space, stateOf(space, state)),
    kernel,
  });
  const top_flows = found.top_flows.map(({ edge, flow }) => ({ edge: candidatesOf(pool, edge), flow }));
  return { ...found, top_flows };
}

/** An edge of nodes as one of candidates. */
const candidatesOf = ({ candidate }: Pool, [a, b]: readonly [number, number]): [number, number] => [
  candidate[a]!,
  candidate[b]!,
];
