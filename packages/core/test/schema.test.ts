import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import latticeSchema from "../schema/receipt.v2.json" with { type: "json" };
import schema from "../schema/receipt.v3.json" with { type: "json" };
import { receiptSchema } from "../scripts/schema.ts";
import { type Candidate, Lattice, type Receipt, rerank } from "../src/index.ts";
import { hmacSigner } from "../src/keys/index.ts";
import { signPublished } from "../src/python/signature.ts";
import { type AnyReceipt, signedContent } from "../src/receipt/receipt.ts";
import { latticeReceipt } from "./receipts.ts";
import { randomRow, randomRows, requests, systems, type TestCandidate, texts } from "./support.ts";

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
const validate = ajv.compile(schema);
const validateLattice = ajv.compile(latticeSchema);
const form = (id: string, name: string) => ajv.compile({ $ref: `${id}#/definitions/${name}` });
const validateSigned = form(schema.$id, "SignedReceipt");
const validateSignedLattice = form(latticeSchema.$id, "SignedLatticeReceipt");
const validatePublished = form(latticeSchema.$id, "PublishedReceipt");

/** What the schema of its kind says against a value: nothing, for a receipt. */
function faults(value: unknown): string[] {
  const judge =
    (value as Receipt | null)?.schema === ("oscillink-receipt/2" as string) ? validateLattice : validate;
  return judge(value) ? [] : (judge.errors ?? []).map((e) => `${e.instancePath} ${e.message}`);
}

function expectReceipt(receipt: AnyReceipt): void {
  expect(faults(receipt)).toEqual([]);
  expect(faults(JSON.parse(JSON.stringify(receipt)))).toEqual([]);
  const signed = receipt.schema === "oscillink-receipt/2" ? validateSignedLattice : validateSigned;
  expect(signed(signedContent(receipt))).toBe(true);
}

test("the committed schema is the one of the types: run `node scripts/schema.ts` after a change of them", () => {
  expect(schema).toEqual(receiptSchema(3));
  expect(latticeSchema).toEqual(receiptSchema(2));
});

