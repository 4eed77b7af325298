import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CandidateError, OptionError, VectorError } from "../src/errors.ts";
import {
  type Candidate,
  Lattice,
  type LatticeInput,
  type Ranked,
  type RerankRequest,
  type ResultList,
  rerank,
} from "../src/index.ts";
import { permuted, randomRow } from "./support.ts";

/** More than any pool here holds: the bundle is the whole ranking. */
const all = { k: 99, copies: "keep" } as const;

const idsOf = (bundle: readonly { readonly id: string }[]): string[] => bundle.map(({ id }) => id);

/** All that is known of each, but for the places. */
const byId = (bundle: readonly Ranked[]) =>
  Object.fromEntries(
    bundle.map(({ id, score, parts, terms, namedBy, neighbours }) => [
      id,
      { score, parts, terms, namedBy, neighbours },
    ]),
  );

const queryText = "solar sail of the probe";
const query = [1, 0.25, -0.5];

/** Documents of few kinds: ties, twins and copies among them, and titles and ids that others name. */
const documents = fc
  .array(
    fc.record({
      embedding: fc.constantFrom([1, 0, 0], [1, 0, 0.125], [0.5, 1, 0], [-1, 1, 1], [0, 1, 0.5], [2, 0, 0]),
      text: fc.constantFrom("solar sail", "the solar probe", "tax form", "", "sail of doc1x", "moon base"),
      title: fc.constantFrom("", "", "sail", "moon base"),
      trust: fc.constantFrom(1, 1, 1, 0.5, 1e-6),
      links: fc.constantFrom([], [], ["doc0x"], ["doc2x", "doc1x"]),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((found) => found.map((document, i) => ({ id: `doc${i}x`, ...document })));

const scores = fc.constantFrom(0, 1, 1, 2, 3.5, -4, 7.25);

/** The documents as two searches found them: each in one of the lists or in both. */
const lists = documents.chain((found) =>
  fc
    .array(fc.tuple(fc.constantFrom("vectors", "words", "both"), scores, scores, fc.nat(), fc.nat()), {
      minLength: found.length,
      maxLength: found.length,
    })
    .map((how): ResultList[] => {
      const listOf = (other: string, score: 1 | 2, key: 3 | 4) => {
        const items = found.flatMap((document, i) =>
          how[i]![0] === other ? [] : [{ ...document, score: how[i]![score] }],
        );
        const keys = how.map((h) => h[key]);
        return permuted(items, keys);
      };
      return [
        { name: "vectors", items: listOf("words", 1, 3) },
        { name: "bm25", items: listOf("vectors", 2, 4) },
      ];
    }),
);

describe("lists", () => {
  test("are united by id in the order of arrival, each document the object that came first", () => {
    fc.assert(
      fc.property(lists, (given) => {
        const firsts = new Map<string, Candidate>();
        for (const { items } of given) {
          for (const item of items) if (!firsts.has(String(item.id))) firsts.set(String(item.id), item);
        }
        const { bundle, receipt } = rerank({ query, queryText, lists: given, ...all });
        expect(receipt.inputs.n).toBe(firsts.size);
        const arrival = bundle.toSorted((a, b) => a.inputRank - b.inputRank);
        expect(idsOf(arrival)).toEqual([...firsts.keys()]);
        for (const { id, candidate } of arrival) expect(candidate).toBe(firsts.get(id));
      }),
    );
  });

  test("give what the columns of a lattice give that say the same", () => {
    fc.assert(
      fc.property(lists, fc.boolean(), (given, vectors) => {
        const united = new Map<string, Candidate>();
        for (const item of given.flatMap(({ items }) => items)) {
          if (!united.has(String(item.id))) united.set(String(item.id), item);
        }
        const [byVectors, byWords] = given.map(
          ({ items }) => new Map(items.map((item) => [String(item.id), item])),
        );
        const ids = [...united.keys()];
        const column = <K extends keyof Candidate>(field: K) => ids.map((id) => united.get(id)![field]);
        const of = (map: Map<string, Candidate>) => ids.map((id) => map.get(id)?.score);
        const input = {
          ...(vectors ? { embeddings: column("embedding") } : { scores: of(byVectors!) }),
          ids,
          texts: column("text"),
          titles: column("title"),
          trust: column("trust"),
          links: column("links"),
          found: ids.map((id) => byVectors!.has(id)),
          lists: [{ name: "bm25", scores: of(byWords!) }],
        } as LatticeInput;
        const expected = new Lattice(input, all).setQuery(vectors ? query : null, queryText).bundle();
        const request = vectors ? { query, queryText, lists: given } : { queryText, lists: given };
        const { bundle } = rerank({ ...request, ...all });
        expect(bundle.map(({ candidate: _, ...entry }) => entry)).toEqual(
          expected.map(({ index: __, ...entry }) => entry),
        );
      }),
    );
  });

  test("say what each document lacks in the words of another, and leave the object alone that lacks nothing", () => {
    const bare = { id: "a", score: 2, page: 7 };
    const rich = {
      id: "a",
      score: 9,
      embedding: [1, 0],
      text: "solar",
      title: "t",
      links: ["b"],
      trust: 0.5,
    };
    const whole = { id: "b", embedding: [0, 1], text: "sail", title: "", trust: 1 };
    const { bundle } = rerank<Candidate>({
      query: [1, 0],
      queryText: "solar",
      lists: [
        { name: "one", items: [bare, whole] },
        { name: "two", items: [{ ...whole, text: "other" }, rich] },
      ],
    });
    const [a, b] = ["a", "b"].map((id) => bundle.find((entry) => entry.id === id)!.candidate);
    expect(a).toEqual({ ...rich, score: 2, page: 7 });
    expect(b).toBe(whole);
    expect(bare).toEqual({ id: "a", score: 2, page: 7 });
  });

  test("count by their ranks where one of their documents has no score", () => {
    fc.assert(
      fc.property(lists, fc.nat(), (given, at) => {
        const [main, other] = given as [ResultList, ResultList];
        fc.pre(other.items.length > 0);
        const unscored = other.items.map((item, i) => {
          const { score: _, ...rest } = item;
          return i === at % other.items.length ? rest : item;
        });
        const ranks = other.items.map((item, i) => ({ ...item, score: -i }));
        const bundleOf = (items: readonly Candidate[]) =>
          rerank({ query, queryText, lists: [main, { ...other, items }], ...all }).bundle;
        const found = bundleOf(unscored);
        expect(byId(found)).toEqual(byId(bundleOf(ranks)));
        for (const { id, parts } of found) {
          const place = other.items.findIndex((item) => item.id === id);
          // One that it lacks stands with its last.
          const expected = place < 0 ? other.items.length - 1 : place;
          expect(-parts!["list:bm25"]!).toBeCloseTo(expected, 12);
        }
      }),
    );
  });

  test("give a document that they lack their lowest: a further list its score, the search by vectors its similarity", () => {
    fc.assert(
      fc.property(lists, (given) => {
        const { bundle } = rerank({ query, queryText, lists: given, ...all });
        const [byVectors, byWords] = given.map(
          ({ items }) => new Map(items.map((item) => [String(item.id), item])),
        );
        const lowestScore = Math.min(...Array.from(byWords!.values(), ({ score }) => score!));
        const ofFound = bundle.filter(({ id }) => byVectors!.has(id)).map(({ parts }) => parts!.similarity!);
        for (const { id, parts } of bundle) {
          if (byWords!.size > 0) expect(parts!["list:bm25"]).toBe(byWords!.get(id)?.score ?? lowestScore);
          if (!byVectors!.has(id)) {
            expect(parts!.similarity).toBe(ofFound.length > 0 ? Math.min(...ofFound) : 0);
          }
        }
      }),
    );
  });
});

test("a score of -0 is 0, as it is once it was stored as JSON", () => {
  const lattice = new Lattice({ scores: [-0, 1], lists: [{ name: "bm25", scores: [1, -0] }] }).setQuery(null);
  const stored = Lattice.fromJSON(JSON.parse(JSON.stringify(lattice)));
  expect(stored.provenance()).toEqual(lattice.provenance());
  expect(stored.receipt().digest).toBe(lattice.receipt().digest);
  // toEqual compares by Object.is.
  expect(lattice.bundle()).toEqual(JSON.parse(JSON.stringify(stored.bundle())));
});

describe("the list of similarities", () => {
  const near = { id: "near", embedding: [1, 0], score: 1 };
  const far = { id: "far", embedding: [0, 1], score: 5 };
  const between = { id: "between", embedding: [1, 1], score: 3 };
  const first = [near, between];
  const second = [far, between];
  const partsOf = (given: readonly ResultList[], vectors = true) => {
    const request = vectors ? { query: [1, 0], lists: given } : { lists: given };
    const { bundle } = rerank({ ...request, ...all });
    return Object.fromEntries(bundle.map(({ id, parts }) => [id, parts!]));
  };

  test("is the first, and no evidence of its own; or the one that says so", () => {
    const byFirst = partsOf([
      { name: "one", items: first },
      { name: "two", items: second },
    ]);
    expect(byFirst.far).toMatchObject({ similarity: byFirst.between!.similarity, "list:two": 5 });
    expect(byFirst.near).toMatchObject({ similarity: 1, "list:two": 3 });
    expect(byFirst.near).not.toHaveProperty("list:one");
    const bySecond = partsOf([
      { name: "one", items: first, similarity: false },
      { name: "two", items: second, similarity: true },
    ]);
    expect(bySecond.near).toMatchObject({ similarity: 0, "list:one": 1 });
    expect(bySecond.far).toMatchObject({ similarity: 0, "list:one": 1 });
    expect(bySecond.far).not.toHaveProperty("list:two");
  });

  test("may be none: then every document was found, and each list is evidence", () => {
    const parts = partsOf([
      { name: "one", items: first, similarity: false },
      { name: "two", items: second },
    ]);
    expect(parts.near).toMatchObject({ similarity: 1, "list:one": 1, "list:two": 3 });
    expect(parts.far).toMatchObject({ similarity: 0, "list:one": 1, "list:two": 5 });
  });

  test("of two that say so is the first: the other is evidence", () => {
    const parts = partsOf([
      { name: "one", items: first },
      { name: "two", items: second, similarity: true },
    ]);
    expect(parts.near).not.toHaveProperty("list:one");
    expect(parts.near).toHaveProperty("list:two");
  });

  test("stands in for the similarities where there is no query vector", () => {
    const parts = partsOf(
      [
        { name: "one", items: first },
        { name: "two", items: second },
      ],
      false,
    );
    expect(parts.near).toMatchObject({ similarity: 1, "list:two": 3 });
    expect(parts.between).toMatchObject({ similarity: 3, "list:two": 3 });
    expect(parts.far).toMatchObject({ similarity: 1, "list:two": 5 });
  });
});

describe("lists that cannot be used are refused by name", () => {
  const item = (id: unknown, more: object = {}) => ({ id, embedding: [1, 0], ...more });
  const good = { name: "good", items: [item("a"), item("b"), item("c"), item("d")] };
  const cases: [string, unknown, string, new (...of: never[]) => Error][] = [
    ["no array", {}, "lists", CandidateError],
    ["no object", [7], "lists[0]", CandidateError],
    ["no items", [good, { name: "x" }], "lists[1].items", CandidateError],
    ["an item that is none", [good, { name: "x", items: [null] }], "lists[1].items[0]", CandidateError],
    [
      "an item without an id",
      [{ name: "x", items: [...good.items.slice(0, 3), item(undefined)] }],
      "lists[0].items[3].id",
      CandidateError,
    ],
    ["an object for an id", [{ name: "x", items: [item({})] }], "lists[0].items[0].id", CandidateError],
    [
      "an id twice",
      [good, { name: "x", items: [item("b"), item("b")] }],
      "lists[1].items[1].id",
      CandidateError,
    ],
    [
      "half a surrogate pair",
      [{ name: "x", items: [item("\ud800")] }],
      "lists[0].items[0].id",
      CandidateError,
    ],
    [
      "a trust out of range, where it came first",
      [good, { name: "x", items: [item("a"), item("e", { trust: 2 })] }],
      "lists[1].items[1].trust",
      CandidateError,
    ],
    [
      "a text that is none",
      [{ name: "x", items: [item("a", { text: 7 })] }],
      "lists[0].items[0].text",
      CandidateError,
    ],
    [
      "links that are none",
      [{ name: "x", items: [item("a", { links: "b" })] }],
      "lists[0].items[0].links",
      CandidateError,
    ],
    [
      "a vector of another width",
      [good, { name: "x", items: [item("e", { embedding: [1] })] }],
      "lists[1].items[0].embedding",
      VectorError,
    ],
    ["a name with blanks", [good, { name: "a b", items: [] }], "lists[1].name", CandidateError],
    ["no name", [{ items: good.items }], "lists[0].name", CandidateError],
    [
      "a name twice",
      [good, { name: "x", items: [] }, { name: "x", items: [] }],
      "lists[2].name",
      CandidateError,
    ],
    ["the name of the search by vectors again", [good, { ...good }], "lists[1].name", CandidateError],
    [
      "a score that is not finite",
      [good, { name: "x", items: [item("a", { score: Number.NaN })] }],
      "lists[1].items[0].score",
      CandidateError,
    ],
    ["an unknown field", [{ ...good, weight: 2 }], "lists[0].weight", OptionError],
    ["a flag that is none", [{ ...good, similarity: 1 }], "lists[0].similarity", OptionError],
  ];

  test.each(cases)("%s", (_, given, parameter, kind) => {
    const call = () => rerank({ query: [1, 0], lists: given as ResultList[] });
    expect(call).toThrow(kind);
    expect(call).toThrow(expect.objectContaining({ parameter }));
  });

  test.each([
    ["documents", { name: "x", documents: [] }, "lists[1].documents: unknown option; did you mean items?"],
    ["itens", { name: "x", itens: [] }, "lists[1].itens: unknown option; did you mean items?"],
    [
      "another id",
      { name: "x", items: [{ _id: "b" }] },
      "lists[1].items[0].id: is missing: lists are united",
    ],
    ["its field", { name: "x", items: [{ _id: "b" }] }, "has `_id`; did you mean `id`?"],
    ["both places", { name: good.name, items: [] }, `"${good.name}" is the name of lists[0] too`],
  ])("in words that say where, and what was meant: %s", (_, list, message) => {
    const call = () => rerank({ query: [1, 0], lists: [good, list] as never });
    expect(call).toThrow(message);
  });

  test("beside candidates; and without a query vector or a list of similarities", () => {
    const both = { query: [1, 0], lists: [good], candidates: [] } as RerankRequest;
    expect(() => rerank(both)).toThrow(expect.objectContaining({ parameter: "lists" }));
    const none = [{ name: "x", items: [{ id: "a", score: 1 }], similarity: false }];
    expect(() => rerank({ lists: none })).toThrow(VectorError);
    expect(() => rerank({ lists: none })).toThrow(expect.objectContaining({ parameter: "query" }));
  });

  test("but not a search without a query vector that found nothing, where another found something", () => {
    const given = [
      { name: "scored", items: [] },
      { name: "bm25", items: [{ id: "a" }, { id: "b" }] },
    ];
    const { bundle, receipt } = rerank({ lists: given });
    expect(bundle).toMatchObject([
      { id: "a", parts: { similarity: 0, "list:bm25": 0 } },
      { id: "b", parts: { similarity: 0, "list:bm25": -1 } },
    ]);
    expect(receipt.inputs).toMatchObject({ n: 2, missing: 0 });
  });

  test("none at all, or empty ones, are an empty pool", () => {
    for (const given of [[], [{ name: "x", items: [] }]]) {
      expect(rerank({ query: [1, 0], lists: given }).bundle).toEqual([]);
    }
  });
});

describe("the order in which documents come", () => {
  const keys = fc.array(fc.nat(), { minLength: 16, maxLength: 16 });

  test("within scored lists, and that of the lists, changes no bit of what is known of any", () => {
    fc.assert(
      fc.property(lists, keys, fc.boolean(), (given, by, turned) => {
        const [main, other] = given.map((list) => ({ ...list, items: permuted(list.items, by) }));
        const flagged = [
          { ...main!, similarity: true },
          { ...other!, similarity: false },
        ];
        const shuffled = turned ? flagged.toReversed() : flagged;
        const came = rerank({ query, queryText, lists: given, ...all });
        const again = rerank({ query, queryText, lists: shuffled, ...all });
        expect(byId(again.bundle)).toEqual(byId(came.bundle));
        expect(again.receipt.certificate).toEqual(came.receipt.certificate);
        expect(again.receipt.energy).toEqual(came.receipt.energy);
      }),
      { numRuns: 300 },
    );
  });

  test("changes none where titles, ids and links join them, copies included, with vectors or with scores", () => {
    const pools = fc.tuple(documents, fc.array(fc.tuple(fc.nat(), scores), { minLength: 12, maxLength: 12 }));
    fc.assert(
      fc.property(pools, keys, fc.boolean(), ([found, how], by, vectors) => {
        // Copies but for the id, which others may name.
        const copies = found
          .slice(0, 3)
          .map((_, i) => ({ ...found[how[i]![0] % found.length]!, id: `copy${i}x` }));
        const given = [...found, ...copies].map((document, i) => ({
          ...document,
          score: how[i % how.length]![1],
          links: i % 4 === 3 ? ["copy0x"] : document.links,
        }));
        const bundleOf = (candidates: readonly Candidate[]) =>
          rerank({ ...(vectors && { query }), queryText, candidates, ...all });
        const came = bundleOf(given);
        const again = bundleOf(permuted(given, by));
        expect(byId(again.bundle)).toEqual(byId(came.bundle));
        expect(again.receipt.certificate).toEqual(came.receipt.certificate);
      }),
      { numRuns: 500 },
    );
  });
});

describe("twins", () => {
  test("share every value, whatever list found them first", () => {
    fc.assert(
      fc.property(lists, fc.nat(), (given, at) => {
        const ids = [...new Set(given.flatMap(({ items }) => items.map(({ id }) => String(id))))];
        const id = ids[at % ids.length]!;
        // Nobody names either of the two.
        const apart = given.map(({ items, ...list }) => ({
          ...list,
          items: items.map((item) => ({ ...item, text: item.text!.replace(id, ""), links: [] })),
        }));
        const twins = apart.map(({ items, ...list }, l) => {
          const twin = items.filter((item) => item.id === id).map((item) => ({ ...item, id: "twin-of-it" }));
          return { ...list, items: l === 0 ? [...twin, ...items] : [...items, ...twin] };
        });
        const { bundle } = rerank({ query, queryText, lists: twins, ...all });
        const entry = (name: string) => {
          const { score, parts, terms } = bundle.find((one) => one.id === name)!;
          return { score, parts, terms };
        };
        expect(entry("twin-of-it")).toEqual(entry(id));
      }),
      { numRuns: 300 },
    );
  });

  test("of which another links to one do not: that one moves up", () => {
    const twin = { embedding: [1, 0.2], text: "solar sail" };
    const candidates = [
      { id: "alpha", ...twin },
      { id: "beta", ...twin },
      { id: "third", embedding: [1, 0], text: "solar sail, solar sail", links: ["alpha"] },
      { id: "last", embedding: [-1, 1], text: "tax" },
    ];
    for (const given of [candidates, candidates.toReversed()]) {
      const request = { query: [1, 0], queryText: "solar sail", candidates: given, ...all };
      const entries = byId(rerank(request).bundle);
      const [alpha, beta] = [entries.alpha!, entries.beta!];
      expect(alpha.namedBy).toBe("third");
      expect(beta.namedBy).toBe(null);
      expect(alpha.score).toBeGreaterThan(beta.score! + 0.003);
      for (const { terms, neighbours } of [alpha, beta]) {
        const sum = neighbours!.reduce((total, { by }) => total + by, 0);
        expect(sum).toBeCloseTo(terms!.neighbours!, 12);
      }
      const unlinked = given.map((candidate) => ({ ...candidate, links: [] }));
      const without = byId(rerank({ ...request, candidates: unlinked }).bundle);
      expect(without.alpha!.score).toBe(without.beta!.score);
    }
  });
});

describe("raising a document's trust", () => {
  test("never lowers its rank in a pool of lists and links", () => {
    fc.assert(
      fc.property(
        lists,
        fc.nat(),
        fc.constantFrom(0.001, 0.3, 0.999),
        fc.constantFrom(0.3, 0.999, 1),
        (given, at, a, b) => {
          const ids = [...new Set(given.flatMap(({ items }) => items.map(({ id }) => String(id))))];
          const id = ids[at % ids.length]!;
          const [less, more] = [Math.min(a, b), Math.max(a, b)].map((trust) => {
            const trusted = given.map(({ items, ...list }) => ({
              ...list,
              items: items.map((item) => (item.id === id ? { ...item, trust } : item)),
            }));
            return rerank({ query, queryText, lists: trusted, ...all }).bundle.find((one) => one.id === id)!;
          });
          expect(more!.rank).toBeLessThanOrEqual(less!.rank);
        },
      ),
      { numRuns: 200 },
    );
  });
});

test("a further list of a large weight decides alone", () => {
  const items = Array.from({ length: 100 }, (_, i) => ({
    id: `#${i}`,
    embedding: randomRow(8, i),
    text: `text ${i % 7}`,
    score: (i * 37) % 100,
  }));
  const request = { query: randomRow(8, 1000), queryText: "text 3", listWeight: 1e6, ...all, k: 100 };
  const main = { name: "vectors", items };
  const other = { name: "words", items: items.toReversed() };
  const { bundle } = rerank({ ...request, lists: [main, other], lamC: 0 });
  expect(idsOf(bundle)).toEqual(items.toSorted((a, b) => b.score - a.score).map(({ id }) => id));
});
