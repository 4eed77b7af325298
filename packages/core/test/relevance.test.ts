import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  explainReceipt,
  Lattice,
  OptionError,
  type Options,
  type RerankRequest,
  type RerankResult,
  replayReceipt,
  rerank,
  resolveOptions,
  VectorError,
} from "../src/index.ts";
import { calibrate, type LabelledQuery, learnScale, TuneError, tune } from "../src/tune/index.ts";
import { gramsOf } from "../src/words/cut.ts";
import { permuted, randomRow, randomRows, requests, uniform } from "./support.ts";

const MINILM = { mean: 0.28, spread: 0.1 };
const E5 = { mean: 0.794, spread: 0.028 };

const vocabulary = ["solar", "sails", "push", "light", "wind", "boats", "harbour", "cranes", "seed", "banks"];

/** A request over n documents of three to six words and `d` values. */
function requestOf(n: number, seed = 1, d = 6) {
  const next = uniform(seed);
  const word = () => vocabulary[Math.floor(((next() + 1) / 2) * vocabulary.length)]!;
  const text = () => Array.from({ length: 3 + Math.floor(2 * (next() + 1)) }, word).join(" ");
  return {
    query: randomRow(d, seed + 1),
    queryText: "solar sails for boats of tomorrow",
    candidates: randomRows(n, d, seed).map((embedding, i) => ({ id: `${i}`, embedding, text: text() })),
    k: n,
    copies: "keep" as const,
  };
}

const relevances = ({ bundle }: RerankResult): (number | null)[] => bundle.map(({ relevance }) => relevance);
const basisOf = (request: RerankRequest): string | null => rerank(request).receipt.relevance?.basis ?? null;

// ---------------------------------------------------------------- the formula, written down once more

/** Cosine of two rows in plain arithmetic. */
function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, v, c) => sum + v * y[c]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** BM25 of the query's grams over the most that it could be, for each text. */
function gramShares(query: string, texts: readonly string[]): number[] {
  const bags = texts.map((text) => gramsOf(text));
  const mean = bags.reduce((sum, { length }) => sum + length, 0) / bags.length;
  const terms = [...new Set(gramsOf(query))].map((term) => {
    const df = bags.filter((bag) => bag.includes(term)).length;
    return { term, idf: Math.log(1 + (texts.length - df + 0.5) / (df + 0.5)) };
  });
  const most = 2.2 * terms.reduce((sum, { idf }) => sum + idf, 0);
  return bags.map((bag) => {
    const score = terms.reduce((sum, { term, idf }) => {
      const tf = bag.filter((gram) => gram === term).length;
      return sum + (idf * tf * 2.2) / (tf + 1.2 * (0.25 + (0.75 * bag.length) / mean));
    }, 0);
    return score / most;
  });
}

/** Relevance of each document of a request by its id, from nothing but the scores of its bundle, which holds all of them. */
function naive(request: ReturnType<typeof requestOf>, result: RerankResult, scale: typeof MINILM | null) {
  const { candidates, query, queryText } = request;
  const rows = candidates.map(({ embedding }) => embedding);
  const pairs = rows.flatMap((a, i) => rows.slice(i + 1).map((b) => cosine(a, b)));
  const between = pairs.reduce((a, b) => a + b, 0) / pairs.length;
  const x = rows.map((row) =>
    scale
      ? (cosine(row, query) - scale.mean) / scale.spread
      : 1 - (1 - cosine(row, query)) / Math.max(0.01, 1 - between),
  );
  const b =
    queryText === ""
      ? rows.map(() => 0)
      : gramShares(
          queryText,
          candidates.map(({ text }) => text),
        );
  const scores = result.bundle.map(({ score }) => score!);
  const center = scores.reduce((a, s) => a + s, 0) / scores.length;
  const deviation = Math.sqrt(scores.reduce((a, s) => a + (s - center) ** 2, 0) / scores.length);
  const [b0, b1, b2, b3] = scale
    ? queryText === ""
      ? [-2.7, 0.95, 0, 0.5]
      : [-3.2, 0.9, 2.9, 0.38]
    : queryText === ""
      ? [-0.85, 3.5, 0, 0.63]
      : [-1.5, 2.5, 4.6, 0.53];
  let least = Infinity;
  return result.bundle.map(({ id, score }) => {
    const i = Number(id);
    const l = b0! + b1! * x[i]! + b2! * b[i]! + (b3! * (score! - scores[0]!)) / deviation;
    least = Math.min(least, Math.max(-30, Math.min(30, l)));
    return 1 / (1 + Math.exp(-least));
  });
}

