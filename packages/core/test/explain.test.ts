import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Lattice, type Receipt, rerank } from "../src/index.ts";
import type { LatticeReceipt } from "../src/python/latticeReceipt.ts";
import { type AnyReceipt, signedContent } from "../src/receipt/receipt.ts";
import { explainReceipt } from "../src/verify/explain.ts";
import { latticeReceiptOf, receiptOf } from "./receipts.ts";
import { requests } from "./support.ts";

/** The lines but the last, which is the digest. */
const linesOf = (receipt: AnyReceipt): string[] => {
  const lines = explainReceipt(receipt);
  expect(lines.at(-1)).toBe(`digest ${receipt.digest}`);
  return lines.slice(0, -1);
};

/** A receipt that says what is to be explained, whatever the ranking makes of it. */
const saying = (fields: object, base: AnyReceipt = receiptOf()): Receipt =>
  ({ ...base, ...fields }) as unknown as Receipt;

/** A receipt of the lattice of vectors as an older version wrote it. */
const older = (): LatticeReceipt => {
  const receipt = latticeReceiptOf();
  const params = { ...receipt.params, diversity: 0, coherenceWeight: 0 };
  return { ...receipt, profile: "hybrid", params };
};

describe("what a receipt says in plain English", () => {
  test("a worked example: every figure of it can be found by hand", () => {
    // Two documents that can be ranked, a and b. Their cosines with the query are 1 and .6: of two values, one lies one
    // standard deviation above their mean and the other one below, +1 and -1. The keywords' list has it the other way round, at
    // a weight of .4: so the evidence is y = 1 - .4 = .6 for a, and -.6 for b. One edge joins the two, of weight .6 (their
    // cosine). With one neighbour each, M = I + lamC ((1, -1), (-1, 1)), and M f = y has f = y / (1 + 2 lamC). Without words
    // lamC counts a tenth: 5 as .5. So f = .3 and -.3: each took .3 off the other. b, trusted by half, keeps half of -.3 and
    // takes half of what is 1 below the lowest, -1.3: -.15 - .65 = -.8, which is .5 less.
    const a = { id: "a", embedding: [1, 0], score: 2 };
    const b = { id: "b", embedding: [0.6, 0.8], score: 8, trust: 0.5 };
    const others = [
      { id: "lost", embedding: null },
      { id: "banned", embedding: [1, 0], trust: 0 },
    ];
    const lists = [
      { name: "vectors", items: [b, a, ...others] },
      { name: "keywords", items: [b, a] },
    ];
    const { receipt } = rerank({ query: [1, 0], lists, lamC: 5, k: 3 });
    expect(linesOf(receipt)).toEqual([
      "asked for the best 3 of 4 candidates (by vectors, profile evidence): 1 had no vector, 1 was excluded by trust 0",
      "kept a (1st, was 2nd): by its own evidence 1st, at +0.60: similarity +1.00, the list keywords -0.40; documents like it lowered it by 0.30, most of all b -0.30",
      "kept b (2nd, was 1st): by its own evidence 2nd, at -0.60: similarity -1.00, the list keywords +0.40; documents like it raised it by 0.30, most of all a +0.30; its trust of 0.5 lowered it by 0.50",
      "kept lost (3rd, was 3rd): put last, as it has no vector and could not be ranked",
      "relevance not known: nothing tells of it on an absolute scale",
      "order certified: exact arithmetic gives the same bundle in the same order, by a margin of 1.1 standard deviations",
    ]);
    expect(receipt.bundle.map(({ score }) => score)).toEqual([0.3, -0.8, null]);
    // lamC (y_a - y_b)² = .5 · 1.44 before; after, twice .3² for what was given up, and .5 · .36 for what is left.
    const { initial, final, terms } = receipt.energy;
    for (const [figure, byHand] of [
      [initial, 0.72],
      [final, 0.36],
      [terms.anchor.final, 0.18],
      [terms.coherence.final, 0.18],
      [receipt.deltaH_total, 0.36],
    ]) {
      expect(figure).toBeCloseTo(byHand!, 6);
    }
  });

  test("vectors and words, a copy, a missing vector, trust", () => {
    const sail = "light sails need no fuel but the pressure of sunlight";
    const candidates = [
      { id: "news", embedding: [0.9, 0.4, 0.1], text: "the weather of the week, with a chance of rain" },
      { id: "copy", embedding: [0.7, 0.7, 0.1], text: `${sail}!` },
      { id: "blank", embedding: null, text: sail },
      { id: "sail", embedding: [0.7, 0.7, 0.1], text: sail },
      { id: "banned", embedding: [1, 0.1, 0], text: sail, trust: 0 },
      { id: "rumour", embedding: [0.8, 0.6, 0], text: "sunlight is a fuel, they say, of sails", trust: 0.5 },
      { id: "stars", embedding: [-0.2, 0.1, 0.9], text: "a catalogue of stars" },
    ];
    const { receipt } = rerank({ query: [0.8, 0.6, 0], queryText: "sails without fuel", candidates, k: 3 });
    expect(linesOf(receipt)).toMatchInlineSnapshot(`
      [
        "asked for the best 3 of 7 candidates (by vectors and words, profile evidence): 1 had no vector, 1 was excluded by trust 0, 1 was a near-copy of a better document",
        "kept copy (1st, was 2nd, relevance 0.21): by its own evidence 2nd, at +0.99: its cosine of 0.985 with the query +0.50, words of the query +0.34, likeness to the best +0.16; documents like it lowered it by 0.09, most of all stars -0.08 and news -0.05",
        "kept news (2nd, was 1st, relevance 0.17): by its own evidence 4th, at +0.36: its cosine of 0.97 with the query +0.47, words of the query -0.23, likeness to the best +0.13; documents like it raised it by 0.20, most of all rumour +0.09 and sail +0.05",
        "kept rumour (3rd, was 6th, relevance 0.13): by its own evidence 1st, at +1.26: words of the query +0.57, its cosine of 1 with the query +0.53, likeness to the best +0.16; documents like it lowered it by 0.16, most of all news -0.09 and sail -0.03; its trust of 0.5 lowered it by 2.24",
        "left out blank (was 3rd): could not be ranked, as it has no vector, or excluded by trust 0",
        "left out sail (was 4th): near-copy of copy",
        "relevance by words alone, not calibrated",
        "order certified: exact arithmetic gives the same bundle in the same order, by a margin of 0.34 standard deviations",
      ]
    `);
  });

  test("vectors alone, with room for all", () => {
    const candidates = [{ embedding: [0, 1] }, { embedding: [1, 0] }, { embedding: [0, 0] }];
    expect(linesOf(rerank({ query: [1, 0], candidates }).receipt)).toMatchInlineSnapshot(`
      [
        "asked for the best 5 of 3 candidates (by vectors, profile evidence): 1 had no vector",
        "kept 1 (1st, was 2nd): by its own evidence 1st, at +1.00: its cosine of 1 with the query +1.00",
        "kept 0 (2nd, was 1st): by its own evidence 2nd, at -1.00: its cosine of 0 with the query -1.00",
        "kept 2 (3rd, was 3rd): put last, as it has no vector and could not be ranked",
        "relevance not known: nothing tells of it on an absolute scale",
        "order certified: exact arithmetic gives the same bundle in the same order, by a margin of 2.0 standard deviations",
      ]
    `);
  });

  test("scores in place of vectors", () => {
    const candidates = [
      { id: "a", score: 0.9, text: "red" },
      { id: "b", text: "green" },
      { id: "c", score: 0.7, text: "blue" },
    ];
    expect(linesOf(rerank({ queryText: "blue", candidates, k: 1 }).receipt)).toMatchInlineSnapshot(`
      [
        "asked for the best 1 of 3 candidates (by the scores of the search and words, profile evidence): 1 had no score",
        "kept a (1st, was 1st, relevance 0.13): by its own evidence 1st, at +0.40: its score of 0.9 in the search +1.00, words of the query -0.60",
        "relevance by words alone, not calibrated",
        "order certified: exact arithmetic gives the same bundle in the same order, by a margin of 0.80 standard deviations",
      ]
    `);
  });

  test("one candidate, and none", () => {
    const { receipt } = rerank({ query: [1], candidates: [{ embedding: [1] }], k: 1 });
    expect(linesOf(receipt).slice(0, 2)).toMatchInlineSnapshot(`
      [
        "asked for the best 1 of 1 candidate (by vectors, profile evidence)",
        "kept 0 (1st, was 1st): by its own evidence 1st, at +0.00, as nothing tells it from the others",
      ]
    `);
    expect(linesOf(rerank({ query: [1], candidates: [] }).receipt)).toMatchInlineSnapshot(`
      [
        "asked for the best 5 of 0 candidates (by vectors, profile evidence)",
        "relevance not known: nothing tells of it on an absolute scale",
        "order not certified: nothing was ranked",
      ]
    `);
  });

  test("the published profile, a chain, novelty", () => {
    const lattice = new Lattice(
      {
        embeddings: [
          [1, 0.2],
          [0.9, 0.3],
          [0, 1],
          [0.5, 0.5],
        ],
      },
      { profile: "reference", k: 2, diversity: 0.5 },
    );
    lattice.setQuery([1, 0]).addChain([0, 2, 3]);
    expect(linesOf(lattice.receipt())).toMatchInlineSnapshot(`
      [
        "asked for the best 2 of 4 candidates (by vectors, with a share of 0.5 for novelty, with a chain of 3, profile reference)",
        "kept 2 (1st, was 3rd): moved up 2, mainly because the documents around it came to agree, and it and the documents around it agree with the query",
        "kept 0 (2nd, was 1st): moved down 1, but kept, mainly because it and the documents around it agree with the query",
        "left out 1 (was 2nd): 4th by score",
        "order not certified: the choice is not by score alone",
      ]
    `);
  });
});

