import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CandidateError, OptionError, rerank, VectorError } from "../src/index.ts";
import { type LabelledQuery, TuneError } from "../src/tune/labelled.ts";
import { type TuneRequest, type TuneSetting, tune } from "../src/tune/tune.ts";
import { permuted, randomRow, randomRows, uniform } from "./support.ts";

const vectors: TuneSetting = { name: "vectors", options: { profile: "cosine" } };
const words: TuneSetting = { name: "words", options: { profile: "cosine", textWeight: 100 } };
const both = [vectors, words];

/** A query with one relevant document among eight; what gives it away is up to `kind`. */
function planted(seed: number, kind: "words" | "vectors" | "nothing", n = 8): LabelledQuery {
  const next = uniform(1000 + seed);
  const pick = () => Math.floor(((next() + 1) / 2) * n);
  const query = randomRow(6, seed);
  const [gold, near, named] = [pick(), pick(), pick()];
  const rows = randomRows(n, 6, 7000 + seed);
  const closest = kind === "vectors" ? gold : near;
  const worded = kind === "words" ? gold : named;
  return {
    query,
    queryText: "solar sail",
    candidates: rows.map((row, i) => ({
      id: `d${i}`,
      embedding: i === closest ? query : row,
      text: i === worded ? "a solar sail" : "tax forms",
    })),
    relevance: { [`d${gold}`]: 1 },
  };
}

const many = (n: number, kind: Parameters<typeof planted>[1], from = 0): LabelledQuery[] =>
  Array.from({ length: n }, (_, i) => planted(from + i, kind));

/** Two candidates, and `vectors` puts the second first: nDCG 0.631 -> 1 where that is right, else 1 -> 0.631. */
const swapped = (right: boolean): LabelledQuery => ({
  query: [1, 0],
  candidates: [{ embedding: [0, 1] }, { embedding: [1, 0] }],
  relevance: { [right ? 1 : 0]: 1 },
});
const alternating = (n: number) => Array.from({ length: n }, (_, i) => swapped(i % 2 === 0));

const errorOf = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
};

/** nDCG@k, once more and naively. */
function ndcg(ranking: readonly string[], relevance: Readonly<Record<string, number>>, k: number): number {
  const sum = (gains: number[]) =>
    gains.slice(0, k).reduce((total, gain, i) => total + gain / Math.log2(i + 2), 0);
  const ideal = Object.values(relevance).sort((a, b) => b - a);
  return sum(ranking.map((id) => relevance[id] ?? 0)) / sum(ideal);
}

const average = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;

describe("the choice", () => {
  test.each([words, vectors])("adopts $name where they decide, by an interval above 0", (winner) => {
    const result = tune({
      queries: many(60, winner.name as "words" | "vectors"),
      settings: both,
      detect: 0.1,
    });
    expect(result.chosen).toEqual(winner);
    expect(result.verdict).toBe("adopt");
    expect(result.folds.map(({ chosen }) => chosen)).toEqual(new Array(5).fill(winner.name));
    const { gain, interval, tuned, baseline, queries, metric } = result.expected;
    expect(interval[0]).toBeGreaterThan(0.2);
    expect(interval[1]).toBeGreaterThan(gain);
    expect(tuned).toBe(1);
    expect(gain).toBeCloseTo(tuned - baseline, 12);
    expect([queries, metric]).toEqual([60, "nDCG@10"]);
  });

  test("is, by default, among the profiles but the published one, and other weights of the words", () => {
    const { perSetting, chosen } = tune({ queries: many(40, "words"), detect: 0.2 });
    const names = perSetting.map(({ name }) => name);
    expect(names.slice(0, 2)).toEqual(["evidence", "cosine"]);
    expect(names).toContain("textWeight 2");
    expect(names).not.toContain("reference");
    // Words alone tell these queries' documents apart.
    expect(chosen.options.profile ?? "evidence").toBe("evidence");
    expect(chosen.options.textWeight).not.toBe(0);
  });

  test("goes to the first of equals", () => {
    const copies = ["one", "two", "three"].map((name) => ({ name, options: { ...words.options } }));
    const result = tune({ queries: many(30, "words"), settings: copies, detect: 0.2 });
    expect(result.chosen.name).toBe("one");
    expect(result.folds.every(({ chosen }) => chosen === "one")).toBe(true);
  });

  test("reports means of nDCG@k as a naive version computes them, grades and missed documents included", () => {
    const queries = many(40, "nothing").map((query, i) => ({
      ...query,
      relevance: { ...query.relevance, d0: 1 + (i % 3), d5: 0.5, missed: 2, d7: 0 },
    }));
    for (const k of [1, 3, 10]) {
      const { expected, perSetting } = tune({ queries, settings: both, metric: { k }, detect: 0.5 });
      const arrived = queries.map((q) =>
        ndcg(
          q.candidates.map(({ id }) => String(id)),
          q.relevance,
          k,
        ),
      );
      expect(expected.baseline).toBeCloseTo(average(arrived), 12);
      expect(expected.metric).toBe(`nDCG@${k}`);
      both.forEach(({ options }, s) => {
        const ranked = queries.map(({ query, queryText, candidates, relevance }) => {
          const { bundle } = rerank({ query: query!, queryText: queryText!, candidates, ...options, k });
          return ndcg(
            bundle.map(({ id }) => id),
            relevance,
            k,
          );
        });
        expect(perSetting[s]!.mean).toBeCloseTo(average(ranked), 12);
        expect(perSetting[s]!.gain).toBeCloseTo(average(ranked) - average(arrived), 12);
      });
    }
  });

  test("does not hang on the k of the options", () => {
    const queries = many(30, "words");
    const short = both.map(({ name, options }) => ({ name, options: { ...options, k: 1 } }));
    const { perSetting, chosen } = tune({ queries, settings: short, detect: 0.2 });
    expect(perSetting).toEqual(tune({ queries, settings: both, detect: 0.2 }).perSetting);
    expect(chosen.options.k).toBe(1);
  });
});

