import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OptionError, VectorError } from "../src/errors.ts";
import {
  computeDiffusionGates,
  diffuse,
  type GateOptions,
  resolveGateOptions,
} from "../src/gates/diffusion.ts";
import { eliminate, iterate, screen } from "../src/gates/screened.ts";
import { type Adjacency, adjacencyOf, capRowSums, symmetrize } from "../src/graph/adjacency.ts";
import { nearestNeighbors } from "../src/graph/neighbors.ts";
import { Lattice } from "../src/index.ts";
import { scalar as kernel } from "../src/kernels/scalar.ts";
import { pack, unitRows } from "../src/pool/matrix.ts";
import fixture from "./fixtures/diffusion_gates.json" with { type: "json" };
import {
  cosine,
  type Dense,
  float32,
  norm,
  permuted,
  pools,
  randomRow,
  randomRows,
  solveDense,
  uniform,
  zeros,
} from "./support.ts";

const methods = ["direct", "cg"] as const;
const rules = ["union", "mutual"] as const;

/** What rounding cosines to float32 may do to a figure that float64 would have exact. */
const ROUNDING = 1e-6;
/** How near both methods come to the solution: ten times what the iteration stops at. */
const SOLVED = 1e-9;

const hOf = (rows: number[][], query: number[], options: GateOptions) =>
  Array.from(diffuse(rows, query, resolveGateOptions(options)).h);

const largestGap = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  return Math.max(0, ...Array.from(a, (v, i) => Math.abs(v - b[i]!)));
};

const spread = (values: readonly number[]) => Math.max(...values) - Math.min(...values);

// ---------------------------------------------------------------- naive, dense, float64

/** The graph as a dense matrix, by sorting all cosines; for vectors without ties. */
function naiveGraph(rows: number[][], { neighbors, graph, similarityFloor }: Required<GateOptions>): Dense {
  const listed = rows.map((row, i) => {
    const others = rows.map((other, j) => ({ j, w: i === j ? -2 : cosine(row, other) }));
    const nearest = others.sort((a, b) => b.w - a.w).slice(0, Math.min(neighbors, rows.length - 1));
    return new Map(nearest.filter(({ w }) => w > similarityFloor).map(({ j, w }) => [j, w]));
  });
  const A = zeros(rows.length, rows.length);
  listed.forEach((near, i) => {
    for (const [j, w] of near) if (graph === "union" || listed[j]!.has(i)) A[i]![j] = A[j]![i] = w;
  });
  return A;
}

const degrees = (A: Dense) => A.map((row) => row.reduce((sum, w) => sum + w, 0));

function naiveCap(A: Dense, cap: number): Dense {
  const sums = degrees(A);
  const r = sums.map((sum) => (sum > cap ? cap / sum : 1));
  return A.map((row, i) => row.map((w, j) => w * Math.sqrt(r[i]! * r[j]!)));
}

/** `(I - D⁻¹A + gamma I) h = gamma s`, the walk's own equation, which is not symmetric; 0 on lone rows of A. */
function naiveWalk(A: Dense, s: number[], gamma: number): number[] {
  const degree = degrees(A);
  const M = A.map((row, i) =>
    row.map((w, j) => (i === j ? gamma + (degree[i]! > 0 ? 1 : 0) : 0) - (w > 0 ? w / degree[i]! : 0)),
  );
  const F = s.map((v) => [gamma * v]);
  return solveDense(M, F).map(([h]) => h!);
}

/** `(L + gamma I) h = s` with the symmetric normalized Laplacian, 1 on its diagonal everywhere. */
function naivePublished(A: Dense, s: number[], gamma: number): number[] {
  const degree = degrees(A);
  const M = A.map((row, i) =>
    row.map((w, j) => (i === j ? 1 + gamma : 0) - (w > 0 ? w / Math.sqrt(degree[i]! * degree[j]!) : 0)),
  );
  const F = s.map((v) => [v]);
  return solveDense(M, F).map(([h]) => h!);
}

const sources = (rows: number[][], query: number[]) => rows.map((row) => Math.max(0, cosine(row, query)));

