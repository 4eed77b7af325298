import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Lattice, OptionError, type Options, StateError } from "../src/index.ts";
import type { LatticeReceipt } from "../src/python/latticeReceipt.ts";
import {
  cosine,
  type Dense,
  DenseLattice,
  frobenius,
  norm,
  type Pool,
  plus,
  pools,
  randomRow,
  randomRows,
  systems,
  texts,
  times,
  trusts,
  uniform,
} from "./support.ts";

/** A pool with trusts (some 0) and every option of the system: what a lattice is made from. */
const cases = pools().chain((pool) =>
  fc.record({ pool: fc.constant(pool), trust: trusts(pool.rows.length, 0), options: systems }),
);

/** A lattice that has settled nearly as far as float32 goes, and the same in dense float64 matrices. */
function build(pool: Pool, options: Options = {}, trust = pool.rows.map(() => 1)) {
  const lattice = latticeOf(pool, options, trust);
  return { lattice, naive: new DenseLattice(lattice, pool.rows, pool.query, trust) };
}

const latticeOf = ({ rows, query }: Pool, options: Options, trust: number[]): Lattice =>
  new Lattice({ embeddings: rows, trust }, { tolerance: 1e-6, ...options }).setQuery(query);

/** A state near the settled one or far from it, the same for the same seed. */
const someState = (U: Dense, seed: number): Dense => {
  const next = uniform(seed);
  const size = 10 ** (2 * next() - 1);
  return U.map((u) => u.map((v) => v + size * next()));
};

/** A state of the nodes as vectors of all candidates. */
function scattered(naive: DenseLattice, U: Dense, n: number): (number[] | null)[] {
  const all: (number[] | null)[] = new Array(n).fill(null);
  naive.nodes.forEach((candidate, at) => {
    all[candidate] = U[at]!;
  });
  return all;
}

/** The cosines of the settled vectors with a query. */
function cosinesOf(lattice: Lattice, query: readonly number[]): number[] {
  const { data, n, d } = lattice.settledVectors();
  return Array.from({ length: n }, (_, i) => cosine(data.subarray(i * d, (i + 1) * d), query));
}