describe("relevance is what the formula says", () => {
  test.each([
    ["scale+words", MINILM, "words"],
    ["scale", { mean: 0.1, spread: 0.3 }, ""],
    ["pool+words", null, "words"],
    ["pool", null, ""],
  ])("on the basis %s", (basis, scale, words) => {
    for (let seed = 1; seed <= 12; seed++) {
      const plain = requestOf(20 + seed, 10 * seed);
      const request = words === "" ? { ...plain, queryText: "" } : plain;
      const result = rerank({ ...request, relevanceScale: scale, copies: "keep" });
      expect(result.receipt.relevance!.basis).toBe(basis);
      const expected = naive(request, result, scale);
      relevances(result).forEach((r, i) => {
        expect(r).toBeCloseTo(expected[i]!, 5);
      });
      expect(new Set(expected.map((r) => r.toFixed(5))).size).toBeGreaterThan(3);
    }
  });

  test("by words alone, where there is nothing else", () => {
    const { candidates, queryText, ...rest } = requestOf(12);
    const scored = candidates.map(({ embedding: _, ...candidate }) => ({ ...candidate, score: 0 }));
    const { query: __, ...asked } = rest;
    const result = rerank({ ...asked, queryText, candidates: scored });
    expect(result.receipt.relevance).toMatchObject({ basis: "words", scale: null });
    const shares = gramShares(
      queryText,
      candidates.map(({ text }) => text),
    );
    const first = shares[Number(result.bundle[0]!.id)]!;
    expect(result.bundle[0]!.relevance).toBeCloseTo(1 / (1 + Math.exp(1.9 - 6.1 * first)), 9);
  });

  test("and the receipt tells all that it takes to compute it again", () => {
    for (const relevanceScale of ["multilingual-e5-small", null] as const) {
      const { bundle, receipt } = rerank({ ...requestOf(24, 3), relevanceScale });
      const { coefficients, scale, most, deviation } = receipt.relevance!;
      let least = 1;
      bundle.forEach(({ parts, score, relevance }) => {
        const x = (parts!.similarity! - scale!.mean) / scale!.spread;
        const lead = (score! - bundle[0]!.score!) / deviation;
        const { constant, cosine, words, lead: byLead } = coefficients;
        const l = constant + cosine * x + (words * parts!.grams!) / most! + byLead * lead;
        least = Math.min(least, 1 / (1 + Math.exp(-l)));
        expect(relevance).toBeCloseTo(least, 4);
      });
      expect(receipt.bundle.map(({ relevance }) => relevance)).toEqual(
        bundle.map(({ relevance }) => Number(relevance!.toPrecision(6))),
      );
    }
  });

  test("level and slope move the logit", () => {
    const request = { ...requestOf(8), relevanceScale: MINILM };
    const [plain, learned] = [{}, { relevanceCalibration: { level: -0.75, slope: 0.5 } }].map((options) =>
      relevances(rerank({ ...request, ...options })),
    ) as [number[], number[]];
    learned.forEach((r, i) => {
      const logit = Math.log(plain[i]! / (1 - plain[i]!));
      expect(Math.log(r / (1 - r))).toBeCloseTo(-0.75 + 0.5 * logit, 9);
    });
  });

  test("an embedder's name stands for its scale", () => {
    const request = requestOf(8);
    for (const [name, figures] of [
      ["all-MiniLM-L6-v2", MINILM],
      ["multilingual-e5-small", E5],
    ] as const) {
      const [named, given] = [name, figures].map((relevanceScale) => rerank({ ...request, relevanceScale }));
      expect(relevances(named!)).toEqual(relevances(given!));
      expect(named!.receipt.relevance!.scale).toEqual(figures);
      expect(named!.receipt.params.relevanceScale).toBe(name);
    }
  });
});

