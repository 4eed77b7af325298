import { Document } from "@langchain/core/documents";
import { describe, expect, test } from "vitest";
import type { RerankFields } from "../src/index.ts";
import { adapters } from "./adapters.ts";
import {
  deepFreeze,
  digestOf,
  direct,
  documents,
  frozenDocuments,
  idsOf,
  inStoreOrder,
  model,
  queries,
  query,
  receiptOf,
  recordOf,
  texts,
} from "./world.ts";

const ordered = await inStoreOrder(documents());

// What every way through the package must do alike: same input, same bundle, same digest, nothing lost.
describe.each(adapters)("$name", ({ ask }) => {
  describe("the ranking", () => {
    test.each([
      ["the defaults", {}],
      ["another k", { k: 3 }],
      ["all there are", { k: 20 }],
      ["plain cosine", { profile: "cosine" }],
      ["diversity", { diversity: 0.4, k: 6 }],
      ["a narrow lattice without words", { neighbors: 4, lamC: 1, textWeight: 0 }],
      ["graded trust", { trust: (d: { metadata: { page: number } }) => 1 - d.metadata.page / 40 }],
    ] as [string, object][])("with %s is that of a direct call of rerank", async (_, fields) => {
      const expected = direct(ordered, fields);
      const bundle = await ask(ordered, fields);
      const records = bundle.map((document) => recordOf(document));
      expect(idsOf(bundle)).toEqual(expected.bundle.map((entry) => entry.id));
      expect(records.map(({ receipt: _, ...record }) => record)).toEqual(
        expected.bundle.map(({ candidate: _, id: __, ...entry }) => entry),
      );
      expect(digestOf(bundle)).toBe(expected.receipt.digest);
    });

    test("finds both passages that answer a question in two steps", async () => {
      expect(idsOf(await ask(ordered, { k: 4 }))).toEqual(expect.arrayContaining(["p1", "p2"]));
    });

    test("is by the words too, those of the query and of the documents", async () => {
      const bundle = await ask(ordered);
      expect(recordOf(bundle[0]!).terms!.grams).toBeGreaterThan(0.5);
      const [one, other] = [receiptOf(bundle), receiptOf(await ask(ordered, {}, { text: queries[1]! }))];
      expect(one.inputs.texts).toMatch(/^sha256:/);
      expect(one.inputs.queryText).toMatch(/^sha256:/);
      expect(one.inputs.queryText).not.toBe(other.inputs.queryText);
    });

    test("is the same every time", async () => {
      const once = await ask(ordered, { attach: "digest" });
      expect(await ask(ordered, { attach: "digest" })).toEqual(once);
    });
  });

  describe("how many come back", () => {
    test("five by default", async () => {
      expect(await ask(ordered)).toHaveLength(5);
    });

    test("all, if k is more than there are", async () => {
      const bundle = await ask(ordered.slice(0, 4), { k: 9 });
      expect(idsOf(bundle).sort()).toEqual(idsOf(ordered.slice(0, 4)).sort());
    });

    test("one of one", async () => {
      const bundle = await ask(ordered.slice(0, 1));
      expect(idsOf(bundle)).toEqual(idsOf(ordered.slice(0, 1)));
      expect(recordOf(bundle[0]!)).toMatchObject({ rank: 1, inputRank: 1, score: 0 });
    });

    test("none of none", async () => {
      expect(await ask([])).toEqual([]);
    });
  });

  describe("the documents", () => {
    test("are new, and all that came in stays as it was", async () => {
      const frozen = await inStoreOrder(frozenDocuments());
      const before = JSON.stringify(frozen);
      const bundle = await ask(frozen);
      expect(JSON.stringify(frozen)).toBe(before);
      for (const document of bundle) {
        const original = frozen.find(({ id }) => id === document.id)!;
        expect(document).toBeInstanceOf(Document);
        expect(document).not.toBe(original);
        expect(document.metadata).not.toBe(original.metadata);
      }
    });

    test("keep id, text and every field of their metadata", async () => {
      const bundle = await ask(ordered, { k: 20 });
      expect(bundle).toHaveLength(20);
      for (const document of bundle) {
        const original = ordered.find(({ id }) => id === document.id)!;
        const { oscillink: _, relevanceScore: __, ...rest } = document.metadata;
        expect(document.pageContent).toBe(original.pageContent);
        expect(rest).toEqual(original.metadata);
        expect(document.metadata.place).toBe(original.metadata.place);
      }
    });

    test("without an id get none, and the receipt names them by their place", async () => {
      const unnamed = ordered.map(({ pageContent, metadata }) => new Document({ pageContent, metadata }));
      const bundle = await ask(unnamed);
      expect(idsOf(bundle)).toEqual(bundle.map(() => undefined));
      const places = bundle.map((document) => String(recordOf(document).inputRank - 1));
      expect(receiptOf(bundle).bundle.map(({ id }) => id)).toEqual(places);
      expect(digestOf(bundle)).toBe(direct(unnamed).receipt.digest);
    });

    test("of one id are told apart by their place, and each keeps its own text and metadata", async () => {
      const twins = await inStoreOrder(
        documents().map(
          (document, i) => new Document({ ...document, id: i === 2 || i === 3 ? "p1" : document.id! }),
        ),
      );
      const bundle = await ask(twins, { k: 20 });
      const named = receiptOf(bundle).bundle.map(({ id }) => id);
      expect(new Set(named).size).toBe(20);
      const three = bundle.filter(({ id }) => id === "p1");
      expect(three.map(({ metadata }) => metadata.page).sort()).toEqual([1, 2, 3]);
      for (const { metadata, pageContent } of three) expect(pageContent).toBe(texts[metadata.page]);
    });

    test("of one id do not take the name that another already has", async () => {
      const ids = ["a#2", "a", "a", "a#2", "1", undefined];
      const odd = ordered
        .slice(0, 6)
        .map(({ pageContent }, place) => ({ pageContent, metadata: { place } }))
        .map((fields, i) => new Document(ids[i] === undefined ? fields : { ...fields, id: ids[i] }));
      const bundle = await ask(odd, { k: 6 });
      expect(new Set(receiptOf(bundle).bundle.map(({ id }) => id)).size).toBe(6);
      expect(idsOf(bundle)).toEqual(bundle.map(({ metadata }) => ids[metadata.place]));
    });

    test("of one text each keep their own metadata", async () => {
      const copies = ["en", "de", "fr"].map(
        (language) => new Document({ pageContent: texts[1]!, metadata: { language } }),
      );
      const bundle = await ask([...copies, ...ordered], { k: 23 });
      const found = bundle.map(({ metadata }) => metadata.language).filter(Boolean);
      expect(found.sort()).toEqual(["de", "en", "fr"]);
      const scores = bundle
        .filter(({ pageContent }) => pageContent === texts[1])
        .map((document) => recordOf(document).score);
      expect(scores).toHaveLength(4);
      expect(new Set(scores).size).toBe(1);
    });

    test("may have numbers for ids, as integer keys come back from a database", async () => {
      const numbered = ordered.map(
        ({ pageContent, metadata }, i) => new Document({ pageContent, metadata, id: (100 + i) as never }),
      );
      const bundle = await ask(numbered);
      expect(idsOf(bundle)).toEqual(bundle.map((document) => 99 + recordOf(document).inputRank));
    });
  });

  describe("the record", () => {
    test("is whole with attach full, the default: place, score, parts, terms and the receipt", async () => {
      const bundle = await ask(ordered);
      const receipt = receiptOf(bundle);
      expect(receipt).toMatchObject({ schema: "oscillink-receipt/3", profile: "evidence" });
      expect(receipt.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      bundle.forEach((document, i) => {
        const record = recordOf(document);
        expect(Object.keys(record).sort()).toEqual(
          [
            "inputRank",
            "namedBy",
            "neighbours",
            "ownRank",
            "parts",
            "rank",
            "receipt",
            "relevance",
            "score",
            "terms",
          ].sort(),
        );
        expect(record.rank).toBe(i + 1);
        expect(ordered[record.inputRank - 1]!.id).toBe(document.id);
        const sum = Object.values(record.terms!).reduce((total, term) => total + term, 0);
        expect(record.score).toBeCloseTo(sum, 10);
        expect(record.receipt).toBe(recordOf(bundle[0]!).receipt);
      });
      const rounded = JSON.stringify(
        bundle.map((document) => {
          const { receipt: _, ...record } = recordOf(document);
          return { id: document.id, ...record };
        }),
        // The receipt's figures have six digits.
        (_, value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value),
      );
      expect(receipt.bundle).toEqual(JSON.parse(rounded));
      const full = await ask(ordered, { attach: "full" });
      expect(digestOf(full)).toBe(receipt.digest);
      expect(recordOf(full[0]!)).toHaveProperty("parts");
    });

    test("is place, score and the receipt's digest with attach digest", async () => {
      const { bundle: entries, receipt } = direct(ordered);
      const bundle = await ask(ordered, { attach: "digest" });
      expect(bundle.map((document) => recordOf(document))).toEqual(
        entries.map(({ rank, inputRank, score }) => ({ rank, inputRank, score, receipt: receipt.digest })),
      );
    });

    test("is absent with attach none, but for the score", async () => {
      const { bundle: entries } = direct(ordered);
      const bundle = await ask(ordered, { attach: "none" });
      expect(bundle.map(({ metadata }) => metadata)).toEqual(
        entries.map(({ candidate, relevance }) => ({
          ...candidate.document.metadata,
          relevanceScore: relevance,
        })),
      );
    });

    test("survives JSON, as a tracer or a queue would store it", async () => {
      const bundle = await ask(ordered);
      expect(JSON.parse(JSON.stringify(bundle))).toEqual(bundle.map((document) => ({ ...document })));
    });

    test("goes where metadataKey says, and replaces what was there in the copy alone", async () => {
      const taken = await inStoreOrder(
        documents().map((document) =>
          deepFreeze(
            new Document({ ...document, metadata: { ...document.metadata, oscillink: "mine", why: "mine" } }),
          ),
        ),
      );
      const [elsewhere, first] = [await ask(taken, { metadataKey: "why" }), await ask(taken)];
      for (const { metadata } of elsewhere) {
        expect(metadata.oscillink).toBe("mine");
        expect(metadata.why).toHaveProperty("rank");
      }
      for (const { metadata } of first) {
        expect(metadata.why).toBe("mine");
        expect(metadata.oscillink).toHaveProperty("rank");
      }
      // What a document brings under that name is no record: it could be forged.
      for (const { metadata } of await ask(taken, { attach: "none" })) {
        expect(metadata.why).toBe("mine");
        expect(metadata).not.toHaveProperty("oscillink");
      }
      for (const { metadata } of taken) expect(metadata).toMatchObject({ oscillink: "mine", why: "mine" });
    });

    test("comes with relevanceScore, falling, in place of one from an earlier stage", async () => {
      const scored = await inStoreOrder(
        documents().map((document, i) =>
          deepFreeze(
            new Document({ ...document, metadata: { ...document.metadata, relevanceScore: 900 + i } }),
          ),
        ),
      );
      const bundle = await ask(scored, { k: 20 });
      const scores = bundle.map(({ metadata }) => metadata.relevanceScore as number);
      expect(scores).toEqual(bundle.map((document) => recordOf(document).relevance));
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      expect(Math.max(...scores)).toBeLessThan(1);
    });

    test("comes with the score as relevanceScore where nothing tells of relevance", async () => {
      const bundle = await ask(ordered.slice(0, 9), { textWeight: 0 });
      expect(receiptOf(bundle).relevance).toBeNull();
      const scores = bundle.map(({ metadata }) => metadata.relevanceScore as number);
      expect(scores).toEqual(bundle.map((document) => recordOf(document).score));
      expect(Math.max(...scores)).toBeGreaterThan(1);
    });

    test("comes only with what is relevant enough, where minRelevance says so", async () => {
      const all = (await ask(ordered, { k: 20 })).map(({ metadata }) => metadata.relevanceScore as number);
      const least = all[2]!;
      const some = await ask(ordered, { k: 20, minRelevance: least });
      expect(some.map(({ metadata }) => metadata.relevanceScore)).toEqual(all.filter((r) => r >= least));
      expect(some.length).toBeLessThan(20);
    });
  });

  describe("trust", () => {
    const trusting =
      (id: string, trust: number | undefined): NonNullable<RerankFields["trust"]> =>
      (document) =>
        document.id === id ? trust : undefined;
    const best = direct(ordered).bundle[0]!.id;

    test("0 keeps a document out, however many are asked for", async () => {
      const bundle = await ask(ordered, { k: 20, trust: trusting(best, 0) });
      expect(bundle).toHaveLength(19);
      expect(idsOf(bundle)).not.toContain(best);
      expect(receiptOf(bundle).inputs).toMatchObject({ n: 20, excluded: 1 });
    });

    test("0 keeps a document out that has no direction either", async () => {
      const wordless = new Document({ id: "dots", pageContent: "· · ·", metadata: {} });
      const bundle = await ask([...ordered, wordless], { k: 21, trust: trusting("dots", 0) });
      expect(idsOf(bundle)).not.toContain("dots");
      expect(bundle).toHaveLength(20);
    });

    test("moves a document down the more it is withdrawn, and is undefined for full trust", async () => {
      const rankAt = async (trust: number | undefined) =>
        idsOf(await ask(ordered, { k: 20, trust: trusting(best, trust) })).indexOf(best);
      const ranks = [];
      for (const trust of [undefined, 1, 0.8, 0.5, 0.2, 0.01]) ranks.push(await rankAt(trust));
      expect(ranks.slice(0, 2)).toEqual([0, 0]);
      expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
      // At the end, where only the one that was last anyway can be lower still.
      expect(ranks.at(-1)).toBeGreaterThanOrEqual(18);
    });

    test("is asked about each document once, and with the document alone", async () => {
      const calls: unknown[][] = [];
      await ask(ordered, {
        trust: (...given: unknown[]) => {
          calls.push(given);
          return 1;
        },
      });
      expect(calls.map(([document]) => (document as Document).id)).toEqual(idsOf(ordered));
      expect(calls.every((given) => given.length === 1)).toBe(true);
    });

    test.each([[-0.1], [1.1], [Number.NaN], ["1"], [{}]])("%o is refused", async (value) => {
      await expect(ask(ordered, { trust: () => value as number })).rejects.toMatchObject({
        name: "CandidateError",
        parameter: "candidates[0].trust",
        message: expect.stringContaining("must be a number in [0, 1]"),
      });
    });

    test("passes on what it throws", async () => {
      const fault = new Error("no such source");
      const trust = () => {
        throw fault;
      };
      await expect(ask(ordered, { trust })).rejects.toBe(fault);
    });
  });

  describe("a document without a direction", () => {
    const wordless = deepFreeze(
      new Document({ id: "dots", pageContent: "· · ·", metadata: { relevanceScore: 900 } }),
    );
    const some = [...ordered.slice(0, 6), wordless];

    test("comes last, without a score: not even that of an earlier stage", async () => {
      const bundle = await ask(some, { k: 7 });
      expect(bundle).toHaveLength(7);
      const last = bundle[6]!;
      expect(last.id).toBe("dots");
      expect(recordOf(last)).toMatchObject({ rank: 7, score: null, parts: null, terms: null });
      expect(last.metadata).not.toHaveProperty("relevanceScore");
    });

    test("gives way to those that can be ranked", async () => {
      expect(idsOf(await ask(some, { k: 6 }))).not.toContain("dots");
    });

    test("is left out with missing drop, and refused with error", async () => {
      expect(idsOf(await ask(some, { k: 7, missing: "drop" }))).toHaveLength(6);
      await expect(ask(some, { missing: "error" })).rejects.toMatchObject({ name: "CandidateError" });
    });

    test("is refused as a query, with a message that says so", async () => {
      await expect(ask(ordered, {}, { text: "?!" })).rejects.toMatchObject({
        name: "VectorError",
        parameter: "query",
      });
    });
  });

  test("twenty at once get what each would get alone", async () => {
    const asked = Array.from({ length: 20 }, (_, i) => queries[i % queries.length]!);
    const alone = [];
    for (const text of asked) alone.push(await ask(ordered, { attach: "digest" }, { text }));
    const together = await Promise.all(asked.map((text) => ask(ordered, { attach: "digest" }, { text })));
    expect(together).toEqual(alone);
    expect(new Set(together.map(digestOf)).size).toBe(queries.length);
  });
});

test("all adapters write one and the same receipt", async () => {
  const receipts = await Promise.all(
    adapters.map(async ({ ask }) => {
      const { t_ms: _, vectors: __, ...receipt } = receiptOf(await ask(ordered, { k: 7 }));
      return receipt;
    }),
  );
  for (const receipt of receipts) expect(receipt).toEqual(receipts[0]);
  expect(receipts).toHaveLength(5);
});

test("the world is what these tests take it for", () => {
  expect(new Set(idsOf(ordered)).size).toBe(20);
  expect(idsOf(ordered)).not.toEqual(idsOf(documents()));
  expect(queries[0]).toBe(query);
  // The lattice and the words change the order: a retriever that returned the store's would be caught.
  const { bundle } = direct(ordered);
  expect(bundle.map((entry) => entry.id)).not.toEqual(idsOf(ordered.slice(0, 5)));
  expect(model.embed("· · ·").every((value) => value === 0)).toBe(true);
});