test("it is a schema by the rules of JSON Schema, and every description ends as a sentence does", () => {
  expect(ajv.validateSchema(schema)).toBe(true);
  expect(ajv.validateSchema(latticeSchema)).toBe(true);
  const descriptions = JSON.stringify([schema, latticeSchema]).match(/"description":"(?:[^"\\]|\\.)*"/g)!;
  expect(descriptions.length).toBeGreaterThan(50);
  expect(descriptions.filter((text) => !/[.:)`]"$/.test(text))).toEqual([]);
});

/** What may be wrong with a candidate. */
const kindsOfCandidates: ((candidate: TestCandidate) => Partial<Candidate>)[] = [
  () => ({}),
  () => ({ trust: 0 }),
  () => ({ embedding: null }),
  ({ embedding }) => ({ embedding: embedding.map(() => 0) }),
];

describe("holds for receipts", () => {
  const profile = fc.constantFrom("evidence" as const, "cosine" as const, "reference" as const);
  const detail = fc.constantFrom("full" as const, "light" as const);

  test("of every pool, profile and system", () => {
    fc.assert(
      fc.property(requests(), profile, systems, fc.nat(7), (request, name, options, k) => {
        const { receipt } = rerank({ ...request, ...options, profile: name as "evidence", k: k + 1 });
        expectReceipt(receipt);
      }),
      { numRuns: 100 },
    );
  });

  test("of pools with missing vectors and excluded documents, and without any", () => {
    fc.assert(
      fc.property(
        requests({ minN: 2 }),
        fc.constantFrom("append" as const, "drop" as const),
        fc.array(fc.constantFrom(...kindsOfCandidates), { minLength: 1 }),
        ({ candidates, ...request }, missing, kinds) => {
          const some = candidates.map((candidate, i) => ({
            ...candidate,
            ...kinds[i % kinds.length]!(candidate),
          }));
          expectReceipt(rerank({ ...request, candidates: some, missing }).receipt);
        },
      ),
      { numRuns: 100 },
    );
    expectReceipt(rerank({ query: [1, 0], candidates: [] }).receipt);
  });

  test("of scores in place of vectors", () => {
    fc.assert(
      fc.property(texts(6), fc.array(fc.double({ min: -1, max: 1, noNaN: true })), (words, scores) => {
        const candidates = words.map((text, i) => ({ text, title: `${i}`, score: scores[i] ?? 0.5 }));
        expectReceipt(rerank({ queryText: "solar sail", candidates }).receipt);
      }),
      { numRuns: 50 },
    );
  });

  test("with chains, dynamics, either detail, and a graph that was given", () => {
    fc.assert(
      fc.property(requests({ minN: 3 }), detail, fc.boolean(), fc.boolean(), (request, how, moved, given) => {
        const { candidates, query, queryText } = request;
        const lattice = new Lattice({
          embeddings: candidates.map(({ embedding }) => embedding),
          ...(given && { edges: [{ i: 0, j: 2, weight: 0.5 }] }),
        });
        lattice.setQuery(query, queryText).addChain([0, 2, 1]);
        lattice.settle();
        expectReceipt(lattice.receipt({ detail: how, dynamics: moved, nullThreshold: 0 }));
      }),
      { numRuns: 50 },
    );
  });

  test("with a published signature, as one of the published form", () => {
    for (const mode of ["minimal", "extended"] as const) {
      const signed = signPublished(latticeReceipt, hmacSigner("a secret of thirty-two bytes or more"), {
        mode,
      });
      expect(validatePublished(signed)).toBe(true);
      expect(faults(signed)).toEqual(["/meta must NOT have additional properties"]);
    }
  });
});

/** A receipt that has all there is: a chain, lists, links, null points, left out, provenance of vectors. */
const full: Receipt = (() => {
  const rows = randomRows(9, 4, 1);
  const copy = "the very same words here";
  const lattice = new Lattice(
    {
      embeddings: [null, ...rows, rows[0]!],
      texts: [copy, copy, ...rows.slice(1).map((_, i) => `other words, number ${i}`), copy],
      titles: [...rows, 0, 0].map((_, i) => `title ${i % 2}`),
      trust: [1, 0.5, ...rows.map(() => 1)],
      found: [true, ...rows.map((_, i) => i % 2 === 0), true],
      lists: [{ name: "bm25", scores: [undefined, 1, 2, ...rows.slice(1).map(() => 0.5)] }],
      links: [[], ["2"], ...rows.slice(1).map(() => []), []],
    },
    { k: 3 },
  );
  lattice.setQuery(randomRow(4, 2), "the same words").addChain([1, 3, 2]);
  return lattice.receipt({
    nullThreshold: -10,
    nullCap: 1,
    vectors: { fromStore: 9, reembedded: 1 },
    context: { request: "7f3a", at: 1764320000 },
    focus: { turn: 2, shift: 0.125, reset: false },
  });
})();

describe("refuses a receipt", () => {
  type Way = readonly (string | number)[];

  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null;

  /** The places of all values in a receipt, and the values. */
  const places = (value: unknown, way: Way = []): [Way, unknown][] => [
    [way, value],
    ...(Array.isArray(value)
      ? value.flatMap((inner, i) => places(inner, [...way, i]))
      : isObject(value)
        ? Object.entries(value).flatMap(([name, inner]) => places(inner, [...way, name]))
        : []),
  ];

  /** A copy with one object or array changed. */
  const changed = (value: unknown, way: Way, change: (at: Record<string, unknown>) => void): unknown => {
    const copy: unknown = structuredClone(value);
    change(way.reduce((at, name) => (at as Record<string, unknown>)[name], copy) as Record<string, unknown>);
    return copy;
  };
  const put = (way: Way, by: unknown): unknown =>
    changed(full, way.slice(0, -1), (at) => {
      at[way.at(-1)!] = by;
    });

  const all = places(full);
  const inner = all.slice(1);
  /** Dictionaries have names of the pool's own. */
  const free = (way: Way) => ["parts", "terms", "weights", "context"].includes(String(way.at(-1)));
  const named = inner.filter(([way]) => typeof way.at(-1) === "string" && !free(way.slice(0, -1)));

  test("(the one that is damaged here is whole, and has an entry in every list)", () => {
    expect(faults(full)).toEqual([]);
    expect(all.filter(([, value]) => Array.isArray(value) && value.length === 0)).toEqual([]);
    const nulls = inner.filter(([, value]) => value === null).map(([way]) => way.join("."));
    expect(nulls).toMatchInlineSnapshot(`
      [
        "params.rowCap",
        "params.relevanceScale",
        "inputs.scores",
        "inputs.edges",
        "relevance.scale",
        "bundle.0.namedBy",
        "bundle.1.namedBy",
        "bundle.2.namedBy",
        "left_out.0.rank",
        "left_out.0.score",
        "left_out.0.copyOf",
        "left_out.1.copyOf",
        "left_out.2.copyOf",
        "certificate.open",
      ]
    `);
  });

  test("without any one of its fields, but the focus, which older ones have not", () => {
    for (const [way] of named) {
      if (way.join() === "focus") continue;
      const without = changed(full, way.slice(0, -1), (at) => {
        delete at[way.at(-1)!];
      });
      expect(faults(without), way.join(".")).not.toEqual([]);
    }
  });

  test("with any value of another type", () => {
    for (const [way, value] of inner) {
      // Where this one has null, others have a number, a text or an object.
      // A fact of the context may be either.
      const either = way[0] === "context" && way.length > 1;
      const types = value === null ? [true] : either ? [true, {}, []] : [7, "seven", true, {}, []];
      const others = types.filter(
        (other) => typeof other !== typeof value || Array.isArray(other) !== Array.isArray(value),
      );
      for (const other of others) {
        expect(faults(put(way, other)), `${way.join(".")} = ${JSON.stringify(other)}`).not.toEqual([]);
      }
    }
  });

  test("with null, but where null has a meaning", () => {
    const nullable = inner.filter(([way]) => validate(put(way, null))).map(([way]) => way.join("."));
    expect(nullable.filter((place) => !/\.[1-9]/.test(place))).toMatchInlineSnapshot(`
      [
        "params.rowCap",
        "params.relevanceScale",
        "inputs.query",
        "inputs.queryText",
        "inputs.candidates",
        "inputs.scores",
        "inputs.found",
        "inputs.trust",
        "inputs.texts",
        "inputs.titles",
        "inputs.links",
        "inputs.edges",
        "context",
        "focus",
        "chain",
        "evidence.words",
        "relevance",
        "relevance.scale",
        "relevance.most",
        "bundle.0.score",
        "bundle.0.relevance",
        "bundle.0.ownRank",
        "bundle.0.parts",
        "bundle.0.terms",
        "bundle.0.namedBy",
        "bundle.0.neighbours",
        "left_out.0.rank",
        "left_out.0.score",
        "left_out.0.copyOf",
        "null_points",
        "meta.null_threshold",
        "meta.null_points_summary",
        "certificate.margin",
        "certificate.open",
        "vectors",
      ]
    `);
  });

  test("with a field that no receipt has, anywhere", () => {
    for (const [way, value] of all) {
      if (!isObject(value) || Array.isArray(value) || free(way)) continue;
      const more = changed(full, way, (at) => {
        at.more = 1;
      });
      expect(faults(more), way.join(".")).not.toEqual([]);
    }
  });

  test("with a digest that is none", () => {
    const digests = inner.filter(
      ([way, value]) => String(value).startsWith("sha256:") && !way.includes("meta"),
    );
    expect(digests.length).toBeGreaterThan(5);
    for (const [way, value] of digests) {
      const digits = String(value).slice(7);
      const wrong = [
        `sha256:${digits.slice(1)}`,
        `sha256:${digits}0`,
        `sha256:${digits}\n`,
        `sha256:${digits.slice(1)}A`,
        digits,
        `sha512:${digits}`,
        ` sha256:${digits}`,
      ];
      for (const text of wrong) expect(faults(put(way, text)), text).not.toEqual([]);
    }
  });

  test("with a name that is none of the closed lists", () => {
    for (const way of [
      "schema",
      "certificate.open",
      "params.profile",
      "params.missing",
      "params.graph",
      "meta.receipt_detail",
    ])
      expect(faults(put(way.split("."), "other")), way).not.toEqual([]);
    expect(faults(put(["schema"], "oscillink-receipt/1"))).toEqual(["/schema must be equal to constant"]);
  });

  test("with figures that JSON has none for", () => {
    for (const figure of [Number.NaN, Infinity, -Infinity]) {
      expect(faults(put(["deltaH_total"], figure))).not.toEqual([]);
    }
  });

  test("that is no object", () => {
    for (const value of [null, undefined, 1, "receipt", [], [full], {}])
      expect(faults(value)).not.toEqual([]);
  });
});

test("receipts of a lattice of vectors are of the other schema, whatever options older versions had", () => {
  const other = { ...latticeReceipt, profile: "hybrid", params: { k: 3, textWeight: 0.6, lamC: 2 } };
  expect(faults(other)).toEqual([]);
  expect(validate(latticeReceipt)).toBe(false);
  expect(validateLattice(full)).toBe(false);
});

test("a signed form is another than the receipt it is made of", () => {
  expect(validateSigned(full)).toBe(false);
  expect(validateSigned(signedContent(full))).toBe(true);
  expect(validatePublished(full)).toBe(false);
  expect(faults(signedContent(full))).toContain(" must have required property 't_ms'");
});
