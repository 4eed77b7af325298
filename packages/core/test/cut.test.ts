import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rerank } from "../src/index.ts";
import { cut, gramsOf, kindAt, NONE, normalized, PAIRED, SPACED, wordsOf } from "../src/words/cut.ts";

const PAIRS = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}]/u;

/** Runs of letters and digits of one kind, with the marks behind them: by code points, as the definition reads. */
function naiveCut(text: string): { text: string; kind: number }[] {
  const words: { text: string; kind: number }[] = [];
  let open = false;
  for (const character of text.normalize("NFKC").toLowerCase().normalize("NFKC")) {
    const mark = /\p{M}/u.test(character);
    const last = words.at(-1);
    if (!mark && !/[\p{L}\p{N}]/u.test(character)) open = false;
    else {
      const own = PAIRS.test(character) ? PAIRED : SPACED;
      const kind = !mark ? own : open ? last!.kind : SPACED;
      if (open && last!.kind === kind) last!.text += character;
      else words.push({ text: character, kind });
      open = true;
    }
  }
  return words;
}

/** Code points of every plane, lone surrogates, and what meets often in texts. */
const strings = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 12 }).map((u) => String.fromCharCode(...u)),
  fc
    .array(
      fc.constantFrom(
        ...["a", "B", "7", " ", "-", "(", "ß", "İ", "Σ", "ﬁ", "é", "\u0301", "\u0e31", "ไ", "ฟ"],
        ...[
          "光",
          "ひ",
          "カ",
          "ｶ",
          "ﾞ",
          "등",
          "\u1103",
          "\u1173",
          "𠀋",
          "𐐀",
          "🚀",
          "\ufe0f",
          "\u200d",
          "ー",
          "々",
        ],
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join("")),
);

