import { describe, expect, test, vi } from "vitest";
import { CandidateError, Lattice, OptionError, type Options, VectorError } from "../../src/index.ts";
import type { LatticeReceipt } from "../../src/python/latticeReceipt.ts";
import { DenseLattice, float32, frobenius, norm, plus, randomRow, randomRows, uniform } from "../support.ts";
import { load, rowsOf } from "./golden.ts";

/**
 * What the profile `settled` does otherwise than the Python package, one test a finding of its golden vectors. Where
 * `reference` keeps the published behaviour, it is shown beside: the data then tell the two apart.
 */

const make = (embeddings: number[][], query: number[], options: Options = {}, trust?: number[]): Lattice =>
  new Lattice({ embeddings, ...(trust && { trust }) }, options).setQuery(query);

const settledRows = (lattice: Lattice): number[][] => rowsOf(lattice.settledVectors());

const axis = (d: number, at: number, value = 1): number[] =>
  Array.from({ length: d }, (_, c) => (c === at ? value : 0));

/** n unit vectors at equal angles, and the edges between neighbours on the circle. */
function ring(n: number) {
  const rows = Array.from({ length: n }, (_, i) => {
    const angle = (2 * Math.PI * i) / n;
    return [Math.cos(angle), Math.sin(angle)];
  });
  const edges = rows.map((_, i) => ({ i: Math.min(i, (i + 1) % n), j: Math.max(i, (i + 1) % n), weight: 1 }));
  return { rows, edges };
}

// ---------------------------------------------------------------- energy and terms

describe("energy", () => {
  const rows = randomRows(20, 6, 3);
  const query = randomRow(6, 4);

  test("O3 deltaH_total is how far the energy falls from the vectors to U*, settled or not", () => {
    const lattice = make(rows, query);
    const fall = lattice.figures();
    expect(fall.deltaH_total).toBe(fall.energy.initial - fall.energy.minimum);
    lattice.settle();
    expect(lattice.figures().deltaH_total).toBe(fall.deltaH_total);
    expect(lattice.figures().energy.remaining).toBeGreaterThan(0);
    const published = make(rows, query, { profile: "reference" });
    published.settle();
    expect(published.figures().deltaH_total).toBe(published.figures().energy.remaining);
  });

  test("O13 the terms add up", () => {
    const sumOf = (options: Options) => {
      const lattice = make(rows, query, options).addChain([0, 5, 9], { lamP: 0.7 });
      const { deltaH_total, coh_drop_sum, anchor_pen_sum, query_term_sum, chain_drop_sum } =
        lattice.figures();
      return coh_drop_sum! - anchor_pen_sum! + query_term_sum! + chain_drop_sum! - deltaH_total;
    };
    expect(Math.abs(sumOf({ lamQ: 1 }))).toBeLessThan(1e-9);
    expect(Math.abs(sumOf({ profile: "reference" }))).toBeGreaterThan(1);
  });

  test("O15 a light receipt says null, never 0", () => {
    const { coh_drop_sum, anchor_pen_sum, query_term_sum, chain_drop_sum, null_points, meta, deltaH_total } =
      make(rows, query).figures({ detail: "light" });
    expect([coh_drop_sum, anchor_pen_sum, query_term_sum, chain_drop_sum]).toEqual([null, null, null, null]);
    expect([null_points, meta.null_points_summary]).toEqual([null, null]);
    expect(deltaH_total).toBe(make(rows, query).figures().deltaH_total);
  });

  test("O51 energy_drop is the energy's, which the step's own length is not", () => {
    const lattice = make(rows, query, { tolerance: 1e-7 });
    lattice.settle({ dt: 0.5 });
    const { energy, meta } = lattice.figures({ dynamics: true });
    const { energy_drop, step_deltaH, top_flows, flow_total } = meta.dynamics!;
    expect(energy_drop).toBe(energy.initial - energy.final);
    expect(Math.abs(energy_drop / step_deltaH - 1)).toBeGreaterThan(0.1);
    // Each edge once.
    const pairs = top_flows.map(({ edge: [i, j] }) => `${Math.min(i, j)} ${Math.max(i, j)}`);
    expect(new Set(pairs).size).toBe(pairs.length);
    expect(top_flows.reduce((sum, { flow }) => sum + flow, 0)).toBeLessThanOrEqual(flow_total);
  });

  test("O51 a step that moves nothing has no viscosity", () => {
    const lattice = make([axis(2, 0), axis(2, 1)], [1, 1]);
    lattice.settle();
    const { step_deltaH, viscosity_step } = lattice.figures({ dynamics: true }).meta.dynamics!;
    expect([step_deltaH, viscosity_step]).toEqual([0, null]);
  });

  test("O52 the query's term is a squared distance: 0 at the query itself, and above 0 elsewhere", () => {
    const lattice = make(rows, query, { lamQ: 4, normalize: false });
    expect(lattice.energyOf(rows.map(() => query)).query).toBeLessThan(1e-6);
    for (const factor of [0.5, 2, -1]) {
      const energy = lattice.energyOf(rows.map(() => query.map((v) => factor * v)));
      const distance = (1 - factor) ** 2 * norm(query) ** 2;
      expect(Math.abs(energy.query / (4 * rows.length * distance) - 1)).toBeLessThan(1e-5);
    }
  });
});