describe("reasons", () => {
  const { inputs, bundle, certificate } = receiptOf();
  const entry = {
    ...bundle[0]!,
    id: "d",
    rank: 1,
    ownRank: 3,
    inputRank: 4,
    relevance: 0.4,
    namedBy: null,
    neighbours: [],
  };
  const why = (terms: object, fields: object = {}): string =>
    linesOf(saying({ bundle: [{ ...entry, terms, ...fields }] }))[1]!.replace(
      /^kept d \(1st, was 4th, relevance 0\.40\): /,
      "",
    );

  test("its place by its own evidence, and the figures that made it, largest first", () => {
    const parts = { similarity: 0.61234, "list:bm25": 7.25, title: 1, trust: 1 };
    const own = { similarity: 1.5, grams: -0.25, words: 0.1, phrases: -0.1, title: 0.001, feedback: 0.5 };
    expect(why({ ...own, neighbours: 0, trust: 0 }, { parts })).toBe(
      "by its own evidence 3rd, at +1.75: its cosine of 0.612 with the query +1.50, likeness to the best +0.50, words of the query -0.25",
    );
    expect(why({ similarity: 0.5, "list:bm25": 1, title: 0.1 }, { parts })).toBe(
      "by its own evidence 3rd, at +1.60: the list bm25 +1.00, its cosine of 0.612 with the query +0.50, its title +0.10",
    );
    expect(why({ similarity: 0 })).toBe(
      "by its own evidence 3rd, at +0.00, as nothing tells it from the others",
    );
  });

  test("who named it, and how much that added", () => {
    const terms = { similarity: 1, links: 0.214, neighbours: 0 };
    expect(why(terms, { namedBy: "B: +9", parts: { trust: 1 } })).toBe(
      'by its own evidence 3rd, at +1.21: similarity +1.00, being named by "B: +9" +0.21',
    );
    expect(why({ ...terms, links: 0 })).not.toContain("named");
  });

  test("what its neighbours added or took, and which ones most", () => {
    const neighbours = [
      { id: "A", by: 0.3 },
      { id: "B", by: -0.12 },
    ];
    expect(why({ similarity: 1, neighbours: 0.18 }, { neighbours })).toMatch(
      /\+1\.00; documents like it raised it by 0\.18, most of all A \+0\.30 and B -0\.12$/,
    );
    expect(why({ similarity: 1, neighbours: -0.2 })).toMatch(/; documents like it lowered it by 0\.20$/);
    expect(why({ similarity: 1, neighbours: 0.001 }, { neighbours })).not.toContain("documents like it");
  });

  test("trust, where it took something", () => {
    const parts = { ...entry.parts, trust: 0.25 };
    expect(why({ similarity: 1, trust: -1.234 }, { parts })).toMatch(
      /; its trust of 0\.25 lowered it by 1\.23$/,
    );
    expect(why({ similarity: 1, trust: -0.001 }, { parts })).not.toContain("trust");
  });

  test("of a document that could not be ranked", () => {
    const nothing = {
      score: null,
      relevance: null,
      ownRank: null,
      parts: null,
      terms: null,
      namedBy: null,
      neighbours: null,
    };
    const lacking = (of: object) => linesOf(saying({ bundle: [{ ...entry, ...nothing }], ...of }))[1];
    expect(lacking({})).toBe("kept d (1st, was 4th): put last, as it has no vector and could not be ranked");
    expect(lacking({ inputs: { ...inputs, scores: inputs.ids } })).toContain("as it has no score");
  });

  test("what relevance was judged by, how it was calibrated, and how many reach the least", () => {
    const { params, relevance } = receiptOf();
    const said = (of: object, fields: object = {}) =>
      linesOf(saying({ relevance: { ...relevance!, ...of }, params: { ...params, ...fields } })).at(-2);
    const scale = { mean: 0.28, spread: 0.1 };
    expect(said({ basis: "scale+words", scale })).toBe(
      "relevance by words, and cosines on the embedder's scale (mean 0.28, spread 0.1), not calibrated",
    );
    const relevanceCalibration = { level: -0.5, slope: 1.25 };
    expect(said({ reached: 2 }, { relevanceCalibration, minRelevance: 0.3 })).toBe(
      "relevance by words alone, calibrated by level -0.5 and slope 1.25: 2 of 6 reach 0.3",
    );
    const none = saying({ relevance: null, params: { ...params, minRelevance: 0.3 } });
    expect(linesOf(none).at(-2)).toBe(
      "relevance not known: nothing tells of it on an absolute scale; the least of 0.3 left out none",
    );
  });

  test("of a document that is not relevant enough", () => {
    const { params, relevance } = receiptOf();
    const left_out = [{ id: "x", inputRank: 2, rank: 4, score: 0, copyOf: null }];
    const said = (reached: number) =>
      linesOf(
        saying({ left_out, relevance: { ...relevance!, reached }, params: { ...params, minRelevance: 0.3 } }),
      );
    expect(said(3)).toContain("left out x (was 2nd): 4th by score, and less relevant than 0.3");
    expect(said(4)).toContain("left out x (was 2nd): 4th by score");
  });

  test("of an order that is not certified", () => {
    const order = (fields: object) => linesOf(saying({ certificate: { ...certificate, ...fields } })).at(-1);
    for (const [open, words] of [
      ["nothing-ranked", "nothing was ranked"],
      ["novelty", "the choice is not by score alone"],
      ["graph", "two cosines are too close to tell which documents are neighbours"],
      ["size", "the pool is too large for its neighbours to be checked"],
      ["best", "two documents are too close to tell which is among the best that were listened to"],
      ["copies", "it is too close to tell whether a document is a near-copy"],
      ["relevance", "the relevance of a document is too close to the least that was asked for"],
      ["scores", "two scores that decide it are too close to tell apart"],
    ]) {
      expect(order({ open, margin: null, orderCertified: false })).toBe(`order not certified: ${words}`);
    }
    expect(order({ open: null, margin: 0.012345, orderCertified: true })).toBe(
      "order certified: exact arithmetic gives the same bundle in the same order, by a margin of 0.012 standard deviations",
    );
  });
});

