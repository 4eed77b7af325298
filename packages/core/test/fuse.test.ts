import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolveOptions } from "../src/options/options.ts";
import { profiles } from "../src/options/profiles.ts";
import type { Options } from "../src/options/types.ts";
import type { LatticeInput } from "../src/pool/input.ts";
import { makePool } from "../src/pool/pool.ts";
import { makeQuery } from "../src/pool/query.ts";
import { influences, termsOf } from "../src/rank/bundle.ts";
import { rank } from "../src/rank/rank.ts";
import { makeProblem } from "../src/solve/problem.ts";
import { weighTexts } from "../src/words/bm25.ts";
import { cosine, requests, type TestCandidate } from "./support.ts";

interface Request {
  readonly query: number[];
  readonly queryText: string;
  readonly candidates: readonly TestCandidate[];
}

/** The stages up to the ranking, by candidate: nodes stand in another order. */
function ranked(request: Request, options: Options = {}, more: Partial<LatticeInput> = {}) {
  const params = resolveOptions(options);
  const { candidates } = request;
  const pool = makePool(
    {
      embeddings: candidates.map(({ embedding }) => embedding),
      texts: candidates.map(({ text }) => text),
      trust: candidates.map(({ trust }) => trust),
      ...more,
    },
    params,
    profiles[params.profile].strategies,
  );
  const problem = makeProblem(pool, params, null);
  const query = makeQuery(pool, params, request.query, request.queryText);
  const ranking = rank(problem, query);
  const byCandidate = (values: Float64Array) =>
    candidates.map((_, index) => values[pool.candidate.indexOf(index)]!);
  return { problem, ranking, byCandidate };
}

const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
function z(values: readonly number[], noise: number): number[] {
  const center = mean(values);
  const deviation = Math.sqrt(mean(values.map((v) => (v - center) ** 2)));
  return values.map((v) => (deviation > noise ? (v - center) / deviation : 0));
}
const spread = (values: readonly number[]) => Math.max(...values) - Math.min(...values);

/** `y` as docs/ranking.md has it, without the pool's order, its Gram matrix or any other economy. */
function naive({ query, queryText, candidates }: Request, lists: readonly number[][] = []) {
  const similarity = candidates.map(({ embedding }) => cosine(embedding, query));
  const text = weighTexts(
    queryText,
    candidates.map((candidate) => ({ title: "", text: candidate.text.toLowerCase().normalize("NFKC") })),
  );
  const relative = (values: readonly number[]) => 1e-9 * Math.max(...values.map(Math.abs));
  const scaled = (values: Float64Array | null | undefined, weight: number) => {
    const all = values ? [...values] : candidates.map(() => 0);
    return z(all, relative(all)).map((v) => weight * v);
  };
  const rise = text ? Math.min(1, Math.max(0, (text.share - 0.15) / 0.15)) : 0;
  const belief = 0.2 + 0.8 * rise;
  const skew = text ? Math.max(0, mean(z([...text.grams], 0).map((v) => v ** 3))) : 0;
  const parts = [
    z(similarity, 1e-6),
    scaled(text?.grams, belief * (1 + 0.2 * skew) * 0.4),
    scaled(text?.words, belief * (1 + 0.2 * skew) * 0.2),
    scaled(text?.phrases, belief * 0.2),
    ...lists.map((values) => z(values, relative(values)).map((v) => 0.4 * v)),
  ];
  const before = candidates.map((_, i) => parts.reduce((sum, part) => sum + part[i]!, 0));
  return { before, similarity, hasWords: text !== null };
}

/** Pools whose similarities are clearly spread, or clearly not: what rounding may decide is tested elsewhere. */
const pools = requests({ minN: 2, maxN: 14 }).filter(({ query, candidates }) => {
  const wide = spread(candidates.map(({ embedding }) => cosine(embedding, query)));
  return wide > 1e-3 || wide < 1e-8;
});

describe("the fused evidence", () => {
  test("is the sum of its channels, standardized over the pool, as the formula has them", () => {
    fc.assert(
      fc.property(pools, (request) => {
        const { ranking, byCandidate } = ranked(request);
        const { before, hasWords } = naive(request);
        expect(ranking.evidence.hasWords).toBe(hasWords);
        byCandidate(ranking.fused.before).forEach((value, i) => {
          expect(value).toBeCloseTo(before[i]!, 3);
        });
      }),
      { numRuns: 300 },
    );
  });

  test("takes further lists in, a document that a list lacks at that list's lowest", () => {
    const lists = pools.chain((request) =>
      fc
        .array(fc.option(fc.integer({ min: -20, max: 20 }), { nil: undefined, freq: 3 }), {
          minLength: request.candidates.length,
          maxLength: request.candidates.length,
        })
        .map((scores) => ({ request, scores })),
    );
    fc.assert(
      fc.property(lists, ({ request, scores }) => {
        const { ranking, byCandidate } = ranked(request, {}, { lists: [{ name: "bm25", scores }] });
        const known = scores.filter((score) => score !== undefined);
        const lowest = known.length > 0 ? Math.min(...known) : 0;
        const filled = scores.map((score) => score ?? lowest);
        const { before } = naive(request, [filled]);
        byCandidate(ranking.fused.before).forEach((value, i) => {
          expect(value).toBeCloseTo(before[i]!, 3);
        });
        const list = ranking.evidence.channels.find(({ name }) => name === "list:bm25")!;
        expect(byCandidate(list.values)).toEqual(filled);
      }),
    );
  });

  test("gives what the search by vectors did not find the lowest similarity of what it found", () => {
    const request = {
      query: [1, 0],
      queryText: "solar",
      candidates: [
        { id: "a", embedding: [1, 0.1], text: "a", trust: 1 },
        { id: "b", embedding: [1, 1], text: "b", trust: 1 },
        { id: "c", embedding: [1, 0], text: "c", trust: 1 },
      ],
    };
    const { ranking, byCandidate } = ranked(request, {}, { found: [true, true, false] });
    const [a, b, c] = byCandidate(ranking.evidence.channels[0]!.values);
    expect(c).toBe(b);
    expect(a).toBeGreaterThan(b!);
  });
});

