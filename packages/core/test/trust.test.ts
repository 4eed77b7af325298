import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Candidate, type Options, type Ranked, rerank } from "../src/index.ts";
import { requests, type TestCandidate } from "./support.ts";

interface Request {
  readonly query: number[];
  readonly queryText?: string;
  readonly candidates: TestCandidate[];
}

/** Options under which trust takes its share of the score: all but the profile `reference` and a diversity. */
const options: fc.Arbitrary<Options> = fc.record({
  profile: fc.constantFrom("evidence" as const, "cosine" as const),
  neighbors: fc.constantFrom(1, 3, 30),
  lamC: fc.constantFrom(0, 2),
  textWeight: fc.constantFrom(0, 0.5, 2),
  feedback: fc.constantFrom(0, 0.3, 2),
  normalize: fc.boolean(),
});

/** Pools of every kind, ties and copies among them, with the query's words and without. */
const cases: fc.Arbitrary<Request> = fc
  .tuple(requests({ maxN: 14 }), fc.boolean())
  .map(([{ queryText, ...request }, words]) => ({ ...request, ...(words && { queryText }) }));

/** Down to what is hardly trusted at all, and values that lie next to each other. */
const trust = fc.oneof(
  fc.constantFrom(1, 0.995, 0.5, 0.1, 0.01, 1e-6, 1 - 2 ** -53, 0.5 + 2 ** -53),
  fc.double({ min: 1e-9, max: 1, noNaN: true }),
);

/** Which of two copies is the better one, and which comes last, follows from their trust: copies are kept, but where said. */
const ranked = (request: Request, how: Options): Ranked<TestCandidate>[] =>
  rerank({ ...request, copies: "keep", ...how, k: 99 }).bundle;

/** The request with other trusts: `of` gives those of the candidates that it changes. */
const trusting = (request: Request, of: (i: number) => number | undefined): Request => ({
  ...request,
  candidates: request.candidates.map((candidate, i) => ({ ...candidate, trust: of(i) ?? candidate.trust })),
});

const idsOf = (bundle: readonly { readonly id: string }[]): string[] => bundle.map(({ id }) => id);

const entryOf = (bundle: Ranked<TestCandidate>[], id: string): Ranked<TestCandidate> =>
  bundle.find((entry) => entry.id === id)!;

const scoresOf = (bundle: readonly Ranked<Candidate>[]) =>
  bundle.map(({ id, score, parts, terms }) => ({ id, score, parts, terms }));

/** A document, chosen by any number. */
const at = fc.nat();

describe("raising a candidate's trust", () => {
  test("never lowers its rank, nor its score", () => {
    fc.assert(
      fc.property(cases, options, at, trust, trust, fc.boolean(), (request, how, pick, a, b, last) => {
        const i = pick % request.candidates.length;
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((value) => {
          const bundle = ranked(
            trusting(request, (j) => (j === i ? value : undefined)),
            { ...how, copies: last ? "last" : "keep" },
          );
          return entryOf(bundle, `#${i}`);
        });
        expect(more!.rank).toBeLessThanOrEqual(less!.rank);
        expect(more!.score).toBeGreaterThanOrEqual(less!.score!);
      }),
      { numRuns: 500 },
    );
  });

  test("never lowers its rank among documents that name one another, though it lifts those that it names", () => {
    const title = fc.constantFrom("", "Alpha", "Beta", "Moon Base", "Sail");
    const word = fc.oneof(title, fc.constantFrom("sun", "wind", "light", "probe"));
    const one = fc.record({
      title,
      text: fc.array(word, { maxLength: 6 }).map((words) => words.join(" ")),
      embedding: fc.tuple(...Array.from({ length: 3 }, () => fc.double({ min: -1, max: 1, noNaN: true }))),
      trust,
    });
    let lifted = 0;
    fc.assert(
      fc.property(fc.array(one, { minLength: 3, maxLength: 10 }), fc.nat(), trust, (pool, pick, other) => {
        const i = pick % pool.length;
        const request = (of: number) => ({
          query: [1, 0.3, 0.2],
          queryText: "sun sail probe",
          candidates: pool.map((c, j) => ({ ...c, id: `#${j}`, trust: j === i ? of : c.trust })),
        });
        const [low, high] = [pool[i]!.trust, other].sort((a, b) => a - b);
        const [before, after] = [low!, high!].map((of) => ranked(request(of) as Request, {}));
        const rankIn = (bundle: typeof before) => bundle!.find(({ id }) => id === `#${i}`)?.rank;
        if (rankIn(before) === undefined) return;
        expect(rankIn(after)).toBeLessThanOrEqual(rankIn(before)!);
        lifted += after!.filter(({ terms }) => (terms?.links ?? 0) > 0).length;
      }),
      { numRuns: 500 },
    );
    expect(lifted).toBeGreaterThan(100);
  });

  test("can raise it from the last place to the first", () => {
    const candidates = [
      [1, 0.1],
      [1, 0.5],
      [1, 1],
      [0, 1],
    ].map((embedding, i) => ({ id: `#${i}`, embedding }));
    const rankAt = (of: number) => {
      const pool = candidates.map((c, i) => (i === 0 ? { ...c, trust: of } : c));
      return rerank({ query: [1, 0], candidates: pool }).bundle.find(({ id }) => id === "#0")!.rank;
    };
    expect([0.01, 0.5, 0.95, 1].map(rankAt)).toEqual([4, 3, 1, 1]);
  });

  test("changes no bit of what is known of the others, nor their order", () => {
    fc.assert(
      fc.property(cases, options, at, trust, trust, (request, how, pick, a, b) => {
        const i = pick % request.candidates.length;
        const [one, other] = [a, b].map((value) => {
          const bundle = ranked(
            trusting(request, (j) => (j === i ? value : undefined)),
            how,
          );
          return scoresOf(bundle.filter(({ id }) => id !== `#${i}`));
        });
        expect(other).toEqual(one);
      }),
      { numRuns: 300 },
    );
  });

  test("adds to its score in proportion", () => {
    fc.assert(
      fc.property(cases, options, at, trust, (request, how, pick, value) => {
        const i = pick % request.candidates.length;
        const scoreAt = (of: number) => {
          const bundle = ranked(
            trusting(request, (j) => (j === i ? of : undefined)),
            how,
          );
          return entryOf(bundle, `#${i}`).score!;
        };
        const [whole, half, given] = [1, 0.5, value].map(scoreAt);
        // From half to whole trust it gains half its lead over one deviation below the pool's lowest.
        const lead = 2 * (whole! - half!);
        expect(lead).toBeGreaterThan(1 - 1e-9);
        expect(given).toBeCloseTo(whole! - (1 - value) * lead, 9);
      }),
      { numRuns: 300 },
    );
  });

  test("in proportion to its lead over one deviation below the pool's lowest", () => {
    fc.assert(
      fc.property(cases, options, trust, (request, how, value) => {
        const plain = ranked(
          trusting(request, () => 1),
          how,
        );
        const lowest = plain.at(-1)!.score!;
        for (const { id, score } of ranked(
          trusting(request, () => value),
          how,
        )) {
          const lead = entryOf(plain, id).score! - (lowest - 1);
          expect(score).toBeCloseTo(lowest - 1 + value * lead, 9);
        }
      }),
    );
  });
});

