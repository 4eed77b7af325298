import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Candidate, type Options, rerank } from "../src/index.ts";
import { named } from "../src/rank/named.ts";
import { normalized } from "../src/words/cut.ts";
import { type Linking, type Name, namesOf } from "../src/words/links.ts";

/** A document as {@link namesOf} takes it; its id names nothing unless it is given. */
const document = ({ id = "-", title = "", text = "", links = [] as readonly string[] }): Linking => ({
  id,
  title: normalized(title),
  text: normalized(text),
  links,
});

/** The names among documents, and others that say nothing. */
function names(documents: readonly Parameters<typeof document>[0][], others = 5) {
  const all = [...documents, ...Array.from({ length: others }, () => ({}))];
  return namesOf(all.map(document)).map(({ bearers, namers }) => [bearers, namers]);
}

/** Whether a text says a name, both of words alone, found by cutting at what is no letter or digit. */
function says(text: string, name: string): boolean {
  const words = (from: string) => ` ${from.split(/[^\p{L}\p{N}]+/u).join(" ")} `;
  return words(text).includes(words(name));
}

describe("a name", () => {
  test("is a title or an id that stands in the text of another as a phrase, or an id that another links to", () => {
    expect(names([{ title: "Moon Base" }, { text: "At the moon-base, in 1999." }])).toEqual([[[0], [1]]]);
    expect(names([{ id: "lib/solar.ts" }, { text: "See lib/solar.ts for that." }])).toEqual([[[0], [1]]]);
    expect(names([{ id: "12" }, {}, { links: ["12", "12", "elsewhere"] }])).toEqual([[[0], [2]]]);
    expect(names([{ title: "1984" }, { text: "Orwell wrote 1984." }])).toEqual([[[0], [1]]]);
    expect(names([{ title: "Moon Base" }, { text: "moonbase, moon and base" }])).toEqual([]);
    expect(names([{ title: "Moon Base" }, { text: "the last word is moon" }])).toEqual([]);
    expect(names([{ title: "Moon Base" }, { title: "All of the Moon Base" }])).toEqual([]);
  });

  test("leaves out what stands in parentheses, but where that is all", () => {
    expect(names([{ title: "Ed Wood (film)" }, { text: "Ed Wood was made later." }])).toEqual([[[0], [1]]]);
    expect(names([{ title: "(film)" }, { text: "A film." }])).toEqual([[[0], [1]]]);
  });

  test("has three characters, an id three letters", () => {
    expect(names([{ title: "It" }, { text: "It is." }])).toEqual([]);
    expect(names([{ id: "1984" }, { text: "Orwell wrote 1984." }])).toEqual([]);
    expect(names([{ id: "d12" }, { text: "d12" }])).toEqual([]);
  });

  test("in Han, Kana and Hangul is found within a run of characters", () => {
    expect(names([{ title: "東京駅" }, { text: "私は東京駅前にいます" }])).toEqual([[[0], [1]]]);
    expect(names([{ title: "東京駅" }, { text: "東京の駅" }])).toEqual([]);
  });

  test("is shared by all that bear it, and none of them says it", () => {
    const pages = [
      { title: "Ed Wood", text: "Ed Wood" },
      { title: "Ed Wood (film)", text: "about Ed Wood" },
      { text: "Ed Wood and Ed Wood again" },
      { links: ["elsewhere"] },
    ];
    expect(names(pages)).toEqual([[[0, 1], [2]]]);
    const [name] = namesOf([...pages, {}, {}].map(document));
    expect(name!.share).toBeCloseTo(Math.log(6 / 3) / Math.log(6) / 2, 15);
  });

  test("that all bear or say says nothing, as in a pool of two", () => {
    const pair = [{ title: "Moon Base" }, { text: "moon base" }];
    expect(names(pair, 0)).toEqual([]);
    expect(names([...pair, pair[1]!], 0)).toEqual([]);
    expect(names(pair, 1)).toEqual([[[0], [1]]]);
  });

  test("is found wherever a plain search finds it", () => {
    const word = fc.constantFrom("sun", "sail", "the", "sunny", "a", "été", "x1y");
    const phrase = (most: number) => fc.array(word, { maxLength: most });
    const joined = (most: number) =>
      fc.tuple(phrase(most), fc.constantFrom(" ", ", ", "-")).map(([words, by]) => words.join(by));
    const documents = fc.array(fc.record({ title: joined(3), text: joined(12) }), {
      minLength: 3,
      maxLength: 9,
    });
    let found = 0;
    fc.assert(
      fc.property(documents, (all) => {
        const expected = new Map<string, { bearers: number[]; namers: number[] }>();
        const keyOf = (title: string) => title.split(/[ ,-]+/).join(" ");
        for (const key of new Set(all.map(({ title }) => keyOf(title)))) {
          if (key.replaceAll(" ", "").length < 3) continue;
          const indices = [...all.keys()];
          const bearers = indices.filter((i) => keyOf(all[i]!.title) === key);
          const namers = indices.filter((i) => !bearers.includes(i) && says(all[i]!.text, key));
          if (namers.length > 0 && bearers.length + namers.length < all.length) {
            expected.set(key, { bearers, namers });
          }
        }
        const came = namesOf(all.map(document));
        expect(came.map(({ bearers, namers }) => ({ bearers, namers }))).toEqual([...expected.values()]);
        found += came.length;
      }),
      { numRuns: 500 },
    );
    expect(found).toBeGreaterThan(100);
  });
});