describe("relevance", () => {
  const anyRequest = fc
    .record({
      request: requests({ minN: 1, maxN: 24 }),
      scale: fc.constantFrom(null, MINILM, E5),
      copies: fc.constantFrom("last", "keep"),
      diversity: fc.constantFrom(0, 0.5, 1),
      k: fc.integer({ min: 1, max: 24 }),
    })
    .map(({ request, scale, ...options }) => ({ ...request, ...options, relevanceScale: scale }) as const);

  test("lies in [0, 1], and never rises along the bundle, whatever moved it", () => {
    let moved = 0;
    fc.assert(
      fc.property(anyRequest, (request) => {
        const { bundle } = rerank(request);
        const all = bundle.map(({ relevance }) => relevance);
        expect(all.every((r) => r === null) || all.every((r) => r! >= 0 && r! <= 1)).toBe(true);
        expect(all).toEqual(all.toSorted((a, b) => (b ?? 0) - (a ?? 0)));
        moved += Number(bundle.some(({ score }, i) => i > 0 && score! > bundle[i - 1]!.score!));
      }),
      { numRuns: 300 },
    );
    expect(moved).toBeGreaterThan(20);
  });

  test("within a pool never rises as the score falls", () => {
    fc.assert(
      fc.property(anyRequest, ({ candidates, ...request }) => {
        const k = candidates.length;
        const { bundle } = rerank({ ...request, candidates, copies: "keep", diversity: 0, k });
        for (const one of bundle) {
          for (const other of bundle) {
            if (one.score! > other.score!)
              expect(one.relevance ?? 1).toBeGreaterThanOrEqual(other.relevance ?? 0);
          }
        }
      }),
    );
  });

  test("is the same for any k, in any order of arrival", () => {
    fc.assert(
      fc.property(anyRequest, fc.array(fc.nat(99), { minLength: 1 }), ({ candidates, ...request }, keys) => {
        const whole = { ...request, candidates, diversity: 0, k: candidates.length };
        const all = new Map(rerank(whole).bundle.map(({ id, relevance }) => [id, relevance]));
        const ranked = rerank(whole).bundle.map(({ relevance }) => relevance);
        const some = relevances(rerank({ ...whole, k: request.k }));
        expect(some).toEqual(ranked.slice(0, some.length));
        const other = rerank({ ...whole, copies: "keep", candidates: permuted(candidates, keys) });
        const same = rerank({ ...whole, copies: "keep" });
        expect(relevances(other)).toEqual(relevances(same));
        expect(all.size).toBe(candidates.length);
      }),
    );
  });

  test("of the first is the same in any pool, on the scale of an embedder: it can be compared", () => {
    const query = [1, 0];
    const best = { id: "best", embedding: [0.8, 0.6] };
    const pools = [2, 5, 30].map((n) => [
      best,
      ...randomRows(n, 1, n).map(([v], i) => ({ id: `${i}`, embedding: [v! / 2, 1] })),
    ]);
    const firsts = pools.map((candidates) => {
      const { bundle } = rerank({ query, candidates, relevanceScale: MINILM });
      expect(bundle[0]!.id).toBe("best");
      return bundle[0]!.relevance!;
    });
    const expected = 1 / (1 + Math.exp(2.7 - (0.95 * (0.8 - 0.28)) / 0.1));
    for (const first of firsts) expect(first).toBeCloseTo(expected, 6);
    const unknown = rerank({ query, candidates: pools[2]! }).bundle[0]!.relevance!;
    expect(Math.abs(unknown - expected)).toBeGreaterThan(0.05);
  });

  test("falls with trust that is taken away", () => {
    const request = { ...requestOf(8), relevanceScale: MINILM };
    const { id, relevance } = rerank(request).bundle[3]!;
    const doubted = request.candidates.map((c) => (c.id === id ? { ...c, trust: 0.2 } : c));
    const after = rerank({ ...request, candidates: doubted }).bundle.find((entry) => entry.id === id)!;
    expect(after.relevance).toBeLessThan(relevance!);
  });

  test("of a document that only a keyword list found is by its own vector, where it has one", () => {
    const far = { id: "far", embedding: [0, 1] };
    const near = { id: "near", embedding: [1, 0] };
    const lists = (items: { id: string; embedding: number[] | null }[]) => [
      { name: "vector", items: [far] },
      { name: "keywords", items: [...items, far] },
    ];
    const asked = { query: [1, 0], relevanceScale: MINILM, listWeight: 100 };
    const own = rerank({ ...asked, lists: lists([near]) });
    expect(own.bundle[0]).toMatchObject({ id: "near", parts: { similarity: 0 } });
    expect(own.bundle[0]!.relevance).toBeGreaterThan(0.9);
    const without = rerank({ ...asked, lists: lists([{ id: "near", embedding: null }]) });
    expect(without.bundle[0]!.relevance).toBeLessThan(0.1);
  });
});

