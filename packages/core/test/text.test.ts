import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { textEvidence, type Words, wordsOf } from "../src/rank/text.ts";
import { permuted } from "./support.ts";

/** The grams' channel, of texts without titles. */
const textScores = (query: string, documents: readonly string[]): Float64Array | null =>
  textEvidence(
    query,
    documents.map((text) => ({ title: "", text })),
  )?.grams ?? null;

const K1 = 1.2;
const B = 0.75;

/** Words with a blank on each side, cut into windows of four UTF-16 units; a shorter word is one gram. */
function gramsOf(text: string): string[] {
  const words = text
    .normalize("NFKC")
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return words.flatMap((word) => {
    const padded = ` ${word} `;
    const windows = Math.max(1, padded.length - 3);
    return Array.from({ length: windows }, (_, at) => padded.slice(at, at + 4));
  });
}

/** BM25 by slicing strings and counting them, as its definition reads. */
function naiveScores(
  query: string,
  documents: readonly string[],
  keep = (_: string) => true,
  termsOf = gramsOf,
): number[] | null {
  const grams = new Set(termsOf(query).filter(keep));
  const bags = documents.map(termsOf);
  const total = bags.reduce((sum, bag) => sum + bag.length, 0);
  if (grams.size === 0 || total === 0) return null;
  const n = documents.length;
  const mean = total / n;
  return bags.map((bag) => {
    let score = 0;
    for (const gram of grams) {
      const tf = bag.filter((g) => g === gram).length;
      if (tf === 0) continue;
      const df = bags.filter((other) => other.includes(gram)).length;
      const idf = Math.log(1 + (n - df + 0.5) / (df + 0.5));
      score += (idf * tf * (K1 + 1)) / (tf + K1 * (1 - B + (B * bag.length) / mean));
    }
    return score;
  });
}

function expectNaive(query: string, documents: readonly string[]): void {
  const actual = textScores(query, documents);
  const expected = naiveScores(query, documents);
  if (expected === null) {
    expect(actual).toBeNull();
    return;
  }
  expect(actual).not.toBeNull();
  expected.forEach((score, i) => {
    expect(Math.abs(actual![i]! - score)).toBeLessThanOrEqual(1e-12 * score);
  });
}

/** Any UTF-16: graphemes, code points of every plane, lone surrogates, and few letters that meet often. */
const strings = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 12 }).map((u) => String.fromCharCode(...u)),
  fc.string({
    unit: fc.constantFrom("a", "b", "B", " ", "\n", "ß", "ﬁ", "İ", "\u00a0", "\u3000"),
    maxLength: 30,
  }),
);