// ---------------------------------------------------------------- graph

describe("the graph", () => {
  test("O16 an isolated node keeps its vector", () => {
    const rows = [axis(4, 0), axis(4, 0), axis(4, 1, 3), axis(4, 2)];
    const options = { normalize: false, lamQ: 0, lamC: 0.5, neighbors: 2 };
    const settled = settledRows(make(rows, [1, 1, 1, 1], options));
    expect(settled.slice(2)).toEqual(rows.slice(2));
    expect(frobenius(plus(settled, rows, -1))).toBeLessThan(1e-6);
    const shrunk = settledRows(make(rows, [1, 1, 1, 1], { ...options, profile: "reference" }));
    expect(norm(shrunk[2]!)).toBeCloseTo(3 / 1.5, 5);
  });

  test("O19 identical rows settle alike", () => {
    const rows = Array.from({ length: 12 }, () => [1, 2, 3, 4].map((v) => float32(v / 7)));
    const lengthsOf = (options: Options) =>
      new Set(settledRows(make(rows, [4, 3, 2, 1], { neighbors: 3, ...options })).map(norm));
    expect(lengthsOf({}).size).toBe(1);
    expect(lengthsOf({ profile: "reference" }).size).toBeGreaterThan(1);
    const bundle = make(rows, [4, 3, 2, 1], { neighbors: 3, k: 12, coherenceWeight: 1 }).bundle();
    expect(new Set(bundle.map(({ score }) => score)).size).toBe(1);
    expect(bundle.map(({ index }) => index)).toEqual(rows.map((_, i) => i));
  });

  test("O19 copies among others score alike, bit for bit, by coherence too", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const originals = randomRows(6, 24, seed);
      const options = { neighbors: 3 + (seed % 9), k: 15, coherenceWeight: 1 };
      const bundle = make(
        [...originals, ...originals, ...originals.slice(3)],
        randomRow(24, 7),
        options,
      ).bundle();
      const scores = new Set(
        bundle.map(({ index, score }) => `${index < 12 ? index % 6 : index - 9} ${score}`),
      );
      expect(scores.size).toBe(6);
    }
  });

  test("O20 the row cap scales by sqrt(r_i r_j), as published: a hub's sum may stay above it", () => {
    // Nine leaves at cosine 0.5 of the hub and 0.25 of each other.
    const leaf = (i: number) => axis(10, 0, 0.5).with(i, Math.sqrt(0.75));
    const rows = [axis(10, 0), ...Array.from({ length: 9 }, (_, i) => leaf(i + 1))];
    const edges = make(rows, axis(10, 0), { rowCap: 1, similarityFloor: 0.3 }).edges();
    expect(edges.map(({ i }) => i)).toEqual(new Array(9).fill(0));
    for (const { weight } of edges) expect(weight).toBeCloseTo(0.5 / Math.sqrt(4.5), 6);
    expect(edges.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(2.1213, 4);
  });

  test("O21 the row cap cancels where every node is over it", () => {
    const rows = randomRows(12, 4, 5).map((row) => row.map(Math.abs));
    const at = (rowCap: number | null) => settledRows(make(rows, [1, 1, 1, 1], { rowCap, tolerance: 1e-7 }));
    expect(frobenius(plus(at(0.01), at(0.001), -1))).toBeLessThan(1e-5);
    expect(frobenius(plus(at(null), at(0.001), -1))).toBeGreaterThan(1e-3);
  });

  test("O22/O23 noise-level similarity makes no edge", () => {
    const pair = [axis(3, 0), [1e-7, 1, 0]];
    expect(make(pair, [1, 1, 1]).edges()).toEqual([]);
    expect(settledRows(make(pair, [1, 1, 1]))[0]).toEqual([1, 0, 0]);
    // As published, an edge of 1e-7 couples the two as fully as twins.
    const published = make(pair, [1, 1, 1], { profile: "reference", lamQ: 0, lamC: 100 });
    expect(published.edges().length).toBe(1);
    const [a, b] = settledRows(published);
    expect(norm(plus([a!], [b!], -1)[0]!)).toBeLessThan(0.05);
    expect(() => new Lattice({ embeddings: pair }, { neighborSeed: 7 } as never)).toThrow("neighborSeed");
  });

  test("O60 no similarity exceeds 1", () => {
    const rows = randomRows(60, 5, 60);
    const squares = rows.map((row) => {
      const unit = row.map((v) => float32(v / norm(row)));
      return unit.reduce((sum, v) => float32(sum + float32(v * v)), 0);
    });
    expect(Math.max(...squares)).toBeGreaterThan(1);
    for (const profile of ["evidence", "reference"] as const) {
      for (const row of rows) {
        const lattice = make([row, row, row], row, { profile, rowCap: null });
        expect(Math.max(...lattice.edges().map(({ weight }) => weight))).toBeLessThanOrEqual(1);
        for (const { parts } of lattice.bundle()) {
          expect(Math.max(parts!.similarity!, parts!.settled ?? 0)).toBeLessThanOrEqual(1);
        }
      }
    }
  });
});