describe("trust 0", () => {
  test("of some is as if they had never come: the same scores and the same order of the others", () => {
    const excluded = fc.array(fc.boolean(), { minLength: 14, maxLength: 14 });
    fc.assert(
      fc.property(cases, options, excluded, (request, how, out) => {
        const without = { ...request, candidates: request.candidates.filter((_, i) => !out[i]) };
        const distrusted = trusting(request, (i) => (out[i] ? 0 : undefined));
        expect(scoresOf(ranked(distrusted, how))).toEqual(scoresOf(ranked(without, how)));
      }),
      { numRuns: 300 },
    );
  });

  test("is more than hardly any trust: what is excluded is no one's neighbour", () => {
    const candidates = [
      [1, 0.2],
      [1, 1],
      [0.2, 1],
    ].map((embedding, i) => ({ id: `#${i}`, embedding }));
    const namesAt = (of: number) => {
      const pool = candidates.map((c, i) => (i === 2 ? { ...c, trust: of } : c));
      const { bundle } = rerank({ query: [1, 0], candidates: pool });
      return bundle.find(({ id }) => id === "#1")!.neighbours!.map(({ id }) => id);
    };
    expect(namesAt(1e-9)).toEqual(namesAt(1));
    expect(namesAt(1)).toContain("#2");
    expect(namesAt(0)).toEqual(["#0"]);
  });
});

describe("trust 1", () => {
  test("is what a candidate has that comes without: the same bundle and the same receipt", () => {
    fc.assert(
      fc.property(
        cases,
        options,
        fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }),
        (request, how, bare) => {
          const given = request.candidates.map((c, i) => (bare[i] ? { ...c, trust: 1 } : c));
          const left = request.candidates.map(
            ({ trust: of, ...c }, i): Candidate => (bare[i] ? c : { ...c, trust: of }),
          );
          const one = rerank({ ...request, ...how, k: 99, candidates: given });
          const other = rerank<Candidate>({ ...request, ...how, k: 99, candidates: left });
          expect(scoresOf(other.bundle)).toEqual(scoresOf(one.bundle));
          expect(other.receipt.digest).toBe(one.receipt.digest);
        },
      ),
    );
  });
});

describe("among equally trusted candidates", () => {
  /** A lead that is no more than the rounding of the scores may be lost when a share of it is taken. */
  const ROUNDING = 1e-11;

  test("the order is that without any trust, whatever the others are trusted", () => {
    const trusts = fc.array(fc.constantFrom(1, 0.5, 0.1, 0.01), { minLength: 14, maxLength: 14 });
    fc.assert(
      fc.property(cases, options, trusts, (request, how, of) => {
        const plain = ranked(
          trusting(request, () => 1),
          how,
        );
        const places = idsOf(
          ranked(
            trusting(request, (i) => of[i]!),
            how,
          ),
        );
        const trustOf = ({ inputRank }: Ranked) => of[inputRank - 1]!;
        plain.forEach((above, place) => {
          for (const below of plain.slice(place + 1)) {
            const lead = above.score! - below.score!;
            if (trustOf(above) !== trustOf(below) || (lead > 0 && lead < ROUNDING)) continue;
            expect(places.indexOf(above.id)).toBeLessThan(places.indexOf(below.id));
          }
        });
      }),
      { numRuns: 500 },
    );
  });

  test("copies stay in the order in which they came, at any trust", () => {
    fc.assert(
      fc.property(cases, options, trust, (request, how, value) => {
        const candidates = request.candidates.flatMap((c) => [c, { ...c, id: `${c.id} again` }]);
        const places = idsOf(
          ranked(
            trusting({ ...request, candidates }, () => value),
            how,
          ),
        );
        for (const { id } of request.candidates)
          expect(places.indexOf(id)).toBeLessThan(places.indexOf(`${id} again`));
      }),
    );
  });
});