describe("reasons of a receipt of the lattice of vectors", () => {
  const { params, inputs, meta, bundle } = older();
  const told = (fields: object) => saying(fields, older());
  const entry = { ...bundle[0]!, id: "d", rank: 1, inputRank: 4 };
  const none = { settled: 0, text: 0, feedback: 0, coherence: 0, trust: 0 };
  const why = (terms: object, fields: object = {}): string =>
    linesOf(told({ bundle: [{ ...entry, terms: { ...none, ...terms } }], ...fields }))[1]!.replace(
      /^kept d \(1st, was 4th\): moved up 3, /,
      "",
    );

  test("the one or two terms that add most", () => {
    expect(why({ text: 2, settled: 1 })).toBe(
      "mainly because its words match the query, and it and the documents around it agree with the query",
    );
    expect(why({ text: 2, settled: 0.9 })).toBe("mainly because its words match the query");
    expect(why({ settled: 1 }, { params: { ...params, lamC: 0 } })).toBe(
      "mainly because its vector is near the query's",
    );
    const scores = { ...inputs, scores: inputs.ids };
    expect(why({ settled: 1 }, { inputs: scores })).toBe("mainly because the search scored it high");
    expect(why({ feedback: 1, coherence: 0.1, settled: -3 })).toBe("mainly because it is like the best");
    expect(why({ coherence: 1 })).toBe("mainly because the documents around it came to agree");
    expect(why({ settled: -1, text: -2, feedback: 0.004 })).toBe("though nothing in it stands out");
  });

  test("trust, where it took something", () => {
    const parts = { ...entry.parts, trust: 0.25 };
    const trusted = (trust: number) =>
      linesOf(told({ bundle: [{ ...entry, parts, terms: { ...none, text: 1, trust } }] }))[1];
    expect(trusted(-1.234)).toMatch(/match the query; its trust of 0\.25 lowered its score by 1\.23$/);
    expect(trusted(-0.001)).toMatch(/match the query$/);
  });

  test("of what is left out", () => {
    const left = (fields: object, more: object = {}) =>
      linesOf(
        told({
          left_out: [{ id: "x", inputRank: 2, rank: null, score: null, copyOf: null, ...fields }],
          ...more,
        }),
      )
        .find((line) => line.startsWith("left out"))!
        .slice("left out x (was 2nd): ".length);
    const counts = (missing: number, excluded: number) => ({ inputs: { ...inputs, missing, excluded } });
    expect(left({ copyOf: "d7", rank: 2 })).toBe("near-copy of d7");
    expect(left({ rank: 14 })).toBe("14th by score");
    expect(left({ rank: 3 })).toBe("3rd by score, but a near-copy of a better document");
    expect(left({ rank: 3 }, { params: { ...params, diversity: 0.1 } })).toBe(
      "3rd by score, but others that are unlike the chosen were preferred",
    );
    expect(left({}, counts(1, 0))).toBe("could not be ranked, as it has no vector");
    expect(left({}, counts(0, 1))).toBe("excluded by trust 0");
    expect(left({}, counts(1, 1))).toBe("could not be ranked, as it has no vector, or excluded by trust 0");
  });

  test("of an order that is not certified", () => {
    const order = (fields: object, certificate: object = {}) =>
      linesOf(
        told({
          certificate: { residual: 0, bound: 0, margin: null, orderCertified: false, ...certificate },
          ...fields,
        }),
      ).at(-1);
    expect(order({ meta: { ...meta, ustar_converged: false, ustar_iters: 1 } })).toBe(
      "order not certified: the solver did not converge in 1 iteration",
    );
    for (const fields of [
      { params: { ...params, diversity: 0.1 } },
      { params: { ...params, coherenceWeight: 0.1 } },
      { profile: "reference" },
    ]) {
      expect(order(fields)).toBe("order not certified: the choice is not by score alone");
    }
    for (const margin of [null, -0.001]) {
      expect(order({}, { margin })).toBe(
        "order not certified: two scores that decide it are too close to tell apart",
      );
    }
    expect(order({}, { margin: 0.012345, orderCertified: true })).toMatch(/by a margin of 0\.012 standard/);
  });

  test.each([
    [1, "1st"],
    [2, "2nd"],
    [3, "3rd"],
    [4, "4th"],
    [10, "10th"],
    [11, "11th"],
    [12, "12th"],
    [13, "13th"],
    [21, "21st"],
    [22, "22nd"],
    [23, "23rd"],
    [100, "100th"],
    [101, "101st"],
    [111, "111th"],
    [112, "112th"],
    [1013, "1013th"],
  ])("ordinal of %d", (inputRank, ordinal) => {
    expect(linesOf(told({ bundle: [{ ...entry, inputRank }] }))[1]).toContain(`was ${ordinal})`);
  });

  test("up, down and stayed", () => {
    const move = (rank: number, inputRank: number) =>
      linesOf(
        told({
          bundle: [1, 2].map((place) => ({
            ...entry,
            rank: place,
            inputRank: place === rank ? inputRank : 9,
          })),
        }),
      )[rank];
    expect(move(1, 8)).toContain("kept d (1st, was 8th): moved up 7, mainly");
    expect(move(2, 1)).toContain("kept d (2nd, was 1st): moved down 1, but kept, mainly");
    expect(move(2, 2)).toContain("kept d (2nd, was 2nd): stayed, mainly");
  });
});