/** The tested graph of any pool, ties and copies included, as a dense matrix. */
function graphOf(rows: number[][], { neighbors, graph, similarityFloor }: Required<GateOptions>): Adjacency {
  const unit = unitRows(pack(rows, String));
  const edges = nearestNeighbors(unit, null, neighbors, similarityFloor, "all", kernel);
  return symmetrize(rows.length, edges, graph);
}

function dense({ n, rowStart, columns, weights }: Adjacency): Dense {
  const A = zeros(n, n);
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) A[i]![columns[e]!] = weights[e]!;
  }
  return A;
}

// ---------------------------------------------------------------- arbitraries

const graphs = fc.record({
  neighbors: fc.constantFrom(1, 2, 3, 6, 30),
  graph: fc.constantFrom(...rules),
  similarityFloor: fc.constantFrom(0, 1e-3, 0.3),
  rowCap: fc.constantFrom(Infinity, 1, 0.4),
  gamma: fc.constantFrom(0.001, 0.1, 0.5, 2, 1000),
  method: fc.constantFrom(...methods),
});

const gains = fc.constantFrom(0.01, 0.5, 1, 2, 100);

/** The Lipschitz constant of the gate in h: the slope `beta / (1 - h + beta h)²` lies between beta and 1 / beta. */
const slope = (beta: number) => Math.max(beta, 1 / beta);

// ---------------------------------------------------------------- the Python package's gates

interface GoldenCase {
  name: string;
  Y: keyof typeof fixture.vectors;
  psi: number[];
  kwargs: { kneighbors?: number; row_cap_val?: number; beta?: number; gamma?: number; clamp?: boolean };
  reference: { direct: number[]; cg: number[] };
  exact: number[];
  exact_h_unnormalised: number[];
  exact_source: number[];
}

/** A zero query is an error here: it has its own test below (O39). */
const golden = (fixture.cases as GoldenCase[]).filter(({ name }) => name !== "n12_zero_psi");

describe.each(golden)('normalization "minmax": $name', (golden) => {
  const { kneighbors = 6, row_cap_val = 1, gamma = 0.1, beta = 1, clamp = true } = golden.kwargs;
  const Y = fixture.vectors[golden.Y];

  test.each(methods)("%s", (method) => {
    const options: GateOptions = {
      neighbors: kneighbors,
      graph: "mutual",
      similarityFloor: 0,
      rowCap: row_cap_val,
      gamma,
      method,
      normalization: "minmax",
    };
    const { source, h } = diffuse(Y, golden.psi, resolveGateOptions(options));
    // Its beta only scales; here it is refused.
    golden.exact_source.forEach((s, i) => {
      expect(Math.abs(beta * source[i]! - s)).toBeLessThanOrEqual(ROUNDING * s);
    });
    golden.exact_h_unnormalised.forEach((exact, i) => {
      expect(Math.abs(beta * h[i]! - exact)).toBeLessThanOrEqual(ROUNDING * exact);
    });
    const gates = computeDiffusionGates(Y, golden.psi, options);
    // Its clamp = false cuts beta h off at 1 in place of the min-max (O39): of that, only h is offered.
    const expected = clamp ? gates : Array.from(h, (v) => Math.min(1, beta * v));
    expect(largestGap(expected, golden.exact)).toBeLessThanOrEqual(ROUNDING);
    expect(largestGap(expected, golden.reference.direct)).toBeLessThanOrEqual(2e-6);
    // Its conjugate gradients stop at 1e-4.
    expect(largestGap(expected, golden.reference.cg)).toBeLessThanOrEqual(1e-5);
  });
});

// ---------------------------------------------------------------- the equation

