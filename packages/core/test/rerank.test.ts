import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Candidate, type Options, type Ranked, type RerankRequest, rerank } from "../src/index.ts";
import { cosine, permuted, pools, randomRow, randomRows, requests, type TestCandidate } from "./support.ts";

/** Options that change what is computed, over all their kinds. */
const options: fc.Arbitrary<Options> = fc.record({
  neighbors: fc.constantFrom(1, 3, 30),
  graph: fc.constantFrom("union" as const, "mutual" as const),
  lamC: fc.constantFrom(0, 2),
  feedback: fc.constantFrom(0, 0.3, 2),
  feedbackDocuments: fc.constantFrom(1, 8),
  textWeight: fc.constantFrom(0, 0.5, 2),
  normalize: fc.boolean(),
});

const keys = fc.array(fc.nat(), { minLength: 16, maxLength: 16 });

/** More than any pool here holds: the bundle is the whole ranking. */
const all = { k: 99, copies: "keep" } as const;

const byId = <C extends Candidate>(bundle: Ranked<C>[]) =>
  Object.fromEntries(bundle.map(({ id, score, parts, terms }) => [id, { score, parts, terms }]));

const idsOf = (bundle: readonly { readonly id: string }[]): string[] => bundle.map(({ id }) => id);

describe("the bundle", () => {
  test("holds the k best of the candidates, each once, ranked from 1 by falling score, the very objects that came", () => {
    fc.assert(
      fc.property(requests(), options, fc.integer({ min: 1, max: 16 }), (request, how, k) => {
        const { bundle } = rerank({ ...request, ...how, ...all, k });
        expect(bundle.length).toBe(Math.min(k, request.candidates.length));
        expect(new Set(idsOf(bundle)).size).toBe(bundle.length);
        bundle.forEach((entry, place) => {
          expect(entry.rank).toBe(place + 1);
          expect(entry.candidate).toBe(request.candidates[entry.inputRank - 1]);
          expect(entry.id).toBe(entry.candidate.id);
          if (place > 0) expect(entry.score!).toBeLessThanOrEqual(bundle[place - 1]!.score!);
        });
      }),
    );
  });

  test("of k is the beginning of that of k + 1", () => {
    fc.assert(
      fc.property(requests(), options, fc.integer({ min: 1, max: 14 }), (request, how, k) => {
        const larger = rerank({ ...request, ...how, k: k + 1 }).bundle;
        expect(rerank({ ...request, ...how, k }).bundle).toEqual(larger.slice(0, k));
      }),
    );
  });

  test("shows the terms of each score, which add up to it, and the parts that they were made from", () => {
    fc.assert(
      fc.property(requests(), options, (request, how) => {
        for (const { score, terms, parts, candidate } of rerank({ ...request, ...how, ...all }).bundle) {
          const sum = Object.values(terms!).reduce((total, term) => total + term, 0);
          const size = Object.values(terms!).reduce((total, term) => total + Math.abs(term), 1);
          expect(Math.abs(score! - sum)).toBeLessThan(1e-12 * size);
          expect(Math.abs(parts!.similarity! - cosine(candidate.embedding, request.query))).toBeLessThan(
            2e-6,
          );
          expect(parts!.trust).toBe(candidate.trust);
          if (how.textWeight === 0) expect(terms).not.toHaveProperty("grams");
          if (candidate.trust === 1) expect(terms!.trust).toBe(0);
        }
      }),
    );
  });

  test("is empty for no candidates", () => {
    const { bundle, receipt } = rerank({ query: [1, 2], queryText: "sail", candidates: [] });
    expect(bundle).toEqual([]);
    expect(receipt).toMatchObject({ inputs: { n: 0, d: 2, missing: 0 }, bundle: [], deltaH_total: 0 });
  });

  test("of one candidate is that candidate, at the average of its pool", () => {
    const { bundle } = rerank({ query: [1, 2], candidates: [{ embedding: [2, -1] }] });
    expect(bundle).toMatchObject([{ id: "0", rank: 1, inputRank: 1, score: 0 }]);
  });
});

