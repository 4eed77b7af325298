/** What the Python package's server computes and answers: its lattice of vectors, in the profile `reference` of core. */
import { Lattice, OscillinkError, version } from "@oscillink/core";
import { publishedStateSignature } from "@oscillink/core/python";
import type { Asked, RunCall, RunShape } from "../compute/shape.ts";
import { Problem } from "../http/problem.ts";
import { limitsOf } from "./limits.ts";
import { type PublishedForm, RECEIPT, readPublished } from "./request.ts";

/** What its profiles are called where none was learned. */
const PROFILE_ID = "baseline";

/** A lattice that has made its step. */
interface Settled {
  readonly lattice: Lattice;
  readonly asked: Asked;
  readonly form: PublishedForm;
  readonly n: number;
  readonly d: number;
  /** Neighbours that there are, of those asked for. */
  readonly neighbors: number;
  readonly step: { readonly iterations: number; readonly residual: number; readonly milliseconds: number };
}

type Part = (settled: Settled) => Record<string, unknown>;

/** A form whose answer has these parts, beside what all of them have. */
const shapeOf = (parts: Part, needs?: "bundle_k" | "chain"): RunShape => ({
  profile: PROFILE_ID,
  read: (body) => readPublished(body, needs),
  run: (asked, call) => inTheirTerms(() => answerOf(settle(asked), parts, call)),
});

/** `POST /v1/settle`: what was asked for of receipt and bundle, null for what was not. */
const settled = ({ withLam }: { readonly withLam: boolean }) =>
  shapeOf((state) => {
    const { params, options } = state.form;
    return {
      receipt: options.include_receipt ? receiptOf(state) : null,
      bundle: options.bundle_k ? bundleOf(state) : null,
      ...(withLam && { lam: { G: params.lamG, C: params.lamC, Q: params.lamQ, P: params.lamP } }),
    };
  });

export const publishedShapes = {
  settle: settled({ withLam: true }),
  receipt: shapeOf((state) => ({ receipt: receiptOf(state) })),
  bundle: shapeOf((state) => ({ bundle: bundleOf(state) }), "bundle_k"),
  "chain-receipt": shapeOf((state) => ({ chain_receipt: chainReceiptOf(state) }), "chain"),
  /** The result of a job: there it says nothing of the weights. */
  "settle-job": settled({ withLam: false }),
} as const;

function settle(asked: Asked): Settled {
  const { request } = asked;
  const form = asked.form as PublishedForm;
  const { params, options, gates, chain } = form;
  const rows = request.candidates!.map(({ embedding }) => embedding as Float32Array);
  const n = rows.length;
  const neighbors = Math.min(params.kneighbors, Math.max(1, n - 1));
  const query = request.query as Float32Array;
  const { lamG, lamC, lamQ, lamP } = params;
  const tolerance = (tol: number, own: number, pull: number) =>
    Math.min(0.99, Math.max(1e-7, tol / (normOf(rows, query, gates, own, pull) || 1)));
  const lattice = new Lattice(
    {
      embeddings: rows,
      ...(gates && { trust: gates }),
      nameOf: (i, column) => `${column === "trust" ? "gates" : "Y"}[${i}]`,
    },
    {
      ...{ profile: "reference", neighbors, lamG, lamC, lamQ, k: Math.min(options.bundle_k || 1, n) },
      ...{ tolerance: tolerance(RECEIPT.tol, lamG, lamQ), maxIterations: RECEIPT.max_iters },
    },
  );
  if (chain) lattice.addChain(chain, { lamP });
  lattice.setQuery(query);
  const { dt, tol, max_iters: maxIterations } = options;
  const before = lattice.timings.solve;
  // The right side of a step, as long or short as it is: a residual there is judged by its own size, here beside it.
  const step = lattice.settle({ dt, maxIterations, tolerance: tolerance(tol, 1 + dt * lamG, dt * lamQ) });
  return {
    lattice,
    asked,
    form,
    n,
    d: rows[0]!.length,
    neighbors,
    step: { ...step, milliseconds: lattice.timings.solve - before },
  };
}

/** `|own Y + pull B psi|` (Frobenius), of which a residual is a share in core. */
function normOf(
  rows: readonly Float32Array[],
  query: Float32Array,
  gates: Float32Array | null,
  own: number,
  pull: number,
): number {
  let sum = 0;
  rows.forEach((row, i) => {
    const by = pull * (gates?.[i] ?? 1);
    for (let c = 0; c < row.length; c++) sum += (own * row[c]! + by * query[c]!) ** 2;
  });
  return Math.sqrt(sum);
}

