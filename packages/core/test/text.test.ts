import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { naturalLog } from "../src/math.ts";
import { type TextEvidence, type Words, weighTexts } from "../src/words/bm25.ts";
import { cut, normalized, PAIRED as RUN } from "../src/words/cut.ts";
import { permuted } from "./support.ts";

/** What the words say of documents as they came. */
const textEvidence = (query: string, documents: readonly Words[]): TextEvidence | null =>
  weighTexts(
    query,
    documents.map(({ title, text }) => ({ title: normalized(title), text: normalized(text) })),
  );

/** The grams' channel, of texts without titles. */
const textScores = (query: string, documents: readonly string[]): Float64Array | null =>
  textEvidence(
    query,
    documents.map((text) => ({ title: "", text })),
  )?.grams ?? null;

const K1 = 1.2;
const B = 0.75;

const lowered = (text: string): string => text.normalize("NFKC").toLowerCase().normalize("NFKC");
const PAIRED = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}]/u;

/** Runs of letters and digits of one kind, with the marks behind them, by code points. */
function naiveCut(text: string): { word: string; paired: boolean }[] {
  const words: { word: string; paired: boolean }[] = [];
  let open = false;
  for (const character of lowered(text)) {
    const mark = /\p{M}/u.test(character);
    if (!mark && !/[\p{L}\p{N}]/u.test(character)) {
      open = false;
      continue;
    }
    const last = words.at(-1);
    const paired = mark ? (open ? last!.paired : false) : PAIRED.test(character);
    if (open && last!.paired === paired) last!.word += character;
    else words.push({ word: character, paired });
    open = true;
  }
  return words;
}

const naiveWords = (text: string): string[] => naiveCut(text).map(({ word }) => word);

/** Words with a blank on each side, cut into windows of four UTF-16 units; pairs of units in Han, Kana and Hangul. */
function gramsOf(text: string): string[] {
  return naiveCut(text).flatMap(({ word, paired }) => {
    const [padded, size] = paired ? [word, 2] : [` ${word} `, 4];
    const windows = Math.max(1, padded.length - size + 1);
    return Array.from({ length: windows }, (_, at) => padded.slice(at, at + size));
  });
}

/** The characters of longer runs in Han, Kana and Hangul: one that is a word of the query counts wherever it stands. */
const naiveSingles = (text: string): string[] =>
  naiveCut(text).flatMap(({ word, paired }) => (paired && word.length > 1 ? word.split("") : []));

/** What a text holds of a query's grams. */
const heldBy = (text: string): string[] => [...gramsOf(text), ...naiveSingles(text)];

