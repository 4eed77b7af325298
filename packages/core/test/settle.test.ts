import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Lattice } from "../src/index.ts";
import { resolveOptions } from "../src/options/options.ts";
import { profiles } from "../src/options/profiles.ts";
import { makePool } from "../src/pool/pool.ts";
import { makeProblem } from "../src/solve/problem.ts";
import { edgeStrain, evidenceEnergy, evidenceSystem, multiply, settle } from "../src/solve/settle.ts";
import { type Dense, randomRows, solveDense, uniform, zeros } from "./support.ts";

const cases = fc
  .record({
    n: fc.integer({ min: 1, max: 14 }),
    seed: fc.nat(),
    density: fc.constantFrom(0, 0.3, 1),
    lamG: fc.constantFrom(1e-6, 0.1, 1, 1e6),
    lamC: fc.constantFrom(0, 0.5, 20, 1e6),
    lamP: fc.constantFrom(null, 0, 0.2, 50),
  })
  // From there on a weight is refused.
  .filter(({ lamG, lamC }) => lamC < 1e8 * lamG);

/** A system over random edges, and the same as a dense matrix. */
function build({
  n,
  seed,
  density,
  lamG,
  lamC,
  lamP,
}: typeof cases extends fc.Arbitrary<infer T> ? T : never) {
  const next = uniform(seed);
  const edges = [];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      if (Math.abs(next()) < density) edges.push({ i: j, j: i, weight: 0.01 + Math.abs(next()) });
    }
  }
  const params = resolveOptions({ lamG, lamC });
  const { strategies } = profiles.evidence;
  const pool = makePool({ embeddings: randomRows(n, 3, seed), edges }, params, strategies);
  const chain =
    lamP === null || n < 3 ? null : { nodes: [0, n - 1, 1], lamP, weights: [1, 0.5 + Math.abs(next())] };
  const problem = makeProblem(pool, params, chain);
  const system = evidenceSystem(problem, lamC);
  const { graph } = problem.network;
  const A = zeros(n, n);
  for (let i = 0; i < n; i++) {
    for (let e = graph.rowStart[i]!; e < graph.rowStart[i + 1]!; e++)
      A[i]![graph.columns[e]!] = graph.weights[e]!;
  }
  const degree = A.map((row) => row.reduce((sum, w) => sum + w, 0));
  const M: Dense = A.map((row, i) =>
    row.map((w, j) => {
      if (i === j) return lamG + (degree[i]! > 0 ? lamC : 0);
      return w > 0 ? (-lamC * w) / Math.sqrt(degree[i]! * degree[j]!) : 0;
    }),
  );
  chain?.weights.forEach((given, link) => {
    const w = Math.fround(given);
    const [a, b] = [chain.nodes[link]!, chain.nodes[link + 1]!];
    M[a]![a]! += chain.lamP * w;
    M[b]![b]! += chain.lamP * w;
    M[a]![b]! -= chain.lamP * w;
    M[b]![a]! -= chain.lamP * w;
  });
  const y = Float64Array.from({ length: n }, () => 3 * next());
  return { system, M, y, graph };
}

const total = ({ anchor, coherence, chain }: ReturnType<typeof evidenceEnergy>) => anchor + coherence + chain;

describe("the settled evidence", () => {
  test("is that of Gaussian elimination", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { system, M, y } = build(given);
        const { f } = settle(system, y);
        const exact = solveDense(
          M,
          Array.from(y, (v) => [given.lamG * v]),
        );
        const condition = 1 + (2 * given.lamC + 4 * 50) / given.lamG;
        f.forEach((value, i) => {
          expect(Math.abs(value - exact[i]![0]!)).toBeLessThan(1e-14 * condition * given.n + 1e-12);
        });
      }),
      { numRuns: 500 },
    );
  });

  test("leaves the residual that it says, which is rounding", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { system, y } = build(given);
        const { f, residuals } = settle(system, y);
        const image = multiply(system, f);
        const size = given.lamG + 2 * given.lamC + 300;
        residuals.forEach((residual, i) => {
          expect(residual).toBe(Math.abs(given.lamG * y[i]! - image[i]!));
          expect(residual).toBeLessThan(1e-12 * size);
        });
      }),
    );
  });

  test("has the least energy of all", () => {
    fc.assert(
      fc.property(cases, fc.nat(), (given, seed) => {
        const { system, y } = build(given);
        const { f } = settle(system, y);
        const least = total(evidenceEnergy(system, f, y));
        const next = uniform(seed);
        for (const size of [1e-3, 1]) {
          const other = total(
            evidenceEnergy(
              system,
              f.map((v) => v + size * next()),
              y,
            ),
          );
          expect(least).toBeLessThanOrEqual(other * (1 + 1e-9) + 1e-9);
        }
        const before = evidenceEnergy(system, y, y);
        expect(before.anchor).toBe(0);
        expect(total(before)).toBeGreaterThanOrEqual(least * (1 - 1e-9) - 1e-12);
      }),
    );
  });

  test("is y where the lattice is off, and of a node without neighbours", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { system, y, graph } = build({ ...given, lamP: null });
        const { f } = settle(system, y);
        y.forEach((value, i) => {
          const alone = graph.rowStart[i] === graph.rowStart[i + 1];
          if (alone || given.lamC === 0) expect(f[i]).toBeCloseTo(value, 12);
        });
      }),
    );
  });

  test("strains its edges by what the coherence term adds up", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { system, y } = build(given);
        const { f } = settle(system, y);
        const sum = edgeStrain(system, f).reduce((all, strain) => all + strain, 0) / 2;
        const { coherence } = evidenceEnergy(system, f, y);
        expect(Math.abs(sum - coherence)).toBeLessThanOrEqual(1e-9 * (1 + coherence));
      }),
    );
  });
});

test("a chain pulls the evidence of its documents together, and leaves others alone", () => {
  const embeddings = [
    [1, 0],
    [0, 1],
    [-1, 0],
    [0, -1],
  ];
  const make = () => new Lattice({ embeddings }, { k: 4 }).setQuery([1, 0.2]);
  const termsOf = (lattice: Lattice) =>
    new Map(lattice.bundle().map(({ index, terms }) => [index, terms!.neighbours!]));
  const free = termsOf(make());
  expect([...free.values()]).toEqual([0, 0, 0, 0]);
  const chained = termsOf(make().addChain([0, 2], { lamP: 1 }));
  expect(chained.get(0)).toBeLessThan(-0.1);
  expect(chained.get(2)).toBeCloseTo(-chained.get(0)!, 9);
  expect(chained.get(1)).toBe(0);
});
