import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { copiesLast, nearCopies } from "../src/rank/copies.ts";
import { rerank } from "../src/rerank.ts";
import { cut, gramsOf, normalized, PAIRED, wordsOf } from "../src/words/cut.ts";
import { permuted, randomRow } from "./support.ts";

describe("copies last", () => {
  const relation = fc.array(fc.boolean(), { minLength: 64, maxLength: 64 });
  const of = (table: boolean[]) => (i: number, j: number) => table[Math.min(i, j) * 8 + Math.max(i, j)]!;

  test("is a permutation: those kept and those passed over, each in their order; no two kept are copies", () => {
    fc.assert(
      fc.property(relation, fc.integer({ min: 1, max: 9 }), (table, wanted) => {
        const ranked = [3, 1, 4, 0, 5, 2, 7, 6];
        const copies = of(table);
        const { order, passed } = copiesLast(ranked, wanted, copies);
        expect([...order].sort()).toEqual([...ranked].sort());
        const place = (i: number) => ranked.indexOf(i);
        const split = order.length - passed.length;
        for (const part of [order.slice(0, split), order.slice(split)]) {
          expect(part.map(place)).toEqual(part.map(place).sort((a, b) => a - b));
        }
        const kept = order.slice(0, Math.min(wanted, split));
        for (const i of kept) for (const j of kept) if (i !== j) expect(copies(i, j)).toBe(false);
        expect(order[0]).toBe(ranked[0]);
      }),
    );
  });

  test("asked for fewer, holds the beginning of what it holds for more", () => {
    fc.assert(
      fc.property(relation, fc.integer({ min: 1, max: 7 }), (table, wanted) => {
        const few = copiesLast([0, 1, 2, 3, 4, 5, 6, 7], wanted, of(table));
        const many = copiesLast([0, 1, 2, 3, 4, 5, 6, 7], wanted + 1, of(table));
        expect(many.order.slice(0, wanted)).toEqual(few.order.slice(0, wanted));
      }),
    );
  });
});