describe("what it is judged by", () => {
  const plain = requestOf(20);
  const { query: _, queryText, ...unasked } = plain;
  const scoredBy = (scoreOf: (i: number) => number): RerankRequest => ({
    ...unasked,
    candidates: plain.candidates.map(({ embedding: _e, ...candidate }, i) => ({
      ...candidate,
      score: scoreOf(i),
    })),
  });
  const falling = scoredBy((i) => 0.9 - i / 100);
  const first = (n: number) => ({ ...plain, candidates: plain.candidates.slice(0, n) });
  const foreign = { queryText: "Überfahrt" };

  test.each<[string, string | null, RerankRequest]>([
    ["a scale and words", "scale+words", { ...plain, relevanceScale: E5 }],
    ["a scale, no words of the query", "scale", { ...plain, queryText: "", relevanceScale: E5 }],
    ["a scale, words that match nothing", "scale", { ...plain, ...foreign, relevanceScale: E5 }],
    ["a scale, words turned off", "scale", { ...plain, textWeight: 0, relevanceScale: E5 }],
    ["the profile cosine", "scale", { ...plain, profile: "cosine", relevanceScale: E5 }],
    ["one document and a scale", "scale+words", { ...first(1), relevanceScale: E5 }],
    ["20 vectors and words", "pool+words", plain],
    ["20 vectors, words that match nothing", "pool", { ...plain, ...foreign }],
    ["19 vectors and words", "words", first(19)],
    ["19 vectors, words that match nothing", "words", { ...first(19), ...foreign }],
    ["19 vectors without words", null, { ...first(19), queryText: "" }],
    ["no documents", null, { ...first(0), queryText: "" }],
    ["scores and words", "words", { ...falling, queryText }],
    ["scores alone", null, falling],
    ["scores of an embedder", "scale", { ...falling, relevanceScale: E5 }],
    ["scores of an embedder and words", "scale+words", { ...falling, queryText, relevanceScale: E5 }],
    ["ranks", null, { ...scoredBy((i) => -i), relevanceScale: E5 }],
    ["distances turned round", null, { ...scoredBy((i) => -i / 100), relevanceScale: E5 }],
    ["scores above 1", null, { ...scoredBy((i) => 20 - i), relevanceScale: E5 }],
  ])("%s: %s", (_name, basis, request) => {
    expect(basisOf(request)).toBe(basis);
    const { bundle } = rerank(request);
    expect(bundle.every(({ relevance }) => (relevance === null) === (basis === null))).toBe(true);
  });

  test("words alone that match nothing leave the constant", () => {
    const { bundle } = rerank({ ...scoredBy(() => 0), ...foreign });
    for (const { relevance } of bundle) expect(relevance).toBeCloseTo(1 / (1 + Math.exp(1.9)), 12);
  });

  test("equal documents are equally relevant, though nothing tells them apart", () => {
    const candidates = Array.from({ length: 20 }, (_c, i) => ({ id: `${i}`, embedding: [1, 1] }));
    const all = relevances(rerank({ query: [1, 0], candidates, k: 20 }));
    expect(new Set(all).size).toBe(1);
    // All are alike: they lie the least distance apart, .01, and the query 1 - √.5 away.
    const x = 1 - (1 - Math.SQRT1_2) / 0.01;
    expect(all[0]).toBeCloseTo(1 / (1 + Math.exp(Math.min(30, 0.85 - 3.5 * x))), 9);
  });

  test("a document that could not be ranked has none", () => {
    const candidates = [...plain.candidates, { id: "none", embedding: null, text: "solar sails" }];
    const { bundle } = rerank({ ...plain, candidates, k: 21 });
    expect(bundle.at(-1)).toMatchObject({ id: "none", relevance: null });
    expect(bundle.slice(0, -1).every(({ relevance }) => relevance !== null)).toBe(true);
  });

  test("the profile reference knows none", () => {
    const { bundle, receipt } = rerank({ ...plain, profile: "reference", relevanceScale: E5 });
    expect(bundle.every(({ relevance }) => relevance === null)).toBe(true);
    expect(JSON.stringify(receipt.bundle)).not.toContain("relevance");
  });
});