// ---------------------------------------------------------------- null points

describe("null points", () => {
  test.each([6, 10, 20, 21, 30, 100, 1000])(
    "O11 a regular ring of %i nodes, all residuals equal, has none",
    (n) => {
      const { rows, edges } = ring(n);
      const count = (options: Options) => {
        const lattice = new Lattice({ embeddings: rows, edges }, { tolerance: 1e-7, ...options }).setQuery([
          1, 0.5,
        ]);
        return lattice.figures({ nullThreshold: 1 }).meta.null_points_summary!.total_null_points;
      };
      expect(count({})).toBe(0);
      expect(count({ lamQ: 0, profile: "reference" })).toBe(n);
    },
  );

  test.each([21, 100])("O11 a ring of %i nodes with one turned about has its two edges, whatever n", (n) => {
    const { rows, edges } = ring(n);
    const turned = rows.with(
      7,
      rows[7]!.map((v) => -v),
    );
    const lattice = new Lattice({ embeddings: turned, edges }).setQuery([1, 0.5]);
    const points = lattice.figures().null_points!;
    expect(
      points.map(({ edge }) => edge.toSorted((a, b) => a - b)).toSorted((a, b) => a[0]! - b[0]!),
    ).toEqual([
      [6, 7],
      [7, 8],
    ]);
  });

  test("O12 z is over the graph's edges, each of which is listed once", () => {
    const rows = randomRows(80, 8, 12);
    const query = randomRow(8, 13);
    const lattice = make(rows, query, { neighbors: 6, tolerance: 1e-7 });
    const naive = new DenseLattice(lattice, rows, query);
    const U = naive.minimum();
    const degree = naive.degrees();
    const scaled = U.map((u, i) => u.map((v) => v / Math.sqrt(degree[i]!)));
    const residuals = lattice.edges().map(({ i, j, weight }) => ({
      edge: [i, j],
      residual: 2 * weight * norm(plus([scaled[i]!], [scaled[j]!], -1)[0]!) ** 2,
    }));
    const mean = residuals.reduce((sum, { residual }) => sum + residual, 0) / residuals.length;
    const variance =
      residuals.reduce((sum, { residual }) => sum + (residual - mean) ** 2, 0) / residuals.length;
    const expected = residuals
      .map(({ edge, residual }) => ({ edge, z: (residual - mean) / Math.sqrt(variance) }))
      .filter(({ z }) => z > 1.5)
      .toSorted((a, b) => b.z - a.z);
    expect(expected.length).toBeGreaterThan(5);
    const points = lattice.figures({ nullThreshold: 1.5, nullCap: 1000 }).null_points!;
    expect(points.map(({ edge }) => edge.toSorted((a, b) => a - b))).toEqual(
      expected.map(({ edge }) => edge),
    );
    points.forEach(({ z }, place) => {
      expect(z).toBeCloseTo(expected[place]!.z, 3);
    });
  });

  test.each([2 ** -30, 2 ** -20, 2 ** 20])(
    "O34 diagnostics do not depend on scale: vectors times %d",
    (scale) => {
      const rows = randomRows(60, 8, 34);
      const query = randomRow(8, 35);
      const figures = (factor: number) => {
        const times = (row: number[]) => row.map((v) => factor * v);
        const options = { normalize: false, neighbors: 6, k: 60, coherenceWeight: 0.5 };
        const lattice = make(rows.map(times), times(query), options);
        const { null_points, meta } = lattice.figures({ nullThreshold: 2, nullCap: 1000 });
        const points = null_points!.map(({ edge, z }) => ({ edge, z }));
        const { edges, verdict } = lattice.chainReceipt([0, 1, 2]);
        const links = edges.map(({ zStruct, zPath }) => [zStruct, zPath]);
        const scores = lattice.bundle().map(({ index, score }) => [index, score]);
        return { points, total: meta.null_points_summary, links, verdict, scores };
      };
      expect(figures(1).points.length).toBeGreaterThan(3);
      expect(figures(scale)).toEqual(figures(1));
    },
  );

  test("O34 what all gained alike, but for rounding, tells none apart: a regular ring", () => {
    const { rows, edges } = ring(30);
    const options = { profile: "reference" as const, k: 30, lamQ: 0, coherenceWeight: 1, diversity: 0 };
    const bundle = new Lattice({ embeddings: rows, edges }, options).setQuery([1, 0.5]).bundle();
    const gains = bundle.map(({ parts }) => parts!.coherence!);
    expect(Math.min(...gains)).toBeGreaterThan(1e-4);
    expect(new Set(gains).size).toBeGreaterThan(1);
    expect(bundle.filter(({ terms }) => terms!.coherence !== 0)).toEqual([]);
  });

  test("O49 null points and chains need no N x N x D cube: no array of N x N values either", () => {
    const [n, d] = [300, 16];
    const lattice = make(randomRows(n, d, 49), randomRow(d, 50), { neighbors: 3 });
    lattice.solve();
    let largest = 0;
    class Watched extends Float32Array {
      constructor(...given: [number]) {
        super(...given);
        largest = Math.max(largest, this.length);
      }
    }
    class Watched64 extends Float64Array {
      constructor(...given: [number]) {
        super(...given);
        largest = Math.max(largest, this.length);
      }
    }
    vi.stubGlobal("Float32Array", Watched);
    vi.stubGlobal("Float64Array", Watched64);
    try {
      lattice.figures({ nullThreshold: 0 });
      lattice.chainReceipt([0, 1, 2, 3]);
    } finally {
      vi.unstubAllGlobals();
    }
    expect(largest).toBeGreaterThanOrEqual(n * d);
    expect(largest).toBeLessThan(n * n);
  });
});