describe("the order in which candidates come", () => {
  test("changes no bit of any score", () => {
    fc.assert(
      fc.property(requests({ maxN: 16 }), options, keys, (request, how, by) => {
        const came = rerank({ ...request, ...how, ...all });
        const candidates = permuted(request.candidates, by);
        const shuffled = rerank({ ...request, ...how, ...all, candidates });
        expect(byId(shuffled.bundle)).toEqual(byId(came.bundle));
        // Null points and the best are named by their places.
        const { bundle, inputs, digest, t_ms, null_points, meta, evidence, ...figures } = came.receipt;
        expect({ ...shuffled.receipt.evidence, best: null }).toEqual({ ...evidence, best: null });
        expect(shuffled.receipt.null_points).toHaveLength(null_points!.length);
        expect(shuffled.receipt).toMatchObject({
          ...figures,
          meta: { ...meta, state_sig: shuffled.receipt.meta.state_sig },
        });
      }),
      { numRuns: 300 },
    );
  });

  test("changes no bit in a pool of several tiles and column blocks either", () => {
    const n = 150;
    const rows = randomRows(n, 130, 1);
    // Copies and ties besides.
    for (let i = 0; i < 20; i++) rows[i + 100] = rows[i]!;
    const candidates = rows.map((embedding, i) => ({
      id: `#${i}`,
      embedding,
      text: `text ${i % 7} of ${i % 3}`,
    }));
    const query = randomRow(130, 2);
    const came = rerank({ query, queryText: "text 3", candidates, k: n });
    const order = randomRow(n, 3);
    const shuffled = rerank({ query, queryText: "text 3", candidates: permuted(candidates, order), k: n });
    expect(byId(shuffled.bundle)).toEqual(byId(came.bundle));
  });

  test("decides between equal scores alone", () => {
    fc.assert(
      fc.property(requests(), options, (request, how) => {
        const { bundle } = rerank({ ...request, ...how, ...all });
        for (let place = 1; place < bundle.length; place++) {
          const [above, below] = [bundle[place - 1]!, bundle[place]!];
          if (above.score === below.score) expect(above.inputRank).toBeLessThan(below.inputRank);
        }
      }),
    );
  });

  test("decides between copies: the same vector, text and trust have the same score, bit for bit", () => {
    const withCopies = requests({ maxN: 8 }).chain(({ candidates, ...request }) =>
      fc.array(fc.nat(candidates.length - 1), { minLength: 1, maxLength: 6 }).map((copied) => ({
        ...request,
        candidates: [
          ...candidates,
          ...copied.map(
            (of, i): TestCandidate => ({ ...candidates[of]!, id: `copy ${i} of ${candidates[of]!.id}` }),
          ),
        ],
        copied,
        originals: candidates.length,
      })),
    );
    fc.assert(
      fc.property(withCopies, options, keys, ({ copied, originals, ...request }, how, by) => {
        const candidates = permuted(request.candidates, by);
        const { bundle } = rerank({ ...request, ...how, ...all, candidates });
        const entryOf = (i: number) => bundle.find(({ candidate }) => candidate === request.candidates[i])!;
        copied.forEach((of, i) => {
          const [original, copy] = [entryOf(of), entryOf(originals + i)];
          expect(copy.score).toBe(original.score);
          expect(copy.parts).toEqual(original.parts);
          expect(copy.rank < original.rank).toBe(copy.inputRank < original.inputRank);
        });
      }),
      { numRuns: 200 },
    );
  });
});

describe("the length of vectors", () => {
  const scaled = (request: { query: number[]; candidates: TestCandidate[] }, c: number, q: number) => ({
    ...request,
    query: request.query.map((v) => v * q),
    candidates: request.candidates.map((candidate) => ({
      ...candidate,
      embedding: candidate.embedding.map((v) => v * c),
    })),
  });

  test("does not matter, bit for bit, for factors that are powers of two", () => {
    const exponents = fc.integer({ min: -60, max: 60 });
    fc.assert(
      fc.property(requests(), exponents, exponents, (request, c, q) => {
        const { bundle } = rerank({ ...request, ...all });
        const other = rerank({ ...scaled(request, 2 ** c, 2 ** q), ...all }).bundle;
        expect(byId(other)).toEqual(byId(bundle));
        expect(idsOf(other)).toEqual(idsOf(bundle));
      }),
    );
  });

  test("does not matter but for rounding, for any factor", () => {
    const factor = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(requests(), factor, factor, (request, c, q) => {
        // A complete graph: rounding may break a tie at the k-th neighbour.
        const { bundle } = rerank({ ...request, ...all });
        const other = rerank({ ...scaled(request, c, q), ...all }).bundle;
        for (const { id, parts } of bundle) {
          const entry = other.find((o) => o.id === id)!;
          expect(Math.abs(entry.parts!.similarity! - parts!.similarity!)).toBeLessThan(2e-6);
          expect(entry.parts!.grams).toBe(parts!.grams);
        }
        const spreadOf = (part: string) => {
          const values = bundle.map(({ parts }) => parts![part] ?? 0);
          return Math.max(...values) - Math.min(...values);
        };
        const narrow = (part: string) => spreadOf(part) > 0 && spreadOf(part) < 0.1;
        if (narrow("similarity") || narrow("feedback")) return;
        // Cosines that spread over a tenth or more and move by 2e-6 move a score by less than a tenth.
        for (const above of bundle) {
          for (const below of bundle) {
            if (above.score! - below.score! < 0.1) continue;
            expect(other.findIndex((o) => o.id === above.id)).toBeLessThan(
              other.findIndex((o) => o.id === below.id),
            );
          }
        }
      }),
    );
  });
});