describe("lines", () => {
  /** What breaks a line, turns the direction of writing, does not show, or is no character. */
  const hidden = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u;

  const nasty = fc.oneof(
    fc.string({ unit: "binary" }),
    fc
      .array(
        fc.constantFrom(
          "\n",
          "\r",
          "\u0085",
          "\u2028",
          "\u2029",
          "\v",
          "\f",
          "\0",
          "\u001b[2K",
          "\u202e",
          "\ufeff",
          "\u00ad",
          "\u034f",
          "\u115f",
          "\u180e",
          "\u200b",
          "\u2066",
          "\u3164",
          "\ufe0f",
          "\u{e0041}",
          "\u{e0100}",
          '"',
          "\\",
          "…",
          "光",
          "kept d7 (1st, was 8th): ",
        ),
        { minLength: 1, maxLength: 60 },
      )
      .map((parts) => parts.join("")),
  );

  test("are one for each document kept or left out, whatever the ids are", () => {
    fc.assert(
      fc.property(
        requests({ minN: 2 }),
        fc.uniqueArray(nasty, { minLength: 12, maxLength: 12 }),
        fc.nat(4),
        ({ candidates, ...request }, ids, k) => {
          const named = candidates.map((candidate, i) => ({
            ...candidate,
            id: ids[i]!,
            trust: i % 3 ? 1 : 0,
          }));
          const { receipt } = rerank({ ...request, candidates: named, k: k + 1 });
          const lines = explainReceipt(receipt);
          const { bundle, left_out } = receipt;
          expect(lines).toHaveLength(4 + bundle.length + left_out.length);
          bundle.forEach(({ inputRank }, i) => {
            expect(lines[1 + i]).toMatch(new RegExp(`^kept .*was ${inputRank}\\D`));
          });
          left_out.forEach(({ inputRank }, i) => {
            expect(lines[1 + bundle.length + i]).toMatch(new RegExp(`^left out .*was ${inputRank}\\D`));
          });
          for (const line of lines) expect(line).not.toMatch(hidden);
          expect(explainReceipt(signedContent(receipt))).toEqual(lines);
          expect(explainReceipt(JSON.parse(JSON.stringify(receipt)))).toEqual(lines);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("say no more than they do, whatever stands where a receipt has names", () => {
    const name = String.raw`(?:[\w.\-:/#@+]+|"(?:[^"\\]|\\.)*")`;
    const id = `${name}(?:…${name})?`;
    const figure = String.raw`[+-]\d+\.\d\d`;
    const place = String.raw`\d+(?:st|nd|rd|th)`;
    const of = String.raw`(?: of \d[\d.e+-]*)?`;
    const own = `similarity|its cosine${of} with the query|the list ${id}|words of the query|likeness to the best`;
    const part = `(?:${own}|${id}) ${figure}`;
    const kept = new RegExp(
      `^kept ${id} \\(1st, was ${place}, relevance 0\\.\\d\\d\\): by its own evidence ${place}, at ${figure}(?:: ${part}(?:, ${part})*|, as nothing tells it from the others)` +
        String.raw`(?:; documents like it (?:raised|lowered) it by \d+\.\d\d(?:, most of all ${id} ${figure}(?: and ${id} ${figure})?)?)?(?:; its trust of [\d.]+ lowered it by \d+\.\d\d)?$`,
    );
    const left = new RegExp(`^left out ${id} \\(was ${place}\\): near-copy of ${id}$`);
    const [entry] = receiptOf().bundle;
    const { certificate, meta, relevance } = receiptOf();
    const word = fc.oneof(
      nasty.map((text) => text.toWellFormed()),
      fc.constantFrom(
        "constructor",
        "__proto__",
        "toString",
        "grams",
        "list:",
        "1.00; its trust of 1 took 9.99",
      ),
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 9, maxLength: 9 }), fc.boolean(), (words, list) => {
        const terms = Object.fromEntries([
          [list ? `list:${words[0]}` : words[0]!, 1],
          ["similarity", 0.5],
          ["neighbours", -0.25],
          ["trust", -0.5],
        ]);
        const neighbours = [
          { id: words[1]!, by: -0.3 },
          { id: words[2]!, by: 0.05 },
        ];
        const lines = explainReceipt(
          saying({
            bundle: [{ ...entry!, id: words[3]!, rank: 1, terms, neighbours }],
            left_out: [{ id: words[4]!, inputRank: 2, rank: 2, score: 0, copyOf: words[5]! }],
            certificate: { ...certificate, orderCertified: false, margin: null, open: words[6]! },
            profile: words[7]!,
            meta: { ...meta, crowding: { share: 0, passed: 1 } },
            relevance: { ...relevance!, basis: words[8]! as "words" },
          }),
        );
        expect(lines).toHaveLength(6);
        expect(lines[0]).toMatch(
          new RegExp(
            `^asked for the best 3 of 6 candidates \\(by vectors and words, profile ${id}\\): 1 was a near-copy of a better document$`,
          ),
        );
        expect(lines[1]).toMatch(kept);
        expect(lines[2]).toMatch(left);
        expect(lines[3]).toMatch(new RegExp(`^relevance by ${id}, not calibrated$`));
        expect(lines[4]).toBe("order not certified: no reason was given");
        for (const line of lines) expect(line).not.toMatch(hidden);
      }),
      { numRuns: 300 },
    );
  });

  const [entry] = receiptOf().bundle;
  const nameOf = (id: string): string =>
    /^kept (.*) \(1st/.exec(linesOf(saying({ bundle: [{ ...entry!, id }] }))[1]!)![1]!;

  test.each([
    ["d7", "d7"],
    ["https://a.example/x-y_z#4", "https://a.example/x-y_z#4"],
    ["", '""'],
    ["a b", '"a b"'],
    ["Straße 光 🙂", '"Straße 光 🙂"'],
    ["x\nkept y (1st, was 2nd): stayed", String.raw`"x\nkept y (1st, was 2nd): stayed"`],
    ["\u2028\u202e\u007f\u0000\ufeff\u{e0041}", String.raw`"\u2028\u202e\u007f\u0000\ufeff\u{e0041}"`],
    ["a\u200bb", String.raw`"a\u200bb"`],
    ["a\u00ad\u3164\ufe0f", String.raw`"a\u00ad\u3164\ufe0f"`],
    ["a\u{e0100}\u{1d173}", String.raw`"a\u{e0100}\u{1d173}"`],
    ['say "hi"', String.raw`"say \"hi\""`],
    ["x".repeat(40), "x".repeat(40)],
    [`${"x".repeat(40)}yz`, `${"x".repeat(27)}…${"x".repeat(10)}yz`],
    [`${"x".repeat(27)}…${"x".repeat(10)}yz`, `"${"x".repeat(27)}…${"x".repeat(10)}yz"`],
    ["🙂".repeat(41), `"${"🙂".repeat(27)}"…"${"🙂".repeat(12)}"`],
  ])("show the id %j as %s", (id, shown) => {
    expect(nameOf(id)).toBe(shown);
  });

  test("show ids apart, but for those that are shortened", () => {
    const short = nasty.map((id) => id.toWellFormed()).filter((id) => Array.from(id).length <= 40);
    fc.assert(
      fc.property(short, short, (a, b) => {
        expect(nameOf(a) === nameOf(b)).toBe(a === b);
      }),
    );
  });

  test("show a digest and a profile that are none as what they are", () => {
    const lines = explainReceipt(saying({ digest: "x\ny", profile: "p)\nq" }));
    expect(lines.at(-1)).toBe(String.raw`digest "x\ny"`);
    expect(lines[0]).toContain(String.raw`profile "p)\nq")`);
  });
});
