import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exponential, moments, naturalLog, skewness, zScores } from "../src/math.ts";
import { diversify, onScaleOf, ranking } from "../src/rank/diversify.ts";
import { float32, permuted } from "./support.ts";

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const keys = fc.array(fc.nat(), { minLength: 20, maxLength: 20 });

/** The distance from one double to the next. */
function ulp(x: number): number {
  const exponent = Math.max(-1022, Math.floor(Math.log2(Math.abs(x))));
  return 2 ** (exponent - 52);
}

describe("the natural logarithm", () => {
  test("lies within 2 units in the last place of the true one, 3 of the engine's, over all doubles", () => {
    const positive = fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true });
    const aboutOne = fc.double({ min: 0.5, max: 2, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(positive, aboutOne), (x) => {
        expect(Math.abs(naturalLog(x) - Math.log(x))).toBeLessThanOrEqual(3 * ulp(Math.log(x)));
      }),
      { numRuns: 20_000 },
    );
  });

  test("ln 1 is 0; powers of two are multiples of ln 2", () => {
    expect(naturalLog(1)).toBe(0);
    for (let e = -1074; e <= 1023; e++) expect(naturalLog(2 ** e)).toBe(e * Math.LN2);
  });

  test("rises from each float32 to the next", () => {
    fc.assert(
      fc.property(fc.float({ min: float32(1e-30), max: 2, noNaN: true }), (x) => {
        const next = new Float32Array([x]);
        new Uint32Array(next.buffer)[0]!++;
        expect(naturalLog(next[0]!)).toBeGreaterThan(naturalLog(x));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the exponential", () => {
  const falling = fc.double({ min: -700, max: 0, noNaN: true });

  test("lies within 2 units in the last place of the true one, 3 of the engine's", () => {
    const aboutZero = fc.double({ min: -2, max: 0, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(falling, aboutZero), (x) => {
        expect(Math.abs(exponential(x) - Math.exp(x))).toBeLessThanOrEqual(3 * ulp(Math.exp(x)));
      }),
      { numRuns: 20_000 },
    );
  });

  test("of 0 is 1, of a little less no more, and nothing below -700", () => {
    expect(exponential(0)).toBe(1);
    expect(exponential(-0)).toBe(1);
    expect(exponential(-Number.MIN_VALUE)).toBe(1);
    expect(exponential(-700)).toBeGreaterThan(0);
    for (const x of [-700.0001, -1e6, -Number.MAX_VALUE, -Infinity]) expect(exponential(x)).toBe(0);
  });

  test("rises from each float32 to the next, and across the steps of its power of two", () => {
    const rises = (x: number) => {
      const above = new Float32Array([x]);
      new Uint32Array(above.buffer)[0]!--;
      expect(exponential(above[0]!)).toBeGreaterThan(exponential(x));
    };
    fc.assert(
      fc.property(fc.float({ min: -100, max: float32(-1e-6), noNaN: true }), (x) => rises(x)),
      { numRuns: 1000 },
    );
    for (let n = 0; n < 140; n++) rises(float32(-(n + 0.5) * Math.LN2));
  });

  test("undoes the logarithm", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1, noNaN: true }), (x) => {
        // The logarithm's own rounding grows with its size.
        expect(Math.abs(exponential(naturalLog(x)) / x - 1)).toBeLessThan(2 ** -52 * (4 + 2 * -Math.log(x)));
      }),
      { numRuns: 5000 },
    );
  });
});

describe("moments and z-scores", () => {
  test("are mean and population deviation", () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 20 }), (values) => {
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        const deviation = Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / values.length);
        const size = Math.max(...values.map(Math.abs));
        const found = moments(Float64Array.from(values));
        // The squares of tiny values are 0, those of `moments` are not.
        const lost = size < 1e-150 ? size : 0;
        expect(Math.abs(found.mean - mean)).toBeLessThanOrEqual(1e-14 * size + Number.MIN_VALUE);
        expect(Math.abs(found.deviation - deviation)).toBeLessThanOrEqual(1e-12 * size + lost);
      }),
    );
  });

  test("do not depend on the order of the values, bit for bit", () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 20 }), keys, (values, by) => {
        const shuffled = Float64Array.from(permuted(values, by));
        expect(moments(shuffled)).toEqual(moments(Float64Array.from(values)));
        expect([...zScores(shuffled)]).toEqual(permuted([...zScores(Float64Array.from(values))], by));
      }),
    );
  });

  test("z-scores have mean 0 and deviation 1, and keep the order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -999, max: 999 }), { minLength: 2, maxLength: 20 }),
        (values) => {
          fc.pre(new Set(values).size > 1);
          const z = zScores(Float64Array.from(values));
          const { mean, deviation } = moments(z);
          expect(Math.abs(mean)).toBeLessThan(1e-12);
          expect(Math.abs(deviation - 1)).toBeLessThan(1e-12);
          for (let i = 0; i < z.length; i++) {
            for (let j = 0; j < z.length; j++) {
              expect(Math.sign(z[i]! - z[j]!)).toBe(Math.sign(values[i]! - values[j]!));
            }
          }
        },
      ),
    );
  });

  test("equal values all have z-score 0, whatever the rounding of their sum", () => {
    fc.assert(
      fc.property(finite, fc.integer({ min: 1, max: 2000 }), (value, n) => {
        expect(new Set(zScores(new Float64Array(n).fill(value)))).toEqual(new Set([0]));
      }),
    );
    expect(new Set(zScores(new Float64Array(1_000_000).fill(0.1)))).toEqual(new Set([0]));
  });

  test("skewness is the mean cube of the z-scores: of one value above the rest, that of a coin; the same in any order", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 50 }), finite, fc.constantFrom(1, -1), (n, low, side) => {
        const values = new Float64Array(n).fill(low);
        values[n >> 1]! += side * (1 + Math.abs(low));
        const p = 1 / n;
        expect(skewness(values)).toBeCloseTo((side * (1 - 2 * p)) / Math.sqrt(p * (1 - p)), 6);
      }),
    );
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 20 }), keys, (values, by) => {
        const shuffled = Float64Array.from(permuted(values, by));
        expect(skewness(shuffled)).toBe(skewness(Float64Array.from(values)));
      }),
    );
    expect(skewness(Float64Array.of(1, 1, 1 + 2 ** -52), 1e-9)).toBe(0);
  });

  test("of nothing are nothing", () => {
    expect(zScores(new Float64Array(0))).toEqual(new Float64Array(0));
  });
});