describe("trust", () => {
  const evil = fc.record({
    trust: fc.constant(0),
    at: fc.nat(),
    text: fc.constantFrom("solar sail in the light", "", "other"),
  });

  test("0 excludes a candidate: it is in no bundle and changes no score", () => {
    fc.assert(
      fc.property(requests(), options, evil, (request, how, { at, trust, text }) => {
        const place = at % (request.candidates.length + 1);
        for (const embedding of [request.query, request.candidates[0]!.embedding, undefined]) {
          const excluded = { id: "excluded", trust, text, ...(embedding && { embedding }) };
          const candidates: Candidate[] = request.candidates.toSpliced(place, 0, excluded as TestCandidate);
          const { bundle, receipt } = rerank({ ...request, ...how, ...all, candidates });
          expect(byId(bundle)).toEqual(byId(rerank({ ...request, ...how, ...all }).bundle));
          expect(receipt.inputs.excluded).toBe(1);
        }
      }),
    );
  });

  test("of all 0 leaves an empty bundle", () => {
    const candidates = randomRows(4, 3, 4).map((embedding) => ({ embedding, trust: 0 }));
    const { bundle, receipt } = rerank({ query: [1, 2, 3], candidates });
    expect(bundle).toEqual([]);
    expect(receipt.inputs).toMatchObject({ n: 4, excluded: 4, missing: 0 });
  });

  test("tells candidates apart that nothing else does: of copies, the more trusted stands first", () => {
    const trust = [0.3, 1, 0.02, 0.6];
    const candidates = trust.map((t, i) => ({ id: `${i}`, embedding: [1, 2, 3], text: "sail", trust: t }));
    const request = { query: [1, 1, 1], queryText: "sail", candidates };
    const other = { id: "other", embedding: [3, -2, 1], text: "", trust: 1 };
    const among = rerank({ ...request, candidates: [...candidates, other] }).bundle;
    expect(idsOf(among).filter((id) => id !== "other")).toEqual(["1", "3", "0", "2"]);
    expect(idsOf(rerank(request).bundle)).toEqual(["1", "3", "0", "2"]);
  });

  test("near 0 leaves a candidate last, were it the best by far", () => {
    fc.assert(
      fc.property(requests({ minN: 2 }), ({ candidates, ...request }) => {
        const pool = candidates.map((c) => ({ ...c, trust: 1 }));
        const trap = { id: "trap", embedding: request.query, text: request.queryText, trust: 1e-4 };
        const { bundle } = rerank({ ...request, candidates: [trap, ...pool], ...all });
        expect(bundle.at(-1)!.id).toBe("trap");
      }),
    );
  });
});