describe("a document that a better one names", () => {
  const name = (bearers: number[], namers: number[], share = 0.5): Name => ({ bearers, namers, share });
  const moved = (y: number[], all: readonly Name[], weight = 1, trust = y.map(() => 1)) => {
    const { term, by } = named(Float64Array.from(y), trust, all, weight);
    return { term: [...term], by: [...by] };
  };

  test("moves part of the way up to the best of them, and the others stay", () => {
    expect(moved([0, 4, 2, 9], [name([0], [1, 2])], 0.4)).toEqual({
      term: [0.4 * 0.5 * 4, 0, 0, 0],
      by: [1, -1, -1, -1],
    });
    expect(moved([5, 4, 5], [name([0], [1, 2])])).toEqual({ term: [0, 0, 0], by: [-1, -1, -1] });
  });

  test("moves less the less that one is trusted, and not at all by one that is not", () => {
    const by = [name([0], [1, 2])];
    expect(moved([2, 6, 4], by, 1, [1, 0.5, 1]).term).toEqual([0.5 * (4 - 2), 0, 0]);
    expect(moved([2, 6, 4], by, 1, [1, 0.5, 0]).term).toEqual([0.5 * (6 - 0.5 * 5 - 2), 0, 0]);
    expect(moved([2, 6, 4], by, 1, [1, 1e-9, 1e-9]).term).toEqual([0, 0, 0]);
  });

  test("moves by the name that moves it most, and by where the others stood before", () => {
    expect(moved([0, 4, 10], [name([0], [1], 0.9), name([0], [2], 0.1)])).toEqual({
      term: [0.9 * 4, 0, 0],
      by: [1, -1, -1],
    });
    const chain = [name([1], [2], 0.5), name([0], [1], 0.5)];
    expect(moved([0, 4, 10], chain).term).toEqual([2, 3, 0]);
    expect(moved([0, 4, 10], chain.toReversed()).term).toEqual([2, 3, 0]);
    // Of two that name each other only the lower one moves.
    expect(moved([0, 4], [name([0], [1]), name([1], [0])]).term).toEqual([2, 0]);
  });

  test("never moves above it, and is told of it in the bundle, by any weight", () => {
    const text = fc.constantFrom("solar sail", "the moon base", "alpha and beta", "beta", "gamma: moon base");
    const title = fc.constantFrom("", "Alpha", "Beta", "Gamma", "Moon Base");
    const one = fc.record({
      text,
      title,
      embedding: fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.constant(1)),
    });
    let count = 0;
    fc.assert(
      fc.property(
        fc.array(one, { minLength: 3, maxLength: 12 }),
        fc.constantFrom(0.2, 0.4, 1),
        (pool, linkWeight) => {
          const candidates = pool.map((candidate, i) => ({ ...candidate, id: `${i}` }) as Candidate);
          const own = (options: Options) => {
            const request = {
              query: [1, 0],
              queryText: "solar moon",
              candidates,
              k: 12,
              copies: "keep",
            } as const;
            const { bundle } = rerank({ ...request, lamC: 0, ...options });
            return new Map(bundle.map((entry) => [entry.id, entry]));
          };
          const [before, after] = [own({ linkWeight: 0 }), own({ linkWeight })];
          for (const [id, { score, namedBy, terms }] of after) {
            const from = before.get(id)!.score!;
            if (namedBy === null) {
              expect(score).toBe(from);
              expect(terms!.links ?? 0).toBe(0);
              continue;
            }
            count++;
            expect(score! - from).toBeCloseTo(terms!.links!, 12);
            expect(terms!.links).toBeGreaterThan(0);
            expect(score).toBeLessThanOrEqual(before.get(namedBy)!.score! + 1e-12);
          }
        },
      ),
    );
    expect(count).toBeGreaterThan(100);
  });
});