describe("near-copies", () => {
  const vocabulary = Array.from({ length: 300 }, (_, i) => `word${(i * 7919) % 997}`);
  const textOf = (length: number, seed: number) =>
    randomRow(length, seed)
      .map((v) => vocabulary[Math.floor(Math.abs(v) * 299.9)]!)
      .join(" ");
  const near = (
    a: string,
    b: string,
    { query = "", cosine = 0.95 as number | null, titles = ["", ""] } = {},
  ) => {
    const documents = [a, b].map((text, i) => ({ title: normalized(titles[i]!), text: normalized(text) }));
    return nearCopies(query, documents, () => cosine)(0, 1);
  };
  const seeds = Array.from({ length: 20 }, (_, i) => i + 1);

  test.each<[string, (text: string) => [string, string]]>([
    ["as it is", (text) => [text, text]],
    ["in other case and white space", (text) => [text, text.toUpperCase().replaceAll(" ", "\n  ")]],
    ["with punctuation", (text) => [text, `«${text.replaceAll("5 ", "5, ")}»!`]],
    ["under another date", (text) => [`Updated 3 May 2021. ${text}`, `Updated 14 July 2023. ${text}`]],
    ["with boilerplate around it", (text) => [text, `Home About Log in. ${text} Share this page.`]],
    ["with one word in twenty changed", (text) => [text, changed(text, 20)]],
    ["shorter by a tenth", (text) => [text, text.split(" ").slice(0, -15).join(" ")]],
  ])("planted: the same text %s", (_, plant) => {
    for (const seed of seeds) {
      const [a, b] = plant(textOf(150, seed));
      expect(near(a, b)).toBe(true);
      expect(near(b, a)).toBe(true);
    }
  });

  test("planted: not where the vector is another one, unless the words are the same in the same order", () => {
    const text = textOf(150, 1);
    expect(near(text, changed(text, 20), { cosine: 0.89 })).toBe(false);
    expect(near(text, text.toUpperCase().replaceAll(" ", ", "), { cosine: 0.87 })).toBe(true);
    expect(near(text, `${text} end`, { cosine: 0.87 })).toBe(false);
    expect(near(`${text} end`, text, { cosine: 0.87 })).toBe(false);
    expect(near(text, changed(text, 20), { cosine: null })).toBe(true);
  });

  test("are none without text, by their vectors alone", () => {
    expect(nearCopies("word", null, () => 1)(0, 1)).toBe(false);
    expect(near("", "", { titles: ["Sail", "Sail"] })).toBe(false);
    expect(near(" – ", "...")).toBe(false);
    expect(near("a", "")).toBe(false);
  });

  test("have like titles, where both have one", () => {
    const text = textOf(100, 2);
    expect(near(text, changed(text, 20), { titles: ["Report of January", "Report of February"] })).toBe(
      false,
    );
    expect(near(text, changed(text, 20), { titles: ["Report of January", "REPORT, of January"] })).toBe(true);
    expect(near(text, changed(text, 20), { titles: ["Report of January", ""] })).toBe(true);
    expect(near(text, changed(text, 20), { titles: ["Report of January", "–"] })).toBe(true);
    expect(near(text, text, { titles: ["Report", "Law"] })).toBe(false);
  });

  test.each([
    ["a word", "The fee for January is due", "The fee for February is due", "fees of february"],
    ["a number", "Article 12 applies", "Article 13 applies", "article 13"],
    ["a pair of Han", "報告は一月の分です", "報告は二月の分です", "二月"],
    ["Hangul with a particle", "보고서 서울은 맑음", "보고서 부산은 맑음", "부산에서"],
    ["a part of a run in Thai", "รายงานเดือนมกราคมของท่าเรือ", "รายงานเดือนกุมภาพันธ์ของท่าเรือ", "เดือนกุมภาพันธ์"],
  ])("differ in %s of the query: none, and copies where that is not asked", (_, a, b, query) => {
    for (const seed of seeds) {
      const rest = textOf(120, seed);
      expect(near(`${a}. ${rest}`, `${b}. ${rest}`, { query })).toBe(false);
      expect(near(`${a}. ${rest}`, `${b}. ${rest}`, { query: "tide tables" })).toBe(true);
    }
  });

  test("differ in a word of the query that only a title has: none", () => {
    const text = textOf(60, 5);
    expect(near(text, text, { titles: ["Norway", ""], query: "norway" })).toBe(false);
    expect(near(text, text, { titles: ["Norway", ""], query: "sweden" })).toBe(true);
  });

  test("a word of the query that both hold elsewhere does not part them: the 2 to 3 % of templates that stay copies", () => {
    const rest = `${textOf(120, 3)} before February`;
    const [a, b] = ["January", "February"].map((month) => `Report for ${month}. ${rest}`);
    expect(near(a!, b!, { query: "report for February" })).toBe(true);
    expect(near(a!, b!, { query: "report for January" })).toBe(false);
  });

  test.each([0.5, 0.75, 0.85, 0.9, 0.95])(
    "neighbouring chunks with %d of their length in common are none",
    (share) => {
      for (const seed of seeds) {
        const words = textOf(400, seed).split(" ");
        const step = Math.round(200 * (1 - share));
        const [a, b] = [words.slice(0, 200).join(" "), words.slice(step, step + 200).join(" ")];
        expect(near(a, b)).toBe(false);
        expect(near(b, a)).toBe(false);
        // A splitter by characters cuts words in two.
        expect(near(a.slice(0, -2), b.slice(2))).toBe(false);
        expect(near(a, changed(a, 20))).toBe(true);
      }
    },
  );

  test("is symmetric, and as the rule is written, word by word", () => {
    const piece = fc.constantFrom(
      "a",
      "b",
      "c",
      "dd",
      "A",
      ".",
      "月",
      "日本",
      "ひら",
      "ไทย",
      "มกราคม",
      "한국",
    );
    const text = fc
      .array(fc.tuple(piece, fc.constantFrom(" ", " ", "", ", ")), { maxLength: 14 })
      .map((pieces) => pieces.flat().join(""));
    // The second is the first with something cut off, put before, put after or changed: else copies are rare.
    const edit = fc.tuple(fc.nat(4), fc.nat(30), text).map(([kind, at, other]) => (a: string) => {
      if (kind === 0) return a.slice(at % (a.length + 1));
      if (kind === 1) return a.slice(0, at % (a.length + 1));
      if (kind === 2) return other + a;
      if (kind === 3) return a + other;
      return a.slice(0, at % (a.length + 1)) + other.slice(0, 2) + a.slice((at % (a.length + 1)) + 1);
    });
    let copies = 0;
    const title = fc.constantFrom("", "", "Sail", "Sail a", "sail", "月", "-");
    fc.assert(
      fc.property(
        fc.tuple(text, fc.array(edit, { maxLength: 2 }), fc.constantFrom(1, 1, 3)),
        fc.tuple(title, title, fc.oneof(fc.constant(""), text)),
        fc.constantFrom(null, 0.8, 0.89, 0.9, 1, 1),
        ([once, edits, times], [titleA, titleB, query], cosine) => {
          const whole = Array.from({ length: times }, () => once).join(" ");
          const other = edits.reduce((before, change) => change(before), whole);
          const options = { query, cosine, titles: [titleA, titleB] };
          const found = near(whole, other, options);
          expect(found).toBe(asWritten([titleA, whole], [titleB, other], query, cosine));
          expect(near(other, whole, { ...options, titles: [titleB, titleA] })).toBe(found);
          copies += Number(found);
        },
      ),
      { numRuns: 3000 },
    );
    expect(copies).toBeGreaterThan(300);
    expect(copies).toBeLessThan(2700);
  });

  test("the cost of a pair of long texts grows with their length, not with its square", () => {
    // One word over and over: a run at every place. The table of all runs would have 1e10 entries.
    const long = "word ".repeat(100_000);
    const start = performance.now();
    expect(near(`${long} ${textOf(20_000, 1)}`, `${long} ${textOf(20_000, 2)}`)).toBe(true);
    expect(performance.now() - start).toBeLessThan(4000);
  });
});