describe("h is the solution of its equation", () => {
  describe.each(methods)("%s", (method) => {
    test.each([1, 2, 3, 4, 5, 6, 7, 8])(
      "graph, source and solution from scratch in float64, seed %i",
      (seed) => {
        const [n, d] = [6 + 5 * seed, 3 + seed];
        const rows = randomRows(n, d, seed);
        const query = randomRow(d, 100 + seed);
        for (const gamma of [0.01, 0.5, 3]) {
          for (const graph of rules) {
            const params = resolveGateOptions({ neighbors: 1 + seed, graph, rowCap: 1.5, gamma, method });
            const A = naiveCap(naiveGraph(rows, params), 1.5);
            const s = sources(rows, query);
            expect(largestGap(hOf(rows, query, params), naiveWalk(A, s, gamma))).toBeLessThan(ROUNDING);
            const published = diffuse(rows, query, { ...params, normalization: "minmax" }).h;
            const relative = 1 / Math.max(...published);
            expect(largestGap(published, naivePublished(A, s, gamma)) * relative).toBeLessThan(ROUNDING);
          }
        }
      },
    );
  });

  test("for any pool: ties, copies, lone rows", () => {
    fc.assert(
      fc.property(pools(), graphs, ({ rows, query }, options) => {
        const params = resolveGateOptions(options);
        const A = naiveCap(dense(graphOf(rows, params)), params.rowCap);
        const expected = naiveWalk(A, sources(rows, query), params.gamma);
        expect(largestGap(hOf(rows, query, options), expected)).toBeLessThan(ROUNDING);
      }),
    );
  });

  test("what the sources give is what is found: Σ d_i h_i = Σ d_i s_i over the connected", () => {
    fc.assert(
      fc.property(pools(), graphs, ({ rows, query }, options) => {
        const params = resolveGateOptions(options);
        const { source, h } = diffuse(rows, query, params);
        const degree = degrees(naiveCap(dense(graphOf(rows, params)), params.rowCap));
        const total = degree.reduce((sum, d) => sum + d, 0);
        const difference = degree.reduce((sum, d, i) => sum + d * (h[i]! - source[i]!), 0);
        expect(Math.abs(difference)).toBeLessThanOrEqual(ROUNDING * total);
      }),
    );
  });

  test("direct and cg agree, and give the published h alike", () => {
    fc.assert(
      fc.property(pools({ maxN: 20 }), graphs, ({ rows, query }, options) => {
        // The published h is of the size of 1 / gamma, and in other coordinates: its bound is 1e-10 of this.
        const params = resolveGateOptions(options);
        const A = naiveCap(dense(graphOf(rows, params)), params.rowCap);
        const degree = degrees(A).filter((d) => d > 0);
        const published = Math.sqrt(Math.max(1, ...degree) / Math.min(1, ...degree)) / params.gamma;
        for (const normalization of ["none", "minmax"] as const) {
          const [direct, cg] = methods.map((method) =>
            hOf(rows, query, { ...options, method, normalization }),
          );
          const bound = normalization === "none" ? 1 : published;
          expect(largestGap(direct!, cg!)).toBeLessThanOrEqual(SOLVED * bound);
        }
      }),
    );
  });

  test("direct and cg agree where weights differ by nine orders of magnitude", () => {
    const next = uniform(7);
    const edges = fc.array(fc.tuple(fc.nat(15), fc.nat(15), fc.double({ min: -9, max: 0, noNaN: true })), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(edges, fc.constantFrom(0.001, 0.1, 10), (list, gamma) => {
        const pairs = new Map(
          list.filter(([i, j]) => i < j).map(([i, j, exponent]) => [16 * i + j, 10 ** exponent]),
        );
        const edges = Array.from(pairs, ([key, weight]) => ({ i: key >> 4, j: key & 15, weight }));
        const system = screen(adjacencyOf(16, edges), gamma, 0);
        const f = system.root.map((root) => gamma * root * Math.abs(next()));
        const h = (x: Float64Array) => x.map((v, i) => v / system.root[i]!);
        expect(largestGap(h(eliminate(system, f)), h(iterate(system, f)))).toBeLessThanOrEqual(SOLVED);
      }),
    );
  });

  test("auto is direct up to 256 candidates, and cg beyond", () => {
    const query = randomRow(6, 3);
    for (const [n, expected, other] of [
      [256, "direct", "cg"],
      [257, "cg", "direct"],
    ] as const) {
      const rows = randomRows(n, 6, n);
      const auto = computeDiffusionGates(rows, query);
      expect(auto).toEqual(computeDiffusionGates(rows, query, { method: expected }));
      // They differ in the last bits, so the line above tells them apart.
      expect(auto).not.toEqual(computeDiffusionGates(rows, query, { method: other }));
    }
  });
});

// ---------------------------------------------------------------- what the gates promise