describe("minRelevance", () => {
  test("leaves out exactly the documents below it, and says so", () => {
    fc.assert(
      fc.property(
        requests({ minN: 2, maxN: 24 }),
        fc.constantFrom(MINILM, E5),
        fc.nat(23),
        fc.boolean(),
        (request, relevanceScale, at, above) => {
          const asked = { ...request, relevanceScale, copies: "keep", k: 24 } as const;
          const all = rerank(asked).bundle;
          const seen = all[at % all.length]!.relevance!;
          const minRelevance = above ? Math.min(1, seen + 1e-9) : seen;
          const { bundle, receipt } = rerank({ ...asked, minRelevance });
          const kept = all.filter(({ relevance }) => relevance! >= minRelevance);
          expect(bundle).toEqual(kept);
          expect(receipt.relevance!.reached).toBe(kept.length);
          const missing = receipt.left_out.map(({ id }) => id).sort();
          const lines = explainReceipt(receipt).filter((line) => line.includes("less relevant than"));
          expect(lines).toHaveLength(missing.length);
          expect(missing).toHaveLength(all.length - kept.length);
        },
      ),
    );
  });

  test("holds for a bundle with copies, novelty and trust, too", () => {
    fc.assert(
      fc.property(requests({ minN: 2, maxN: 24 }), fc.constantFrom(0, 0.7), (request, diversity) => {
        const asked = { ...request, diversity, relevanceScale: MINILM, minRelevance: 0.3, k: 6 };
        for (const { relevance } of rerank(asked).bundle) expect(relevance).toBeGreaterThanOrEqual(0.3);
      }),
    );
  });

  const candidates = [
    { id: "a", embedding: [1, 0] },
    { id: "b", embedding: [0, 1] },
    { id: "none", embedding: null },
  ];

  test("leaves nothing where nothing is relevant, and appends nothing then", () => {
    const asked = { query: [0.1, -1], candidates, relevanceScale: MINILM };
    expect(rerank(asked).bundle).toHaveLength(3);
    const { bundle, receipt } = rerank({ ...asked, minRelevance: 0.2 });
    expect(bundle).toEqual([]);
    expect(receipt.relevance!.reached).toBe(0);
    expect(receipt.certificate).toMatchObject({ orderCertified: true, open: null });
  });

  test("leaves out none where nothing tells of relevance", () => {
    const { bundle, receipt } = rerank({ query: [0.1, -1], candidates, minRelevance: 0.9 });
    expect(bundle).toHaveLength(3);
    expect(receipt.relevance).toBeNull();
    expect(explainReceipt(receipt).join("\n")).toContain("the least of 0.9 left out none");
  });

  test("a decision that rounding could turn is not certified", () => {
    const asked = { query: [1, 0.5], candidates, relevanceScale: MINILM, missing: "drop" } as const;
    const { bundle } = rerank(asked);
    const second = bundle[1]!.relevance!;
    const openAt = (minRelevance: number) => rerank({ ...asked, minRelevance }).receipt.certificate.open;
    expect(openAt(0)).toBeNull();
    for (const near of [second, second + 1e-14, second - 1e-14]) expect(openAt(near)).toBe("relevance");
    for (const far of [second + 1e-6, second - 1e-6]) expect(openAt(far)).toBeNull();
    // What lies behind the k documents decides nothing.
    expect(rerank({ ...asked, k: 1, minRelevance: second }).receipt.certificate.open).toBeNull();
  });

  test("is replayed, and kept by a stored lattice", () => {
    const request = {
      ...requestOf(24),
      relevanceScale: { mean: -0.2, spread: 0.4 },
      relevanceCalibration: { level: 0.25, slope: 1.5 },
      minRelevance: 0.1,
    };
    const { receipt } = rerank(request);
    expect(receipt.relevance!.reached).toBeGreaterThan(0);
    expect(receipt.relevance!.reached).toBeLessThan(24);
    expect(replayReceipt(receipt, request)).toEqual({ ok: true });
    const { query, queryText, candidates: all, k, copies, ...options } = request;
    const column = <K extends "id" | "text" | "embedding">(name: K) => all.map((c) => c[name]);
    const input = { embeddings: column("embedding"), ids: column("id"), texts: column("text") };
    const lattice = new Lattice(input, { k, copies, ...options }).setQuery(query, queryText);
    expect(lattice.receipt().digest).toBe(receipt.digest);
    for (const stored of [
      Lattice.fromJSON(JSON.parse(JSON.stringify(lattice))),
      Lattice.from(lattice.toBuffer()),
    ]) {
      expect(stored.receipt().digest).toBe(receipt.digest);
    }
  });
});

