import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Candidate, type RerankRequest, rerank } from "../src/index.ts";
import { orderMargin } from "../src/rank/certificate.ts";
import { errorBounds } from "../src/solve/solve.ts";
import { weighTexts } from "../src/words/bm25.ts";
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

/** The ranking again in float64 throughout: exact cosines of the very vectors, its own graph, its own best, a dense solve. */
function exactScores(request: RerankRequest): number[] {
  const { candidates = [], query = [], queryText = "" } = request;
  const unit = candidates.map(({ embedding }) => {
    const row = Array.from(embedding!, Math.fround);
    const length = norm(row);
    return row.map((v) => Math.fround(v / length));
  });
  const q = Array.from(query, Math.fround);
  const asked = q.map((v) => Math.fround(v / norm(q)));
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, c) => sum + v * b[c]!, 0);
  const n = unit.length;
  const S = unit.map((a) => unit.map((b) => Math.min(1, dot(a, b))));
  const z = (values: readonly number[], noise: number) => {
    const mean = values.reduce((sum, v) => sum + v, 0) / n;
    const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n);
    return values.map((v) => (deviation > noise ? (v - mean) / deviation : 0));
  };
  const words = weighTexts(
    queryText,
    candidates.map(({ text = "" }) => ({ title: "", text })),
  );
  const y = z(
    unit.map((a) => dot(a, asked)),
    1e-6,
  );
  if (words) {
    const belief = 0.2 + 0.8 * Math.min(1, Math.max(0, (words.share - 0.15) / 0.15));
    const grams = z([...words.grams], 0);
    const skew = Math.max(0, grams.reduce((sum, v) => sum + v ** 3, 0) / n);
    const more = [z([...words.words], 0), z([...words.phrases], 0)] as const;
    y.forEach((_, i) => {
      y[i]! += belief * ((1 + 0.2 * skew) * (0.4 * grams[i]! + 0.2 * more[0][i]!) + 0.2 * more[1][i]!);
    });
    const order = [...y.keys()].sort((a, b) => y[b]! - y[a]!);
    const least = y[order[Math.min(8, n) - 1]!]!;
    const best = order.filter((i) => y[i]! >= least);
    const weights = best.map((i) => Math.exp((y[i]! - y[order[0]!]!) / 0.7));
    const sum = weights.reduce((a, b) => a + b, 0);
    const likeness = y.map((_, i) => {
      const own = best.includes(i) ? weights[best.indexOf(i)]! / sum : 0;
      const others = best.reduce((total, j, b) => total + (j === i ? 0 : (weights[b]! / sum) * S[i]![j]!), 0);
      return own < 0.999 ? others / (1 - own) : Math.max(...S[i]!.map((s, j) => (j === i ? -1 : s)));
    });
    z(likeness, 1e-6).forEach((v, i) => {
      y[i]! += 0.3 * v;
    });
  }
  const lists = S.map((row, i) => {
    const others = [...row.keys()].filter((j) => j !== i && row[j]! > 1e-3);
    const kth = others.map((j) => row[j]!).sort((a, b) => b - a)[9] ?? 0;
    return new Set(others.filter((j) => row[j]! >= kth));
  });
  const A = S.map((row, i) => row.map((s, j) => (lists[i]!.has(j) && lists[j]!.has(i) ? s : 0)));
  const degree = A.map((row) => row.reduce((sum, w) => sum + w, 0));
  const lamC = words ? 0.5 : 0.05;
  const M = A.map((row, i) =>
    row.map((w, j) => {
      if (i === j) return 1 + (degree[i]! > 0 ? lamC : 0);
      return w > 0 ? (-lamC * w) / Math.sqrt(degree[i]! * degree[j]!) : 0;
    }),
  );
  const f = solveDense(
    M,
    y.map((v) => [v]),
  ).map(([v]) => v!);
  const lowest = Math.min(...f);
  const score = f.map((v, i) => v + ((candidates[i]!.trust ?? 1) - 1) * (v - lowest + 1));
  return score;
}

/** Pools whose decisions lie close together: twins but for the last bits, cosines at the floor, ties at the k-th neighbour. */
function aimed(seed: number): RerankRequest & { readonly candidates: readonly Candidate[] } {
  const next = uniform(seed);
  const pick = <T>(...values: readonly T[]): T => values[Math.floor(((next() + 1) / 2) * values.length)]!;
  const d = pick(2, 3, 8);
  const n = pick(3, 4, 6, 13, 16);
  const tiny = () => pick(0, 4e-8, 1e-7, 6e-7, 1e-5);
  const rows = randomRows(n, d, seed + 1);
  for (let i = 1; i < n; i++) {
    const of = rows[Math.floor(((next() + 1) / 2) * i)]!;
    const kind = pick("own", "own", "twin", "floor", "rotated");
    if (kind === "twin") rows[i] = of.map((v) => v * (1 + tiny()));
    // At a right angle to another, but for about the floor.
    if (kind === "floor")
      rows[i] = [-of[1]! + (1e-3 + pick(-1, 0, 1) * tiny()) * of[0]!, of[0]!, ...of.slice(2).map(() => 0)];
    if (kind === "rotated") rows[i] = [...of.slice(1), of[0]! + tiny()];
  }
  const words = ["solar sail", "the sail", "tax", ""];
  // A zero vector would not be ranked.
  rows.forEach((row, i) => {
    if (norm(row) < 1e-3) rows[i] = randomRow(d, seed + 3 + i);
  });
  return {
    query: randomRow(d, seed + 2),
    queryText: pick("solar sail", "solar", "none of these"),
    candidates: rows.map((embedding, i) => ({
      id: `#${i}`,
      embedding,
      text: pick(...words),
      trust: pick(1, 1, 1, 1 - 1e-9, 0.5),
    })),
    k: pick(1, 3, 20),
    copies: "keep",
  };
}

describe("orderCertified", () => {
  test("is never said of an order that float64 refutes, on pools whose decisions lie close together", () => {
    let certified = 0;
    const opens = new Set<string | null>();
    for (let seed = 0; seed < 1500; seed++) {
      const request = aimed(seed);
      const { bundle, receipt } = rerank(request);
      const { orderCertified, open } = receipt.certificate;
      opens.add(open);
      expect(orderCertified).toBe(open === null);
      if (!orderCertified) continue;
      certified++;
      const exact = exactScores(request);
      const chosen = bundle.map(({ inputRank }) => inputRank - 1);
      const rest = [...exact.keys()].filter((index) => !chosen.includes(index));
      // Copies tie: the dense solve tells them apart by its rounding.
      chosen.forEach((index, place) => {
        for (const other of [...chosen.slice(place + 1), ...rest]) {
          expect(exact[other]! - exact[index]!, `seed ${seed}: ${index}, ${other}`).toBeLessThan(1e-11);
        }
      });
    }
    expect(certified).toBeGreaterThan(200);
    for (const open of ["graph", "scores"]) expect(opens).toContain(open);
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
    expect(openOf({ query: [1, 0], candidates: missing })).toMatchObject({
      ...nothing,
      open: "nothing-ranked",
    });
    expect(openOf({ ...crowd(1, 30), diversity: 0.5 })).toMatchObject({ ...nothing, open: "novelty" });
    expect(openOf(crowd(1, 600))).toMatchObject({ ...nothing, open: "size" });
    expect(openOf({ ...crowd(1, 600), lamC: 0 })).toMatchObject({ orderCertified: true, open: null });
    const { certificate } = rerank({ ...crowd(1, 30), profile: "reference" }).receipt;
    expect(certificate).toMatchObject({ margin: null, orderCertified: false });
  });
});