// ---------------------------------------------------------------- chains

describe("chains", () => {
  const rows = randomRows(10, 5, 17);
  const query = randomRow(5, 18);

  test("O17 off-chain nodes are untouched", () => {
    const options = { normalize: false, lamC: 0, tolerance: 1e-7 };
    const at = (profile: "evidence" | "reference") =>
      settledRows(make(rows, query, { ...options, lamQ: 0, profile }).addChain([0, 1], { lamP: 1 }));
    expect(at("evidence").slice(2)).toEqual(rows.slice(2));
    expect(at("evidence")[0]).not.toEqual(rows[0]);
    expect(norm(at("reference")[5]!) / norm(rows[5]!)).toBeCloseTo(0.5, 5);
  });

  test("O18 a constant chain costs 0", () => {
    const constant = [rows[0]!, rows[0]!, rows[0]!, ...rows.slice(3)];
    const costOf = (options: Options) => {
      const lattice = make(constant, query, { normalize: false, ...options }).addChain([0, 1, 2], {
        lamP: 1,
      });
      return lattice.energyOf(constant).chain;
    };
    expect(costOf({})).toBe(0);
    // Its normalized Laplacian: the other nodes pay too.
    expect(costOf({ profile: "reference" })).toBeGreaterThan(0.1716 * norm(rows[0]!) ** 2);
  });

  test("O10 the verdict does not depend on n", () => {
    // Each the neighbour of all others.
    const verdicts = (options: Options) =>
      [6, 7, 8, 9, 20, 60].map((n) => {
        const noise = uniform(10);
        const near = Array.from({ length: n }, () => [1, 0, 0, 0].map((v) => float32(v + 1e-3 * noise())));
        return make(near, [1, 1, 1, 1], { neighbors: 60, ...options }).chainReceipt([0, 1, 2]).verdict;
      });
    expect(verdicts({})).toEqual([true, true, true, true, true, true]);
    expect(verdicts({ profile: "reference" })).toEqual([true, true, false, false, false, false]);
  });

  test("O10 z is over the lattice's edges: a link stretched beyond them fails, at any n", () => {
    for (const n of [6, 20, 60]) {
      const noise = uniform(11);
      const near = Array.from({ length: n }, (_, i) =>
        [1, i === 1 ? -2 : 0, 0].map((v) => float32(v + 0.1 * noise())),
      );
      const { verdict, weakestLink, edges } = make(near, [1, 1, 1], { similarityFloor: 0.5 }).chainReceipt([
        2, 3, 1,
      ]);
      expect(verdict).toBe(false);
      expect(weakestLink).toMatchObject({ link: 1, edge: [3, 1] });
      expect(weakestLink.z).toBe(edges[1]!.zPath);
      expect(edges[0]!.zPath).toBeLessThan(2.5);
    }
  });

  test("O40 the receipt is that of the chain asked for, whichever was added", () => {
    // A chain without pull, so that the state is the same.
    const stored = make(rows, query).addChain([0, 1], { lamP: 0 });
    expect(stored.chainReceipt([2, 3, 4])).toEqual(make(rows, query).chainReceipt([2, 3, 4]));
    for (const { rPath } of stored.chainReceipt([2, 3, 4]).edges) expect(rPath).toBeGreaterThan(0);
    const published = make(rows, query, { profile: "reference" }).addChain([0, 1], { lamP: 0 });
    expect(published.chainReceipt([2, 3]).edges[0]!.rPath).toBe(0);
  });

  test("O41 an empty chain has no verdict, nor has one that is out of range or no chain", () => {
    const lattice = make(rows, query);
    for (const chain of [[], [3], [0, 10], [0, -1], [0, 0.5], [0, 0], "01", null]) {
      expect(() => lattice.chainReceipt(chain as number[]), String(chain)).toThrow(CandidateError);
      expect(() => lattice.chainReceipt(chain as number[])).toThrow("chain");
    }
  });

  test("O41 the weakest link is one of the chain's, however low its z", () => {
    // As published, z of a link that the stored chain does not have, beside many that it has: below -1.
    const star = [1, 0, 2, 0, 3, 0, 5, 0, 6, 0, 7, 0, 8];
    const others = randomRows(10, 5, 20);
    const published = make(others, query, { profile: "reference" }).addChain(star, { lamP: 0 });
    const { edges, weakestLink } = published.chainReceipt([0, 4]);
    expect(edges[0]!.zPath).toBeLessThan(-1);
    expect(weakestLink).toEqual({ link: 0, edge: [0, 4], z: edges[0]!.zStruct });
  });

  test("O42 isolated chain nodes are finite, and judged", () => {
    const lone = [axis(4, 0), axis(4, 1), axis(4, 2), axis(4, 3), axis(4, 3)];
    const { edges, coherenceGain, weakestLink } = make(lone, [1, 1, 1, 1]).chainReceipt([0, 1, 2]);
    for (const { rPath, rStruct, zStruct } of edges) {
      expect(rPath).toBeCloseTo(2, 5);
      expect([rStruct, zStruct]).toEqual([null, null]);
    }
    expect([coherenceGain, Number.isFinite(weakestLink.z)]).toEqual([0, true]);
    const published = make(lone, [1, 1, 1, 1], { profile: "reference" }).chainReceipt([0, 1, 2]);
    expect(published.edges[0]!.rPath).toBeGreaterThan(1e9);
  });

  test("O43 a chain that lost coherence fails, though no link is stretched beyond the lattice's edges", () => {
    // Two arcs that meet at 40 and 50 degrees, with no edge there: each end settles towards its own arc.
    const angles = [40, -10, -60, 50, 100, 150];
    const edges = [
      [0, 1],
      [1, 2],
      [3, 4],
      [4, 5],
    ].map(([i, j]) => ({ i: i!, j: j!, weight: 1 }));
    const embeddings = angles.map((a) => [Math.cos((a * Math.PI) / 180), Math.sin((a * Math.PI) / 180)]);
    const lattice = new Lattice({ embeddings, edges }).setQuery([1, 1]);
    const torn = lattice.chainReceipt([0, 3]);
    expect(torn.edges[0]!.zPath).toBeLessThan(2.5);
    expect(torn.coherenceGain).toBeLessThan(-0.01);
    expect(torn.verdict).toBe(false);
    const whole = lattice.chainReceipt([0, 1, 2]);
    expect(whole.coherenceGain).toBeGreaterThan(0);
    expect(whole.verdict).toBe(true);
  });

  test("O44 a weight that is not above 0, and a link from a node to itself, are refused", () => {
    const lattice = make(rows, query);
    const withWeights = (weights: number[]) => () => lattice.addChain([0, 1, 2], { weights });
    for (const bad of [-1, 0, Number.NaN, Infinity]) {
      expect(withWeights([1, bad])).toThrow(OptionError);
      expect(withWeights([1, bad])).toThrow("weights[1]");
      expect(() => lattice.chainReceipt([0, 1, 2], { weights: [1, bad] })).toThrow("weights[1]");
    }
    expect(() => lattice.addChain([0, 2, 2])).toThrow(CandidateError);
    expect(() => lattice.addChain([0, 2, 2])).toThrow("chain[2]");
    // Refused, they leave the lattice as it was.
    expect(lattice.receipt().chain).toBeNull();
  });
});

