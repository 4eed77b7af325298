import { describe, expect, test } from "vitest";
import { edgeResiduals } from "../../src/diagnose/edges.ts";
import { adjacencyOf } from "../../src/graph/adjacency.ts";
import { Lattice } from "../../src/index.ts";
import { scalar as kernel } from "../../src/kernels/scalar.ts";
import { publishedNullPoints } from "../../src/python/nullPoints.ts";
import { diversify, ranking } from "../../src/rank/diversify.ts";
import type { Coordinates } from "../../src/solve/state.ts";
import { cosine, type Dense } from "../support.ts";
import {
  type Edge,
  EXACT,
  expectClose,
  inputsOf,
  type LatticeCase,
  latticeOf,
  load,
  optionsOf,
  type Point,
  REFERENCE,
  rowsOf,
  type Setup,
  type Terms,
  Z,
} from "./golden.ts";
import { Published } from "./published.ts";

// ---------------------------------------------------------------- settle()

interface SettleStep {
  readonly kwargs: {
    dt?: number;
    precond?: string;
    warm_start?: boolean;
    inertia?: number;
    tol?: number;
    max_iters?: number;
  };
  readonly U_exact: number[][];
  readonly U_ref: number[][];
  readonly deltaH_receipt: number;
  readonly deltaH_U_exact: number;
  readonly H_exact: Terms | number;
}
const variants = load<Setup & { cases: { name: string; steps: SettleStep[] }[] }>("settle_variants");

describe("settle() makes the steps of oscillink 0.1.13", () => {
  // One or two iterations of another method of conjugate gradients (one step length a column there, one a block
  // here) end elsewhere: of those, only that they are said not to have converged.
  const few = (step: SettleStep) => (step.kwargs.max_iters ?? 12) <= 2;

  test.each(variants.cases.filter(({ steps }) => !steps.some(few)))("$name", ({ steps }) => {
    const lattice = latticeOf(variants);
    for (const { kwargs, ...golden } of steps) {
      const { dt = 1, warm_start: warmStart = true, precond = "jacobi" } = kwargs;
      // Inertia moves its start alone (O31): the step is the same without.
      const preconditioner = precond as "jacobi" | "none";
      expect(lattice.settle({ dt, warmStart, preconditioner }).converged).toBe(true);
      const U = rowsOf(lattice.stateVectors());
      expectClose(U.flat(), golden.U_exact.flat(), EXACT, "U");
      // Its steps stop at a residual of 1e-3, where they are not told otherwise.
      expectClose(U.flat(), golden.U_ref.flat(), kwargs.tol ? REFERENCE : 1e-3, "U of the package");
      const { deltaH_total, energy } = lattice.figures();
      expectClose([deltaH_total], [golden.deltaH_U_exact], EXACT, "deltaH");
      expectClose(
        [deltaH_total],
        [golden.deltaH_receipt],
        kwargs.tol ? REFERENCE : 1e-3,
        "deltaH of the package",
      );
      const exact = typeof golden.H_exact === "number" ? golden.H_exact : golden.H_exact.total;
      expectClose([energy.final], [exact], EXACT, "H");
    }
  });

  test.each(variants.cases.filter(({ steps }) => steps.some(few)))(
    "$name is reported as not converged",
    ({ steps }) => {
      for (const { kwargs, U_exact } of steps) {
        const lattice = latticeOf(variants);
        const maxIterations = kwargs.max_iters!;
        expect(lattice.settle({ maxIterations })).toMatchObject({
          iterations: maxIterations,
          converged: false,
        });
        expectClose(rowsOf(lattice.stateVectors()).flat(), U_exact.flat(), 0.1, "U");
      }
    },
  );
});

// ---------------------------------------------------------------- null points

const capped = load<
  Setup & {
    all: { edges: [number, number][]; z: number[] };
    cases: {
      env: string | null;
      summary: { total_null_points: number; returned_null_points: number; null_cap_applied: boolean };
      edges?: [number, number][];
      z?: number[];
    }[];
  }
>("null_cap");

describe("nullCap is OSCILLINK_RECEIPT_NULL_CAP", () => {
  /** What its environment variable says: no whole number above 0 is no cap. Here that is an option, of a number. */
  const capOf = (env: string | null) => (/^\s*[1-9]\d*\s*$/.test(env ?? "") ? Number(env) : 1_000_000);

  test.each(capped.cases)("$env", ({ env, summary, z = capped.all.z, edges = capped.all.edges }) => {
    const { null_points, meta } = latticeOf(capped).figures({ nullCap: capOf(env) });
    expect(meta.null_points_summary).toEqual(summary);
    // Listed by falling z here, cut or not; there by row if nothing was cut.
    const falling = z.toSorted((a, b) => b - a);
    expectClose(
      null_points!.map((point) => point.z),
      falling,
      Z,
      "z",
    );
    if (env !== null && summary.null_cap_applied) return;
    const pairs = (list: readonly (readonly [number, number])[]) =>
      list.map(([i, j]) => `${i} ${j}`).toSorted();
    expect(pairs(null_points!.map(({ edge }) => edge))).toEqual(pairs(edges));
  });
});

