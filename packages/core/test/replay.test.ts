import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Lattice, type Receipt } from "../src/index.ts";
import { contentDigest, signedContent } from "../src/receipt/receipt.ts";
import { rerank } from "../src/rerank.ts";
import { type ReplayInputs, replayReceipt } from "../src/verify/replay.ts";
import { randomRow, randomRows, requests } from "./support.ts";

const overTheWire = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/** The receipt with a change that hides behind a digest of its own. */
const forged = (receipt: Receipt, change: object): Receipt => {
  const other = { ...receipt, ...change };
  return { ...other, digest: contentDigest(other) };
};

const embeddings = randomRows(20, 5, 1);
const inputs = {
  query: randomRow(5, 2),
  queryText: "solar sail",
  candidates: embeddings.map((embedding, i) => ({
    id: `d${i}`,
    embedding,
    text: i % 3 ? "a solar wind" : "the sail",
    title: `title ${i}`,
    trust: i === 4 ? 0.5 : 1,
  })),
} satisfies ReplayInputs;
const { receipt } = rerank({ ...inputs, k: 4 });

describe("a replay", () => {
  const options = fc.record(
    {
      k: fc.integer({ min: 1, max: 8 }),
      profile: fc.constantFrom("evidence", "cosine", "reference"),
      missing: fc.constantFrom("append", "drop"),
      diversity: fc.constantFrom(0, 0.3),
      tolerance: fc.constantFrom(1e-2, 1e-5),
      lamQ: fc.constantFrom(0, 2),
    } as const,
    { requiredKeys: [] },
  );

  test("finds every receipt true, over the wire, whole or as it is signed", () => {
    fc.assert(
      fc.property(requests(), options, (request, how) => {
        const made = overTheWire(rerank({ ...request, ...how }).receipt);
        expect(replayReceipt(made, request)).toEqual({ ok: true });
        expect(replayReceipt(overTheWire(signedContent(made)), request)).toEqual({ ok: true });
      }),
    );
  });

  test("of scores in place of vectors", () => {
    const candidates = inputs.candidates.map(({ embedding: _, ...c }, i) => ({ ...c, score: 1 / (i + 1) }));
    const made = rerank({ queryText: "solar sail", candidates }).receipt;
    expect(replayReceipt(made, { queryText: "solar sail", candidates })).toEqual({ ok: true });
    expect(replayReceipt(made, { ...inputs, candidates: inputs.candidates })).toMatchObject({
      reason: "replay-inputs",
    });
  });

  test("of several lists, with or without vectors, and of links", () => {
    fc.assert(
      fc.property(requests({ minN: 2 }), fc.boolean(), fc.nat(), (request, vectors, seed) => {
        const { query, queryText, candidates } = request;
        const items = candidates.map(({ embedding, ...c }, i) => ({
          ...c,
          ...(vectors && { embedding }),
          links: [candidates[(i + 1 + (seed % 3)) % candidates.length]!.id],
          score: 1 / (i + 1),
        }));
        const lists = [
          { name: "first", items: items.slice(seed % 2) },
          { name: "second", items: items.toReversed().slice(0, 1 + (seed % items.length)) },
          { name: "ranked", items: items.map(({ score: _, ...c }) => c) },
        ];
        const given = { ...(vectors && { query }), queryText, lists };
        const made = overTheWire(rerank({ ...given, k: 3 }).receipt);
        expect(replayReceipt(made, given)).toEqual({ ok: true });
        const swapped = { ...given, lists: lists.with(1, { ...lists[1]!, name: "other" }) };
        expect(replayReceipt(made, swapped)).toMatchObject({
          reason: "replay-inputs",
          differences: ["inputs.lists"],
        });
      }),
      { numRuns: 50 },
    );
  });

  test("of a lattice with a graph of its own, a chain, and a receipt of other detail", () => {
    const edges = embeddings.slice(1).map((_, i) => ({ i, j: i + 1, weight: 0.5 + i / 40 }));
    const lattice = new Lattice({ embeddings, edges }).setQuery(inputs.query);
    lattice.addChain([3, 1, 7], { lamP: 0.4, weights: [1, 2] });
    const candidates = embeddings.map((embedding) => ({ embedding }));
    const { query } = inputs;
    for (const how of [
      { detail: "light" },
      { nullCap: 1, nullThreshold: 0.5 },
      { nullCap: 0, nullThreshold: -1 },
    ] as const) {
      expect(replayReceipt(lattice.receipt(how), { query, candidates, edges })).toEqual({ ok: true });
    }
    expect(replayReceipt(lattice.receipt(), { query, candidates })).toMatchObject({
      reason: "replay-inputs",
      differences: ["inputs.edges"],
    });
  });
});

