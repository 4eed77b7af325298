import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Lattice, type RerankRequest, rerank } from "../src/index.ts";
import { orderMargin } from "../src/rank/certificate.ts";
import { errorBounds } from "../src/solve/solve.ts";
import { aimed, type Case, exactScores } from "./exact.ts";
import { type Dense, norm, randomRow, randomRows, solveDense, uniform } from "./support.ts";

/** A pool whose scores lie close together. */
function crowd(seed: number, n: number): RerankRequest {
  const center = randomRow(6, seed);
  const candidates = randomRows(n, 6, seed + 1).map((row, i) => ({
    id: `#${i}`,
    embedding: row.map((v, c) => center[c]! + 0.4 * v),
  }));
  return { query: randomRow(6, seed + 2), candidates, k: 5 };
}

describe("error bounds", () => {
  /** M-matrices: a weighted graph's Laplacian, a positive diagonal, and what another Laplacian adds. */
  const systems = fc.record({
    n: fc.integer({ min: 1, max: 8 }),
    lamG: fc.constantFrom(0.1, 1, 3),
    seed: fc.nat(),
    density: fc.constantFrom(0, 0.4, 1),
  });

  test("hold for each row, whatever is positive is taken for w", () => {
    fc.assert(
      fc.property(
        systems,
        fc.constantFrom("degree", "ones", "random"),
        ({ n, lamG, seed, density }, kind) => {
          const next = uniform(seed);
          const positive = () => 0.1 + Math.abs(next());
          const dense: Dense = Array.from({ length: n }, () => new Array(n).fill(0));
          for (let i = 0; i < n; i++) {
            for (let j = 0; j < i; j++) {
              if (Math.abs(next()) < density) dense[i]![j] = dense[j]![i] = -Math.fround(positive());
            }
          }
          dense.forEach((row, i) => {
            row[i] = Math.fround(lamG - row.reduce((sum, v) => sum + v, 0) + 1e-6);
          });
          const entries = dense.map((row, i) => [...row.keys()].filter((j) => j !== i && row[j] !== 0));
          const matrix = {
            n,
            diagonal: Float32Array.from(dense, (row, i) => row[i]!),
            rowStart: Int32Array.from([0, ...entries.map((_, i) => entries.slice(0, i + 1).flat().length)]),
            columns: Int32Array.from(entries.flat()),
            values: Float32Array.from(entries.flatMap((js, i) => js.map((j) => dense[i]![j]!))),
          };
          const residual = randomRows(n, 3, seed + 1);
          const w = Float64Array.from(dense, (row, i) =>
            kind === "degree" ? Math.sqrt(row[i]!) : kind === "ones" ? 1 : positive(),
          );
          const bounds = errorBounds(matrix, Float64Array.from(residual, norm), new Float64Array(n), lamG, w);
          solveDense(dense, residual).forEach((error, i) => {
            expect(norm(error)).toBeLessThanOrEqual(bounds[i]! * (1 + 1e-6));
          });
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("the margin of an order", () => {
  const never = () => false;
  const margin = (score: number[], radius: number[], places: number, same = never) =>
    orderMargin([...score.keys()], places, Float64Array.from(score), Float64Array.from(radius), same);

  test("is the narrowest gap less what its two scores may be off", () => {
    expect(margin([5, 3, 2.5, 0], [0.1, 0.1, 0.2, 0.1], 4)).toBeCloseTo(0.2, 12);
    expect(margin([5, 3, 2.5, 0], [0.1, 0.1, 0.2, 0.1], 1)).toBeCloseTo(1.8, 12);
    expect(margin([5, 3, 2.5, 0], [0, 0, 0, 4], 1)).toBe(1);
  });

  test("is infinite for one document and for exact copies, and -Infinity for a tie by chance", () => {
    expect(margin([5], [9], 1)).toBe(Infinity);
    expect(margin([2, 2], [9, 9], 2, () => true)).toBe(Infinity);
    expect(margin([2, 2], [0, 0], 2)).toBe(-Infinity);
    expect(margin([2, 1], [0, Infinity], 2)).toBe(-Infinity);
  });
});

/** The bundle and its certificate of a case. */
function certified({ input, options, query, queryText, chain }: Case) {
  const lattice = new Lattice(input, options).setQuery(query, queryText);
  if (chain) lattice.addChain(chain.nodes, chain.options);
  return { bundle: lattice.bundle(), ...lattice.receipt().certificate };
}

describe("orderCertified", () => {
  test("is never said of an order that float64 refutes, and no score is off by more than the bound, on pools whose decisions lie close together", () => {
    let count = 0;
    const opens = new Set<string | null>();
    for (let seed = 0; seed < 2000; seed++) {
      const given = aimed(seed);
      const { bundle, orderCertified, open, bound } = certified(given);
      opens.add(open);
      expect(orderCertified).toBe(open === null);
      if (!orderCertified) continue;
      count++;
      const exact = exactScores(given);
      const size = exact.reduce((most, v) => Math.max(most, Math.abs(v) || 0), 1);
      // What the dense solve itself may lose. Copies tie: it tells them apart by that.
      const slack = 1e-11 * size * (1 + 2 * (given.options.lamC ?? 0.5));
      const chosen = bundle.filter(({ score }) => score !== null);
      const places = chosen.map(({ index }) => index);
      const rest = [...exact.keys()].filter((i) => !Number.isNaN(exact[i]) && !places.includes(i));
      chosen.forEach(({ index, score }, place) => {
        expect(Math.abs(score! - exact[index]!), `seed ${seed}: ${index}`).toBeLessThan(
          bound * 1.00001 + slack,
        );
        for (const other of [...places.slice(place + 1), ...rest]) {
          expect(exact[other]! - exact[index]!, `seed ${seed}: ${index}, ${other}`).toBeLessThan(slack);
        }
      });
    }
    expect(count).toBeGreaterThan(1000);
    for (const open of ["graph", "best", "scores"]) expect(opens).toContain(open);
  }, 30_000);

  test("is said of nearly all pools that are not made to be close", () => {
    const certificates = Array.from({ length: 60 }, (_, seed) => rerank(crowd(seed, 50)).receipt.certificate);
    expect(certificates.filter(({ orderCertified }) => orderCertified).length).toBeGreaterThanOrEqual(54);
    for (const { margin, orderCertified, bound, residual } of certificates) {
      if (orderCertified) expect(margin === null || margin > 0).toBe(true);
      expect(bound).toBeGreaterThan(0);
      expect(residual).toBeLessThan(1e-12);
    }
  });

  test("is refused where nothing was ranked, novelty has a share, or the pool is too large to check its graph", () => {
    const openOf = (request: RerankRequest) => rerank(request).receipt.certificate;
    const nothing = { orderCertified: false, margin: null };
    expect(openOf({ query: [1, 0], candidates: [] })).toMatchObject({ ...nothing, open: "nothing-ranked" });
    const missing = [{ embedding: null }, { text: "solar" }];
    expect(openOf({ query: [1, 0], candidates: missing, missing: "append" })).toMatchObject({
      ...nothing,
      open: "nothing-ranked",
    });
    expect(openOf({ ...crowd(1, 30), diversity: 0.5 })).toMatchObject({ ...nothing, open: "novelty" });
    expect(openOf(crowd(1, 600))).toMatchObject({ ...nothing, open: "size" });
    expect(openOf({ ...crowd(1, 600), lamC: 0 })).toMatchObject({ orderCertified: true, open: null });
    const { certificate } = rerank({ ...crowd(1, 30), profile: "reference" }).receipt;
    expect(certificate).toMatchObject({ margin: null, orderCertified: false });
  });

  test("is refused where a class of ties was left out of the graph, which exact cosines may tell apart", () => {
    const center = randomRow(4, 5);
    const crowdOf = (spread: number): RerankRequest => ({
      query: randomRow(4, 7),
      candidates: randomRows(300, 4, 6).map((row, i) => ({
        id: `#${i}`,
        embedding: row.map((v, c) => center[c]! + spread * v),
      })),
    });
    // Of cosines that float32 takes for 1, none is an edge: each has too many equals.
    expect(rerank(crowdOf(1e-5)).receipt.certificate).toMatchObject({ orderCertified: false, open: "graph" });
    expect(rerank(crowdOf(1)).receipt.certificate).toMatchObject({ orderCertified: true, open: null });
  });

  test("sees what rounding does to heavy edges", () => {
    const embeddings = [
      [1, 0],
      [0, 1],
      [0.6, 0.8],
    ];
    const boundOf = (weight: number) => {
      const edges = [
        { i: 0, j: 1, weight },
        { i: 1, j: 2, weight: 0.3 * weight },
      ];
      return new Lattice({ embeddings, edges }).setQuery([1, 0.1]).receipt().certificate.bound;
    };
    // The Laplacian is free of scale, and so is the rounding of its weights to float32.
    expect(boundOf(2 ** 20)).toBeCloseTo(boundOf(1), 12);
    expect(boundOf(2 ** 20)).toBeGreaterThan(1e-9);
  });
});