/** Every `each`-th word replaced by another. */
const changed = (text: string, each: number): string =>
  text
    .split(" ")
    .map((word, i) => (i % each === each - 1 ? `other${i}` : word))
    .join(" ");

/** The rule of {@link nearCopies}, without a thought of what it costs. */
function asWritten(
  [titleA, textA]: [string, string],
  [titleB, textB]: [string, string],
  query: string,
  cosine: number | null,
): boolean {
  const [a, b] = [termsOf(textA), termsOf(textB)];
  if (a.length === 0 || b.length === 0) return false;
  const lines = [textA, textB].map((text) => wordsOf(text).join(" "));
  const sameWords = lines[0] === lines[1];
  if (cosine !== null && cosine < 0.9 && !sameWords) return false;
  const [gramsA, gramsB] = [new Set(gramsOf(titleA)), new Set(gramsOf(titleB))];
  if (gramsA.size > 0 && gramsB.size > 0) {
    if ([...gramsA].filter((gram) => gramsB.has(gram)).length / new Set([...gramsA, ...gramsB]).size < 0.9)
      return false;
  }
  const [allA, allB] = [
    [...a, ...termsOf(titleA)],
    [...b, ...termsOf(titleB)],
  ];
  if (termsOf(query).some((term) => allA.includes(term) !== allB.includes(term))) return false;
  const count = (terms: string[], term: string) => terms.filter((other) => other === term).length;
  const all = [...new Set([...a, ...b])].map((term) => [count(a, term), count(b, term)] as const);
  const sum = (of: (x: number, y: number) => number) => all.reduce((s, [x, y]) => s + of(x, y), 0);
  let run = 0;
  a.forEach((_, i) => {
    b.forEach((_, j) => {
      let length = 0;
      while (i + length < a.length && j + length < b.length && a[i + length] === b[j + length]) length++;
      run = Math.max(run, length);
    });
  });
  if (sum(Math.min) / sum(Math.max) < 0.8 && run < 0.7 * Math.max(a.length, b.length)) return false;
  const shorter = Math.min(...lines.map((line) => line.length));
  return ![lines, lines.toReversed()].some(([first, second]) => {
    let overlap = shorter;
    while (!second!.startsWith(first!.slice(first!.length - overlap))) overlap--;
    return overlap >= 0.3 * shorter && overlap < shorter;
  });
}