describe("the gain is measured where nothing was chosen", () => {
  test("a setting that wins only where it was chosen gains nothing: each collection held out is lost", () => {
    // In each collection one setting is right throughout and the other is wrong, so that knowing the held-out labels
    // would gain, and not knowing them must lose.
    const twisted = (right: boolean, collection: string): LabelledQuery => ({
      query: [1, 0],
      queryText: "solar sail",
      candidates: [
        { id: "bystander", embedding: [0.9, 0.1], text: "a" },
        { id: "near", embedding: [1, 0], text: "tax forms" },
        { id: "named", embedding: [0, 1], text: "solar sail" },
      ],
      relevance: right ? { near: 1, bystander: 0.2 } : { named: 1, bystander: 0.2 },
      collection,
    });
    const queries = Array.from({ length: 40 }, (_, i) => twisted(i % 2 === 0, i % 2 === 0 ? "a" : "b"));
    const { folds, expected, perSetting, verdict } = tune({ queries, settings: both, detect: 0.2 });
    expect(folds.map(({ chosen, heldOut }) => [chosen, queries[heldOut[0]!]!.collection]).sort()).toEqual([
      ["vectors", "b"],
      ["words", "a"],
    ]);
    // The best setting a collection, as one that sees the labels would have it, gains on every query.
    expect(expected.tuned).toBeLessThan(Math.max(...perSetting.map(({ mean }) => mean)));
    expect(expected.gain).toBeLessThan(0);
    expect(verdict).toBe("keep");
  });

  test("the labels of a fold have no say in what is chosen for it", () => {
    const queries = Array.from({ length: 40 }, (_, i) => planted(i, i % 2 === 0 ? "words" : "vectors"));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99 }), fc.nat(4), fc.nat(7), (seed, fold, gold) => {
        const before = tune({ queries, settings: both, seed, detect: 1 });
        const { heldOut, chosen } = before.folds[fold]!;
        const relabelled = queries.map((query, i) =>
          heldOut.includes(i) ? { ...query, relevance: { [`d${gold}`]: 3 } } : query,
        );
        const after = tune({ queries: relabelled, settings: both, seed, detect: 1 });
        expect(after.folds[fold]).toMatchObject({ heldOut, chosen });
      }),
      { numRuns: 10 },
    );
  });

  test("the best of many settings on noise looks better than it is, and the expected gain does not follow", () => {
    const settings = Array.from({ length: 9 }, (_, i) => ({
      name: `${i}`,
      options: { profile: "cosine" as const, textWeight: i % 3, diversity: Math.floor(i / 3) / 3 },
    }));
    const runs = Array.from({ length: 12 }, (_, seed) => {
      const queries = many(30, "nothing", 500 * seed);
      const { perSetting, expected } = tune({ queries, settings, seed, detect: 1 });
      return { apparent: Math.max(...perSetting.map(({ gain }) => gain)), honest: expected.gain };
    });
    expect(average(runs.map(({ apparent, honest }) => apparent - honest))).toBeGreaterThan(0.02);
    expect(average(runs.map(({ honest }) => honest))).toBeLessThan(0.02);
  });
});