const direct = load<{
  cases: {
    N: number;
    edges: Edge[];
    U: number[][];
    sqrt_deg: number[];
    lamC: number;
    z_th: number;
    null_points: Point[];
  }[];
}>("null_points");

describe("nullPoints by column are its null_points()", () => {
  test.each(direct.cases)("N = $N, z > $z_th", ({ N, edges, U, lamC, z_th, ...golden }) => {
    const graph = adjacencyOf(
      N,
      edges.map(([i, j, weight]) => ({ i, j, weight })),
    );
    const residuals = edgeResiduals(graph, stateOf(U), kernel).map((r) => lamC * r);
    const points = publishedNullPoints(graph, residuals, z_th);
    expect(points.map(({ edge }) => edge)).toEqual(golden.null_points.map(({ edge }) => edge));
    expectClose(
      points.map(({ residual }) => residual),
      golden.null_points.map(({ residual }) => residual),
      EXACT,
      "residual",
    );
    expectClose(
      points.map(({ z }) => z),
      golden.null_points.map(({ z }) => z),
      Z,
      "z",
    );
  });
});

/** What edgeResiduals reads of a state, rows padded to 4 columns. */
function stateOf(U: number[][]): Coordinates {
  const x = Float32Array.from(U.flatMap((row) => [...row, ...new Array<number>(4 - row.length).fill(0)]));
  return { x, xg: x, width: 4 };
}

// ---------------------------------------------------------------- diversity

const mmr = load<{
  data: Record<string, { Y: Dense; scores: number[] }>;
  cases: { name: string; data: string; k: number; lambda_div: number; order: number[] }[];
}>("mmr");

test.each(mmr.cases)(
  "diversify chooses as its maximal marginal relevance: $name",
  ({ data, k, lambda_div, order }) => {
    const { Y, scores } = mmr.data[data]!;
    const relevance = Float64Array.from(scores);
    const places = Int32Array.from(scores.keys());
    // At 1 all are equal at first: there it takes the first by index, here the first of the ranking.
    const ranked = lambda_div === 1 ? [...places] : ranking(relevance, places);
    expect(diversify(ranked, relevance, k, lambda_div, (i, j) => cosine(Y[i]!, Y[j]!))).toEqual(order);
  },
);

// ---------------------------------------------------------------- dynamics

interface GoldenDynamics {
  readonly temperature: number;
  readonly step_deltaH: number;
  readonly viscosity_step: number;
  readonly flow_total: number;
  readonly top_flows: { edge: [number, number]; flow: number }[];
  readonly radius: number;
  readonly move2_mean: number;
  readonly move2_max: number;
}
const moving = load<{
  cases: (Setup & { name: string; steps: { iters: number; dynamics: GoldenDynamics }[] })[];
}>("dynamics");

describe.each(moving.cases)("the dynamics of two steps: $name", (setup) => {
  const scalars = ["temperature", "move2_mean", "move2_max", "step_deltaH", "flow_total"] as const;

  test("are those of exact steps in float64", () => {
    const lattice = latticeOf(setup);
    const published = new Published(setup);
    let before = inputsOf(setup).Y;
    for (const { dynamics: golden } of setup.steps) {
      const after = published.step(before, 1);
      const { iterations } = lattice.settle();
      const found = lattice.figures({ dynamics: true }).meta.dynamics!;
      const expected = published.dynamics(before, after);
      expectClose(
        scalars.map((name) => found[name]),
        scalars.map((name) => expected[name]),
        EXACT,
        "scalars",
      );
      expectClose(
        [found.energy_drop],
        [published.energy(before) - published.energy(after)],
        EXACT,
        "energy_drop",
      );
      // An edge counts once here; the package lists it in both directions, each with half.
      expect(found.top_flows.map(({ edge }) => edge)).toEqual(
        expected.flows.slice(0, 16).map(({ edge }) => edge),
      );
      expectClose(
        found.top_flows.map(({ flow }) => flow),
        expected.flows.slice(0, 16).map(({ flow }) => flow),
        EXACT,
        "flows",
      );
      expect(found.viscosity_step! * found.step_deltaH).toBeCloseTo(iterations, 9);
      expect(found.radius).toBe(golden.radius);
      before = after;
    }
  });

  test("are those of the package, as far as its own steps go", () => {
    const lattice = latticeOf(setup);
    setup.steps.forEach(({ dynamics: golden }, step) => {
      // It stops at a residual of 1e-3, which is more of the second step than of the first.
      const tolerance = step === 0 ? 1e-3 : 1e-2;
      lattice.settle();
      const found = lattice.figures({ dynamics: true }).meta.dynamics!;
      for (const name of scalars) {
        expect(Math.abs(found[name] / golden[name] - 1), name).toBeLessThan(tolerance);
      }
      const twice = golden.top_flows.filter(({ edge: [i, j] }) => i < j);
      twice.forEach(({ flow }, place) => {
        expect(Math.abs(found.top_flows[place]!.flow / (2 * flow) - 1), "flow").toBeLessThan(tolerance);
      });
      if (step > 0) return;
      expect(found.top_flows.slice(0, twice.length).map(({ edge }) => edge)).toEqual(
        twice.map(({ edge }) => edge),
      );
    });
  });
});