describe("candidates without a vector", () => {
  const gap = fc.constantFrom(undefined, null, "zero" as const);

  /** A request in which some candidates lack their vector. */
  const withGaps = requests().chain((request) =>
    fc.array(fc.tuple(fc.nat(), gap), { minLength: 1, maxLength: 4 }).map((gaps) => {
      const candidates: Candidate[] = [...request.candidates];
      gaps.forEach(([at, kind], i) => {
        const embedding = kind === "zero" ? request.query.map(() => 0) : kind;
        const lacking = {
          id: `gap ${i}`,
          text: "solar sail",
          ...(kind === undefined ? {} : { embedding: embedding! }),
        };
        candidates.splice(at % (candidates.length + 1), 0, lacking);
      });
      return { ranked: request, candidates };
    }),
  );

  test("change no score of the others, come last in the order they came, and are counted", () => {
    fc.assert(
      fc.property(withGaps, options, ({ ranked, candidates }, how) => {
        const alone = rerank({ ...ranked, ...how, ...all }).bundle;
        const { bundle, receipt } = rerank({ ...ranked, ...how, ...all, candidates });
        const gaps = candidates.filter((c) => String(c.id).startsWith("gap"));
        expect(byId(bundle.slice(0, alone.length))).toEqual(byId(alone));
        expect(idsOf(bundle)).toEqual([...idsOf(alone), ...gaps.map((c) => c.id)]);
        for (const entry of bundle.slice(alone.length)) {
          expect(entry).toMatchObject({ score: null, parts: null, terms: null });
          expect(entry.candidate).toBe(candidates[entry.inputRank - 1]);
        }
        expect(bundle.map(({ rank }) => rank)).toEqual(bundle.map((_, place) => place + 1));
        expect(receipt.inputs.missing).toBe(gaps.length);
      }),
    );
  });

  test("are appended only where k leaves room, and left out if dropped", () => {
    fc.assert(
      fc.property(withGaps, fc.integer({ min: 1, max: 16 }), ({ ranked, candidates }, k) => {
        const whole = rerank({ ...ranked, candidates, ...all }).bundle;
        expect(rerank({ ...ranked, candidates, ...all, k }).bundle).toEqual(whole.slice(0, k));
        const dropped = rerank({ ...ranked, candidates, ...all, missing: "drop" });
        expect(dropped.bundle).toEqual(whole.filter(({ score }) => score !== null));
        expect(dropped.receipt.inputs.missing).toBe(whole.length - dropped.bundle.length);
      }),
    );
  });

  test("may be all there are", () => {
    const candidates = [{ text: "solar sail" }, { embedding: null }, {}];
    const { bundle, receipt } = rerank({
      query: [1, 2],
      queryText: "sail",
      candidates,
      missing: "append",
    });
    expect(bundle.map(({ candidate, score }) => [candidate, score])).toEqual(
      candidates.map((c) => [c, null]),
    );
    expect(receipt.inputs).toMatchObject({ n: 3, d: 2, missing: 3 });
    expect(rerank({ query: [1, 2], candidates, missing: "drop" }).bundle).toEqual([]);
  });
});

describe("words", () => {
  test("that no candidate has, or the query, or of no weight: the vectors decide alone", () => {
    fc.assert(
      fc.property(requests(), (request) => {
        const { queryText: _, ...wordless } = request;
        const silent = request.candidates.map((candidate) => ({ ...candidate, text: "" }));
        const expected = idsOf(rerank({ ...wordless, ...all }).bundle);
        expect(idsOf(rerank({ ...request, ...all, textWeight: 0 }).bundle)).toEqual(expected);
        expect(idsOf(rerank({ ...request, ...all, queryText: " " }).bundle)).toEqual(expected);
        const { bundle } = rerank({ ...request, ...all, candidates: silent });
        expect(idsOf(bundle)).toEqual(expected);
        for (const { parts, terms } of bundle) {
          expect(parts).not.toHaveProperty("grams");
          expect(terms).not.toHaveProperty("grams");
        }
      }),
    );
  });

  test("decide where the cosines differ by float32's rounding alone", () => {
    // Every candidate is a rotation of one vector, so its cosine with (1, …, 1) is the same in exact arithmetic.
    const values = randomRow(16, 5);
    const candidates = values.map((_, turn) => ({
      id: `${turn}`,
      embedding: [...values.slice(turn), ...values.slice(0, turn)],
      text: turn % 2 === 1 ? "the solar sail" : "the tax form",
    }));
    const { bundle } = rerank({
      query: values.map(() => 1),
      queryText: "solar sail",
      candidates,
      lamC: 0,
      feedback: 0,
      ...all,
    });
    expect(idsOf(bundle)).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 14].map(String));
  });
});

