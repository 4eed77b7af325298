import { type Dynamics, dynamics } from "../diagnose/dynamics.ts";
import { coherenceDrops } from "../diagnose/edges.ts";
import { gap } from "../diagnose/energy.ts";
import { measure, measureStart } from "../diagnose/measure.ts";
import { nullPoints } from "../diagnose/nullPoints.ts";
import { crowdedShare } from "../graph/adjacency.ts";
import { chainOfCandidates } from "../graph/chain.ts";
import { kernel } from "../kernels/fastest.ts";
import type { ReceiptOptions } from "../options/calls.ts";
import type { Pool } from "../pool/pool.ts";
import type { Query } from "../pool/query.ts";
import { publishedNullPoints } from "../python/nullPoints.ts";
import { publishedStateOf, publishedStateSignature } from "../python/state.ts";
import type { Answer } from "../rank/answer.ts";
import { type BundleEntry, bundle } from "../rank/bundle.ts";
import { type Moved, type Problem, strategiesOf } from "../solve/settle.ts";
import type { Space } from "../solve/space.ts";
import { stateOf } from "../solve/state.ts";
import { digestJson, digestTexts, digestVectors } from "./digest.ts";
import { type LeftOut, makeReceipt, type Receipt, recorded, significant } from "./receipt.ts";

/** Digests of what the candidates of a pool came with. */
export type PoolDigests = Pick<
  Receipt["inputs"],
  "candidates" | "scores" | "ids" | "trust" | "texts" | "titles" | "edges"
>;

/** The part of a receipt's inputs that is the same for all queries. */
export const poolDigests = ({ raw, scores, ids, trust, texts, titles, edges }: Pool): PoolDigests => ({
  candidates: scores ? null : digestVectors(raw),
  scores: scores && digestJson(Array.from(scores, (s) => (Number.isNaN(s) ? null : s))),
  ids: digestJson(ids),
  trust: trust.every((t) => t === 1) ? null : digestJson(Array.from(trust)),
  texts: texts && digestTexts(texts),
  titles: titles && digestTexts(titles),
  edges: edges && digestJson(edges),
});

/** What a receipt tells of. */
export interface Told {
  readonly problem: Problem;
  readonly query: Query;
  readonly space: Space;
  /** Null where no step was taken. */
  readonly moved: Moved | null;
  readonly answer: Answer;
  readonly digests: PoolDigests;
  /** How the solution was come by: not covered by the digest. */
  readonly counts: Pick<Receipt["meta"], "ustar_cached" | "ustar_solves" | "ustar_cache_hits">;
}

