import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../src/index.ts";
import { base64, makeServer, pool, post, ask as send } from "./testing.ts";

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

let server: Server;
/** Another, whose key has 100,000 units an hour and a million a month. */
let metered: Server;
beforeAll(async () => {
  server = await makeServer();
  metered = await makeServer({
    AUTH: "keys",
    LIMITS_UNITS: "100000",
    LIMITS_UNITS_MONTH: "1000000",
    LIMITS_INTERACTIVE_MS: "500",
    LIMITS_DOCUMENTS: "1000",
  });
});
afterAll(async () => {
  await server.close();
  await metered.close();
});

async function ask(url: string, body: unknown, headers: Record<string, string> = {}) {
  const { status, json, headers: answered } = await post(server, url, body, headers);
  return { status, headers: answered, body: json as Answer };
}

/** As a client of the Python package's server does. */
async function charge(url: string, body: unknown, headers: Record<string, string> = {}) {
  const key = { "x-api-key": metered.firstKey!, ...headers };
  const { status, json, headers: answered, type } = await post(metered, url, body, key);
  return { status, headers: answered, type, body: json as Answer };
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
    const { status, headers, body } = await ask("/v1/settle", request, { "x-request-id": `golden-${name}` });
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
    const receipt = await ask("/v1/receipt", request);
    expect(Object.keys(receipt.body)).toEqual(["state_sig", "receipt", "timings_ms", "meta"]);
    compareReceipt(receipt.body.receipt, golden);
    const bundle = await ask("/v1/bundle", request);
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
    const request = requestOf(golden);
    const body = { ...request, params: { ...request.params, deterministic_k: undefined } };
    const { body: answer } = await ask("/v1/receipt", body);
    expect(answer.state_sig).toBe(sha256(golden.state_sig_text.replace('"detk": true', '"detk": false')));
  });
});