// ---------------------------------------------------------------- the solver

describe("the solver", () => {
  const rows = randomRows(30, 6, 25);
  const query = randomRow(6, 26);

  test("O24 max iterations below 1 is refused, and 1 is honest", () => {
    const lattice = make(rows, query);
    for (const maxIterations of [0, -1, 0.5]) {
      expect(() => lattice.solve({ maxIterations })).toThrow(OptionError);
      expect(() => lattice.settle({ maxIterations })).toThrow("maxIterations");
    }
    expect(lattice.solve({ maxIterations: 1, tolerance: 1e-6 })).toMatchObject({
      iterations: 1,
      converged: false,
    });
  });

  test.each([1e-10, 1e-5, 1e6, 1e12])(
    "O25 the tolerance is relative: vectors times %d settle as accurately",
    (scale) => {
      const errorAt = (factor: number) => {
        const scaled = rows.map((row) => row.map((v) => float32(factor * v)));
        const target = query.map((v) => float32(factor * v));
        const lattice = make(scaled, target, { normalize: false, lamQ: 1 });
        const naive = new DenseLattice(lattice, scaled, target);
        const U = settledRows(lattice);
        const { residual, converged } = lattice.solve();
        expect(converged).toBe(true);
        // The residual that is reported is the true one, but for float32's rounding.
        const left = frobenius(naive.residual(U));
        expect(Math.abs(residual - left)).toBeLessThanOrEqual(naive.rounding(U));
        expect(left).toBeLessThanOrEqual(1e-5 * frobenius(naive.F) + naive.rounding(U));
        return frobenius(plus(U, naive.minimum(), -1)) / frobenius(U);
      };
      expect(errorAt(1)).toBeLessThan(1e-5);
      expect(errorAt(scale)).toBeLessThan(1e-5);
    },
  );

  test("O26 another tolerance solves anew, and the receipt is of the lattice's own", () => {
    const lattice = make(rows, query);
    const loose = lattice.solve({ tolerance: 0.3 });
    const tight = lattice.solve({ tolerance: 1e-6 });
    expect(tight.residual).toBeLessThan(loose.residual / 1e4);
    const limited = lattice.solve({ maxIterations: 1 });
    expect(limited.iterations).toBe(1);
    expect(lattice.figures().meta.ustar_res).toBe(make(rows, query).figures().meta.ustar_res);
    expect(settledRows(lattice)).toEqual(settledRows(make(rows, query)));
  });

  test("O14 the first receipt of a lattice found nothing at hand, the second did", () => {
    const lattice = make(rows, query, { profile: "reference" });
    expect(lattice.receipt().meta).toMatchObject({ ustar_cached: false, ustar_solves: 1 });
    expect(lattice.receipt().meta).toMatchObject({ ustar_cached: true, ustar_solves: 1 });
  });

  test("O27 D = 1 works", () => {
    const thin = randomRows(12, 1, 27);
    for (const options of [{}, { normalize: false, lamQ: 4 }]) {
      const lattice = make(thin, [0.5], { ...options, k: 12, tolerance: 1e-7 });
      const naive = new DenseLattice(lattice, thin, [0.5]);
      const U = naive.minimum();
      expect(frobenius(plus(settledRows(lattice), U, -1))).toBeLessThan(1e-5);
      const fall = naive.energy(naive.Y).total - naive.energy(U).total;
      expect(Math.abs(lattice.figures().deltaH_total - fall)).toBeLessThan(1e-5 * Math.max(1, fall));
      expect(
        lattice
          .bundle()
          .map(({ index }) => index)
          .toSorted((a, b) => a - b),
      ).toEqual(thin.map((_, i) => i));
      expect(lattice.chainReceipt([0, 1]).edges.length).toBe(1);
    }
  });

  test("O31 inertia is refused: it moved the published solver's start, not its result", () => {
    const lattice = make(rows, query);
    expect(() => lattice.settle({ inertia: 0.5 } as never)).toThrow(OptionError);
    expect(() => lattice.settle({ inertia: 0.5 } as never)).toThrow("inertia");
  });
});