describe("the interval", () => {
  test("covers 0 on random labels about as often as it says, and the verdict is to keep", () => {
    const runs = Array.from({ length: 40 }, (_, seed) =>
      tune({ queries: many(40, "nothing", 100 * seed), settings: both, seed, detect: 0.5 }),
    );
    const covered = runs.filter(({ expected: { interval } }) => interval[0] <= 0 && interval[1] >= 0);
    // Of 40 at 95 %: 38 expected; fewer than 34 would happen once in a hundred.
    expect(covered.length).toBeGreaterThanOrEqual(34);
    expect(runs.filter(({ verdict }) => verdict === "keep").length).toBeGreaterThanOrEqual(36);
    for (const { verdict, expected } of runs) expect(verdict === "adopt").toBe(expected.interval[0] > 0);
  });

  test("is about z sd / sqrt(n) wide to either side, and wider the higher the level", () => {
    const widths = ([0.9, 0.95, 0.99] as const).map((level) => {
      const { interval } = tune({
        queries: alternating(100),
        settings: [vectors],
        detect: 0.5,
        level,
      }).expected;
      return (interval[1] - interval[0]) / 2;
    });
    [1.645, 1.96, 2.576].forEach((z, i) => {
      const expected = (z * (1 - 1 / Math.log2(3))) / Math.sqrt(100);
      expect(Math.abs(widths[i]! / expected - 1)).toBeLessThan(0.1);
    });
  });

  test("is one point where every query gains the same", () => {
    const all = tune({ queries: new Array(30).fill(swapped(true)), settings: [vectors] });
    expect(all.expected.interval[0]).toBeCloseTo(1 - 1 / Math.log2(3), 12);
    expect(all.expected.interval[1]).toBeCloseTo(all.expected.interval[0], 12);
    expect(all.verdict).toBe("adopt");
    const none = tune({ queries: new Array(30).fill(swapped(false)), settings: [vectors] });
    expect(none.verdict).toBe("keep");
  });
});