describe("gates", () => {
  test("lie in [0, 1], one a candidate, whatever the options", () => {
    const normalizations = fc.oneof(
      fc.record({ beta: fc.oneof(gains, fc.constantFrom(0, 1e-320, 1e308)) }),
      fc.constant({ normalization: "minmax" as const }),
    );
    fc.assert(
      fc.property(pools(), graphs, normalizations, ({ rows, query }, options, normalization) => {
        const gates = computeDiffusionGates(rows, query, { ...options, ...normalization });
        expect(gates.length).toBe(rows.length);
        expect(gates.filter((gate) => !(gate >= 0 && gate <= 1))).toEqual([]);
      }),
    );
  });

  test("O60 no source exceeds 1, though rounding takes cosines there", () => {
    const rows = randomRows(100, 5, 60);
    const products = rows.map((row) => {
      const { data } = unitRows(pack([row], String));
      return kernel.dot(data, 0, data, 0, 8);
    });
    expect(Math.max(...products)).toBeGreaterThan(1);
    for (const row of rows) {
      expect(Math.max(...diffuse(rows, row, resolveGateOptions({})).source)).toBeLessThanOrEqual(1);
    }
  });

  test("O37 beta matters: it multiplies the odds; 1 is neutral, 0 closes all, much opens all that have h > 0", () => {
    fc.assert(
      fc.property(pools(), graphs, gains, ({ rows, query }, options, beta) => {
        const h = hOf(rows, query, options);
        const at = (gain: number) => computeDiffusionGates(rows, query, { ...options, beta: gain });
        expect(largestGap(at(1), h)).toBeLessThan(1e-15);
        expect(at(0)).toEqual(h.map(() => 0));
        const far = at(1e15);
        at(beta).forEach((gate, i) => {
          // gate / (1 - gate) = beta h / (1 - h), without the divisions
          expect(Math.abs(gate * (1 - h[i]!) - beta * h[i]! * (1 - gate))).toBeLessThan(1e-14 * slope(beta));
          expect(far[i]).toBeGreaterThanOrEqual(h[i]! > 1e-9 ? 0.999 : 0);
        });
      }),
    );
  });

  test("O37 beta matters: a gate between 0 and 1 rises strictly with it", () => {
    const rows = randomRows(12, 4, 5);
    const query = randomRow(4, 6);
    const series = [0, 0.1, 1, 10, 1000].map((beta) => computeDiffusionGates(rows, query, { beta }));
    const between = series[2]!
      .map((gate, i) => [gate, i] as const)
      .filter(([gate]) => gate > 0.01 && gate < 0.99);
    expect(between.length).toBeGreaterThan(5);
    for (const [, i] of between) {
      for (let b = 1; b < series.length; b++) expect(series[b]![i]).toBeGreaterThan(series[b - 1]![i]!);
    }
  });

  test('O37 beta is refused with "minmax", also at its default, for there it cancels', () => {
    for (const beta of [0, 1, 1000]) {
      expect(() => computeDiffusionGates([[1]], [1], { normalization: "minmax", beta })).toThrow(
        new OptionError("beta", 'cancels in the normalization "minmax"; leave one of the two out'),
      );
    }
  });

  test("O38 small differences stay small: gates lie no further apart than the sources do", () => {
    fc.assert(
      fc.property(pools(), graphs, gains, ({ rows, query }, options, beta) => {
        const { source, h } = diffuse(rows, query, resolveGateOptions(options));
        const gates = computeDiffusionGates(rows, query, { ...options, beta });
        expect(spread(gates)).toBeLessThanOrEqual(slope(beta) * (spread([...source]) + SOLVED));
        // The maximum principle: h is a mean of the sources.
        expect(Math.max(...h)).toBeLessThanOrEqual(Math.max(...source) + SOLVED);
        expect(Math.min(...h)).toBeGreaterThanOrEqual(Math.min(...source) - SOLVED);
      }),
    );
  });

  test("O38 the golden example: cosines .70746 and .70675 are no longer 1 and 0", () => {
    const rows = [0.70746, 0.70675].map((c) => [c, Math.sqrt(1 - c * c)]);
    expect(computeDiffusionGates(rows, [1, 0], { normalization: "minmax" })).toEqual([1, 0]);
    const [a, b] = computeDiffusionGates(rows, [1, 0]);
    expect(a! - b!).toBeGreaterThan(0);
    expect(a! - b!).toBeLessThan(0.70746 - 0.70675 + ROUNDING);
    expect(a! + b!).toBeCloseTo(0.70746 + 0.70675, 6);
  });

  test("O38 two queries give gates no further apart than they are themselves", () => {
    const cases = pools({ maxD: 5 }).chain((pool) =>
      fc.tuple(
        fc.constant(pool),
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), {
          minLength: pool.query.length,
          maxLength: pool.query.length,
        }),
        fc.constantFrom(1e-4, 1e-2, 1),
      ),
    );
    fc.assert(
      fc.property(cases, graphs, gains, ([{ rows, query }, noise, size], options, beta) => {
        const moved = query.map((v, c) => float32(v + size * noise[c]!));
        fc.pre(norm(moved) > 0);
        const distance = Math.sqrt(Math.max(0, 2 - 2 * cosine(query, moved)));
        const [here, there] = [query, moved].map((q) => computeDiffusionGates(rows, q, { ...options, beta }));
        // The float32 source may be off by ROUNDING, and so may the distance of queries that are nearly one.
        expect(largestGap(here!, there!)).toBeLessThanOrEqual(slope(beta) * (distance + 2 * ROUNDING));
      }),
    );
  });

  test("equal sources give equal gates: hubs have no advantage, as they do in the published h", () => {
    // All rows have the cosine 1/√2 with the query; the rest of each is what the graph is made of.
    const rows = randomRows(30, 5, 11).map((row) => [norm(row), ...row]);
    const query = [1, 0, 0, 0, 0, 0];
    for (const method of methods) {
      const options: GateOptions = { neighbors: 4, similarityFloor: 0.3, gamma: 0.01, method };
      expect(
        largestGap(
          computeDiffusionGates(rows, query, options),
          rows.map(() => Math.SQRT1_2),
        ),
      ).toBeLessThan(ROUNDING);
      const published = hOf(rows, query, { ...options, normalization: "minmax" });
      expect(Math.max(...published) / Math.min(...published)).toBeGreaterThan(1.5);
    }
  });

  test("a large gamma leaves each its own similarity, a small one the mean of the connected, by degree", () => {
    fc.assert(
      fc.property(pools(), graphs, ({ rows, query }, options) => {
        const { source, h } = diffuse(rows, query, resolveGateOptions({ ...options, gamma: 1000 }));
        expect(largestGap(source, h)).toBeLessThanOrEqual(spread([...source]) / 1001 + SOLVED);
      }),
    );
    const rows = randomRows(20, 4, 9).map((row) => row.map(Math.abs));
    const query = randomRow(4, 10).map(Math.abs);
    const options = resolveGateOptions({ gamma: 0.001 });
    const { source, h } = diffuse(rows, query, options);
    const degree = degrees(naiveGraph(rows, options));
    const mean =
      degree.reduce((sum, d, i) => sum + d * source[i]!, 0) / degree.reduce((sum, d) => sum + d, 0);
    expect(spread([...source])).toBeGreaterThan(0.2);
    expect(
      largestGap(
        h,
        h.map(() => mean),
      ),
    ).toBeLessThan(0.002);
  });

  test("O39 no candidates, one, and the query itself", () => {
    for (const method of methods) {
      expect(computeDiffusionGates([], [1, 2], { method })).toEqual([]);
      expect(computeDiffusionGates([], [1, 2], { method, normalization: "minmax" })).toEqual([]);
      expect(computeDiffusionGates([[3, 4]], [3, 4], { method })[0]).toBeCloseTo(1, 6);
      expect(computeDiffusionGates([[3, 4]], [1, 0], { method })[0]).toBeCloseTo(0.6, 6);
      expect(computeDiffusionGates([[3, 4]], [-1, 0], { method })).toEqual([0]);
      expect(computeDiffusionGates([[3, 4]], [1, 0], { method, normalization: "minmax" })).toEqual([1]);
    }
  });

  test("O39 a zero query is an error: it opens no gates, least of all every one", () => {
    for (const vectors of [fixture.vectors.n12, [], [null]]) {
      const zero = new Array<number>(8).fill(0);
      expect(() => computeDiffusionGates(vectors, zero)).toThrow(
        new VectorError("query", "is zero; it has no direction to compare with"),
      );
    }
  });

  test("O39 there is no clamp to set: a gate lies in [0, 1] by the equation", () => {
    const options = { clamp: false } as GateOptions;
    expect(() => computeDiffusionGates([[1]], [1], options)).toThrow(OptionError);
  });

  test("O16 a candidate without neighbours keeps its own similarity", () => {
    const rows = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0.8, 0.6],
    ];
    const [lone, ...pair] = computeDiffusionGates(rows, [2, 2, 1]);
    expect(Math.abs(lone! - 2 / 3)).toBeLessThan(ROUNDING);
    // The published equation takes gamma / (1 + gamma) of it instead.
    const [published] = hOf(rows, [2, 2, 1], { normalization: "minmax", gamma: 0.25 });
    expect(Math.abs(published! - 2 / 3 / 1.25)).toBeLessThan(ROUNDING);
    expect(spread(pair)).toBeLessThan(spread(sources(rows.slice(1), [2, 2, 1])));
  });

  test("O22, O23 a similarity of 1e-7 couples nothing, unless the floor is taken away", () => {
    const rows = [
      [1, 0],
      [1e-7, 1],
    ];
    expect(computeDiffusionGates(rows, [1, 0])[1]).toBeLessThan(ROUNDING);
    expect(computeDiffusionGates(rows, [1, 0], { similarityFloor: 0 })[1]).toBeGreaterThan(0.3);
  });
});