// ---------------------------------------------------------------- what comes in

describe("input", () => {
  const rows = randomRows(8, 4, 28);
  const query = randomRow(4, 29);

  test("O28 negative trust is refused", () => {
    const trust = rows.map((_, i) => (i === 3 ? -0.5 : 1));
    expect(() => make(rows, query, { profile: "reference" }, trust)).toThrow(CandidateError);
    expect(() => make(rows, query, {}, trust)).toThrow("trust[3]");
    expect(() => make(rows, query).setTrust(trust)).toThrow("trust[3]");
  });

  test("O29 NaN is refused, wherever it stands", () => {
    const bad = rows.with(5, [0, Number.NaN, 0, 0]);
    expect(() => make(bad, query, { profile: "reference" })).toThrow(VectorError);
    expect(() => make(bad, query)).toThrow("embeddings[5]");
    expect(() => make(rows, [0, 1, Number.NaN, 0])).toThrow("query");
    expect(() => make(rows, query, { lamC: Number.NaN })).toThrow("lamC");
    expect(() =>
      make(
        rows,
        query,
        {},
        rows.map(() => Number.NaN),
      ),
    ).toThrow("trust[0]");
  });

  test("O30 a query of length 1, or of any other width, is refused when it is set", () => {
    for (const wrong of [[1], [1, 2, 3], [1, 2, 3, 4, 5]]) {
      expect(() => make(rows, wrong, { profile: "reference" })).toThrow(VectorError);
      expect(() => make(rows, wrong)).toThrow("query");
    }
  });
});