describe.each(cases.filter(({ chain_receipt }) => chain_receipt?.out && chain_receipt.z_th === 2.5))(
  "judges a chain as the Python package does: $name",
  (golden) => {
    test("POST /v1/chain/receipt", async () => {
      const { chain, out } = golden.chain_receipt!;
      const lamP = golden.chain?.lamP ?? 0;
      const { status, body } = await ask("/v1/chain/receipt", {
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

const golden = cases.find(({ name }) => name === "n12_d8")!;
const request = requestOf(golden);
const { Y } = request;

test("a request without a query is answered as one of zeros, as there", async () => {
  const zeros = cases.find(({ name }) => name === "n12_d8_zero_psi")!;
  for (const psi of [undefined, null]) {
    const { body } = await ask("/v1/settle", { ...requestOf(zeros), psi, options: { bundle_k: 5 } });
    expect(body.state_sig).toBe(zeros.state_sig);
    compareReceipt(body.receipt, zeros);
    compareBundle(body.bundle, zeros);
  }
});

test("the least request: a matrix, and the defaults of the package", async () => {
  const { status, body } = await ask("/v1/settle", { Y });
  expect(status).toBe(200);
  expect(body.bundle).toBeNull();
  expect(body.receipt).toMatchObject({ meta: { receipt_detail: "full" } });
  expect(body.meta).toMatchObject({
    kneighbors_requested: 6,
    kneighbors_effective: 6,
    lam: { G: 1, C: 0.5, Q: 4, P: 0 },
  });
  const without = await ask("/v1/settle", { Y, options: { include_receipt: false, bundle_k: 0 } });
  expect(without.body).toMatchObject({ state_sig: body.state_sig, receipt: null, bundle: null });
});

test("the same matrix as base64 gives the same answer, figure for figure", async () => {
  const encode = (values: readonly number[]) => base64(Float32Array.from(values));
  const encoded = {
    Y: { shape: [Y.length, Y[0]!.length], dtype: "float32", data: encode(Y.flat()) },
    psi: { dtype: "float32", data: encode(request.psi) },
  };
  const answers = [];
  for (const body of [request, { ...request, ...encoded }]) {
    const { receipt, bundle, state_sig } = (await ask("/v1/settle", { ...body, options: { bundle_k: 12 } }))
      .body;
    const { t_ms: _, meta, ...figures } = receipt;
    answers.push({ bundle, state_sig, figures, res: meta.ustar_res });
  }
  expect(answers[1]).toEqual(answers[0]);
});

test("more rows in the bundle than there are, or neighbours than others, is all of them", async () => {
  const { body } = await ask("/v1/settle", { Y, params: { kneighbors: 99 }, options: { bundle_k: 99 } });
  expect(body.bundle.length).toBe(12);
  expect(body.meta).toMatchObject({ kneighbors_requested: 99, kneighbors_effective: 11 });
});

test("vectors of one value are ranked", async () => {
  const { status, body } = await ask("/v1/bundle", {
    Y: [[1], [2], [3]],
    psi: [1],
    options: { bundle_k: 2 },
  });
  expect(status).toBe(200);
  expect(body.bundle.map(({ align }) => align)).toEqual([1, 1]);
});

/** Requests that the Python package's server answered with 500, or with figures that mean nothing. */
const refused: readonly [what: string, route: string, body: unknown, pointer: string, says: string][] = [
  ["a request that is no object", "settle", [request], "", "must be an object"],
  ["no matrix", "settle", { psi: [1] }, "/Y", "is missing"],
  ["a matrix that is null", "settle", { Y: null }, "/Y", "must be a matrix"],
  ["a matrix that is a text", "settle", { Y: "AAAA" }, "/Y", "must be a matrix"],
  ["an empty matrix", "settle", { Y: [] }, "/Y", "one row at least"],
  ["an empty row", "settle", { Y: [[]] }, "/Y/0", "must not be empty"],
  ["a row that is null", "settle", { Y: [[1], null] }, "/Y/1", "must be a row of numbers"],
  [
    "a ragged matrix",
    "settle",
    { Y: [[1, 2], [3]] },
    "/Y/1",
    "must be of 2 values, as the first row is, not 1",
  ],
  ["a matrix of one dimension", "settle", { Y: [1, 2] }, "/Y/0", "must be an array of numbers"],
  ["1e39", "settle", { Y: [[1, 1e39]] }, "/Y/0/1", "must be a number of the range of float32"],
  ["a text for a number", "settle", { Y: [[1, "2"]] }, "/Y/0/1", "must be a number"],
  ["a boolean for a number", "settle", { Y: [[1, true]] }, "/Y/0/1", "must be a number"],
  ["null for a number", "settle", { Y: [[1, null]] }, "/Y/0/1", "must be a number"],
  [
    "a shape that does not fit",
    "settle",
    { Y: { shape: [2, 2], data: "AAAAAAAAAAA=" } },
    "/Y/data",
    "must hold 4",
  ],
  [
    "a query of another width",
    "settle",
    { Y, psi: [1] },
    "/psi",
    "must be of 8 values, as the rows of Y are, not 1",
  ],
  ["a query of texts", "settle", { Y, psi: ["1", 2, 3, 4, 5, 6, 7, 8] }, "/psi/0", "must be a number"],
  ["too few gates", "settle", { Y, gates: [1] }, "/gates", "must be one a row, 12 in all, not 1"],
  [
    "a gate below 0",
    "settle",
    { Y, gates: Y.map((_, i) => (i === 3 ? -1 : 1)) },
    "/gates/3",
    "from 0 to 1, not -1",
  ],
  [
    "a chain out of range",
    "settle",
    { Y, chain: [0, 12] },
    "/chain/1",
    "must be a row, from 0 to 11, not 12",
  ],
  ["a chain below 0", "settle", { Y, chain: [0, -1] }, "/chain/1", "must be a row, from 0 to 11, not -1"],
  ["a chain of one", "settle", { Y, chain: [1] }, "/chain", "two rows or more"],
  ["a chain of halves", "settle", { Y, chain: [0, 0.5] }, "/chain/1", "must be a row, from 0 to 11, not 0.5"],
  ["a link of a row with itself", "settle", { Y, chain: [2, 2] }, "/chain/1", "is row 2 again"],
  ["no chain to judge", "chain/receipt", { Y }, "/chain", "must be given here"],
  ["an empty chain to judge", "chain/receipt", { Y, chain: [] }, "/chain", "must be given here"],
  ["no size of the bundle", "bundle", { Y }, "/options/bundle_k", "must be set here"],
  ["a bundle of 0", "bundle", { Y, options: { bundle_k: 0 } }, "/options/bundle_k", "must be set here"],
  [
    "a bundle below 0",
    "settle",
    { Y, options: { bundle_k: -1 } },
    "/options/bundle_k",
    "of at least 0 or null, not -1",
  ],
  ["a bundle of 2.5", "settle", { Y, options: { bundle_k: 2.5 } }, "/options/bundle_k", "must be an integer"],
  ["no neighbours", "settle", { Y, params: { kneighbors: 0 } }, "/params/kneighbors", "of at least 1, not 0"],
  [
    "neighbours below 0",
    "settle",
    { Y, params: { kneighbors: -3 } },
    "/params/kneighbors",
    "of at least 1, not -3",
  ],
  [
    "neighbours as a text",
    "settle",
    { Y, params: { kneighbors: "6" } },
    "/params/kneighbors",
    'an integer of at least 1, not "6"',
  ],
  ["lamG below 0", "settle", { Y, params: { lamG: -1 } }, "/params/lamG", "not -1"],
  ["lamC as a boolean", "settle", { Y, params: { lamC: true } }, "/params/lamC", "must be a number"],
  [
    "lamQ beyond all floats",
    "settle",
    '{"Y":[[1]],"params":{"lamQ":1e400}}',
    "/params/lamQ",
    "must be a number",
  ],
  [
    "weights that drown lamG",
    "settle",
    { Y, params: { lamG: 1e-6, lamC: 1e6 } },
    "/params/lamC",
    "must be below",
  ],
  [
    "a chain that drowns lamG",
    "settle",
    { Y, chain: [0, 1], params: { lamG: 1e-6, lamP: 1e6 } },
    "/params/lamP",
    "must be below",
  ],
  [
    "a flag as a number",
    "settle",
    { Y, params: { deterministic_k: 1 } },
    "/params/deterministic_k",
    "true or false, not 1",
  ],
  ["no iterations", "settle", { Y, options: { max_iters: 0 } }, "/options/max_iters", "of at least 1"],
  ["a step of 0", "settle", { Y, options: { dt: 0 } }, "/options/dt", "a number above 0, not 0"],
  ["a step below 0", "settle", { Y, options: { dt: -1 } }, "/options/dt", "a number above 0, not -1"],
  ["a residual below 0", "settle", { Y, options: { tol: -1 } }, "/options/tol", "of at least 0, not -1"],
  ["options that are null", "settle", { Y, options: null }, "/options", "must be an object"],
  [
    "vectors out of all range",
    "settle",
    {
      Y: [
        [1e-30, 0],
        [1e-30, 1e-30],
      ],
    },
    "/Y/0",
    "has length",
  ],
  ["an unknown field", "settle", { Y, gate: [1] }, "/gate", "did you mean gates?"],
  ["an unknown weight", "settle", { Y, params: { lamg: 1 } }, "/params/lamg", "did you mean lamG?"],
  [
    "an unknown option",
    "settle",
    { Y, options: { max_iter: 1 } },
    "/options/max_iter",
    "did you mean max_iters?",
  ],
  ["a weight at the top", "settle", { Y, lamQ: 1 }, "/lamQ", "belongs in params"],
  ["an option among the weights", "settle", { Y, params: { dt: 1 } }, "/params/dt", "belongs in options"],
];

describe("what remains to a key", () => {
  const units = async () => {
    const { body } = await charge("/v1/receipt", { Y: [[1]] });
    return (body.meta as { quota: { remaining: number } }).quota.remaining;
  };

  test("is told in the fields of the package, and a request that was answered costs its values", async () => {
    const before = await units();
    const began = Math.floor(Date.now() / 1000);
    const { headers, body } = await charge("/v1/settle", request);
    const { quota, usage } = body.meta as {
      quota: { limit: number; remaining: number; reset: number };
      usage: { monthly: { used: number; remaining: number } };
    };
    expect(quota).toMatchObject({ limit: 100_000, remaining: before - 96 });
    expect(quota.reset).toBeGreaterThan(began);
    expect(quota.reset).toBeLessThanOrEqual(began + 3601);
    const period = new Date().toISOString().slice(0, 7).replace("-", "");
    const used = 100_000 - before + 96;
    expect(usage).toEqual({
      ...{ nodes: 12, node_dim_units: 96 },
      monthly: { limit: 1_000_000, used, remaining: 1_000_000 - used, period },
    });
    expect(headers).toMatchObject({
      "x-quota-limit": "100000",
      "x-quota-remaining": String(before - 96),
      "x-quota-reset": String(quota.reset),
      "x-monthly-cap": "1000000",
      "x-monthly-used": String(used),
      "x-monthly-remaining": String(1_000_000 - used),
      "x-monthly-period": period,
    });
  });

  test("a request that is refused for it is told so, and when to come back", async () => {
    const few = await makeServer({ LIMITS_UNITS: "100", LIMITS_UNITS_MONTH: "150" });
    try {
      expect((await post(few, "/v1/settle", { Y })).status).toBe(200);
      const again = await post(few, "/v1/settle", { Y });
      expect(again.status).toBe(429);
      expect(again.headers).toMatchObject({
        ...{ "x-quota-limit": "100", "x-quota-remaining": "4" },
        ...{ "x-monthcap-limit": "150", "x-monthcap-remaining": "54" },
      });
      expect(again.headers).not.toHaveProperty("x-monthly-cap");
      expect(Number(again.headers["retry-after"])).toBeGreaterThan(0);
      const never = await post(few, "/v1/settle", { Y: [...Y, ...Y] });
      expect(never.status).toBe(413);
    } finally {
      await few.close();
    }
  });

  test("nothing is answered without a key", async () => {
    for (const headers of [{ "x-api-key": "" }, { "x-api-key": "wrong" }]) {
      expect((await charge("/v1/settle", request, headers)).status).toBe(401);
    }
  });

  test("an answer that was kept is not for another request: its id and its units are its own", async () => {
    const keeping = await makeServer({ CACHE_BYTES: "1000000", LIMITS_UNITS: "1000" });
    try {
      const answers = [];
      for (const id of ["first", "second"]) {
        const { json } = await post(
          keeping,
          "/v1/bundle",
          { Y, options: { bundle_k: 2 } },
          { "x-request-id": id },
        );
        answers.push(json.meta);
      }
      expect(answers).toMatchObject([
        { request_id: "first", quota: { remaining: 904 } },
        { request_id: "second", quota: { remaining: 808 } },
      ]);
    } finally {
      await keeping.close();
    }
  });

  describe("is not touched by what is refused, with the place (F43):", () => {
    test.each(refused)("%s", async (_, route, body, pointer, says) => {
      const before = await units();
      const {
        status,
        type,
        body: problem,
      } = await charge(`/v1/${route}`, body, { "x-request-id": "refused" });
      expect(status).toBe(422);
      expect(type).toContain("application/problem+json");
      expect(problem.instance).toBe("refused");
      expect(problem.errors.map((error) => error.pointer)).toContain(pointer);
      expect(problem.errors.map(({ detail }) => detail).join("\n")).toContain(says);
      expect(await units()).toBe(before - 1);
    });

    test.each(["NaN", "Infinity", "-Infinity", "nan", "1e", "[1,]"])(
      "%s, which is no JSON",
      async (value) => {
        const before = await units();
        const { status, body } = await charge("/v1/settle", `{"Y":[[${value}]]}`);
        expect([status, body.detail]).toEqual([400, "The body is not JSON."]);
        expect(await units()).toBe(before - 1);
      },
    );

    const wide = pool(900, 64).embeddings.map((row) => [...row]);
    test.each([
      ["more rows than are taken", { Y: Array.from({ length: 1001 }, () => [1, 2]) }, "1001"],
      [
        "a system that needs too many iterations",
        { Y: wide, params: { lamC: 1e6, lamQ: 0 }, options: { max_iters: 100_000, tol: 0 } },
        "ms of a processor",
      ],
    ])("%s, before anything is computed", async (_, body, says) => {
      const before = await units();
      const { status, body: problem } = await charge("/v1/settle", body);
      expect(status).toBe(413);
      expect(problem.detail).toContain(says);
      expect(await units()).toBe(before - 1);
    });
  });
});

describe("jobs", () => {
  const submit = (body: unknown) => charge("/v1/jobs/settle", body);
  const key = () => ({ "x-api-key": metered.firstKey! });
  type Job = {
    job_id: string;
    status: string;
    created: number;
    completed: number;
    result: Answer;
    error: string;
  };
  const read = async (
    id: string,
    method: "GET" | "DELETE" = "GET",
    headers: Record<string, string> = key(),
  ) => {
    const { status, json } = await send(metered, {
      method,
      url: `/v1/jobs/${id}`,
      headers: { prefer: "wait=20", ...headers },
    });
    return { status, job: json as Job };
  };

  test("settle in the package's form, for nobody but who posted them", async () => {
    const posted = await submit({ ...request, options: { bundle_k: 5 } });
    expect(posted).toMatchObject({ status: 200, body: { status: "queued" } });
    const id = posted.body.job_id as string;
    const { job } = await read(id);
    expect(job).toMatchObject({ job_id: id, status: "done" });
    expect(job.completed).toBeGreaterThanOrEqual(job.created);
    expect(job.result.state_sig).toBe(golden.state_sig);
    compareReceipt(job.result.receipt, golden);
    compareBundle(job.result.bundle, golden);
    expect(job.result.meta).toMatchObject({ N: 12, D: 8, request_id: id, profile_id: "baseline" });
    expect(job.result.meta).not.toHaveProperty("lam");
    for (const method of ["GET", "DELETE"] as const) expect((await read(id, method, {})).status).toBe(401);
  });

  test("are refused when they are posted, or end as an error", async () => {
    expect((await submit({ Y: [[1], [1, 2]] })).status).toBe(422);
    // What only core knows comes out when it settles.
    const { body } = await submit({ Y, params: { lamG: 1e-6, lamC: 1e6 } });
    const { job } = await read(body.job_id as string);
    expect(job).toMatchObject({ status: "error", error: "The request cannot be settled." });
  });

  test("that are cancelled stay so (F11)", async () => {
    const long = { Y: pool(1000, 512).embeddings.map((row) => [...row]) };
    const ids: string[] = [];
    for (const _ of [1, 2]) ids.push((await post(server, "/v1/jobs/settle", long)).json.job_id);
    const stateOf = async (id: string, method: "GET" | "DELETE" = "GET") =>
      (await send(server, { method, url: `/v1/jobs/${id}`, headers: { prefer: "wait=20" } })).json.status;
    expect(await stateOf(ids[1]!, "DELETE")).toBe("cancelled");
    expect(await stateOf(ids[0]!)).toBe("done");
    expect(await stateOf(ids[1]!)).toBe("cancelled");
  }, 30_000);
});

test("the document of the API has the routes, as deprecated", async () => {
  const document = (await server.app.inject("/openapi.json")).json<{
    paths: Record<string, { post: Meta }>;
  }>();
  for (const route of ["/v1/settle", "/v1/receipt", "/v1/bundle", "/v1/chain/receipt"]) {
    expect(document.paths[route]!.post).toMatchObject({ deprecated: true, tags: ["published"] });
    expect(JSON.stringify(document.paths[route]!.post.requestBody)).toContain("kneighbors");
  }
});