/** BM25 by slicing strings and counting them, as its definition reads; null where no document holds a gram of the query. */
function naiveScores(query: string, documents: readonly string[], termsOf = gramsOf): number[] | null {
  const terms = new Set(termsOf(query));
  const grams = new Set(gramsOf(query));
  if (!documents.some((text) => heldBy(text).some((gram) => grams.has(gram)))) return null;
  const bags = documents.map(termsOf);
  const singles = documents.map((text) => (termsOf === gramsOf ? naiveSingles(text) : []));
  const all = bags.map((bag, i) => [...bag, ...singles[i]!]);
  const total = bags.reduce((sum, bag) => sum + bag.length, 0);
  const n = documents.length;
  const mean = total / n || 1;
  return bags.map((bag, i) => {
    let score = 0;
    for (const gram of terms) {
      const tf = all[i]!.filter((g) => g === gram).length;
      if (tf === 0) continue;
      const df = all.filter((other) => other.includes(gram)).length;
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

  test("equals the naive one where a character of the query stands alone there, and in a run of both planes", () => {
    expectNaive("⽇㏠𠀀", ["⽇㏠𠀀", ""]);
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
    [
      "Han, Kana and Hangul in pairs",
      "茶叶 등대 ひかり",
      ["山上的茶叶每年", "곶의 등대는", "ひかりの", "茶", "대는"],
    ],
    ["scripts side by side", "東京tower 2024年", ["東京tower", "東京 tower", "2024 年", "tower2024"]],
    ["words beside punctuation and emoji", "eu ai gdp", ["the (EU)", 'AI, "GDP"', "gdp🚀", "🚀ai🚀"]],
    ["Thai and Devanagari with their marks", "ไฟฟ้า हिन्दी", ["ไฟฟ้า", "ไฟฟา", "हिन्दी में", "हनद"]],
    ["halves of surrogate pairs", "\ud83d sail", ["\ud83d", "\ude00", "😀 sail", "sail"]],
    [
      "characters that the query lacks, next to its own",
      "sail",
      ["xsail", "sailx", "sxail", "saxil", "saixl sail"],
    ],
    ["an empty document", "sail", ["", "sail", " \n\t"]],
    ["one document", "sail", ["the sail"]],
  ])("equals the naive one on %s", (_, query, documents) => expectNaive(query, documents));

  test("equals the naive one on a query of 8,000 different characters", () => {
    const characters = [...Array(8_000).keys()].map((i) => String.fromCharCode(0x3400 + i));
    const words = Array.from({ length: 1300 }, (_, w) => characters.slice(6 * w, 6 * w + 6).join(""));
    expectNaive(words.join(" "), [
      words.slice(0, 100).join(" "),
      characters.slice(6700, 6800).join(""),
      `${words[1100]!.slice(2)} ${words[10]}`,
      characters.slice(11_000).join(""),
    ]);
  });

  test("is null if the query holds no word, or no document one of its grams", () => {
    for (const query of ["", " \n\t\u00a0\ufeff", "🚀 -"])
      expect(textScores(query, ["solar sail"])).toBeNull();
    expect(textScores("sail", [])).toBeNull();
    expect(textScores("sail", ["", " "])).toBeNull();
    expect(textScores("sail", ["tax form"])).toBeNull();
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
          const shares = heldBy(documents[i]!).some((gram) => wanted.has(gram));
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
    const words = naiveWords(text);
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

  test("words and phrases are BM25 on words and their pairs, titles BM25 on the grams of titles", () => {
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
        close(evidence.words, naiveScores(query, documents.map(full), naiveWords));
        close(evidence.phrases, naiveScores(query, documents.map(full), pairsOf));
        const titles = documents.map(({ title }) => title);
        if (evidence.title === null) expect(new Set(titles)).toEqual(new Set([""]));
        else close(evidence.title, naiveScores(query, titles));
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

/** The characters of runs that are cut into pairs; of one character the gram is that character. */
const singlesWithin = (text: string): string[] =>
  cut(text).flatMap(({ text: run, kind }) => (kind === RUN && run.length > 1 ? run.split("") : []));

/**
 * All channels as their definition reads, with Maps of strings. Sums run over the terms in the order in which the query
 * first has them, so that the bits are those of the real one.
 */
function naiveEvidence(query: string, documents: readonly Words[]): TextEvidence | null {
  const pairsOf = (text: string): string[] => {
    const found = naiveWords(text);
    return found.slice(1).map((word, at) => `${found[at]} ${word}`);
  };
  const n = documents.length;
  const idfAt = (df: number) => naturalLog(1 + (n - df + 0.5) / (df + 0.5));
  // A character that is a word of the query counts wherever it stands in a run, though the run's own grams are pairs.
  const channel = (
    texts: readonly string[],
    termsOf: (text: string) => string[],
    within: (text: string) => string[] = () => [],
  ) => {
    const bags = texts.map((text) => {
      const terms = termsOf(text);
      const bag = new Map<string, number>();
      for (const term of [...terms, ...within(text)]) bag.set(term, (bag.get(term) ?? 0) + 1);
      return { bag, length: terms.length };
    });
    const asked = [...new Set(termsOf(query))];
    const total = bags.reduce((sum, { length }) => sum + length, 0);
    const scores = new Float64Array(n);
    let sum = 0;
    for (const term of asked) {
      const df = bags.filter(({ bag }) => bag.has(term)).length;
      sum += idfAt(df);
      bags.forEach(({ bag, length }, i) => {
        const tf = bag.get(term);
        if (tf === undefined) return;
        scores[i]! += (idfAt(df) * tf * (K1 + 1)) / (tf + K1 * (1 - B + (B * length * n) / total));
      });
    }
    return { scores, share: sum / (asked.length * idfAt(0)), most: (K1 + 1) * sum };
  };
  const full = documents.map(({ title, text }) => (title === "" ? text : `${title} ${text}`));
  const titles = documents.map(({ title }) => title);
  const { scores: grams, share, most } = channel(full, gramsOf, singlesWithin);
  if (grams.every((score) => score === 0)) return null;
  return {
    grams,
    words: channel(full, naiveWords).scores,
    phrases: channel(full, pairsOf).scores,
    title: titles.some((title) => normalized(title) !== "")
      ? channel(titles, gramsOf, singlesWithin).scores
      : null,
    share,
    most,
  };
}

describe("all channels, to the last bit", () => {
  const expectSame = (query: string, documents: readonly Words[]): void => {
    const bits = (evidence: TextEvidence | null) =>
      evidence && [
        evidence.share,
        evidence.most,
        ...[evidence.grams, evidence.words, evidence.phrases, evidence.title].map((s) => s && [...s]),
      ];
    // toEqual compares by Object.is.
    expect(bits(textEvidence(query, documents))).toEqual(bits(naiveEvidence(query, documents)));
  };

  const hard = [
    ..."aAbBzé\u0301\u0345ßẞﬁ①½ªİıKΣςǅｱ゛太陽光가\u1100\u1161\u11a8\u1e9b\u0323\ufdfa",
    ...["\ud83d", "\ude00", "😀", "𐐀", "\0", "-", "'", "’", "…", "_", ".", "7", "٣"],
    ..."\t\n\v\f\r\u0085\u00a0\u1680\u180e\u2003\u200b\u2028\u2029\u202f\u205f\u3000\ufeff",
  ];
  const likely = [
    "solar",
    "Sail",
    "sail",
    "a",
    "x",
    "of",
    "Straße",
    "ΟΔΟΣ",
    "\u212aelvin",
    "ﬁnal",
    " ",
    "  ",
  ];
  const pieces = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...likely) },
    { weight: 3, arbitrary: fc.constant(" ") },
    { weight: 2, arbitrary: fc.constantFrom(...hard) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) },
  );
  const text = fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join(""));
  const documents = fc.array(
    fc.record({ title: fc.oneof(fc.constant(""), text), text: fc.oneof(text, strings) }),
    { maxLength: 7 },
  );

  test("equal naive ones made of Maps of strings, on any text", () => {
    fc.assert(fc.property(fc.oneof(text, strings), documents, expectSame), { numRuns: 1500 });
  });

  test("and where the query is a piece of the documents", () => {
    const cases = documents.filter((pool) => pool.length > 0).map((pool) => [pool[0]!.text, pool] as const);
    fc.assert(
      fc.property(cases, fc.nat(12), ([source, pool], from) => expectSame(source.slice(from), pool)),
      { numRuns: 500 },
    );
  });

  test("and with every UTF-16 unit before, between, after and apart from letters", () => {
    for (let first = 0; first < 0x10000; first += 0x100) {
      const pool = Array.from({ length: 0x100 }, (_, at) => {
        const unit = String.fromCharCode(first + at);
        return { title: "", text: `ab${unit}cd ${unit}y z${unit} ${unit} q` };
      });
      expectSame(`abcd ab cd y z q ${String.fromCharCode(first + 7, first + 0x63)}`, pool);
    }
  });

  test("and where other terms have the same signatures", () => {
    const pool = ["bārs", "c\u0001rs", "aÿ x", "bà x", "x", "aÿ x bà x c\u0001rs bārs"];
    const signature = (gram: string) => [...gram].reduce((window, c) => (window << 8) ^ c.charCodeAt(0), 0);
    expect(signature("bārs")).toBe(signature("c\u0001rs"));
    expect(31 * 97 + "ÿ".charCodeAt(0)).toBe(31 * 98 + "à".charCodeAt(0));
    for (const query of pool) {
      expectSame(
        query,
        pool.map((text) => ({ title: text.slice(0, 4), text })),
      );
    }
  });
});