// ---------------------------------------------------------------- the bundle

describe("the default bundle", () => {
  interface Traps {
    readonly Y: number[][];
    readonly psi: number[];
    readonly uniform: { readonly bundle_default_topk: number[] };
  }

  test.each([0, 1])("O32/O33 finds the query's cluster, traps study %i", (trial) => {
    const { Y, psi, uniform } = load<Traps>(`traps_${trial}`);
    // The first 40 of the 120 are the query's own; the rest are random.
    const inCluster = (indices: number[]) => indices.filter((i) => i < 40).length;
    expect(
      inCluster(
        make(Y, psi)
          .bundle()
          .map(({ index }) => index),
      ),
    ).toBe(5);
    expect(inCluster(uniform.bundle_default_topk)).toBe(0);
  });

  test("O32 its parts are put on one scale before they are added", () => {
    const { Y, psi } = load<Traps>("traps_0");
    const all = new Lattice(
      { embeddings: Y, lists: [{ name: "other", scores: Y.map((y) => y[0]!) }] },
      { k: 120, listWeight: 1 },
    )
      .setQuery(psi)
      .bundle();
    const deviation = (values: number[]) => {
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
      return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
    };
    expect(deviation(all.map(({ terms }) => terms!.similarity!))).toBeCloseTo(1, 9);
    expect(deviation(all.map(({ terms }) => terms!["list:other"]!))).toBeCloseTo(1, 9);
    const published = make(Y, psi, { k: 120, profile: "reference", diversity: 0 }).bundle();
    const ratio =
      deviation(published.map(({ terms }) => terms!.coherence!)) /
      deviation(published.map(({ terms }) => terms!.settled!));
    expect(ratio).toBeGreaterThan(20);
  });
});