/** The words of a text; pairs of Han, Kana and Hangul, and windows of four in Thai. */
function termsOf(text: string): string[] {
  return cut(text).flatMap((word) => {
    const size = word.kind === PAIRED ? 2 : /^\p{scx=Thai}/u.test(word.text) ? 4 : word.text.length;
    if (word.text.length <= size) return [word.text];
    return Array.from({ length: word.text.length - size + 1 }, (_, at) => word.text.slice(at, at + size));
  });
}

describe("a pool with planted near-copies", () => {
  const vocabulary = Array.from({ length: 400 }, (_, i) => `word${(i * 7919) % 997}`);
  const documents = Array.from({ length: 30 }, (_, i) => {
    const words = randomRow(40, 100 + i).map((v) => vocabulary[Math.floor(Math.abs(v) * 399.9) % 400]!);
    return { id: `d${i}`, embedding: randomRow(24, i), text: words.join(" ") };
  });
  const query = randomRow(24, 500);
  const ask = (candidates: typeof documents, copies?: "keep") =>
    rerank({
      query,
      queryText: documents[3]!.text.slice(0, 60),
      candidates,
      k: 10,
      ...(copies && { copies }),
    });
  const best = ask(documents)
    .bundle.slice(0, 4)
    .map(({ id }) => id);
  const planted = documents.flatMap((document) => {
    if (!best.includes(document.id)) return [document];
    const changed = (n: number) => ({
      id: `${document.id}~${n}`,
      embedding: document.embedding.map((v, c) => v + 0.01 * ((c + n) % 3)),
      text: document.text
        .split(" ")
        .with(15 + 5 * n, "changed")
        .join(" "),
    });
    return [document, changed(1), changed(2)];
  });
  const roots = (ids: readonly string[]) => ids.map((id) => id.split("~")[0]);

  test("gives a bundle without two copies, in any order of arrival; kept where asked for", () => {
    for (const seed of [1, 2, 3]) {
      const { bundle, receipt } = ask(
        permuted(
          planted,
          randomRow(planted.length, seed).map((v) => v * 1000),
        ),
      );
      const ids = roots(bundle.map(({ id }) => id));
      expect(new Set(ids).size).toBe(ids.length);
      expect(receipt.meta.crowding.passed).toBeGreaterThan(0);
      expect(receipt.meta.crowding.share).toBeGreaterThan(0.2);
    }
    const kept = roots(ask(planted, "keep").bundle.map(({ id }) => id));
    expect(new Set(kept).size).toBeLessThan(kept.length);
  });

  test("changes nothing where there are none, and loses no document", () => {
    expect(ask(documents).bundle.map(({ id }) => id)).toEqual(
      ask(documents, "keep").bundle.map(({ id }) => id),
    );
    expect(ask(documents).receipt.meta.crowding).toEqual({ share: 0, passed: 0 });
    const all = rerank({ query, candidates: planted, k: 100 }).bundle.map(({ id }) => id);
    expect([...all].sort()).toEqual(planted.map(({ id }) => id).sort());
  });
});

test("two reports from one template were one a copy of the other, though the query asks for both months", () => {
  const report = (month: string, calls: number) =>
    `Monthly report of the harbour office for ${month} 2024, approved by the board. Ships that called during the month: ${calls}. The figures are provisional.`;
  const { bundle, receipt } = rerank({
    k: 2,
    query: [1, 0, 0],
    queryText: "Ships that called in January and in February 2024?",
    candidates: [
      { id: "Jan", text: report("January", 412), embedding: [1, 0.1, 0] },
      { id: "Feb", text: report("February", 398), embedding: [1, 0, 0.1] },
      { id: "tea", text: "Tea is picked in spring.", embedding: [0, 1, 1] },
      { id: "rye", text: "Rye is sown in autumn.", embedding: [0, 1, -1] },
    ],
  });
  expect(bundle.map(({ id }) => id).toSorted()).toEqual(["Feb", "Jan"]);
  expect(receipt.meta.crowding.passed).toBe(0);
});