describe("inputs", () => {
  const anyOptions = fc.oneof(
    graphs,
    graphs.map((options) => ({ ...options, normalization: "minmax" as const })),
  );

  test("a vector that is null, undefined or zero has gate 0, and changes no other", () => {
    fc.assert(
      fc.property(pools(), graphs, fc.infiniteStream(fc.nat(4)), ({ rows, query }, options, stream) => {
        const kinds = [...stream.take(2 * rows.length)];
        const none = [null, undefined, query.map(() => 0)];
        const mixed = rows.flatMap((row, i) => (kinds[i]! < 3 ? [none[kinds[i]!], row] : [row]));
        const gates = computeDiffusionGates(mixed, query, options);
        const isRow = (i: number) => mixed[i] != null && norm(mixed[i]!) > 0;
        expect(gates.filter((_, i) => isRow(i))).toEqual(computeDiffusionGates(rows, query, options));
        expect(gates.filter((gate, i) => !isRow(i) && gate !== 0)).toEqual([]);
      }),
    );
    expect(computeDiffusionGates([null, [0, 0]], [1, 0])).toEqual([0, 0]);
    expect(computeDiffusionGates([null, undefined], [1, 0], { normalization: "minmax" })).toEqual([0, 0]);
  });

  test("permuting the candidates permutes the gates, bit for bit", () => {
    fc.assert(
      fc.property(
        pools({ maxN: 16 }),
        anyOptions,
        fc.array(fc.nat(), { minLength: 16 }),
        ({ rows, query }, options, keys) => {
          const order = permuted([...rows.keys()], keys);
          const gates = computeDiffusionGates(rows, query, options);
          const shuffled = order.map((i) => rows[i]!);
          expect(computeDiffusionGates(shuffled, query, options)).toEqual(order.map((i) => gates[i]));
        },
      ),
    );
  });

  test("identical vectors get identical gates, bit for bit", () => {
    fc.assert(
      fc.property(
        pools({ maxN: 16 }),
        anyOptions,
        fc.array(fc.nat(), { minLength: 1 }),
        (pool, options, copies) => {
          const { rows, query } = pool;
          const of = copies.map((at) => at % rows.length);
          const gates = computeDiffusionGates([...rows, ...of.map((i) => [...rows[i]!])], query, options);
          of.forEach((i, at) => {
            expect(gates[rows.length + at]).toBe(gates[i]);
          });
        },
      ),
    );
  });

  test("lengths do not matter: exactly for powers of two, and up to rounding for any", () => {
    const powers = fc.infiniteStream(fc.integer({ min: -20, max: 20 }));
    fc.assert(
      fc.property(pools(), anyOptions, powers, ({ rows, query }, options, stream) => {
        const [q, ...exponents] = [...stream.take(rows.length + 1)];
        const scaled = rows.map((row, i) => row.map((v) => v * 2 ** exponents[i]!));
        const longer = query.map((v) => v * 2 ** q!);
        expect(computeDiffusionGates(scaled, longer, options)).toEqual(
          computeDiffusionGates(rows, query, options),
        );
      }),
    );
    // Other factors move cosines by their last bit, which may decide a tie: generic rows have none.
    const rows = randomRows(25, 6, 4);
    const query = randomRow(6, 5);
    const factors = randomRow(26, 6).map((v) => 10 ** (8 * v));
    const scaled = rows.map((row, i) => row.map((v) => v * factors[i]!));
    const gates = computeDiffusionGates(
      scaled,
      query.map((v) => v * factors[25]!),
      { neighbors: 5 },
    );
    expect(largestGap(gates, computeDiffusionGates(rows, query, { neighbors: 5 }))).toBeLessThan(ROUNDING);
  });

  test("rows, typed rows and a packed matrix are the same vectors, and none of them is changed", () => {
    fc.assert(
      fc.property(pools(), anyOptions, ({ rows, query }, options) => {
        const n = rows.length;
        const d = query.length;
        const shapes = [
          () => rows.map((row) => [...row]),
          () => rows.map((row) => Float32Array.from(row)),
          () => rows.map((row) => Float64Array.from(row)),
          () => ({ data: Float32Array.from(rows.flat()), n, d }),
        ];
        const expected = computeDiffusionGates(rows, query, options);
        for (const shape of shapes) {
          const given = shape();
          const typed = Float32Array.from(query);
          expect(computeDiffusionGates(given, typed, Object.freeze({ ...options }))).toEqual(expected);
          expect(given).toEqual(shape());
          expect(typed).toEqual(Float32Array.from(query));
        }
      }),
    );
  });

  test("gates are fit to be trust", () => {
    fc.assert(
      fc.property(pools(), graphs, gains, ({ rows, query }, options, beta) => {
        const trust = computeDiffusionGates(rows, query, { ...options, beta });
        const bundle = new Lattice({ embeddings: rows, trust }, { k: rows.length }).setQuery(query).bundle();
        // What underflows float32 is no trust there.
        expect(bundle.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
          [...rows.keys()].filter((i) => float32(trust[i]!) > 0),
        );
      }),
    );
  });
});