/** The record of a lattice, but for the time that it took. */
export function writeReceipt(told: Told, options: Required<ReceiptOptions>): Omit<Receipt, "t_ms"> {
  const { problem, query, space, moved, answer, digests, counts } = told;
  const { params, pool, chain, network, system } = problem;
  const { graph } = network;
  const { solution, finest, margin, choice } = answer;
  const { convergence } = solution;
  const full = options.detail === "full";
  const published = strategiesOf(problem).figures === "published";
  const start = measureStart(problem, query, space);
  const settled = measure(problem, query, space, solution.state);
  const present = moved && measure(problem, query, space, stateOf(space, moved.state));
  const remaining = present === null ? 0 : gap(system, space, present.x, settled.x, kernel);
  const { total: minimum, ...terms } = settled.energy;
  const entries = graph.columns.length;
  const documents = bundle(problem, query, answer).map(({ index: _, ...entry }) => recorded(entry));
  const last = moved?.convergence ?? convergence;
  const drops = () => coherenceDrops(graph, start.residuals, settled.residuals, params.lamC);
  const points = full ? nullPointsOf(problem, settled.residuals, options.nullThreshold) : null;
  const listed = points && [...points].sort((a, b) => b.z - a.z).slice(0, options.nullCap);
  return makeReceipt({
    params,
    inputs: {
      n: pool.n,
      d: pool.scores ? 0 : query.raw.columns,
      missing: pool.missing.length,
      excluded: pool.excluded,
      ...digests,
      query: pool.scores ? null : digestVectors(query.raw),
      queryText: query.text === null ? null : digestTexts([query.text]),
    },
    chain: chain && chainOfCandidates(pool, chain),
    bundle: documents,
    left_out: leftOutOf(pool, params.k, documents, answer),
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
    null_points:
      listed?.map(({ edge, z, residual }) => ({
        edge: candidatesOf(pool, edge),
        z: significant(z),
        residual: significant(residual),
      })) ?? null,
    meta: {
      ...counts,
      ustar_converged: convergence.converged,
      ustar_res: convergence.residual,
      ustar_iters: convergence.iterations,
      avg_degree: graph.n > 0 ? entries / graph.n : 0,
      edge_density: graph.n > 1 ? entries / (graph.n * (graph.n - 1)) : 0,
      receipt_detail: options.detail,
      crowding: { share: crowdedShare(graph), passed: choice.copies.length },
      null_threshold: full && Number.isFinite(options.nullThreshold) ? options.nullThreshold : null,
      null_points_summary: points && {
        total_null_points: points.length,
        returned_null_points: listed!.length,
        null_cap_applied: listed!.length < points.length,
      },
      dynamics: options.dynamics && moved ? dynamicsOf(problem, query, space, moved) : null,
      state_sig: published ? publishedStateSignature(publishedStateOf(problem, query)) : null,
    },
    certificate: {
      residual: significant(finest.convergence.residual),
      bound: significant(finest.bounds.reduce((a, b) => Math.max(a, b), 0)),
      margin: margin !== null && Number.isFinite(margin) ? significant(margin) : null,
      orderCertified: margin !== null && margin > 0,
    },
    kernel: { name: kernel.name, version: kernel.version },
    space: space.kind,
    vectors: options.vectors,
  });
}

function nullPointsOf(problem: Problem, residuals: Float64Array, threshold: number) {
  const { graph } = problem.network;
  const strain = residuals.map((r) => problem.params.lamC * r);
  const rule = strategiesOf(problem).baseline === "edges" ? nullPoints : publishedNullPoints;
  return rule(graph, strain, threshold);
}

/** What the last step moved, by candidate. */
function dynamicsOf(
  problem: Problem,
  query: Query,
  space: Space,
  { state, before, convergence }: Moved,
): Dynamics {
  const { network, system } = problem;
  const { graph } = network;
  const found = dynamics({
    graph,
    system,
    space,
    lamC: problem.params.lamC,
    iterations: convergence.iterations,
    before: measure(problem, query, space, stateOf(space, before)),
    after: measure(problem, query, space, stateOf(space, state)),
    kernel,
  });
  const top_flows = found.top_flows.map(({ edge, flow }) => ({
    edge: candidatesOf(problem.pool, edge),
    flow,
  }));
  return { ...found, top_flows };
}

/** An edge of nodes as one of candidates. */
const candidatesOf = ({ candidate }: Pool, [a, b]: readonly [number, number]): [number, number] => [
  candidate[a]!,
  candidate[b]!,
];

/** What a receipt says of candidates that are not in the bundle: see `Receipt.left_out`. */
function leftOutOf(
  { candidate, ids, n }: Pool,
  k: number,
  bundle: readonly BundleEntry[],
  { ranking, choice }: Answer,
): LeftOut[] {
  const { score } = ranking.last.scores;
  const { copies } = choice;
  const taken = new Set(bundle.map(({ inputRank }) => inputRank - 1));
  const copyOf = new Map(copies.slice(0, k).map(({ node, of }) => [candidate[node]!, ids[candidate[of]!]!]));
  const placeOf = new Map(ranking.order.map((node, place) => [candidate[node]!, { node, place }]));
  const first = Array.from({ length: Math.min(k, n) }, (_, index) => index);
  return [...new Set([...first, ...copyOf.keys()])]
    .filter((index) => !taken.has(index))
    .sort((a, b) => a - b)
    .map((index) => {
      const known = placeOf.get(index);
      return {
        id: ids[index]!,
        inputRank: index + 1,
        rank: known ? known.place + 1 : null,
        score: known ? significant(score[known.node]!) : null,
        copyOf: copyOf.get(index) ?? null,
      };
    });
}