describe("options of relevance", () => {
  test.each<[string, object, RegExp]>([
    ["a name that was not measured", { relevanceScale: "ada-002" }, /^relevanceScale: .*all-MiniLM-L6-v2/],
    ["a name of every object", { relevanceScale: "constructor" }, /^relevanceScale: /],
    ["a number", { relevanceScale: 0.3 }, /^relevanceScale: /],
    ["no spread", { relevanceScale: { mean: 0 } }, /^relevanceScale\.spread: .*not undefined/],
    ["a spread of 0", { relevanceScale: { mean: 0, spread: 0 } }, /^relevanceScale\.spread: .*not 0/],
    ["a mean of 2", { relevanceScale: { mean: 2, spread: 0.1 } }, /^relevanceScale\.mean: .*not 2/],
    ["another figure", { relevanceScale: { mean: 0, spread: 1, sd: 1 } }, /^relevanceScale\.sd: /],
    ["no calibration", { relevanceCalibration: null }, /^relevanceCalibration: .*not null/],
    ["a slope of 0", { relevanceCalibration: { level: 0, slope: 0 } }, /^relevanceCalibration\.slope: /],
    [
      "an endless level",
      { relevanceCalibration: { level: Infinity, slope: 1 } },
      /^relevanceCalibration\.level/,
    ],
    ["a share above 1", { minRelevance: 1.1 }, /^minRelevance: .*\[0, 1\], not 1\.1/],
    ["NaN", { minRelevance: Number.NaN }, /^minRelevance: /],
    [
      "a profile without",
      { profile: "reference", minRelevance: 0.1 },
      /^minRelevance: must be 0 in the profile/,
    ],
  ])("%s is refused", (_name, options, message) => {
    expect(() => resolveOptions(options as Options)).toThrow(OptionError);
    expect(() => resolveOptions(options as Options)).toThrow(message);
  });

  test("are copied: what came in may change later, and what goes out shares nothing", () => {
    const relevanceScale = { mean: 0.2, spread: 0.1 };
    const params = resolveOptions({ relevanceScale });
    relevanceScale.mean = 0.9;
    expect(params.relevanceScale).toEqual({ mean: 0.2, spread: 0.1 });
    expect(resolveOptions(params)).toEqual(params);
    expect(Object.isFrozen(params.relevanceScale)).toBe(true);
    expect(Object.isFrozen(resolveOptions({}).relevanceCalibration)).toBe(true);
  });
});