describe("options", () => {
  test("have defaults; undefined counts as not given", () => {
    const defaults = {
      neighbors: 30,
      graph: "union",
      similarityFloor: 1e-3,
      rowCap: Infinity,
      gamma: 0.5,
      beta: 1,
      method: "auto",
      normalization: "none",
    };
    expect(resolveGateOptions({})).toEqual(defaults);
    const none = Object.fromEntries(Object.keys(defaults).map((name) => [name, undefined]));
    expect(resolveGateOptions(none as GateOptions)).toEqual(defaults);
    expect(
      resolveGateOptions({ gamma: 0.001, beta: 0, rowCap: 1e-9, method: "cg", graph: "mutual" }),
    ).toEqual({
      ...defaults,
      gamma: 0.001,
      beta: 0,
      rowCap: 1e-9,
      method: "cg",
      graph: "mutual",
    });
  });

  test.each<[string, unknown]>([
    ["neighbors", 0],
    ["neighbors", 2.5],
    ["graph", "all"],
    ["similarityFloor", 1],
    ["similarityFloor", -0.1],
    ["rowCap", 0],
    ["rowCap", -1],
    ["rowCap", Number.NaN],
    ["rowCap", "1"],
    ["gamma", 0],
    ["gamma", 0.00099],
    ["gamma", 1000.1],
    ["gamma", Number.NaN],
    ["gamma", null],
    ["gamma", 1n],
    ["beta", -1e-9],
    ["beta", Number.POSITIVE_INFINITY],
    ["beta", Number.NaN],
    ["beta", true],
    ["method", "dense"],
    ["method", null],
    ["normalization", "softmax"],
    ["normalization", true],
    // Options of the lattice, and of the Python package, that are none here.
    ["k", 5],
    ["lamC", 1],
    ["clamp", true],
    ["kneighbors", 6],
    ["constructor", 1],
    ["toString", undefined],
  ])("%s: %s is refused by name", (name, value) => {
    const call = () => computeDiffusionGates([[1, 0]], [1, 0], { [name]: value });
    expect(call).toThrow(OptionError);
    expect(call).toThrow(expect.objectContaining({ parameter: name }));
  });

  test.each<[string, unknown, unknown, string]>([
    ["a row of another width", [[1, 0], [1]], [1, 0], "vectors[1]"],
    ["an empty row", [[]], [1], "vectors[0]"],
    ["NaN", [[1, Number.NaN]], [1, 0], "vectors[0]"],
    ["more than float32 holds", [[1, 1e39]], [1, 0], "vectors[0]"],
    ["a row of text", [["a", "b"]], [1, 0], "vectors[0]"],
    ["packed data too short", { data: new Float32Array(3), n: 2, d: 2 }, [1, 0], "vectors[0]"],
    ["a query of another width", [[1, 0]], [1, 0, 0], "query"],
    ["an empty query", [[1, 0]], [], "query"],
    ["an infinite query", [[1, 0]], [1, Number.POSITIVE_INFINITY], "query"],
    ["no query", [[1, 0]], null, "query"],
    ["an undefined query", [[1, 0]], undefined, "query"],
    ["a query of text", [[1, 0]], "10", "query"],
    ["no query for no candidates", [], undefined, "query"],
  ])("%s is refused, and named", (_, vectors, query, parameter) => {
    const call = () => computeDiffusionGates(vectors as number[][], query as number[]);
    expect(call).toThrow(VectorError);
    expect(call).toThrow(expect.objectContaining({ parameter }));
  });
});