const scores = fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 12 }).map((v) => Float64Array.from(v));

test("a ranking falls by score, and equals stay in the order they came", () => {
  fc.assert(
    fc.property(scores, keys, (values, by) => {
      const came = permuted([...values.keys()], by);
      const order = ranking(values, came);
      expect([...order].sort((a, b) => a - b)).toEqual([...values.keys()]);
      for (let place = 1; place < order.length; place++) {
        const [above, below] = [order[place - 1]!, order[place]!];
        const wellOrdered =
          values[above]! > values[below]! || (values[above] === values[below] && came[above]! < came[below]!);
        expect(wellOrdered).toBe(true);
      }
    }),
  );
});

describe("maximal marginal relevance", () => {
  const cases = fc.integer({ min: 1, max: 10 }).chain((n) => {
    const hundredth = fc.integer({ min: -100, max: 100 }).map((v) => v / 100);
    const column = fc.array(hundredth, { minLength: n, maxLength: n }).map((v) => Float64Array.from(v));
    return fc.record({
      score: column,
      cosine: column,
      similarity: fc.array(column, { minLength: n, maxLength: n }),
      k: fc.integer({ min: 1, max: 12 }),
    });
  });

  /** The textbook's: always the best of what is left, every similarity looked up anew. */
  function naive(
    order: number[],
    relevance: (i: number) => number,
    k: number,
    diversity: number,
    similarity: (i: number, j: number) => number,
  ): number[] {
    const chosen: number[] = [];
    while (chosen.length < Math.min(k, order.length)) {
      const value = (i: number) => {
        const nearest = chosen.length === 0 ? 0 : Math.max(...chosen.map((j) => similarity(i, j)));
        return (1 - diversity) * relevance(i) - diversity * nearest;
      };
      const left = order.filter((i) => !chosen.includes(i));
      chosen.push(left.reduce((a, b) => (value(b) > value(a) ? b : a)));
    }
    return chosen;
  }

  test("weighs novelty against scores put on the scale of the cosines, in their order, bit for bit the same in any", () => {
    fc.assert(
      fc.property(cases, keys, ({ score, cosine }, by) => {
        const relevance = onScaleOf(cosine, score);
        const [own, wanted, found] = [score, cosine, relevance].map(moments);
        expect(found!.mean).toBeCloseTo(wanted!.mean, 12);
        expect(found!.deviation).toBeCloseTo(own!.deviation > 0 ? wanted!.deviation : 0, 12);
        score.forEach((s, i) => {
          // z-scores of the one are those of the other.
          const z = own!.deviation > 0 ? (s - own!.mean) / own!.deviation : 0;
          expect(relevance[i]).toBeCloseTo(wanted!.mean + z * wanted!.deviation, 12);
        });
        const shuffled = (values: Float64Array) => Float64Array.from(permuted([...values], by));
        expect(onScaleOf(shuffled(cosine), shuffled(score))).toEqual(shuffled(relevance));
      }),
    );
  });

  test("equals the textbook's on scores put on the scale of the cosines", () => {
    fc.assert(
      fc.property(
        cases,
        fc.constantFrom(0, 0.1, 0.5, 0.9, 1),
        ({ score, cosine, similarity, k }, diversity) => {
          const order = ranking(score, [...score.keys()]);
          const relevance = onScaleOf(cosine, score);
          const between = (i: number, j: number) => similarity[i]![j]!;
          expect(diversify(order, relevance, k, diversity, between)).toEqual(
            naive(order, (i) => relevance[i]!, k, diversity, between),
          );
        },
      ),
    );
  });

  test("diversity 0 is the ranking, diversity 1 looks at novelty alone after the first", () => {
    fc.assert(
      fc.property(cases, ({ score, similarity, k }) => {
        const order = ranking(score, [...score.keys()]);
        const between = (i: number, j: number) => similarity[i]![j]!;
        expect(diversify(order, score, k, 0, between)).toEqual(order.slice(0, k));
        const novel = diversify(order, score, k, 1, between);
        expect(novel).toEqual(naive(order, () => 0, k, 1, between));
        expect(novel[0]).toBe(order[0]);
      }),
    );
  });
});
