import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { copiesLast, nearCopies } from "../src/rank/copies.ts";
import { rerank } from "../src/rerank.ts";
import { gramsOf } from "../src/words/cut.ts";
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
  const text = "the solar sail was unfolded over the harbour of the moon in the spring of that year";
  const page = (title: string, words: string) => ({ title, text: words });

  test("are alike in vector, text and title; each alone is not enough", () => {
    const other = "a tax form is due in autumn and must be signed by both the payer and the office";
    const words = [page("Sail", text), page("Sail", `${text} again`), page("Sail", other), page("Tax", text)];
    const near = nearCopies(words, () => 0.95);
    expect([near(0, 1), near(0, 2), near(0, 3)]).toEqual([true, false, false]);
    expect(nearCopies(words, () => 0.89)(0, 1)).toBe(false);
    // Vectors alone cannot tell a copy from a document on the same matter.
    expect(nearCopies(null, () => 1)(0, 1)).toBe(false);
    expect(nearCopies([page("", ""), page("", "")], () => 1)(0, 1)).toBe(false);
  });

  test("is symmetric", () => {
    const words = fc.record({ title: fc.string({ maxLength: 4 }), text: fc.string({ maxLength: 12 }) });
    fc.assert(
      fc.property(
        fc.array(words, { minLength: 2, maxLength: 2 }),
        fc.double({ min: 0.8, max: 1 }),
        (pair, cosine) => {
          const near = nearCopies(pair, () => cosine);
          expect(near(0, 1)).toBe(near(1, 0));
        },
      ),
    );
  });

  test("grams of a text are its windows of four", () => {
    expect(gramsOf("Sail a")).toEqual([" sai", "sail", "ail ", " a "]);
  });
});

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
        .with(5 * n, "changed")
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