test("dynamics are null before the first settle, and unless asked for", () => {
  const lattice = latticeOf(moving.cases[0]!);
  expect(lattice.figures({ dynamics: true }).meta.dynamics).toBeNull();
  lattice.settle();
  expect(lattice.figures().meta.dynamics).toBeNull();
});

// ---------------------------------------------------------------- traps

interface Traps {
  readonly traps: number[];
  readonly truth: number[];
  readonly baseline: { topk: number[] };
  readonly gated: {
    topk: number[];
    topk_exact: number[];
    trap_rate: number;
    f1: number;
    gap_k: number;
    deltaH: number;
    deltaH_exact: number;
    bundle_default_topk: number[];
    cos_Ustar_exact: number[];
  };
  readonly uniform: Omit<Traps["gated"], "gap_k" | "cos_Ustar_exact">;
  readonly psi: number[];
  readonly Y: number[][];
}

describe.each([0, 1])("the traps study, trial %i", (trial) => {
  const { Y, psi, traps, truth, gated, uniform } = load<Traps>(`traps_${trial}`);
  const lattice = (trust: number[]) =>
    new Lattice(
      { embeddings: Y, trust },
      { profile: "reference", tolerance: 1e-7, k: 120, coherenceWeight: 0, diversity: 0 },
    ).setQuery(psi);
  const labelled = Y.map((_, i) => (traps.includes(i) ? Math.fround(0.01) : 1));

  test("gated: the five with the highest settled cosine", () => {
    const bundle = lattice(labelled).bundle();
    const cosines = bundle.toSorted((a, b) => a.index - b.index).map(({ parts }) => parts!.settled!);
    expectClose(cosines, gated.cos_Ustar_exact, EXACT, "cosine");
    const top = bundle.slice(0, 5).map(({ index }) => index);
    expect(top).toEqual(gated.topk);
    expect(top).toEqual(gated.topk_exact);
    expect(top.filter((i) => traps.includes(i)).length / 5).toBe(gated.trap_rate);
    expect(top.filter((i) => truth.includes(i)).length / 5).toBe(gated.f1);
  });

  test("ungated: likewise", () => {
    const top = lattice(Y.map(() => 1))
      .bundle()
      .slice(0, 5);
    expect(top.map(({ index }) => index)).toEqual(uniform.topk);
  });

  test.each([
    ["gated", labelled, gated],
    ["ungated", Y.map(() => 1), uniform],
  ] as const)("%s: deltaH and the default bundle", (_, trust, golden) => {
    const bare = new Lattice({ embeddings: Y, trust }, { profile: "reference", tolerance: 1e-7 }).setQuery(
      psi,
    );
    expectClose([bare.figures().deltaH_total], [golden.deltaH_exact], EXACT, "deltaH");
    expectClose([bare.figures().deltaH_total], [golden.deltaH], REFERENCE, "deltaH of the package");
    expect(bare.bundle().map(({ index }) => index)).toEqual(golden.bundle_default_topk);
  });
});

// ---------------------------------------------------------------- the defaults

test("the profile's own defaults are the package's: k 6 mutual, cap 1, 1 / 0.5 / 4, alpha and diversity 0.5", () => {
  const { cases } = load<{ cases: LatticeCase[] }>("lattice_cases");
  const setup = cases.find(({ name }) => name === "n80_d32")!;
  const { params } = new Lattice({ embeddings: inputsOf(setup).Y }, { profile: "reference" });
  const { tolerance: _, maxIterations: __, ...options } = optionsOf(setup);
  expect(params).toMatchObject({ ...options, coherenceWeight: 0.5, diversity: 0.5, textWeight: 0 });
});