describe("a text", () => {
  test("is cut into runs of letters, marks and digits of one kind, as a naive version cuts it by code points", () => {
    fc.assert(
      fc.property(strings, (text) => {
        expect(cut(text)).toEqual(naiveCut(text));
      }),
      { numRuns: 3000 },
    );
  });

  test("is cut so with every code point of Unicode between letters of both kinds", () => {
    for (let first = 0; first < 0x110000; first += 0x1000) {
      // Each by itself: a mark behind another letter would be of that letter's kind.
      const text = Array.from({ length: 0x1000 }, (_, at) => {
        const point = String.fromCodePoint(first + at);
        return `a${point} 光${point} ${point}`;
      }).join(" ");
      const [actual, expected] = [cut(text, Infinity), naiveCut(text)];
      const at = expected.findIndex(
        (word, i) => word.text !== actual[i]?.text || word.kind !== actual[i].kind,
      );
      expect({ first, at, word: actual[at], length: actual.length }).toEqual({
        first,
        at: -1,
        word: undefined,
        length: expected.length,
      });
    }
  }, 60_000);

  test.each([
    ["upper case and compatibility forms", "SOLAR ﬁnal ① Ⅻ ＡＢ", ["solar", "final", "1", "xii", "ab"]],
    ["punctuation of every kind", "(EU), “AI”: GDP/tax—form… don’t", "eu ai gdp tax form don t".split(" ")],
    ["digits", "in 2024, 3.14 or ٣٤", ["in", "2024", "3", "14", "or", "٣٤"]],
    ["white space of every kind", "a\tb\nc\u00a0d\u3000e\u2028f\ufeffg", [..."abcdefg"]],
    ["Han", "山上的茶叶，每年采摘。", ["山上的茶叶", "每年采摘"]],
    ["Kana and Han, with their own marks of length and repetition", "ラーメンと人々", ["ラーメンと人々"]],
    ["half-width Kana, whose voicing is a character of its own", "ｶﾞｽ", ["ガス"]],
    ["Hangul", "곶의 등대는", ["곶의", "등대는"]],
    ["Hangul of single letters", "\u1103\u1173\u11bc", ["등"]],
    ["scripts side by side", "東京tower2024年", ["東京", "tower2024", "年"]],
    ["Thai, whose vowels and tones are marks", "ไฟฟ้าที่บ้าน", ["ไฟฟ้าที่บ้าน"]],
    ["Devanagari, whose vowels are marks", "हिन्दी में", ["हिन्दी", "में"]],
    [
      "Arabic and Hebrew with their points",
      "كِتَاب שָׁלוֹם",
      ["كِتَاب", "שָׁלוֹם"].map((word) => word.normalize("NFKC")),
    ],
    ["marks that have a composed form, and one that has none", "e\u0301t x\u0301y", ["ét", "x\u0301y"]],
    ["a mark without a letter", " \u0301a", ["\u0301a"]],
    ["letters and Han of other planes", "𐐀𐐁 𠀋𠀌", ["𐐨𐐩", "𠀋𠀌"]],
    ["emoji", "gdp🚀 👩🏽‍🚀ai", "gdp ai".split(" ")],
    ["halves of surrogate pairs", "a\ud83db \ude00c", ["a", "b", "c"]],
    ["nothing", " \t-…", []],
  ])("of %s", (_, text, words) => expect(wordsOf(text)).toEqual(words));

  test("gives the same words in any form that Unicode holds equal", () => {
    fc.assert(
      fc.property(strings, (text) => {
        for (const form of ["NFC", "NFD", "NFKC", "NFKD"] as const) {
          expect(wordsOf(text.normalize(form))).toEqual(wordsOf(text));
        }
        expect(normalized(normalized(text))).toBe(normalized(text));
      }),
      { numRuns: 1000 },
    );
  });

  test("after a blank is cut as if it stood alone", () => {
    fc.assert(
      fc.property(strings, strings, (a, b) => {
        expect(cut(`${a} ${b}`)).toEqual([...cut(a), ...cut(b)]);
      }),
      { numRuns: 1000 },
    );
  });

  test("loses no letter, mark or digit, and keeps nothing else", () => {
    fc.assert(
      fc.property(strings, (text) => {
        const kept = [...normalized(text)].filter((character) => /[\p{L}\p{M}\p{N}]/u.test(character));
        expect(wordsOf(text).join("")).toBe(kept.join(""));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the kind of a unit", () => {
  test("is the same for both halves of a surrogate pair", () => {
    for (let code = 0x10000; code < 0x110000; code += 37) {
      const text = String.fromCodePoint(code);
      for (const before of [NONE, SPACED, PAIRED]) {
        const first = kindAt(text, 0, before);
        expect(kindAt(text, 1, first === NONE ? before : first)).toBe(first);
      }
    }
  });
});

describe("the grams of a text", () => {
  test("are the windows of four of each word between blanks, or pairs in Han, Kana and Hangul; a shorter word is one", () => {
    expect(gramsOf("solar")).toEqual([" sol", "sola", "olar", "lar "]);
    expect(gramsOf("the EU")).toEqual([" the", "the ", " eu "]);
    expect(gramsOf("a")).toEqual([" a "]);
    expect(gramsOf("茶叶 茶")).toEqual(["茶叶", "茶"]);
    expect(gramsOf("東京tower")).toEqual(["東京", " tow", "towe", "ower", "wer "]);
    expect(gramsOf("")).toEqual([]);
  });

  test("of each word are what the word alone has, and as many as its length says", () => {
    fc.assert(
      fc.property(strings, (text) => {
        const words = cut(text);
        expect(gramsOf(text)).toEqual(words.flatMap((word) => gramsOf(word.text)));
        const counts = words.map(({ text: { length } }) => Math.max(1, length - 1));
        expect(gramsOf(text)).toHaveLength(counts.reduce((sum, count) => sum + count, 0));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a short word of the query", () => {
  test.each([
    ["EU", "a rule of the EU."],
    ["AI", "the field (AI) grew"],
    ["GDP", "output (GDP) fell"],
    ["茶叶", "山上的茶叶每年采摘"],
    ["등대", "곶의 등대는 오래됐다"],
  ])("%s is found in “%s”", (queryText, text) => {
    const { bundle } = rerank({
      queryText,
      candidates: [
        { id: "no", text: "-", score: 1 },
        { id: "yes", text, score: 1 },
      ],
    });
    expect(bundle.map(({ id }) => id)).toEqual(["yes", "no"]);
    expect(bundle[0]!.parts!.grams).toBeGreaterThan(0);
    expect(bundle[1]!.parts!.grams).toBe(0);
  });
});