// ---------------------------------------------------------------- what is learned

/** Queries whose documents are relevant with the probability that `truth` makes of their logit. */
function labelled(n: number, truth: (logit: number) => number): LabelledQuery[] {
  return Array.from({ length: n }, (_, i) => {
    const { query, queryText, candidates } = requestOf(12, 100 + i);
    const { bundle } = rerank({ query, queryText, candidates, k: 10, relevanceScale: wide });
    const next = uniform(i + 1);
    const relevance = Object.fromEntries(
      bundle.map(({ id, relevance: r }) => {
        const p = 1 / (1 + Math.exp(-truth(Math.log(r! / (1 - r!)))));
        return [id, Number((next() + 1) / 2 < p)];
      }),
    );
    return { query, queryText, candidates, relevance };
  });
}

const wide = { mean: 0, spread: 0.4 };

describe("calibrate", () => {
  const options = { relevanceScale: wide };

  test("finds the level and the slope that the labels were made with", () => {
    const { relevanceCalibration, queries, error } = calibrate(
      labelled(300, (l) => 1.2 + 0.6 * l),
      options,
    );
    expect(queries).toBe(300);
    expect(relevanceCalibration.level).toBeCloseTo(1.2, 0);
    expect(Math.abs(relevanceCalibration.level - 1.2)).toBeLessThan(0.2);
    expect(Math.abs(relevanceCalibration.slope - 0.6)).toBeLessThan(0.1);
    expect(error.before).toBeGreaterThan(0.1);
    expect(error.learned).toBeLessThan(0.03);
  });

  test("is where the gradient of the loss is 0, slope and level pulled as it says", () => {
    const queries = labelled(40, (l) => 0.5 * l);
    const { level, slope } = calibrate(queries, options).relevanceCalibration;
    let [g0, g1] = [0.1 * level, 5 * (slope - 1)];
    for (const { relevance: grades, ...request } of queries) {
      for (const { id, relevance: r } of rerank({ ...request, ...options, k: 10 }).bundle) {
        const logit = Math.log(r! / (1 - r!));
        const gap = 1 / (1 + Math.exp(-level - slope * logit)) - grades[id]!;
        g0 += gap;
        g1 += gap * logit;
      }
    }
    // Level and slope are rounded to four digits; the loss bends by less than 400 and 4000.
    expect(Math.abs(g0)).toBeLessThan(0.1);
    expect(Math.abs(g1)).toBeLessThan(0.5);
  });

  test("what was set before makes no difference", () => {
    const queries = labelled(12, (l) => l - 1);
    const set = { relevanceCalibration: { level: 1, slope: 0.5 }, minRelevance: 0.4, k: 2 };
    const [one, other] = [options, { ...options, ...set }].map((o) => calibrate(queries, o));
    expect(other!.relevanceCalibration.level).toBeCloseTo(one!.relevanceCalibration.level, 3);
    expect(other!.relevanceCalibration.slope).toBeCloseTo(one!.relevanceCalibration.slope, 3);
  });

  test("never turns the order round, though the labels would", () => {
    const { slope } = calibrate(
      labelled(80, (l) => -2 * l),
      options,
    ).relevanceCalibration;
    expect(slope).toBe(0.1);
  });

  test("is the same in any order of the queries", () => {
    const queries = labelled(15, (l) => l);
    expect(calibrate(queries.toReversed(), options).relevanceCalibration).toEqual(
      calibrate(queries, options).relevanceCalibration,
    );
  });

  test("refuses fewer than ten queries, and those of which nothing is known", () => {
    const queries = labelled(10, (l) => l);
    expect(calibrate(queries, options).queries).toBe(10);
    const refused = (some: readonly LabelledQuery[], o: Options = options): TuneError => {
      try {
        calibrate(some, o);
      } catch (error) {
        return error as TuneError;
      }
      throw new Error("not refused");
    };
    expect(refused(queries.slice(1))).toBeInstanceOf(TuneError);
    expect(refused(queries.slice(1))).toMatchObject({ needed: 10, missing: 1, parameter: "queries" });
    const mute = queries.map(({ queryText: _, ...query }) => query);
    expect(refused(mute, {})).toMatchObject({ needed: 10, missing: 10 });
    expect(refused([...queries.slice(1), { ...queries[0]!, query: [1] }])).toBeInstanceOf(VectorError);
    expect(refused([...queries.slice(1), { ...queries[0]!, query: [1] }]).parameter).toMatch(/^queries\[9\]/);
  });

  test("is part of tune, with the setting that it chose", () => {
    const queries = labelled(40, (l) => l + 2);
    const request = { queries, relevanceScale: wide, detect: 1 } as const;
    const { chosen, relevance } = tune(request);
    expect(chosen.options.relevanceScale).toEqual(wide);
    expect(relevance).toEqual(calibrate(queries, chosen.options));
    const mute = queries.map(({ queryText: _, ...query }) => query);
    expect(
      tune({ ...request, queries: mute, settings: [{ name: "c", options: { relevanceScale: null } }] })
        .relevance,
    ).toBeNull();
    expect(() => tune({ ...request, relevanceScale: "ada" as "all-MiniLM-L6-v2" })).toThrow(
      /^relevanceScale/,
    );
  });
});

