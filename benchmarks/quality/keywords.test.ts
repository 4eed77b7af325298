import { describe, expect, test } from "vitest";
import { KeywordIndex, termsOf } from "./keywords.ts";

describe("the terms of a text", () => {
  test("are stems, in lower case, without stop words", () => {
    expect(termsOf("The RUNNING horses were generally faster than those of 1973!")).toEqual([
      ..."run hors general faster those 1973".split(" "),
    ]);
    expect(termsOf("ﬁnancial snake_case")).toEqual(["financi", "snake", "case"]);
    expect(termsOf("and the — of")).toEqual([]);
    expect(termsOf("")).toEqual([]);
  });

  test("are pairs of characters where a script puts no blanks between words", () => {
    expect(termsOf("日本語の検索")).toEqual(["日本", "本語", "語の", "の検", "検索"]);
    expect(termsOf("水、火")).toEqual(["水", "火"]);
    expect(termsOf("กขค")).toEqual(["กข", "ขค"]);
    // A character outside the basic plane is one character.
    expect(termsOf("\u{20000}木")).toEqual(["\u{20000}木"]);
  });
});

/** BM25 from its formula, text by text. */
function naive(texts: readonly string[], query: string): number[] {
  const bags = texts.map(termsOf);
  const mean = bags.reduce((sum, bag) => sum + bag.length, 0) / bags.length;
  const terms = termsOf(query).filter((term, i, all) => all.indexOf(term) === i);
  return bags.map((bag) => {
    let score = 0;
    for (const term of terms) {
      const count = bag.filter((t) => t === term).length;
      const having = bags.filter((b) => b.includes(term)).length;
      const idf = Math.log(1 + (bags.length - having + 0.5) / (having + 0.5));
      score += (idf * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * bag.length) / mean));
    }
    return score;
  });
}

describe("the keyword search", () => {
  const texts = [
    "Amber is the resin of old trees, and amber burns.",
    "Basalt is a dark rock.",
    "",
    "Trees grow on rocks of basalt; rocks, rocks and more rocks, until no tree is left.",
    "Cobalt",
    "琥珀は樹脂の化石である",
  ];
  const index = new KeywordIndex(texts);

  test.each([
    "amber trees",
    "rock rocks ROCK",
    "basalt and cobalt",
    "樹脂の琥珀",
    "nothing of this",
    "",
    "the of",
  ])("scores by the formula: %s", (query) => {
    const expected = naive(texts, query);
    const scores = index.scores(query);
    expect(scores).toHaveLength(texts.length);
    for (const [i, score] of expected.entries()) expect(scores[i]).toBeCloseTo(score, 12);
  });

  test("finds what holds the words, and nothing else", () => {
    const found = (query: string) =>
      [...index.scores(query).keys()].filter((i) => index.scores(query)[i]! > 0);
    expect(found("burning ambers")).toEqual([0]);
    expect(found("a rock")).toEqual([1, 3]);
    expect(found("化石")).toEqual([5]);
    expect(found("the")).toEqual([]);
  });
});
