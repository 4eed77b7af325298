import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Lattice, type Options, type RerankRequest, rerank } from "../src/index.ts";
import { cosineRadius, orderMargin } from "../src/rank/certificate.ts";
import { errorBounds } from "../src/solve/solve.ts";
import {
  cosine,
  type Dense,
  norm,
  plus,
  randomRow,
  randomRows,
  requests,
  solveDense,
  uniform,
} from "./support.ts";

const ids = (request: RerankRequest): string[] => rerank(request).bundle.map(({ id }) => id);

/** The order of as exact a solution as float32 gives. */
const exact = { tolerance: 1e-7, maxIterations: 60 } as const;

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

  test("a cosine is within its radius of the exact one", () => {
    const vector = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(vector, vector, vector, fc.constantFrom(1e-6, 1e-3, 0.3, 2), (u, query, way, step) => {
        fc.pre(norm(u) > 1e-3 && norm(query) > 1e-3);
        const v = plus([u], [way], step)[0]!;
        fc.pre(norm(v) > 1e-9);
        const bound = norm(way) * step;
        expect(Math.abs(cosine(u, query) - cosine(v, query))).toBeLessThanOrEqual(
          cosineRadius(bound, norm(u)),
        );
      }),
      { numRuns: 1000 },
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

describe("orderCertified", () => {
  test("is never said of an order that the exact solution does not have", () => {
    let certified = 0;
    let refused = 0;
    const loose = fc.record({
      tolerance: fc.constantFrom(0.5, 0.1, 1e-2, 1e-3),
      maxIterations: fc.integer({ min: 1, max: 4 }),
      lamC: fc.constantFrom(0.5, 2, 20),
      feedback: fc.constantFrom(0, 0.2, 1),
      k: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(requests({ minN: 2 }), loose, (request, options) => {
        const { bundle, receipt } = rerank({ ...request, ...options });
        if (!receipt.certificate.orderCertified) {
          refused++;
          return;
        }
        certified++;
        expect(ids({ ...request, ...options, ...exact })).toEqual(bundle.map(({ id }) => id));
      }),
      { numRuns: 600 },
    );
    expect(certified).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(50);
  });

  test("is refused where a loose tolerance turns the order round, and the solver that may go on finds the right one", () => {
    const loose: Options = { tolerance: 0.5 };
    const cases = Array.from({ length: 60 }, (_, seed) => crowd(seed, 40));
    const wrong = cases.filter((request) => {
      const first = ids({ ...request, ...loose, maxIterations: 1 });
      return String(first) !== String(ids({ ...request, ...exact }));
    });
    expect(wrong.length).toBeGreaterThan(5);
    for (const request of wrong) {
      const stopped = rerank({ ...request, ...loose, maxIterations: 1 }).receipt.certificate;
      expect(stopped.orderCertified).toBe(false);
      const { bundle, receipt } = rerank({ ...request, ...loose });
      if (receipt.certificate.orderCertified) {
        expect(bundle.map(({ id }) => id)).toEqual(ids({ ...request, ...exact }));
      }
    }
    const certified = wrong.filter(
      (request) => rerank({ ...request, ...loose }).receipt.certificate.orderCertified,
    );
    expect(certified.length).toBeGreaterThan(wrong.length / 2);
  });

  test("is said of nearly all pools at the default tolerance", () => {
    const certificates = Array.from({ length: 60 }, (_, seed) => rerank(crowd(seed, 50)).receipt.certificate);
    expect(certificates.filter(({ orderCertified }) => orderCertified).length).toBeGreaterThanOrEqual(54);
    for (const { margin, orderCertified, bound } of certificates) {
      expect(orderCertified).toBe(margin! > 0);
      expect(bound).toBeGreaterThan(0);
    }
  });

  test("a finer solution that leaves the bundle as it is changes no figure but the certificate's", () => {
    const { embeddings, query } = { embeddings: randomRows(30, 6, 8), query: randomRow(6, 9) };
    const lattice = new Lattice({ embeddings }, { tolerance: 0.1 }).setQuery(query);
    const { residual } = lattice.solve();
    const receipt = lattice.receipt();
    expect(receipt.meta.ustar_res).toBe(residual);
    expect(receipt.certificate.residual).toBeLessThan(residual);
    expect(receipt.certificate.orderCertified).toBe(true);
  });

  test("says nothing where the choice is not by score alone", () => {
    for (const options of [{ diversity: 0.5 }, { coherenceWeight: 0.5 }, { profile: "reference" }] as const) {
      const { certificate } = rerank({ ...crowd(1, 30), ...options }).receipt;
      expect(certificate).toMatchObject({ margin: null, orderCertified: false });
    }
  });
});