describe("the profile cosine", () => {
  /** That the bundle takes, place by place, a candidate of the largest value, as far as rounding can tell. */
  function expectGreedy(
    request: { query: number[]; candidates: readonly { embedding: number[] }[] },
    bundle: Ranked<{ embedding: number[] }>[],
    diversity: number,
  ): void {
    const chosen: number[][] = [];
    let left = request.candidates.map((c) => c.embedding);
    for (const { candidate } of bundle) {
      const value = (row: number[]) => {
        const nearest = chosen.length === 0 ? 0 : Math.max(...chosen.map((other) => cosine(row, other)));
        return (1 - diversity) * cosine(row, request.query) - diversity * nearest;
      };
      expect(value(candidate.embedding)).toBeGreaterThanOrEqual(Math.max(...left.map(value)) - 1e-5);
      chosen.push(candidate.embedding);
      left = left.toSpliced(left.indexOf(candidate.embedding), 1);
    }
  }

  const plain = pools({ minN: 2 }).map(({ rows, query }) => ({
    query,
    candidates: rows.map((row) => ({ embedding: [...row] })),
  }));

  test("ranks by cosine", () => {
    fc.assert(
      fc.property(plain, (request) => {
        const { bundle } = rerank({ ...request, profile: "cosine", ...all });
        expectGreedy(request, bundle, 0);
      }),
    );
  });

  test("with diversity chooses as textbook maximal marginal relevance does", () => {
    fc.assert(
      fc.property(
        plain,
        fc.constantFrom(0.1, 0.5, 0.9),
        fc.integer({ min: 1, max: 12 }),
        (request, diversity, k) => {
          const { bundle } = rerank({ ...request, profile: "cosine", diversity, k });
          expect(bundle.length).toBe(Math.min(k, request.candidates.length));
          expectGreedy(request, bundle, diversity);
        },
      ),
    );
  });

  test("ignores words, and options given beside it override it", () => {
    fc.assert(
      fc.property(requests(), (request) => {
        const { queryText: _, ...wordless } = request;
        const scores = ({ bundle }: { bundle: Ranked[] }) => bundle.map(({ id, score }) => [id, score]);
        const cosineAlone = rerank({ ...request, profile: "cosine", ...all });
        expect(scores(cosineAlone)).toEqual(scores(rerank({ ...wordless, profile: "cosine", ...all })));
        const weights = { lamC: 0.5, textWeight: 1, linkWeight: 0.4, listWeight: 0.4, feedback: 0.3 };
        const byHand = rerank({ ...request, profile: "cosine", ...weights, ...all });
        expect(scores(byHand)).toEqual(scores(rerank({ ...request, ...all })));
      }),
    );
  });
});

describe("diversity", () => {
  test("0 is the ranking; 1 keeps the first and then looks at novelty alone", () => {
    fc.assert(
      fc.property(requests(), (request) => {
        const ranking = rerank({ ...request, ...all }).bundle;
        expect(rerank({ ...request, ...all, diversity: 0 }).bundle).toEqual(ranking);
        const novel = rerank({ ...request, ...all, diversity: 1 }).bundle;
        expect(novel[0]!.id).toBe(ranking[0]!.id);
        const chosen: number[][] = [];
        let left = ranking.map(({ candidate }) => candidate);
        for (const { candidate } of novel) {
          const nearest = (c: TestCandidate) => Math.max(-1, ...chosen.map((o) => cosine(c.embedding, o)));
          if (chosen.length > 0) {
            expect(nearest(candidate)).toBeLessThanOrEqual(Math.min(...left.map(nearest)) + 1e-6);
          }
          chosen.push(candidate.embedding);
          left = left.filter((c) => c !== candidate);
        }
      }),
    );
  });

  test("any share of it keeps each candidate's score, and takes k of them in order of choice", () => {
    fc.assert(
      fc.property(
        requests(),
        fc.constantFrom(0.2, 0.5, 1),
        fc.integer({ min: 1, max: 12 }),
        (request, diversity, k) => {
          const scores = byId(rerank({ ...request, ...all }).bundle);
          const { bundle } = rerank({ ...request, diversity, ...all, k });
          const whole = rerank({ ...request, diversity, ...all }).bundle;
          expect(scores).toMatchObject(byId(bundle));
          expect(bundle).toEqual(whole.slice(0, k));
          expect(bundle.length).toBe(Math.min(k, request.candidates.length));
        },
      ),
    );
  });

  test("spreads a bundle over copies: the second choice is the other document", () => {
    const candidates = [
      { id: "a", embedding: [1, 0.2] },
      { id: "copy of a", embedding: [1, 0.2] },
      { id: "b", embedding: [0.5, 1] },
    ];
    const request: RerankRequest = { query: [1, 0.3], candidates, k: 2, profile: "cosine" };
    expect(idsOf(rerank(request).bundle)).toEqual(["a", "copy of a"]);
    expect(idsOf(rerank({ ...request, diversity: 0.5 }).bundle)).toEqual(["a", "b"]);
  });
});