function answerOf(settled: Settled, parts: Part, { id, at, remaining }: RunCall): unknown {
  const { n, d, neighbors, step, form } = settled;
  const { lam, ...told } = parts(settled);
  const { quota, monthly } = limitsOf(remaining, at);
  return {
    state_sig: stateSigOf(settled),
    ...told,
    timings_ms: { total_settle_ms: step.milliseconds },
    meta: {
      N: n,
      D: d,
      kneighbors_requested: form.params.kneighbors,
      kneighbors_effective: neighbors,
      ...(lam !== undefined && { lam }),
      profile_id: PROFILE_ID,
      request_id: id,
      usage: { nodes: n, node_dim_units: n * d, monthly },
      quota,
    },
  };
}

function stateSigOf({ lattice, asked, form, n, neighbors }: Settled): string {
  const { lamG, lamC, lamQ, lamP, deterministic_k: deterministic } = form.params;
  const { chain } = form;
  const edges = lattice.edges();
  return publishedStateSignature({
    query: asked.request.query as Float32Array,
    gates: form.gates ?? new Float32Array(n).fill(1),
    weights: [lamG, lamC, lamQ, chain ? lamP : 0],
    ...{ neighbors, deterministic, chainLength: chain?.length ?? null },
    pairs: edges
      .flatMap(({ i, j }): [number, number][] => [
        [i, j],
        [j, i],
      ])
      .sort(([a, b], [c, d]) => a - c || b - d),
  });
}

function receiptOf(settled: Settled): unknown {
  const { lattice, form, n, step } = settled;
  const before = lattice.timings;
  const { null_points, meta, ...figures } = lattice.figures({ nullCap: n });
  const gates = form.gates ?? Float32Array.of(1);
  const [min, max] = [gates.reduce((a, b) => Math.min(a, b)), gates.reduce((a, b) => Math.max(a, b))];
  return {
    version,
    deltaH_total: figures.deltaH_total,
    coh_drop_sum: figures.coh_drop_sum,
    anchor_pen_sum: figures.anchor_pen_sum,
    query_term_sum: figures.query_term_sum,
    cg_iters: step.iterations,
    residual: step.residual,
    t_ms: step.milliseconds,
    // There they stand row by row.
    null_points: null_points!.toSorted((a, b) => a.edge[0] - b.edge[0]),
    meta: {
      ustar_cached: true,
      ustar_solves: 1,
      ustar_cache_hits: 0,
      ustar_converged: meta.ustar_converged,
      ustar_res: meta.ustar_res,
      ustar_iters: meta.ustar_iters,
      ustar_solve_ms: lattice.timings.solve - before.solve,
      graph_build_ms: before.graph,
      last_settle_ms: step.milliseconds,
      avg_degree: meta.avg_degree,
      edge_density: meta.edge_density,
      gates_min: min,
      gates_max: max,
      gates_mean: gates.reduce((sum, gate) => sum + gate, 0) / gates.length,
      gates_uniform: max - min < 1e-9,
      state_sig: stateSigOf(settled),
      receipt_detail: meta.receipt_detail,
      null_points_summary: meta.null_points_summary,
    },
  };
}

const bundleOf = ({ lattice }: Settled): unknown =>
  lattice.bundle().map(({ index, score, parts }) => ({ id: index, score, align: parts!.settled }));

function chainReceiptOf({ lattice, form }: Settled): unknown {
  const { verdict, weakestLink, coherenceGain, edges } = lattice.chainReceipt(form.chain!);
  return {
    verdict,
    weakest_link: { k: weakestLink.link, edge: weakestLink.edge, zscore: weakestLink.z },
    coherence_gain: coherenceGain,
    edges: edges.map(({ link, edge, zStruct, zPath, rStruct, rPath }) => ({
      ...{ k: link, edge, z_struct: zStruct, z_path: zPath, r_struct: rStruct, r_path: rPath },
    })),
  };
}

/** What core calls the fields of a request. */
const POINTERS: Readonly<Record<string, string>> = {
  neighbors: "/params/kneighbors",
  lamG: "/params/lamG",
  lamC: "/params/lamC",
  lamQ: "/params/lamQ",
  lamP: "/params/lamP",
  maxIterations: "/options/max_iters",
  tolerance: "/options/tol",
  dt: "/options/dt",
  k: "/options/bundle_k",
  query: "/psi",
};

/** What core refuses, such as weights of which one drowns the other, at the place where the client wrote it. */
function inTheirTerms<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof OscillinkError)) throw error;
    const { parameter } = error;
    const detail = error.message.slice(parameter.length + 2);
    const pointer = POINTERS[parameter] ?? `/${parameter.replace(/\[(\d+)\]/g, "/$1").replaceAll(".", "/")}`;
    throw new Problem(422, "The request cannot be settled.", { faults: [{ pointer, detail }], cause: error });
  }
}