describe("the row cap", () => {
  const graphPools = fc.tuple(pools({ maxN: 14 }), graphs);

  test("scales w_ij by sqrt(r_i r_j), r_i = min(1, cap / row sum), and keeps the graph symmetric bit for bit", () => {
    fc.assert(
      fc.property(graphPools, fc.constantFrom(0.1, 0.5, 1, 3), ([{ rows }, options], cap) => {
        const graph = graphOf(rows, resolveGateOptions(options));
        const before = structuredClone(graph);
        const capped = dense(capRowSums(graph, cap));
        expect(graph).toEqual(before);
        naiveCap(dense(graph), cap).forEach((row, i) => {
          row.forEach((w, j) => {
            expect(Math.abs(capped[i]![j]! - w)).toBeLessThanOrEqual(2 ** -23 * w);
            expect(capped[i]![j]).toBe(capped[j]![i]);
          });
        });
      }),
    );
  });

  test("changes no bit where no row sum exceeds it", () => {
    fc.assert(
      fc.property(graphPools, ([{ rows }, options]) => {
        const graph = graphOf(rows, resolveGateOptions(options));
        expect(capRowSums(graph, Number.POSITIVE_INFINITY)).toEqual(graph);
        expect(capRowSums(graph, rows.length)).toEqual(graph);
      }),
    );
  });

  test("O20 a hub among nodes that need no cap keeps more than the cap: the root of its excess", () => {
    const star = {
      from: Int32Array.of(0, 0, 0, 0),
      to: Int32Array.of(1, 2, 3, 4),
      weight: new Float32Array(4).fill(1),
    };
    const graph = symmetrize(5, star, "union");
    expect(dense(capRowSums(graph, 1))[0]).toEqual([0, 0.5, 0.5, 0.5, 0.5]);
  });

  test("O21 a cap that meets every row alike cancels, one that meets hubs alone does not", () => {
    const rows = randomRows(20, 4, 8);
    const query = randomRow(4, 9);
    const at = (rowCap: number) => computeDiffusionGates(rows, query, { neighbors: 5, rowCap });
    expect(largestGap(at(0.02), at(0.01))).toBeLessThan(ROUNDING);
    expect(largestGap(at(Infinity), at(2))).toBeGreaterThan(1e-3);
  });
});