describe("refuses", () => {
  const request = (n: number): TuneRequest => ({ queries: alternating(n), settings: [vectors], detect: 0.1 });

  test("too few queries, and says how many are missing: that many more pass, one fewer does not", () => {
    const error = errorOf(() => tune(request(40))) as TuneError;
    expect(error).toBeInstanceOf(TuneError);
    // sd = 0.369 sqrt(40 / 39), so (1.96 sd / 0.1)² = 53.7.
    expect(error).toMatchObject({ needed: 54, missing: 14, parameter: "queries" });
    expect(error.message).toBe(
      "queries: 40 of 40 labelled queries have a relevant document among their candidates; 54 are needed to tell a " +
        "gain of 0.1 nDCG@10 from chance: label 14 more, or settle for detect: 0.116",
    );
    expect(tune(request(40 + error.missing)).expected.queries).toBe(54);
    expect(() => tune(request(39 + error.missing))).toThrow("label 1 more");
  });

  test("and what it offers to settle for passes, and a thousandth less does not", () => {
    expect(tune({ ...request(40), detect: 0.116 }).verdict).toBe("keep");
    expect(() => tune({ ...request(40), detect: 0.115 })).toThrow("label 1 more");
  });

  test.each([0, 1, 2, 29])("%i queries, whatever the gain is", (n) => {
    const queries = new Array(n).fill(swapped(true));
    const error = errorOf(() => tune({ queries, settings: both, detect: 1 })) as TuneError;
    expect(error).toMatchObject({ name: "TuneError", needed: 30, missing: 30 - n });
    expect(error.message).toMatch(new RegExp(`label ${30 - n} more$`));
  });

  test("queries without a relevant candidate do not count, here or in the means", () => {
    const hopeless = [{ elsewhere: 1 }, {}, { 0: 0, 1: 0 }].map((relevance) => ({
      ...swapped(true),
      relevance: relevance as Record<string, number>,
    }));
    const queries = alternating(60).toSpliced(3, 0, ...hopeless);
    const { perSetting: means, expected, folds } = tune({ queries, settings: [vectors], detect: 0.1 });
    expect(means).toEqual(tune(request(60)).perSetting);
    expect(expected.queries).toBe(60);
    expect(folds.flatMap(({ heldOut }) => heldOut)).toHaveLength(60);
    expect(folds.flatMap(({ heldOut }) => heldOut)).not.toContain(4);
    expect(() => tune({ queries: hopeless })).toThrow("0 of 3 labelled queries have a relevant document");
  });

  const queries = many(30, "words");
  const withQuery = (change: object) => ({ queries: queries.with(7, { ...queries[7]!, ...change }) });
  const withSetting = (setting: unknown) => ({ queries, settings: [vectors, setting] });
  test.each<[string, unknown, new (...args: never[]) => Error, string]>([
    ["nothing", undefined, CandidateError, "queries: must be an array, not undefined"],
    ["no queries", {}, CandidateError, "queries: must be an array, not undefined"],
    ["queries that are no array", { queries: 7 }, CandidateError, "queries: must be an array, not 7"],
    ["an unknown option", { queries, fold: 3 }, OptionError, "fold: is no option of tune"],
    ["metric", { queries, metric: 10 }, OptionError, "metric: must be an object such as { k: 10 }, not 10"],
    ["k", { queries, metric: { k: 0 } }, OptionError, "metric.k: must be an integer of at least 1, not 0"],
    ["folds", { queries, folds: 1 }, OptionError, "folds: must be an integer of at least 2, not 1"],
    [
      "folds of a half",
      { queries, folds: 2.5 },
      OptionError,
      "folds: must be an integer of at least 2, not 2.5",
    ],
    ["seed", { queries, seed: -1 }, OptionError, "seed: must be an integer from 0 to 2^32 - 1, not -1"],
    [
      "seed as text",
      { queries, seed: "1" },
      OptionError,
      'seed: must be an integer from 0 to 2^32 - 1, not "1"',
    ],
    ["detect", { queries, detect: 0 }, OptionError, "detect: must be a number in (0, 1], not 0"],
    [
      "detect NaN",
      { queries, detect: Number.NaN },
      OptionError,
      "detect: must be a number in (0, 1], not NaN",
    ],
    ["level", { queries, level: 95 }, OptionError, "level: must be one of 0.9, 0.95, 0.99, not 95"],
    [
      "no settings",
      { queries, settings: [] },
      OptionError,
      "settings: must be an array of at least one, not an array of 0",
    ],
    ["a setting of null", withSetting(null), OptionError, "settings[1].name: must be a name, not undefined"],
    [
      "a setting without name",
      withSetting({ options: {} }),
      OptionError,
      "settings[1].name: must be a name, not undefined",
    ],
    [
      "a name twice",
      withSetting(vectors),
      OptionError,
      'settings[1].name: must be unlike those before it, not "vectors"',
    ],
    [
      "a setting without options",
      withSetting({ name: "a" }),
      OptionError,
      "settings[1].options: must be an object, not undefined",
    ],
    [
      "an option out of range",
      withSetting({ name: "a", options: { lamC: -1 } }),
      OptionError,
      "settings[1].lamC: must be a number from 0 to 1000000, not -1",
    ],
    [
      "a query of null",
      { queries: [null] },
      CandidateError,
      "queries[0].relevance: must be an object of grades by id, not undefined",
    ],
    [
      "a list of ids",
      withQuery({ relevance: ["d1"] }),
      CandidateError,
      "queries[7].relevance: must be an object of grades by id, not an array of 1",
    ],
    [
      "a grade of text",
      withQuery({ relevance: { d1: "1" } }),
      CandidateError,
      'queries[7].relevance["d1"]: must be a number > 0, not "1"',
    ],
    [
      "a negative grade",
      withQuery({ relevance: { d1: -1 } }),
      CandidateError,
      'queries[7].relevance["d1"]: must be a number > 0, not -1',
    ],
    [
      "an endless grade",
      withQuery({ relevance: { d1: Infinity } }),
      CandidateError,
      'queries[7].relevance["d1"]: must be a number > 0, not Infinity',
    ],
    [
      "collection",
      withQuery({ collection: 3 }),
      CandidateError,
      "queries[7].collection: must be a string, not 3",
    ],
    [
      "candidates",
      withQuery({ candidates: "d1" }),
      CandidateError,
      'queries[7].candidates: must be an array, not "d1"',
    ],
    [
      "a candidate",
      withQuery({ candidates: [null] }),
      CandidateError,
      "queries[7].candidates[0]: must be an object, not null",
    ],
    [
      "a vector",
      withQuery({ query: [0, 0, 0, 0, 0, 0] }),
      VectorError,
      "queries[7].query: is zero; it has no direction to rank by",
    ],
    [
      "a width",
      withQuery({ query: [1, 2] }),
      VectorError,
      "queries[7].query: has 2 values where the others have 6; were they made by the same model?",
    ],
    ["words", withQuery({ queryText: 5 }), OptionError, "queries[7].queryText: must be a string, not 5"],
  ])("%s", (_, input, kind, message) => {
    const error = errorOf(() => tune(input as TuneRequest)) as Error;
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toBe(message);
  });
});

