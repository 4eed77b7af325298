import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createServer, loadConfig, type Server } from "../src/index.ts";

/** The tolerances of the golden vectors, relative to max(1, |v|): against the Python package, which is in float32 … */
const REFERENCE = 1e-4;
/** … against what its step gives, which stops at a residual of 1e-3, and of z-scores. */
const STEP = 1e-3;
const Z = 1e-3;
/** The margin from which on an order is decided by more than rounding. */
const MARGIN = 1e-6;

interface Point {
  readonly edge: readonly [number, number];
  readonly z: number;
  readonly residual: number;
}
interface Entry {
  readonly id: number;
  readonly score: number;
  readonly align: number;
}
interface ChainAnswer {
  readonly verdict: boolean;
  readonly weakest_link: { readonly k: number; readonly edge: number[]; readonly zscore: number };
  readonly coherence_gain: number;
  readonly edges: readonly Readonly<Record<string, number | number[]>>[];
}
type Meta = Readonly<Record<string, unknown>>;
interface Receipt {
  readonly null_points: readonly Point[];
  readonly meta: Meta;
  readonly [name: string]: unknown;
}
interface Answer {
  readonly state_sig: string;
  readonly receipt: Receipt;
  readonly bundle: readonly Entry[];
  readonly chain_receipt: ChainAnswer;
  readonly timings_ms: Meta;
  readonly meta: Meta;
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
  readonly [name: string]: unknown;
}
interface Golden {
  readonly name: string;
  readonly params: Readonly<Record<string, number | boolean>>;
  readonly kneighbors_effective: number;
  readonly Y: readonly (readonly number[])[];
  readonly psi: readonly number[];
  readonly gates: readonly number[] | null;
  readonly chain: { readonly nodes: readonly number[]; readonly lamP: number } | null;
  readonly state_sig: string;
  readonly state_sig_text: string;
  readonly settle: { readonly iters: number; readonly res: number };
  readonly receipt: Receipt;
  readonly bundle: readonly Entry[];
  readonly chain_receipt: {
    readonly chain: readonly number[];
    readonly z_th: number;
    readonly out: ChainAnswer;
  } | null;
  readonly row_max_z: readonly (readonly [number, number])[];
  readonly min_step_gap: number | null;
}

const fixture = new URL("fixtures/published.json", import.meta.url);
/** What the Python package answered to `settle()`, `receipt()`, `bundle(k=5)` and `chain_receipt()`. */
const { cases } = JSON.parse(readFileSync(fixture, "utf8")) as { cases: Golden[] };

const data = mkdtempSync(join(tmpdir(), "oscillink-published-"));
let server: Server;
beforeAll(async () => {
  const environment = {
    ...{
      OSCILLINK_AUTH: "none",
      OSCILLINK_DATA: data,
      OSCILLINK_THREADS: "1",
      OSCILLINK_LOG_LEVEL: "silent",
    },
    ...{ OSCILLINK_LIMITS_INTERACTIVE_MS: "10000" },
  };
  server = await createServer(loadConfig({ environment }));
});
afterAll(async () => {
  await server.close();
  rmSync(data, { recursive: true });
});

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const payload = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await server.app.inject({
    ...{ method: "POST", url, payload },
    headers: { "content-type": "application/json", ...headers },
  });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json<Answer>() };
}

const requestOf = ({ Y, psi, gates, chain, params }: Golden) => ({
  ...{ Y, psi, gates, chain: chain?.nodes ?? null },
  params: { ...params, ...(chain && { lamP: chain.lamP }) },
});

const near = (actual: unknown, expected: unknown, tolerance: number, what: string): void => {
  const [a, e] = [actual as number, expected as number];
  expect(Math.abs(a - e) / Math.max(1, Math.abs(e)), `${what}: ${a}, not ${e}`).toBeLessThanOrEqual(
    tolerance,
  );
};

const exact = (of: Meta, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, of[name]]));

function compareReceipt(actual: Receipt, golden: Golden): void {
  const { receipt: expected, row_max_z } = golden;
  // The same fields in the same places, but for the times, which golden vectors leave out.
  const { t_ms, ...fields } = actual;
  const { ustar_solve_ms, graph_build_ms, last_settle_ms, ...meta } = actual.meta;
  for (const time of [t_ms, ustar_solve_ms, graph_build_ms, last_settle_ms])
    expect(time).toBeGreaterThanOrEqual(0);
  expect(Object.keys(fields).sort()).toEqual(Object.keys(expected).sort());
  expect(Object.keys(meta).sort()).toEqual(Object.keys(expected.meta).sort());
  near(actual.deltaH_total, expected.deltaH_total, STEP, "deltaH_total");
  for (const sum of ["coh_drop_sum", "anchor_pen_sum", "query_term_sum"]) {
    near(actual[sum], expected[sum], REFERENCE, sum);
  }
  near(actual.cg_iters, expected.cg_iters, 1, "cg_iters");
  expect(actual.residual).toBeLessThanOrEqual(1e-3);
  const same = ["ustar_cached", "ustar_solves", "ustar_cache_hits", "ustar_converged", "gates_uniform"];
  expect(exact(meta, [...same, "receipt_detail"])).toEqual(exact(expected.meta, [...same, "receipt_detail"]));
  for (const name of ["avg_degree", "edge_density", "gates_min", "gates_max", "gates_mean"]) {
    near(meta[name], expected.meta[name], 1e-6, name);
  }
  near(meta.ustar_iters, expected.meta.ustar_iters, 1, "ustar_iters");
  expect(meta.ustar_res).toBeLessThanOrEqual(1e-4);
  // A row whose largest z is the threshold's, but for rounding, may be listed or not.
  const open = new Set([...row_max_z.keys()].filter((i) => Math.abs(row_max_z[i]![1] - 3) < Z));
  const decided = (points: readonly Point[]) => points.filter(({ edge }) => !open.has(edge[0]));
  const points = decided(actual.null_points);
  expect(points.map(({ edge }) => edge)).toEqual(decided(expected.null_points).map(({ edge }) => edge));
  decided(expected.null_points).forEach((point, i) => {
    near(points[i]!.z, point.z, Z, "z");
    near(points[i]!.residual, point.residual, REFERENCE, "residual");
  });
  if (open.size === 0) expect(meta.null_points_summary).toEqual(expected.meta.null_points_summary);
}