describe("the feedback", () => {
  test("is the mean cosine to the best, each weighted by its evidence, the document itself left out", () => {
    fc.assert(
      fc.property(pools, fc.constantFrom(1, 3, 8), (request, count) => {
        const { ranking, byCandidate } = ranked(request, { feedbackDocuments: count });
        const { feedback, before: ours } = ranking.fused;
        if (!ranking.evidence.hasWords || request.candidates.length < 2) {
          expect(feedback).toBeNull();
          return;
        }
        const before = byCandidate(ours);
        const least = before.toSorted((a, b) => b - a)[Math.min(count, before.length) - 1]!;
        const best = [...before.keys()].filter((i) => before[i]! >= least);
        const weights = best.map((i) => Math.exp((before[i]! - Math.max(...before)) / 0.7));
        const sum = weights.reduce((a, b) => a + b, 0);
        const rows = request.candidates.map(({ embedding }) => embedding);
        byCandidate(feedback!.values).forEach((value, i) => {
          const own = best.includes(i) ? weights[best.indexOf(i)]! / sum : 0;
          const others = best.reduce(
            (total, j, b) => total + (j === i ? 0 : (weights[b]! / sum) * cosine(rows[i]!, rows[j]!)),
            0,
          );
          const expected =
            own < 0.999
              ? others / (1 - own)
              : Math.max(...rows.map((row, j) => (j === i ? -1 : cosine(rows[i]!, row))));
          // At a share of nearly 1 the rounding of cosines is divided by nearly nothing.
          expect(Math.abs(value - expected)).toBeLessThan(1e-5 / Math.min(1, 1 - Math.min(own, 0.999)));
        });
      }),
      { numRuns: 300 },
    );
  });

  test("listens to all that are tied with the last of the best", () => {
    const candidates = Array.from({ length: 6 }, (_, i) => ({
      id: `${i}`,
      embedding: i === 0 ? [1, 0] : [1, 1],
      text: "solar",
      trust: 1,
    }));
    const { ranking } = ranked({ query: [1, 0], queryText: "solar", candidates }, { feedbackDocuments: 2 });
    expect(ranking.fused.best).toHaveLength(6);
  });

  test("of one that carries all the weight is the cosine of its nearest neighbour", () => {
    const rows = [
      [1, 0],
      [0.6, 0.8],
      [-0.8, 0.6],
    ];
    const candidates = rows.map((embedding, i) => ({
      id: `${i}`,
      embedding,
      text: i === 0 ? "solar sail" : "tax form",
      trust: 1,
    }));
    const request = { query: [1, 0], queryText: "solar sail", candidates };
    const alone = ranked(request, { feedbackTemperature: 0.05 });
    const [own, ...others] = alone.byCandidate(alone.ranking.fused.feedback!.values);
    expect(own).toBeCloseTo(0.6, 6);
    // The others hear nobody but it.
    expect(others[0]).toBeCloseTo(0.6, 6);
    expect(others[1]).toBeCloseTo(-0.8, 6);
    const shared = ranked(request, { feedbackTemperature: 5 });
    expect(shared.byCandidate(shared.ranking.fused.feedback!.values)[0]).toBeLessThan(0.3);
  });

  test("is off where words have nothing to say, and the lattice takes a tenth of its weight", () => {
    const candidates = [
      [1, 0.1],
      [1, 0.5],
      [0.2, 1],
    ].map((embedding, i) => ({ id: `${i}`, embedding, text: "solar", trust: 1 }));
    const silent = ranked({ query: [1, 0], queryText: "tax", candidates }).ranking;
    expect(silent.fused.feedback).toBeNull();
    expect(silent.system.lamC).toBeCloseTo(0.05, 12);
    expect(ranked({ query: [1, 0], queryText: "solar", candidates }).ranking.system.lamC).toBe(0.5);
  });
});

describe("a score", () => {
  test("is the sum of its terms, and what the neighbours did is the sum of what each did", () => {
    fc.assert(
      fc.property(pools, fc.constantFrom(0, 0.5, 20), (request, lamC) => {
        const { ranking } = ranked(request, { lamC });
        ranking.score.forEach((score, node) => {
          const terms = Object.values(termsOf(ranking, node));
          const size = terms.reduce((sum, term) => sum + Math.abs(term), 1);
          expect(Math.abs(score - terms.reduce((sum, term) => sum + term, 0))).toBeLessThan(1e-12 * size);
          const moved = influences(ranking, node).reduce((sum, by) => sum + by, 0);
          expect(Math.abs(moved - termsOf(ranking, node).neighbours!)).toBeLessThan(1e-9 * size * (1 + lamC));
        });
      }),
      { numRuns: 300 },
    );
  });

  test("is plain fusion with lamC 0 and no feedback", () => {
    fc.assert(
      fc.property(pools, (request) => {
        const trusted = { ...request, candidates: request.candidates.map((c) => ({ ...c, trust: 1 })) };
        const { ranking } = ranked(trusted, { lamC: 0, feedback: 0 });
        expect(ranking.score).toEqual(ranking.fused.before);
      }),
    );
  });
});