describe("BM25 on character 4-grams", () => {
  test("equals a naive one that slices strings, on any text", () => {
    fc.assert(fc.property(strings, fc.array(strings, { maxLength: 8 }), expectNaive), { numRuns: 500 });
  });

  test("equals the naive one where the query is a piece of the documents", () => {
    const cases = fc
      .array(strings, { minLength: 1, maxLength: 6 })
      .chain((documents) => fc.tuple(fc.subarray(documents, { minLength: 1 }), fc.constant(documents)));
    fc.assert(fc.property(cases, ([parts, documents]) => expectNaive(parts.join(" "), documents)));
  });

  test.each([
    ["a repeated gram", "aaaaaaaa", ["aaaa", "aaaaaaaaaaaa", "aaa", "b"]],
    ["words of one, two and three letters", "a ab abc", ["a", "ab", "abc", "abcd", "a ab", "cab"]],
    ["a short word inside a longer one", "in", ["in", "inn", "begin", "in in in"]],
    [
      "white space of every kind",
      "solar\tsail",
      ["solar\u00a0sail", "solar\u3000sail", "solar\ufeffsail", "solarsail"],
    ],
    ["letters of both cases", "SOLAR Sail", ["solar sail", "Solar SAIL", "sOLAR"]],
    ["compatibility characters", "ﬁnal ①", ["final 1", "FINAL", "ﬁnal"]],
    ["halves of surrogate pairs", "\ud83d sail", ["\ud83d", "\ude00", "😀 sail", "sail"]],
    [
      "characters that the query lacks, next to its own",
      "sail",
      ["xsail", "sailx", "sxail", "saxil", "saixl sail"],
    ],
    ["an empty document", "sail", ["", "sail", " \n\t"]],
    ["one document", "sail", ["the sail"]],
  ])("equals the naive one on %s", (_, query, documents) => expectNaive(query, documents));

  test("a query of more different characters than codes has room for loses those beyond, and nothing else", () => {
    const characters = [...Array(12_000).keys()].map((i) => String.fromCharCode(0x3400 + i));
    const query = Array.from({ length: 2000 }, (_, w) => characters.slice(6 * w, 6 * w + 6).join("")).join(
      " ",
    );
    // Two codes are taken, and four digits of base 9741 are the last that stay below 2^53.
    const coded = new Set([" ", ...characters.slice(0, 9739)]);
    const documents = [
      query.slice(0, 700),
      characters.slice(9700, 9800).join(""),
      `${characters.slice(9736, 9742).join("")} ${characters.slice(60, 66).join("")}`,
      characters.slice(11_000).join(""),
    ];
    const expected = naiveScores(query, documents, (gram) => [...gram].every((c) => coded.has(c)))!;
    const actual = textScores(query, documents)!;
    expected.forEach((score, i) => {
      expect(Math.abs(actual[i]! - score)).toBeLessThanOrEqual(1e-12 * score);
    });
    expect(expected.filter((score) => score > 0).length).toBe(3);
  });

  test("is null if the query holds no word or no document has text", () => {
    for (const query of ["", " \n\t\u00a0\ufeff"]) expect(textScores(query, ["solar sail"])).toBeNull();
    expect(textScores("sail", [])).toBeNull();
    expect(textScores("sail", ["", " "])).toBeNull();
  });

  test("does not depend on the documents' order, bit for bit", () => {
    fc.assert(
      fc.property(
        strings,
        fc.array(strings, { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
        (query, documents, keys) => {
          const scores = textScores(query, documents);
          const shuffled = textScores(query, permuted(documents, keys));
          expect(shuffled && [...shuffled]).toEqual(scores && permuted([...scores], keys));
        },
      ),
    );
  });

  test("no score is negative, and a document that shares no gram scores 0", () => {
    fc.assert(
      fc.property(strings, fc.array(strings, { minLength: 1, maxLength: 8 }), (query, documents) => {
        const wanted = new Set(gramsOf(query));
        textScores(query, documents)?.forEach((score, i) => {
          const shares = gramsOf(documents[i]!).some((gram) => wanted.has(gram));
          if (shares) expect(score).toBeGreaterThan(0);
          else expect(score).toBe(0);
        });
      }),
    );
  });

  test("a gram that the query repeats counts once", () => {
    fc.assert(
      fc.property(strings, fc.array(strings, { minLength: 1, maxLength: 6 }), (query, documents) => {
        expect(textScores(`${query} ${query}`, documents)).toEqual(textScores(query, documents));
      }),
    );
  });

  test("rarer words weigh more: of two matches of one length, that of fewer documents scores higher", () => {
    const scores = textScores("solar orbit", ["solar", "orbit", "solar", "other"])!;
    expect(scores[1]).toBeGreaterThan(scores[0]!);
  });
});

describe("the other channels", () => {
  const pairsOf = (text: string): string[] => {
    const words = wordsOf(text);
    return words.slice(1).map((word, i) => `${words[i]} ${word}`);
  };
  const words: fc.Arbitrary<Words> = fc.record({
    title: fc.oneof(fc.constant(""), strings),
    text: fc.oneof(
      strings,
      fc.array(fc.constantFrom("solar", "sail", "x", "Mars!"), { maxLength: 8 }).map((w) => w.join(" ")),
    ),
  });
  const full = ({ title, text }: Words) => (title === "" ? text : `${title} ${text}`);

  test("phrases are BM25 on pairs of neighbouring words, titles BM25 on the grams of titles", () => {
    const queries = fc.oneof(strings, fc.constantFrom("solar sail", "sail x solar sail", "Mars"));
    fc.assert(
      fc.property(queries, fc.array(words, { minLength: 1, maxLength: 6 }), (query, documents) => {
        const evidence = textEvidence(query, documents);
        if (evidence === null) return;
        const close = (actual: Float64Array, expected: number[] | null) =>
          actual.forEach((score, i) => {
            expect(score).toBeCloseTo(expected?.[i] ?? 0, 9);
          });
        close(evidence.grams, naiveScores(query, documents.map(full)));
        close(evidence.phrases, naiveScores(query, documents.map(full), undefined, pairsOf));
        const titles = naiveScores(
          query,
          documents.map(({ title }) => title),
        );
        if (evidence.title === null) expect(titles).toBeNull();
        else close(evidence.title, titles);
      }),
      { numRuns: 300 },
    );
  });

  test("a phrase tells documents apart that hold the same words", () => {
    const { grams, phrases } = textEvidence("the solar sail", [
      { title: "", text: "a sail and solar things of the sea" },
      { title: "", text: "of the sea and a solar sail things" },
    ])!;
    expect(grams[0]).toBeCloseTo(grams[1]!, 12);
    expect(phrases[1]).toBeGreaterThan(phrases[0]!);
  });
});