describe("the settled state U*", () => {
  test("solves M U = F", () => {
    fc.assert(
      fc.property(cases, ({ pool, trust, options }) => {
        const { lattice, naive } = build(pool, options, trust);
        const U = naive.rowsOf(lattice.settledVectors());
        const goal = 1e-6 * frobenius(naive.F);
        expect(frobenius(naive.residual(U))).toBeLessThanOrEqual(goal + naive.rounding(U));
      }),
    );
  });

  test("is that of Gaussian elimination, each vector within the certified bound", () => {
    fc.assert(
      fc.property(cases, fc.constantFrom(1e-2, 1e-4, 1e-6), ({ pool, trust, options }, tolerance) => {
        const { lattice, naive } = build(pool, { ...options, tolerance }, trust);
        const U = naive.rowsOf(lattice.settledVectors());
        const { residual, bound } = lattice.figures();
        const rounding = naive.rounding(U);
        expect(Math.abs(residual - frobenius(naive.residual(U)))).toBeLessThanOrEqual(rounding);
        // The weights are float32: that alone moves the minimum, by what their terms are before they cancel.
        const moved = (options.lamG + 2 * options.lamC) * frobenius(U) * 2 ** -23;
        naive.minimum().forEach((exact, i) => {
          const distance = norm(exact.map((v, c) => v - U[i]![c]!));
          expect(distance).toBeLessThanOrEqual(bound + (rounding + moved) / options.lamG);
        });
      }),
    );
  });

  test("has the least energy of all: no other state lies lower", () => {
    fc.assert(
      fc.property(cases, fc.nat(), ({ pool, trust, options }, seed) => {
        const { lattice, naive } = build(pool, options, trust);
        const U = naive.rowsOf(lattice.settledVectors());
        const least = naive.energy(U).total;
        for (let other = 0; other < 5; other++) {
          const energy = naive.energy(someState(U, seed + other)).total;
          expect(least).toBeLessThanOrEqual(energy + naive.slack(U));
        }
        expect(least).toBeLessThanOrEqual(naive.energy(naive.Y).total + naive.slack(U));
      }),
    );
  });

  test("is where the energy is level: its slope vanishes along every coordinate", () => {
    fc.assert(
      fc.property(cases, ({ pool, trust, options }) => {
        const { lattice, naive } = build(pool, options, trust);
        const U = naive.rowsOf(lattice.settledVectors());
        const step = 1e-3;
        const size = frobenius(naive.F) + frobenius(times(naive.M, U));
        U.forEach((u, i) => {
          const c = i % u.length;
          const at = (shift: number) => naive.energy(U.with(i, u.with(c, u[c]! + shift))).total;
          // The energy is quadratic: central differences are exact but for float64's rounding.
          expect(Math.abs((at(step) - at(-step)) / (2 * step))).toBeLessThanOrEqual(1e-5 * size);
        });
      }),
    );
  });

  test("leaves a node without neighbours where it was", () => {
    fc.assert(
      fc.property(cases, ({ pool, trust, options }) => {
        const { lattice, naive } = build(pool, { ...options, lamQ: 0 }, trust);
        const U = naive.rowsOf(lattice.settledVectors());
        naive.degrees().forEach((degree, i) => {
          if (degree === 0)
            expect(norm(U[i]!.map((v, c) => v - naive.Y[i]![c]!))).toBeLessThanOrEqual(1e-6 * norm(U[i]!));
        });
      }),
    );
    const lone = build({
      rows: [
        [1, 0, 0],
        [0, 3, 0],
        [0, 0, 2],
      ],
      query: [1, 1, 1],
    });
    expect(lone.lattice.edges()).toEqual([]);
    expect([...lone.lattice.settledVectors().data]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  test("without coherence and pull is the candidates' own vectors", () => {
    fc.assert(
      fc.property(pools(), (pool) => {
        const { lattice, naive } = build(pool, { lamC: 0 });
        expect(frobenius(plus(naive.rowsOf(lattice.settledVectors()), naive.Y, -1))).toBeLessThan(
          1e-6 * frobenius(naive.Y),
        );
        expect(lattice.solve().iterations).toBe(0);
      }),
    );
  });

  test("is zero for candidates that are no nodes", () => {
    const lattice = new Lattice(
      { embeddings: [[1, 2], null, [0, 0], [2, 1], [1, 1]], trust: [1, 1, 1, 0, 1] },
      { lamQ: 1 },
    ).setQuery([1, 0]);
    const { data } = lattice.settledVectors();
    expect([...data.subarray(2, 8)]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(Math.min(norm(data.subarray(0, 2)), norm(data.subarray(8)))).toBeGreaterThan(0);
  });

  test("does not depend on the query unless it pulls", () => {
    fc.assert(
      fc.property(pools({ minN: 2 }), fc.nat(), (pool, seed) => {
        const other = randomRow(pool.query.length, seed);
        const at = (query: number[]) => build({ ...pool, query }).lattice.settledVectors();
        expect(at(other)).toEqual(at(pool.query));
      }),
    );
  });

  test("is zero, and no candidate like the query, where the pull undoes the vectors exactly", () => {
    const { lattice, naive } = build({ rows: [[1], [1]], query: [-1] }, { lamQ: 1 });
    expect(naive.F).toEqual([[0], [0]]);
    expect(Math.max(...lattice.settledVectors().data.map(Math.abs))).toBeLessThan(1e-6);
    for (const { score } of lattice.bundle()) expect(score).toBe(0);
    expect(lattice.figures().energy.minimum).toBeCloseTo(naive.energy(naive.minimum()).total, 5);
  });

  test("without enough iterations is reported as not converged, with the residual it has", () => {
    const pool = { rows: randomRows(40, 8, 1), query: randomRow(8, 2) };
    const { lattice, naive } = build(pool, { maxIterations: 1, tolerance: 1e-6 });
    const left = frobenius(naive.residual(naive.rowsOf(lattice.settledVectors())));
    const { meta, residual } = lattice.figures();
    expect(meta).toMatchObject({ ustar_converged: false, ustar_iters: 1 });
    expect(left).toBeGreaterThan(1e-6 * frobenius(naive.F));
    expect(residual).toBeCloseTo(left, 4);
  });
});

describe("the energy", () => {
  test("of any state is the naive sum over nodes and edges, term by term", () => {
    fc.assert(
      fc.property(cases, fc.nat(), ({ pool, trust, options }, seed) => {
        const { lattice, naive } = build(pool, options, trust);
        fc.pre(naive.nodes.length > 0);
        const U = someState(naive.Y, seed).map((u) => u.map(Math.fround));
        const energy = lattice.energyOf(scattered(naive, U, pool.rows.length));
        const expected = naive.energy(U);
        const slack = naive.slack(U);
        for (const term of ["anchor", "coherence", "query", "total"] as const) {
          expect(Math.abs(energy[term] - expected[term])).toBeLessThanOrEqual(slack);
        }
        expect(energy.anchor + energy.coherence + energy.query).toBe(energy.total);
      }),
    );
  });

  test("is given in the receipt at the start and at the minimum, and the terms account for the fall", () => {
    fc.assert(
      fc.property(cases, ({ pool, trust, options }) => {
        const { lattice, naive } = build(pool, options, trust);
        const U = naive.rowsOf(lattice.settledVectors());
        const { energy, ...receipt } = lattice.figures();
        const { anchor, coherence, query } = energy.terms;
        const slack = naive.slack(U) + naive.slack(naive.Y);
        const [start, end] = [naive.energy(naive.Y), naive.energy(U)];
        expect(Math.abs(energy.initial - start.total)).toBeLessThanOrEqual(slack);
        expect(Math.abs(energy.minimum - end.total)).toBeLessThanOrEqual(slack);
        expect(Math.abs(coherence - end.coherence)).toBeLessThanOrEqual(slack);
        expect(Math.abs(anchor - end.anchor)).toBeLessThanOrEqual(slack);
        expect(Math.abs(query - end.query)).toBeLessThanOrEqual(slack);

        const sizes = energy.initial + energy.minimum;
        expect(Math.abs(anchor + coherence + query - energy.minimum)).toBeLessThanOrEqual(
          1e-9 * energy.minimum,
        );
        expect(receipt.deltaH_total).toBe(energy.initial - energy.minimum);
        const parts = receipt.coh_drop_sum! - receipt.anchor_pen_sum! + receipt.query_term_sum!;
        expect(Math.abs(receipt.deltaH_total - parts)).toBeLessThanOrEqual(1e-9 * sizes);
        expect(receipt.anchor_pen_sum).toBe(anchor);
        // By no more than float32 can tell, for a pool that has nothing to settle.
        expect(receipt.deltaH_total).toBeGreaterThanOrEqual(-slack);
        expect(energy.final).toBe(energy.minimum);
      }),
    );
  });
});

describe("the figures of the lattice of vectors", () => {
  const profiles = fc.constantFrom("evidence" as const, "reference" as const);
  const chains = fc.constantFrom(null, 0, 0.4, 3);

  /** A lattice of any profile, with a chain of its first three nodes where it has as many. */
  const charted = fc
    .record({ made: cases, profile: profiles, lamP: chains })
    .map(({ made: { pool, trust, options }, profile, lamP }) => {
      const lattice = latticeOf(pool, { ...options, profile }, trust);
      const nodes = [...pool.rows.keys()].filter((i) => profile === "reference" || trust[i]! > 0);
      if (lamP !== null && nodes.length > 2) lattice.addChain(nodes.slice(0, 3), { lamP, weights: [1, 0.3] });
      // What float32 may miss of H: its size where nothing has settled, at zero vectors, is what is cancelled.
      const zero = pool.rows.map((row) => row.map(() => 0));
      return { lattice, profile, slack: 1e-5 * lattice.energyOf(zero).total };
    });

  test("add up: the energy is the sum of its terms, and its fall is what the terms fell by", () => {
    fc.assert(
      fc.property(charted, ({ lattice, profile, slack }) => {
        const told = lattice.figures();
        const { energy } = told;
        const { anchor, coherence, query, chain } = energy.terms;
        const close = (a: number, b: number) =>
          expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-9 * (1 + energy.initial + energy.minimum));
        close(anchor + coherence + query + chain, energy.minimum);
        expect(Math.min(anchor, coherence, query, chain)).toBeGreaterThanOrEqual(0);
        expect([energy.final, energy.remaining]).toEqual([energy.minimum, 0]);
        expect(told.anchor_pen_sum).toBe(anchor);
        if (profile === "reference") {
          expect(told.query_term_sum).toBe(query);
          // The published gap, computed without cancellation.
          expect(Math.abs(told.deltaH_total - (energy.initial - energy.minimum))).toBeLessThanOrEqual(slack);
        } else {
          expect(told.deltaH_total).toBe(energy.initial - energy.minimum);
          const { coh_drop_sum, anchor_pen_sum, query_term_sum, chain_drop_sum } = told;
          close(coh_drop_sum! - anchor_pen_sum! + query_term_sum! + chain_drop_sum!, told.deltaH_total);
        }
      }),
    );
  });

  test("tell all of an edge's tension: over all edges it is the coherence term, its z have mean 0 and deviation 1", () => {
    const system = cases.map(({ pool, trust, options }) => build(pool, options, trust).lattice);
    let spread = 0;
    fc.assert(
      fc.property(
        system,
        fc.constantFrom(0, 0.5, 1.5, 3),
        fc.integer({ min: 0, max: 4 }),
        (lattice, at, cap) => {
          const { null_points: all, energy, meta } = lattice.figures({ nullThreshold: -1e9, nullCap: 1e6 });
          const edges = lattice.edges();
          const keyOf = ([i, j]: readonly [number, number]) => `${Math.min(i, j)},${Math.max(i, j)}`;
          expect(all!.map(({ edge }) => keyOf(edge)).sort()).toEqual(
            edges.map(({ i, j }) => `${i},${j}`).sort(),
          );
          const sum = all!.reduce((total, { residual }) => total + residual, 0);
          const { coherence } = energy.terms;
          expect(Math.abs(sum - coherence)).toBeLessThanOrEqual(1e-6 * (coherence + energy.minimum));
          const moment = (power: number) =>
            all!.reduce((total, { z }) => total + z ** power, 0) / Math.max(1, edges.length);
          expect(moment(1)).toBeCloseTo(0, 6);
          // 0 where they differ by rounding alone.
          expect(moment(2)).toBeCloseTo(all!.some(({ z }) => z !== 0) ? 1 : 0, 6);
          if (all!.some(({ z }) => z !== 0)) spread++;
          expect(meta.null_points_summary).toEqual({
            total_null_points: edges.length,
            returned_null_points: edges.length,
            null_cap_applied: false,
          });

          const { null_points: some, meta: of } = lattice.figures({ nullThreshold: at, nullCap: cap });
          const beyond = all!.filter(({ z }) => z > at);
          expect(some).toEqual(beyond.slice(0, cap));
          expect(of.null_threshold).toBe(at);
          expect(of.null_points_summary).toEqual({
            total_null_points: beyond.length,
            returned_null_points: Math.min(cap, beyond.length),
            null_cap_applied: beyond.length > cap,
          });
        },
      ),
    );
    expect(spread).toBeGreaterThan(20);
  });

  test("of light detail are the same, without those that cost a pass over the edges", () => {
    fc.assert(
      fc.property(charted, ({ lattice }) => {
        const { null_points, coh_drop_sum, anchor_pen_sum, query_term_sum, chain_drop_sum, meta, ...full } =
          lattice.figures();
        const light = lattice.figures({ detail: "light" });
        expect([null_points, coh_drop_sum, anchor_pen_sum, query_term_sum, chain_drop_sum]).not.toContain(
          null,
        );
        expect(light).toEqual({
          ...full,
          null_points: null,
          coh_drop_sum: null,
          anchor_pen_sum: null,
          query_term_sum: null,
          chain_drop_sum: null,
          meta: { ...meta, receipt_detail: "light", null_threshold: null, null_points_summary: null },
        });
      }),
      { numRuns: 50 },
    );
  });

  test("are those of a receipt of the profile reference, before and after a step", () => {
    fc.assert(
      fc.property(
        cases,
        fc.boolean(),
        fc.constantFrom("full" as const, "light" as const),
        (made, moved, detail) => {
          const lattice = latticeOf(made.pool, { ...made.options, profile: "reference" }, made.trust);
          if (moved) lattice.settle({ dt: 0.5 });
          const how = { detail, dynamics: true, nullThreshold: 0.5 };
          const receipt = lattice.receipt(how) as unknown as LatticeReceipt;
          const { bound, meta, null_points, ...told } = lattice.figures(how);
          expect(receipt).toMatchObject(told);
          expect(receipt.meta).toMatchObject(meta);
          expect(receipt.certificate.bound).toBe(Number(bound.toPrecision(6)));
          expect(receipt.null_points?.map(({ edge }) => edge)).toEqual(null_points?.map(({ edge }) => edge));
          expect(meta.dynamics === null).toBe(!moved);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("do not depend on the ranking: words, lists, links and the weights of its profile change nothing", () => {
    fc.assert(
      fc.property(cases, texts(12), ({ pool, options }, words) => {
        const embeddings = pool.rows;
        const plain = new Lattice({ embeddings }, { ...options, profile: "cosine", neighbors: 5 });
        const rich = new Lattice(
          {
            embeddings,
            texts: embeddings.map((_, i) => words[i]!),
            lists: [{ name: "other", scores: embeddings.map((_, i) => i % 3) }],
            ids: embeddings.map((_, i) => `${i}`),
            links: embeddings.map((_, i) => [`${(2 * i + 1) % 5}`]),
          },
          { ...options, neighbors: 5 },
        );
        expect(plain.edges()).toEqual(rich.edges());
        const one = plain.setQuery(pool.query).figures();
        const other = rich.setQuery(pool.query, "solar sail").figures();
        // Nodes in another order are added in another order.
        const slack = 1e-5 * (1 + one.energy.initial);
        for (const name of ["initial", "final", "minimum"] as const) {
          expect(Math.abs(one.energy[name] - other.energy[name])).toBeLessThanOrEqual(slack);
        }
        expect(Math.abs(one.deltaH_total - other.deltaH_total)).toBeLessThanOrEqual(slack);
      }),
      { numRuns: 50 },
    );
  });

  test("need a query only if it pulls, refuse unknown options, and leave the lattice as it was", () => {
    const embeddings = randomRows(9, 4, 21);
    const query = randomRow(4, 22);
    const asked = new Lattice({ embeddings }).setQuery(query);
    expect(new Lattice({ embeddings }).figures()).toEqual(asked.figures());
    expect(() => new Lattice({ embeddings }, { lamQ: 1 }).figures()).toThrow(StateError);
    expect(() => asked.figures({ nullCap: -1 })).toThrow(OptionError);
    expect(() => asked.figures({ detailed: true } as object)).toThrow(OptionError);
    expect(asked.receipt().digest).toBe(new Lattice({ embeddings }).setQuery(query).receipt().digest);
    const stepped = new Lattice({ embeddings });
    stepped.settle({ dt: 0.3 });
    const before = stepped.stateVectors();
    const { energy } = stepped.figures();
    expect(energy.remaining).toBeGreaterThan(0);
    expect(energy.remaining).toBeCloseTo(energy.final - energy.minimum, 5);
    expect(stepped.stateVectors()).toEqual(before);
  });
});

describe("a settling step", () => {
  const steps = fc.array(fc.constantFrom(0.01, 0.3, 1, 10, 1000), { minLength: 1, maxLength: 4 });

  test("is one implicit Euler step (I + dt M) U⁺ = U + dt F, from the state before it", () => {
    fc.assert(
      fc.property(cases, steps, ({ pool, trust, options }, lengths) => {
        const { lattice, naive } = build(pool, options, trust);
        let U = naive.Y;
        for (const dt of lengths) {
          U = naive.step(U, dt);
          expect(lattice.settle({ dt, tolerance: 1e-7, maxIterations: 200 }).residual).toBeLessThan(
            1e-5 * (1 + dt) * (1 + frobenius(naive.F)),
          );
        }
        // The state shows in the receipt's `final`.
        const expected = naive.energy(U).total;
        expect(Math.abs(lattice.figures().energy.final - expected)).toBeLessThanOrEqual(4 * naive.slack(U));
      }),
    );
  });

  test("never raises the energy, however loosely it is solved", () => {
    const effort = fc.record({
      tolerance: fc.constantFrom(1e-6, 1e-3, 0.1, 0.9),
      maxIterations: fc.constantFrom(1, 2, 100),
    });
    // Some with more dimensions than candidates: those settle in their span.
    const wide = pools({ maxD: 24 }).chain((pool) =>
      fc.record({ pool: fc.constant(pool), trust: trusts(pool.rows.length, 0), options: systems }),
    );
    fc.assert(
      fc.property(fc.oneof(cases, wide), steps, effort, ({ pool, trust, options }, lengths, solver) => {
        const { lattice, naive } = build(pool, options, trust);
        let before = lattice.figures().energy.initial;
        const slack = naive.slack(naive.Y);
        for (const dt of lengths) {
          lattice.settle({ dt, ...solver });
          const after = lattice.figures().energy.final;
          expect(after).toBeLessThanOrEqual(before + slack);
          before = after;
        }
      }),
      { numRuns: 200 },
    );
  });

  test("of growing length leads to the minimum", () => {
    fc.assert(
      fc.property(cases, ({ pool, trust, options }) => {
        const { lattice, naive } = build(pool, options, trust);
        lattice.settle({ dt: 1e6, tolerance: 1e-6 });
        const { energy } = lattice.figures();
        // |U⁺ - U*| <= |U - U*| / (1 + dt lamG), and the energy is quadratic about its minimum.
        expect(Math.abs(energy.final - energy.minimum)).toBeLessThanOrEqual(4 * naive.slack(naive.Y));
      }),
    );
  });

  test.each([1e12, 1e20, 1e30, 1e38, 1e39, 1e300])("of length %d leads there too", (dt) => {
    const pool = { rows: randomRows(20, 4, 3), query: randomRow(4, 4) };
    const { lattice, naive } = build(pool, { lamQ: 0.5 });
    expect(lattice.settle({ dt }).converged).toBe(true);
    const { energy } = lattice.figures();
    expect(Math.abs(energy.final - energy.minimum)).toBeLessThanOrEqual(4 * naive.slack(naive.Y));
  });

  test("does not move the minimum, and is what the receipt reports", () => {
    fc.assert(
      fc.property(cases, ({ pool, trust, options }) => {
        const { lattice, naive } = build(pool, options, trust);
        const settled = lattice.settle({ dt: 0.5 });
        const U = naive.rowsOf(lattice.settledVectors());
        const goal = 1e-6 * frobenius(naive.F);
        expect(frobenius(naive.residual(U))).toBeLessThanOrEqual(goal + 2 * naive.rounding(U));
        const receipt = lattice.figures();
        expect(receipt.cg_iters).toBe(settled.iterations);
        expect(receipt.residual).toBe(settled.residual);
        expect(receipt.meta.ustar_res).toBe(lattice.solve().residual);
      }),
    );
  });

  test("takes the lattice's own tolerance and iterations where none are given", () => {
    const pool = { rows: randomRows(30, 6, 5), query: randomRow(6, 6) };
    const step = (options: Options, settle: object) => build(pool, options).lattice.settle(settle);
    for (const options of [{ tolerance: 0.05 }, { tolerance: 1e-7, maxIterations: 2 }]) {
      expect(step(options, {})).toEqual(step({}, options));
      expect(step(options, { tolerance: undefined, maxIterations: undefined, dt: undefined })).toEqual(
        step(options, {}),
      );
    }
  });
});

describe("queries", () => {
  const several = fc.record({
    pool: pools({ minN: 2 }),
    lamQ: fc.constantFrom(0, 1),
    seeds: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
  });

  test("one after the other give what each gives alone, bit for bit", () => {
    fc.assert(
      fc.property(several, ({ pool, lamQ, seeds }) => {
        const shared = new Lattice({ embeddings: pool.rows }, { lamQ });
        for (const seed of seeds) {
          const query = randomRow(pool.query.length, seed);
          const alone = new Lattice({ embeddings: pool.rows }, { lamQ }).setQuery(query);
          expect(shared.setQuery(query).bundle()).toEqual(alone.bundle());
          expect(shared.receipt().digest).toBe(alone.receipt().digest);
        }
      }),
    );
  });

  test("that pull start the state anew; others leave it where it had settled", () => {
    const embeddings = randomRows(9, 4, 17);
    const [first, second] = [randomRow(4, 18), randomRow(4, 19)];
    const afterStep = (lamQ: number) => {
      const lattice = new Lattice({ embeddings }, { lamQ }).setQuery(first);
      lattice.settle({ dt: 0.1 });
      return lattice.setQuery(second);
    };
    const pulled = new Lattice({ embeddings }, { lamQ: 1 }).setQuery(second);
    expect(afterStep(1).receipt().digest).toBe(pulled.receipt().digest);

    const stepped = new Lattice({ embeddings }).setQuery(second);
    stepped.settle({ dt: 0.1 });
    expect(afterStep(0).figures().energy).toEqual(stepped.figures().energy);
    expect(stepped.figures().energy.final).toBeGreaterThan(stepped.figures().energy.minimum);
  });

  test("that are refused leave the one before in force", () => {
    const lattice = new Lattice({ embeddings: randomRows(8, 3, 7) }).setQuery([1, 2, 3]);
    const before = lattice.receipt().digest;
    for (const bad of [
      [1, 2],
      [0, 0, 0],
      [1, Number.NaN, 3],
    ]) {
      expect(() => lattice.setQuery(bad)).toThrow("query");
      expect(lattice.receipt().digest).toBe(before);
    }
  });

  test("without words after one with words leave no words behind", () => {
    const input = {
      embeddings: randomRows(8, 3, 8),
      texts: fc.sample(texts(8), { seed: 1, numRuns: 1 })[0]!,
    };
    const once = new Lattice(input).setQuery([1, 2, 3]).bundle();
    expect(new Lattice(input).setQuery([1, 2, 3], "solar sail").setQuery([1, 2, 3]).bundle()).toEqual(once);
  });

  test.each(["bundle", "receipt"] as const)("%s() before any is a StateError", (method) => {
    const lattice = new Lattice({ embeddings: [[1, 2]] });
    expect(() => lattice[method]()).toThrow(StateError);
    expect(() => lattice[method]()).toThrow("query");
  });

  test("are needed to settle only if they pull", () => {
    const embeddings = randomRows(6, 3, 9);
    expect(() => new Lattice({ embeddings }, { lamQ: 1 }).settle()).toThrow(StateError);
    expect(() => new Lattice({ embeddings }, { lamQ: 1 }).solve()).toThrow(StateError);
    const asked = new Lattice({ embeddings }).setQuery([1, 2, 3]);
    expect(new Lattice({ embeddings }).settledVectors()).toEqual(asked.settledVectors());
    expect(() => new Lattice({ embeddings }).energyOf(embeddings)).toThrow(StateError);
    const settledFirst = new Lattice({ embeddings });
    const convergence = settledFirst.settle({ dt: 2 });
    const queriedFirst = new Lattice({ embeddings }).setQuery([1, 2, 3]);
    expect(queriedFirst.settle({ dt: 2 })).toEqual(convergence);
    expect(settledFirst.setQuery([1, 2, 3]).receipt().digest).toBe(queriedFirst.receipt().digest);
  });
});

describe("the settled vectors", () => {
  test("are the same in both spaces: vectors with zeros appended settle in their span instead, to the same angles", () => {
    fc.assert(
      fc.property(pools({ minN: 2, maxN: 12, maxD: 8 }), systems, ({ rows, query }, options) => {
        // Complete graphs: a tie at the k-th neighbour could fall otherwise by rounding. n >= d, so the span costs more.
        fc.pre(rows.length >= query.length);
        const complete = { ...options, neighbors: 30, k: 99, tolerance: 1e-6 };
        const longer = (row: number[]) => [...row, ...new Array<number>(24).fill(0)];
        const short = build({ rows, query }, complete);
        const long = build({ rows: rows.map(longer), query: longer(query) }, complete);
        expect(short.lattice.figures().space).toBe("ambient");
        expect(long.lattice.figures().space).toBe("span");
        expect(long.lattice.edges()).toEqual(short.lattice.edges());
        const U = short.naive.rowsOf(short.lattice.settledVectors()).map(longer);
        const V = long.naive.rowsOf(long.lattice.settledVectors());
        const goal = 1e-6 * frobenius(short.naive.F) + 2 * short.naive.rounding(short.naive.minimum());
        expect(frobenius(plus(U, V, -1))).toBeLessThanOrEqual((2 * goal) / options.lamG);
      }),
    );
  });

  test("border on each other without a jump: one dimension more, and the span is the cheaper space", () => {
    // 12 n³ products in the span of a complete graph, 10 n² d in the ambient space: 10 candidates border at d = 12.
    const rows = randomRows(10, 12, 10);
    const query = randomRow(12, 11);
    const longer = (row: number[]) => [...row, 0];
    const ambient = build({ rows, query }, { k: 10 }).lattice;
    const span = build({ rows: rows.map(longer), query: longer(query) }, { k: 10 }).lattice;
    expect(ambient.figures().space).toBe("ambient");
    expect(span.figures().space).toBe("span");
    cosinesOf(span, longer(query)).forEach((value, i) => {
      expect(value).toBeCloseTo(cosinesOf(ambient, query)[i]!, 5);
    });
  });
});

describe("numbers at the ends of float32", () => {
  const pool = { rows: randomRows(12, 5, 12), query: randomRow(5, 13) };

  test.each([-100, -70, -30, 30, 60, 100])(
    "unnormalized vectors times 2^%i settle to vectors times as much, at the same angles, or are refused",
    (exponent) => {
      const scaled = (row: number[]) => row.map((v) => v * 2 ** exponent);
      const options = { normalize: false, k: 12 };
      const reference = build(pool, options).lattice;
      let lattice: Lattice;
      try {
        ({ lattice } = build({ rows: pool.rows.map(scaled), query: scaled(pool.query) }, options));
      } catch (error) {
        expect(error).toMatchObject({ name: "VectorError" });
        expect(Math.abs(exponent)).toBeGreaterThan(30);
        return;
      }
      expect(lattice.solve().converged).toBe(true);
      expect(lattice.bundle().map(({ id }) => id)).toEqual(reference.bundle().map(({ id }) => id));
      cosinesOf(lattice, pool.query).forEach((value, i) => {
        expect(value).toBeCloseTo(cosinesOf(reference, pool.query)[i]!, 5);
      });
      expect(() => lattice.receipt()).not.toThrow();
    },
  );

  test.each([-120, -80, -74, -70, -60])(
    "values of 2^%i among ordinary ones are as good as zeros, in whatever columns they stand",
    (exponent) => {
      // Columns are solved in blocks of 64, each by itself: here the second block holds nothing but such values.
      const rows = randomRows(80, 68, 14).map((row) => row.map((v, c) => (c < 64 ? v : v * 2 ** exponent)));
      const zeroed = rows.map((row) => row.map((v, c) => (c < 64 ? v : 0)));
      const query = randomRow(68, 15);
      const settled = (embeddings: number[][]) => {
        const lattice = new Lattice({ embeddings }, { k: 80 }).setQuery(query);
        const figures = lattice.figures();
        expect(figures).toMatchObject({ space: "ambient", meta: { ustar_converged: true } });
        return { cosines: cosinesOf(lattice, query), ids: lattice.bundle().map(({ id }) => id) };
      };
      const reference = settled(zeroed);
      const { cosines, ids } = settled(rows);
      expect(ids).toEqual(reference.ids);
      cosines.forEach((value, i) => {
        expect(value).toBeCloseTo(reference.cosines[i]!, 6);
      });
    },
  );

  test.each([
    ["lamG", 1e-300],
    ["lamG", 1e-40],
    ["lamG", 1e-12],
    ["lamG", 1e12],
    ["lamG", 1e39],
    ["lamC", 1e-300],
    ["lamC", 1e12],
    ["lamC", 1e39],
    ["lamQ", 1e-300],
    ["lamQ", 1e12],
    ["lamQ", 1e39],
    ["textWeight", 1e308],
  ])(
    "%s = %d is refused as out of range, or computed: no score is NaN and no false claim is made",
    (name, value) => {
      for (const rows of [
        pool.rows,
        [
          [1, 0, 0, 0, 0],
          [0, 1, 0, 0, 0],
          [0, 0, 1, 0, 0],
        ],
      ]) {
        let lattice: Lattice;
        try {
          lattice = new Lattice(
            { embeddings: rows, texts: rows.map((_, i) => `text ${i}`) },
            { [name]: value, k: 12 },
          );
        } catch (error) {
          expect(error).toMatchObject({ name: "OptionError", parameter: name });
          continue;
        }
        lattice.setQuery(pool.query, "text 1");
        for (const { score } of lattice.bundle()) expect(score).toSatisfy(Number.isFinite);
        const { meta } = lattice.figures();
        const naive = new DenseLattice(lattice, rows, pool.query);
        const U = naive.rowsOf(lattice.settledVectors());
        const F = frobenius(naive.F);
        const left = frobenius(naive.residual(U));
        if (meta.ustar_converged) expect(left).toBeLessThanOrEqual(2e-5 * F + naive.rounding(U));
      }
    },
  );

  test("trusts as small as float32 has them still give finite scores", () => {
    for (const least of [2 ** -149, 1e-44, 1e-30]) {
      for (const trusted of [3, Infinity]) {
        const trust = pool.rows.map((_, i) => (i % trusted === 1 ? 1 : least));
        const lattice = new Lattice({ embeddings: pool.rows, trust }, { k: 12 }).setQuery(pool.query);
        for (const { score } of lattice.bundle()) expect(score).toSatisfy(Number.isFinite);
      }
    }
  });
});

describe("what a lattice hands out", () => {
  const fresh = () =>
    new Lattice({
      embeddings: randomRows(9, 4, 16),
      texts: fc.sample(texts(9), { seed: 2, numRuns: 1 })[0]!,
    }).setQuery([1, 2, 3, 4], "solar sail");

  test("can be written to without changing what it says later", () => {
    const lattice = fresh();
    const expected = fresh().receipt();
    const scribble = (value: unknown): void => {
      if (ArrayBuffer.isView(value)) (value as Float32Array).fill(7);
      else if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
        const record = value as Record<string, unknown>;
        for (const key of Object.keys(record)) {
          scribble(record[key]);
          if (typeof record[key] === "number") record[key] = 7;
        }
      }
    };
    const before = lattice.receipt();
    for (const out of [
      lattice.bundle(),
      lattice.settledVectors(),
      lattice.edges(),
      lattice.solve(),
      before,
    ]) {
      scribble(out);
    }
    expect(lattice.receipt().digest).toBe(expected.digest);
    expect(lattice.settledVectors()).toEqual(fresh().settledVectors());

    const [stepped, alike] = [fresh(), fresh()];
    scribble(stepped.settle());
    alike.settle();
    expect(stepped.receipt().digest).toBe(alike.receipt().digest);
  });

  test("asked twice, is the same", () => {
    const lattice = fresh();
    expect(lattice.bundle()).toEqual(lattice.bundle());
    expect(lattice.edges()).toEqual(lattice.edges());
    expect(lattice.receipt().digest).toBe(lattice.receipt().digest);
  });

  test("edges: each once, i < j, in order, none with an excluded or missing candidate", () => {
    fc.assert(
      fc.property(cases, ({ pool, trust, options }) => {
        const { lattice, naive } = build(pool, options, trust);
        const edges = lattice.edges();
        const nodes = new Set(naive.nodes);
        for (const [at, { i, j, weight }] of edges.entries()) {
          expect(i).toBeLessThan(j);
          expect(nodes.has(i) && nodes.has(j)).toBe(true);
          expect(weight).toBeGreaterThan(0);
          const next = edges[at + 1];
          if (next) expect(i < next.i || (i === next.i && j < next.j)).toBe(true);
        }
        const { meta } = lattice.receipt();
        const n = naive.nodes.length;
        expect(meta.avg_degree).toBeCloseTo(n > 0 ? (2 * edges.length) / n : 0, 12);
        expect(meta.edge_density).toBeCloseTo(n > 1 ? (2 * edges.length) / (n * (n - 1)) : 0, 12);
      }),
    );
  });
});

describe("packed vectors", () => {
  test("give the same lattice as rows", () => {
    fc.assert(
      fc.property(pools(), ({ rows, query }) => {
        const packed = { data: Float32Array.from(rows.flat()), n: rows.length, d: query.length };
        const at = (embeddings: typeof packed | number[][] | Float32Array[]) =>
          new Lattice({ embeddings }).setQuery(query).receipt().digest;
        expect(at(packed)).toBe(at(rows));
        expect(at(rows.map((row) => Float32Array.from(row)))).toBe(at(rows));
      }),
    );
  });
});