function compareBundle(actual: readonly Entry[], { bundle, min_step_gap }: Golden): void {
  expect(actual.length).toBe(bundle.length);
  expect(Object.keys(actual[0]!)).toEqual(["id", "score", "align"]);
  if (min_step_gap !== null && min_step_gap <= MARGIN) return;
  expect(actual.map(({ id }) => id)).toEqual(bundle.map(({ id }) => id));
  bundle.forEach(({ score, align }, i) => {
    near(actual[i]!.score, score, Z, "score");
    near(actual[i]!.align, align, REFERENCE, "align");
  });
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe.each(cases)("answers as the Python package does: $name", (golden) => {
  const { Y, params, chain, name } = golden;
  const shape = { N: Y.length, D: Y[0]!.length };
  const usage = { nodes: shape.N, node_dim_units: shape.N * shape.D, monthly: null };

  test("POST /v1/settle", async () => {
    const request = { ...requestOf(golden), options: { bundle_k: 5 } };
    const { status, headers, body } = await post("/v1/settle", request, { "x-request-id": `golden-${name}` });
    expect(status).toBe(200);
    expect(headers).toMatchObject({ "x-request-id": `golden-${name}`, "x-profile-id": "baseline" });
    expect(Object.keys(body)).toEqual(["state_sig", "receipt", "bundle", "timings_ms", "meta"]);
    expect(body.state_sig).toBe(golden.state_sig);
    expect(body.receipt.meta.state_sig).toBe(golden.state_sig);
    compareReceipt(body.receipt, golden);
    compareBundle(body.bundle, golden);
    expect(body.timings_ms.total_settle_ms).toBeGreaterThan(0);
    expect(body.meta).toEqual({
      ...shape,
      kneighbors_requested: params.kneighbors,
      kneighbors_effective: golden.kneighbors_effective,
      lam: { G: params.lamG, C: params.lamC, Q: params.lamQ, P: chain?.lamP ?? 0 },
      profile_id: "baseline",
      request_id: `golden-${name}`,
      usage,
      quota: null,
    });
  });

  test("POST /v1/receipt and /v1/bundle are parts of it", async () => {
    const request = { ...requestOf(golden), options: { bundle_k: 5 } };
    const receipt = await post("/v1/receipt", request);
    expect(Object.keys(receipt.body)).toEqual(["state_sig", "receipt", "timings_ms", "meta"]);
    compareReceipt(receipt.body.receipt, golden);
    const bundle = await post("/v1/bundle", request);
    expect(Object.keys(bundle.body)).toEqual(["state_sig", "bundle", "timings_ms", "meta"]);
    compareBundle(bundle.body.bundle, golden);
    for (const { body, headers } of [receipt, bundle]) {
      expect(body.state_sig).toBe(golden.state_sig);
      const { lam: _, ...meta } = body.meta;
      expect(meta).toMatchObject({ ...shape, usage, request_id: headers["x-request-id"] });
      expect(body.meta).not.toHaveProperty("lam");
    }
  });

  test("the signature of a state says that ties were not to be decided, where they were not", async () => {
    const { deterministic_k: _, ...others } = requestOf(golden).params;
    const { body } = await post("/v1/receipt", { ...requestOf(golden), params: others });
    expect(body.state_sig).toBe(sha256(golden.state_sig_text.replace('"detk": true', '"detk": false')));
  });
});

describe.each(cases.filter(({ chain_receipt }) => chain_receipt?.out && chain_receipt.z_th === 2.5))(
  "judges a chain as the Python package does: $name",
  (golden) => {
    test("POST /v1/chain/receipt", async () => {
      const { chain, out } = golden.chain_receipt!;
      const lamP = golden.chain?.lamP ?? 0;
      const { status, body } = await post("/v1/chain/receipt", {
        ...{ ...requestOf(golden), chain },
        params: { ...golden.params, lamP },
      });
      expect(status).toBe(200);
      expect(Object.keys(body)).toEqual(["state_sig", "chain_receipt", "timings_ms", "meta"]);
      const { chain_receipt: found } = body;
      expect(found.verdict).toBe(out.verdict);
      expect([found.weakest_link.k, found.weakest_link.edge]).toEqual([
        out.weakest_link.k,
        out.weakest_link.edge,
      ]);
      near(found.weakest_link.zscore, out.weakest_link.zscore, Z, "zscore");
      near(found.coherence_gain, out.coherence_gain, REFERENCE, "coherence_gain");
      expect(found.edges.map(({ k, edge }) => [k, edge])).toEqual(out.edges.map(({ k, edge }) => [k, edge]));
      out.edges.forEach((link, i) => {
        for (const z of ["z_struct", "z_path"]) near(found.edges[i]![z], link[z], Z, z);
        for (const r of ["r_struct", "r_path"]) near(found.edges[i]![r], link[r], REFERENCE, r);
      });
    });
  },
);