describe("a replay refuses", () => {
  test("other inputs by their digests, before anything is computed of them", () => {
    // Each stands for a text of megabytes; weighing the words would read them.
    const { receipt } = rerank({ ...inputs, queryText: "thé" });
    let cuts = 0;
    const counted = new Proxy(String.prototype.normalize, {
      apply: (normalize, text, forms) => {
        cuts++;
        return Reflect.apply(normalize, text, forms);
      },
    });
    const original = String.prototype.normalize;
    String.prototype.normalize = counted;
    try {
      const other = replayReceipt(receipt, { ...inputs, queryText: "grüner Tee" });
      expect(other).toEqual({ ok: false, reason: "replay-inputs", differences: ["inputs.queryText"] });
      expect(cuts).toBe(0);
      expect(replayReceipt(receipt, { ...inputs, queryText: "thé" })).toEqual({ ok: true });
      expect(cuts).toBeGreaterThan(0);
    } finally {
      String.prototype.normalize = original;
    }
  });

  const first = inputs.candidates[0]!;
  const changed = (change: object): ReplayInputs => ({
    ...inputs,
    candidates: [{ ...first, ...change }, ...inputs.candidates.slice(1)],
  });
  const value = first.embedding[0]!;

  test.each<[string, ReplayInputs, string[]]>([
    ["another query", { ...inputs, query: randomRow(5, 3) }, ["inputs.query"]],
    ["other words of it", { ...inputs, queryText: "solar sails" }, ["inputs.queryText"]],
    ["none", { query: inputs.query, candidates: inputs.candidates }, ["inputs.queryText"]],
    ["another id", changed({ id: "e0" }), ["inputs.ids"]],
    ["another text", changed({ text: "the sails" }), ["inputs.texts"]],
    ["another title", changed({ title: "a title" }), ["inputs.titles"]],
    ["another trust", changed({ trust: 0.9 }), ["inputs.trust"]],
    [
      "a vector off by the last bit",
      changed({ embedding: [value + 2 ** -24 * value, ...first.embedding.slice(1)] }),
      ["inputs.candidates"],
    ],
    ["links where there were none", changed({ links: ["d3"] }), ["inputs.links"]],
    [
      "a list more",
      {
        query: inputs.query,
        queryText: inputs.queryText,
        lists: [
          { name: "vectors", items: inputs.candidates },
          { name: "bm25", items: inputs.candidates.slice(3) },
        ],
      },
      ["inputs.lists"],
    ],
    [
      "a list that lacks one of them",
      {
        query: inputs.query,
        queryText: inputs.queryText,
        lists: [
          { name: "vectors", items: inputs.candidates.slice(0, -1) },
          { name: "bm25", items: inputs.candidates },
        ],
      },
      ["inputs.found", "inputs.lists"],
    ],
    ["a vector of another width", changed({ embedding: [1] }), ["candidates[1].embedding"]],
  ])("other inputs: %s", (_, other, differences) => {
    expect(replayReceipt(receipt, other)).toEqual({ ok: false, reason: "replay-inputs", differences });
  });

  test("other candidates: fewer, more, in another order", () => {
    const { candidates } = inputs;
    for (const other of [
      candidates.slice(1),
      [...candidates, { embedding: first.embedding }],
      candidates.toReversed(),
    ]) {
      expect(replayReceipt(receipt, { ...inputs, candidates: other })).toMatchObject({
        reason: "replay-inputs",
      });
    }
  });

  test.each<[string, object, string, string[]]>([
    [
      "another order",
      { bundle: receipt.bundle.toReversed().map((entry, i) => ({ ...entry, rank: i + 1 })) },
      "replay-bundle",
      ["bundle"],
    ],
    [
      "a document put in",
      { bundle: [{ ...receipt.bundle[0]!, id: "d19" }, ...receipt.bundle.slice(1)] },
      "replay-bundle",
      ["bundle"],
    ],
    [
      "another document that names it",
      { bundle: receipt.bundle.map((e) => ({ ...e, namedBy: "d19" })) },
      "replay-bundle",
      ["bundle"],
    ],
    [
      "another score",
      { bundle: receipt.bundle.map((e) => ({ ...e, score: e.score! + 1e-6 })) },
      "replay-bundle",
      ["bundle"],
    ],
    ["another energy", { energy: { ...receipt.energy, final: 1 } }, "replay-figures", ["energy"]],
    [
      "a certificate",
      { certificate: { ...receipt.certificate, margin: 9 } },
      "replay-figures",
      ["certificate"],
    ],
    [
      "another weight",
      { evidence: { ...receipt.evidence, weights: { ...receipt.evidence.weights, similarity: 2 } } },
      "replay-figures",
      ["evidence"],
    ],
    [
      "a neighbour in another's place",
      {
        bundle: receipt.bundle.map((e) => ({
          ...e,
          neighbours: e.neighbours!.map((n) => ({ ...n, id: "d19" })),
        })),
      },
      "replay-bundle",
      ["bundle"],
    ],
    ["one left out of what was left out", { left_out: [] }, "replay-figures", ["left_out"]],
    ["another k", { params: { ...receipt.params, k: 3 } }, "replay-bundle", ["bundle"]],
    ["a field more", { approved: true }, "replay-figures", ["approved"]],
    ["a figure of meta", { meta: { ...receipt.meta, avg_degree: 1 } }, "replay-figures", ["meta.avg_degree"]],
  ])("what is not so, though its digest is right: %s", (_, change, reason, differences) => {
    expect(replayReceipt(forged(receipt, change), inputs)).toEqual({ ok: false, reason, differences });
  });

  test("a digest that is not that of the content", () => {
    expect(replayReceipt({ ...receipt, iterations: 99 }, inputs)).toMatchObject({ reason: "digest" });
  });

  test("what another version found otherwise, but not what it found too", () => {
    const older = forged(receipt, { version: "0.0.0-before" });
    expect(replayReceipt(older, inputs)).toEqual({ ok: true });
    expect(replayReceipt(forged(older, { iterations: 99 }), inputs)).toMatchObject({
      reason: "version",
      differences: ["iterations"],
    });
  });

  test("what claims to be of the other kind: a lattice of vectors by its schema, or by its profile", () => {
    const reference = rerank({ ...inputs, profile: "reference", k: 4 }).receipt;
    expect(replayReceipt(reference, inputs)).toEqual({ ok: true });
    const refused = { ok: false, reason: "version", differences: ["profile"] };
    const of = (profile: string) => forged(receipt, { profile });
    for (const other of [of("reference"), of("hybrid"), of("toString"), of("__proto__")]) {
      expect(replayReceipt(other, inputs)).toEqual(refused);
    }
    const evidence = { ...reference, profile: "evidence" };
    expect(replayReceipt({ ...evidence, digest: contentDigest(evidence) }, inputs)).toEqual(refused);
  });

  test("what is no receipt, of an unknown schema, or has parameters out of range", () => {
    const reasonOf = (what: unknown) => {
      const replay = replayReceipt(what as Receipt, inputs);
      return replay.ok ? null : replay.reason;
    };
    for (const nothing of [null, undefined, 1, "receipt", {}, [], { schema: 2 }]) {
      expect(reasonOf(nothing)).toBe("schema");
    }
    expect(reasonOf({ ...receipt, schema: "oscillink-receipt/4" })).toBe("version");
    expect(reasonOf(forged(receipt, { params: { ...receipt.params, k: 0 } }))).toBe("schema");
    expect(reasonOf(forged(receipt, { meta: null }))).toBe("schema");
  });

  test("a lattice that settle() had moved: its steps are not in the receipt", () => {
    const lattice = new Lattice({ embeddings }, { profile: "reference" }).setQuery(inputs.query);
    lattice.settle({ dt: 0.5 });
    const candidates = embeddings.map((embedding) => ({ embedding }));
    const replay = replayReceipt(lattice.receipt({ dynamics: true }), { query: inputs.query, candidates });
    expect(replay).toMatchObject({ reason: "replay-figures" });
  });
});