describe("learnScale", () => {
  const pools = (n: number) =>
    Array.from({ length: n }, (_, p) => ({
      query: randomRow(5, 500 + p),
      candidates: randomRows(7, 5, 900 + p).map((embedding) => ({ embedding })),
    }));

  test("is the median and the distance of the quartiles of each query's best cosine in the others' pools", () => {
    const seen = pools(11);
    const best = seen
      .flatMap(({ query }, q) =>
        seen.flatMap(({ candidates }, p) =>
          p === q ? [] : [Math.max(...candidates.map(({ embedding }) => cosine(embedding, query)))],
        ),
      )
      .sort((a, b) => a - b);
    // 110 values: the quartiles lie between the 28th and 29th, the 82nd and 83rd, counted from 1.
    const between = (at: number) =>
      best[Math.floor(at)]! + (at % 1) * (best[Math.ceil(at)]! - best[Math.floor(at)]!);
    const { mean, spread } = learnScale(seen);
    expect(mean).toBeCloseTo((best[54]! + best[55]!) / 2, 3);
    expect(spread).toBeCloseTo((between(81.75) - between(27.25)) / 1.349, 3);
    expect(resolveOptions({ relevanceScale: { mean, spread } }).relevanceScale).toEqual({ mean, spread });
  });

  test("passes over candidates without a vector", () => {
    const seen = pools(10);
    const holes = seen.map((pool) => ({ ...pool, candidates: [...pool.candidates, { embedding: null }] }));
    expect(learnScale(holes)).toEqual(learnScale(seen));
  });

  test("refuses fewer than ten pools, and names the one at fault", () => {
    expect(() => learnScale(pools(9))).toThrow(TuneError);
    expect(() => learnScale(pools(9))).toThrow(/^pools: 9 .* 1 more/);
    const change = (changed: object) =>
      pools(10).map((pool, p) => (p === 4 ? { ...pool, ...changed } : pool));
    expect(() => learnScale(change({ query: [1] }))).toThrow(/^pools\[4\]\.query: /);
    expect(() => learnScale(change({ candidates: [{}] }))).toThrow(/^pools\[4\]\.candidates: .*vector/);
    expect(() => learnScale(change({ candidates: [{ embedding: [1, Number.NaN, 0, 0, 0] }] }))).toThrow(
      /^pools\[4\]\.candidates\[0\]\.embedding/,
    );
  });
});