describe("folds", () => {
  test("hold each query out once, and differ in size by one at most", () => {
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 60 }), fc.integer({ min: 2, max: 70 }), (n, folds) => {
        const result = tune({ queries: alternating(n), settings: [vectors], folds, detect: 1 });
        const heldOut = result.folds.map((fold) => fold.heldOut);
        expect(heldOut.flat().sort((a, b) => a - b)).toEqual([...Array(n).keys()]);
        expect(heldOut.length).toBe(Math.min(folds, n));
        const sizes = heldOut.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        const total = result.folds.reduce((sum, { gain }, i) => sum + gain * sizes[i]!, 0);
        expect(total / n).toBeCloseTo(result.expected.gain, 12);
      }),
      { numRuns: 30 },
    );
  });

  test("keep a collection together where there are several, and split it where there is one", () => {
    const collections = fc.array(fc.constantFrom("a", "b", "c", "", undefined), {
      minLength: 30,
      maxLength: 50,
    });
    fc.assert(
      fc.property(collections, fc.nat(99), (names, seed) => {
        const queries = alternating(names.length).map((query, i) =>
          names[i] === undefined ? query : { ...query, collection: names[i] },
        );
        const { folds } = tune({ queries, settings: [vectors], seed, detect: 1 });
        const groups = new Set(names.map((name, i) => name ?? i)).size;
        if (new Set(names).size > 1) {
          for (const name of new Set(names.filter((name) => name !== undefined))) {
            const home = folds.filter(({ heldOut }) => heldOut.some((i) => names[i] === name));
            expect(home).toHaveLength(1);
          }
          expect(folds).toHaveLength(Math.min(5, groups));
        } else {
          expect(folds).toHaveLength(5);
        }
      }),
      { numRuns: 60 },
    );
    const one = alternating(30).map((query) => ({ ...query, collection: "only" }));
    expect(tune({ queries: one, settings: [vectors], detect: 1 }).folds).toHaveLength(5);
  });
});

describe("the same", () => {
  const queries = Array.from({ length: 40 }, (_, i) => planted(i, i % 3 === 0 ? "vectors" : "words"));
  const request = { queries, settings: both, detect: 0.5 };

  test("seed gives the same result; another deals other folds and chooses the same", () => {
    const first = tune(request);
    expect(tune(structuredClone(request))).toEqual(first);
    expect(tune({ ...request, seed: 1 })).toEqual(first);
    const other = tune({ ...request, seed: 2 });
    expect(other.folds).not.toEqual(first.folds);
    expect(other.expected.interval).not.toEqual(first.expected.interval);
    expect(other.chosen).toEqual(first.chosen);
  });

  test("queries in another order give the same choice, baseline, means and gains, to the bit", () => {
    const first = tune(request);
    const pointwise = ({ perSetting }: typeof first) => perSetting.map(({ interval: _, ...rest }) => rest);
    const keys = fc.array(fc.nat(), { minLength: queries.length, maxLength: queries.length });
    fc.assert(
      fc.property(keys, (order) => {
        const other = tune({ ...request, queries: permuted(queries, order) });
        expect(other.chosen).toEqual(first.chosen);
        expect(other.expected.baseline).toBe(first.expected.baseline);
        expect(pointwise(other)).toEqual(pointwise(first));
      }),
      { numRuns: 20 },
    );
  });

  test("stays what came in, which may be frozen, and the result shares nothing with it", () => {
    const freeze = <T>(value: T): T => {
      if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
      return value;
    };
    const result = tune(freeze(structuredClone(request)));
    expect(result).toEqual(tune(request));
    expect(result.chosen.options).not.toBe(both.find(({ name }) => name === result.chosen.name)!.options);
  });
});