// ---------------------------------------------------------------- what goes out

describe("results", () => {
  const rows = randomRows(12, 5, 54);
  const query = randomRow(5, 55);

  test("O54 are copies: what is done to them changes nothing", () => {
    const lattice = make(rows, query).addChain([0, 1, 2]);
    const digest = lattice.receipt().digest;
    lattice.settledVectors().data.fill(0);
    lattice.stateVectors().data.fill(0);
    for (const edge of lattice.edges()) Object.assign(edge, { weight: 9 });
    (lattice.solve() as { residual: number }).residual = 9;
    const receipt = structuredClone(lattice.receipt());
    const handed = lattice.receipt();
    for (const entry of handed.bundle) Object.assign(entry, { score: 9, parts: null });
    (handed.chain!.nodes as number[])[0] = 5;
    (handed.chain!.weights as number[])[0] = 5;
    const json = lattice.toJSON();
    for (const list of [json.ids, json.trust, json.chain!.nodes, json.chain!.weights])
      (list as unknown[]).fill(9);
    expect(lattice.receipt().digest).toBe(digest);
    expect(lattice.receipt().chain).toEqual(receipt.chain);
  });

  test("O55 what came in may change afterwards: the lattice has its own", () => {
    const given = rows.map((row) => Float32Array.from(row));
    const target = Float32Array.from(query);
    const chain = [0, 1, 2];
    const weights = [1, 2];
    const lattice = new Lattice({ embeddings: given }).addChain(chain, { weights }).setQuery(target);
    for (const row of [...given, target]) row.fill(0.5);
    chain[0] = 7;
    weights[0] = 7;
    const untouched = make(rows, query).addChain([0, 1, 2], { weights: [1, 2] });
    expect(lattice.receipt().digest).toBe(untouched.receipt().digest);
  });

  test("O56 two receipts of one state agree in digest, though the counts beside it differ", () => {
    const lattice = make(rows, query, { profile: "reference" });
    const told = () => lattice.receipt() as unknown as LatticeReceipt;
    const [first, second] = [told(), told()];
    expect(second.meta.ustar_cache_hits).toBeGreaterThan(first.meta.ustar_cache_hits);
    expect(second.digest).toBe(first.digest);
    lattice.settle();
    expect(told().digest).not.toBe(first.digest);
  });
});