describe("what came in", () => {
  const deepFreeze = <T>(value: T): T => {
    if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
      Object.values(value).forEach(deepFreeze);
      Object.freeze(value);
    }
    return value;
  };

  test("may be frozen through and through, and gives the same", () => {
    fc.assert(
      fc.property(requests(), options, (request, how) => {
        const expected = rerank({ ...request, ...how });
        const { bundle, receipt } = rerank(deepFreeze(structuredClone({ ...request, ...how })));
        expect(bundle).toEqual(expected.bundle);
        expect(receipt.digest).toBe(expected.receipt.digest);
      }),
    );
  });

  test("stays as it was, typed arrays too, and further fields come back untouched", () => {
    fc.assert(
      fc.property(requests(), options, (request, how) => {
        const typed = {
          ...request,
          ...how,
          query: Float32Array.from(request.query),
          candidates: request.candidates.map((c) => ({
            ...c,
            embedding: Float64Array.from(c.embedding),
            extra: { page: 7 },
          })),
        };
        const before = structuredClone(typed);
        const { bundle } = rerank(typed);
        expect(typed).toEqual(before);
        for (const { candidate, inputRank } of bundle)
          expect(candidate.extra).toBe(typed.candidates[inputRank - 1]!.extra);
      }),
    );
  });

  test("may change before the receipt is read, all of it, and the receipt is that of what came", () => {
    /** Puts something else in the place of every value, however deep. */
    const spoil = (value: object): void => {
      if (ArrayBuffer.isView(value)) (value as Float32Array).fill(7);
      else {
        for (const [name, own] of Object.entries(value)) {
          if (typeof own === "object" && own !== null) spoil(own);
          Reflect.set(value, name, typeof own === "number" ? own + 1 : `not ${own}`);
        }
        if (Array.isArray(value)) value.reverse();
      }
    };
    fc.assert(
      fc.property(requests({ minN: 2 }), options, fc.nat(3), (plain, how, kind) => {
        const [typed, scored, published] = [kind === 1, kind === 2, kind === 3];
        const make = () => {
          const profile = published ? ({ profile: "reference" } as const) : {};
          const { query, ...request } = structuredClone({ ...plain, ...how, ...profile });
          const candidates = request.candidates.map(({ embedding, ...candidate }, i) => ({
            ...candidate,
            title: `title ${i % 3}`,
            links: [`#${i + 1}`],
            ...(scored
              ? { score: embedding[0]! }
              : { embedding: typed ? Float32Array.from(embedding) : embedding }),
          }));
          return {
            ...request,
            ...(!scored && { query }),
            candidates,
            vectors: { fromStore: 3, reembedded: 4 },
            context: { request: "r-1", at: 7 },
            relevanceScale: { mean: 0.1, spread: 0.2 },
            relevanceCalibration: { level: 0.5, slope: 2 },
          };
        };
        const { t_ms: _, ...expected } = rerank(make()).receipt;
        const request = make();
        const result = rerank(request);
        spoil(request);
        const { t_ms, ...receipt } = result.receipt;
        expect(receipt).toEqual(expected);
        expect(t_ms).toBeGreaterThan(0);
      }),
    );
  });

  test("is read off once: the receipt is there for a spread, for JSON and for a clone, and is always the same", () => {
    const request = { query: [1, 2], candidates: [{ embedding: [1, 2] }, { embedding: [2, 1] }] };
    const results = [rerank(request), rerank({ ...request, query: [2, 1] })];
    expect(Object.keys(results[0]!)).toEqual(["bundle", "receipt"]);
    // In another order than they were made.
    const [second, first] = [results[1]!.receipt, results[0]!.receipt];
    expect(first.digest).not.toBe(second.digest);
    expect(results[0]!.receipt).toBe(first);
    expect({ ...results[0]! }.receipt).toBe(first);
    expect(JSON.parse(JSON.stringify(results[0]!)).receipt).toEqual(JSON.parse(JSON.stringify(first)));
    expect(structuredClone(results[0]!).receipt).toEqual(first);
  });

  test("is not kept: a receipt does not change when the inputs do later", () => {
    const request = {
      query: [1, 2],
      candidates: [
        { id: "a", embedding: [1, 2] },
        { id: "b", embedding: [2, 1] },
      ],
    };
    const { receipt } = rerank(request);
    const text = JSON.stringify(receipt);
    request.query[0] = 9;
    request.candidates[0]!.embedding[0] = 9;
    request.candidates[0]!.id = "z";
    expect(JSON.stringify(receipt)).toBe(text);
  });
});
