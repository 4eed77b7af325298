import { describe, expect, test } from "vitest";
import { cachedEmbedder, resolveAdapterOptions } from "../src/adapter/index.ts";
import { computeDiffusionGates } from "../src/gates/index.ts";
import {
  type Candidate,
  Lattice,
  OscillinkError,
  type RerankRequest,
  rerank,
  rerankMany,
} from "../src/index.ts";
import { normalized, QUERY_LIMIT, TEXT_LIMIT } from "../src/words/cut.ts";

const call = (request: unknown) => () => rerank(request as RerankRequest);

describe("what is no array is no vector", () => {
  const long = { length: 500_000_000 };
  test.each<[string, () => unknown]>([
    ["an embedding", call({ query: [1], candidates: [{ embedding: long }] })],
    ["a second one", call({ query: [1], candidates: [{ embedding: [1] }, { embedding: long }] })],
    ["the query", call({ query: long, candidates: [{ embedding: [1] }] })],
    ["the query where none has a vector", call({ query: long, candidates: [{}], missing: "append" })],
    [
      "an embedding in a list",
      call({ query: [1], lists: [{ name: "a", items: [{ id: "a", embedding: long }] }] }),
    ],
    ["a lattice's", () => new Lattice({ embeddings: [long] as never })],
    ["a lattice's, packed", () => new Lattice({ embeddings: { data: new Float32Array(0), n: 5e8, d: 0 } })],
    ["scores", () => new Lattice({ scores: long as never })],
    ["trust", () => new Lattice({ embeddings: [[1]], trust: long as never })],
    ["a lattice's query", () => new Lattice({ embeddings: [[1]] }).setQuery(long as never)],
    ["a gate's query", () => computeDiffusionGates([], long as never)],
    ["an array without values", call({ query: [1], candidates: [{ embedding: new Array(4e9) }] })],
    [
      "a view without values",
      call({ query: [1], candidates: [{ embedding: new DataView(new ArrayBuffer(4)) }] }),
    ],
  ])("%s", (_, act) => {
    const began = performance.now();
    expect(act).toThrow(OscillinkError);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  test("a typed array is one, and so is an array", () => {
    const [query, other] = [Int8Array.of(1, 0), new Float64Array([0, 1])];
    expect(rerank({ query, candidates: [{ embedding: other }, { embedding: [1, 0] }] }).bundle[0]!.id).toBe(
      "1",
    );
  });
});

describe("scores of any scale", () => {
  test.each([1e-320, 1e-170, 1e-7, 1e-6, 1, 1e160, 5e307])(
    "%d times 3, 1 and 2 rank as those do",
    (scale) => {
      const candidates = [3, 1, 2].map((score) => ({ score: score * scale }));
      const { bundle, receipt } = rerank({ candidates });
      expect(bundle.map(({ id }) => id)).toEqual(["0", "2", "1"]);
      expect(bundle[0]!.score).toBeCloseTo(Math.sqrt(1.5), 6);
      expect(receipt.certificate.orderCertified).toBe(true);
    },
  );

  test("with an offset that is large beside their differences", () => {
    const candidates = [3, 1, 2].map((score) => ({ score: 1e9 + score }));
    expect(rerank({ candidates }).bundle.map(({ id }) => id)).toEqual(["0", "2", "1"]);
  });
});

describe("errors have a type", () => {
  const lattice = () =>
    new Lattice({
      embeddings: [
        [1, 0],
        [0, 1],
        [1, 1],
      ],
    }).setQuery([1, 0]);
  test.each<[string, () => unknown]>([
    ["a call without a request", call(undefined)],
    ["a call of null", call(null)],
    ["many calls without one", () => rerankMany([undefined as never])],
    ["a lattice of nothing", () => new Lattice(undefined as never)],
    ["steps with null for options", () => lattice().settle(null as never)],
    ["a receipt with null for options", () => lattice().receipt(null as never)],
    ["a graph with nothing for options", () => lattice().rebuildGraph(undefined as never)],
    ["a listener that is none", () => lattice().onEvent(undefined as never)],
    [
      "a lamC beside which lamG is lost",
      () => rerank({ query: [1], candidates: [{ embedding: [1] }], lamC: 1e6, lamG: 1e-3 }),
    ],
    ["a lamP of 1e300", () => lattice().addChain([0, 1], { lamP: 1e300 })],
    ["a link's weight of 1e300", () => lattice().addChain([0, 1], { weights: [1e300] })],
    ["a cached embedder of nothing", () => cachedEmbedder(undefined as never, undefined as never)],
    ["an adapter of null", () => resolveAdapterOptions(null as never)],
  ])("%s", (_, act) => {
    expect(act).toThrow(OscillinkError);
  });
});

describe("nothing is lost in silence", () => {
  test("a query vector, and not one candidate with a vector: the likely field is named", () => {
    expect(call({ query: [1, 0], candidates: [{ id: "a", vector: [1, 0] }] })).toThrow(
      /^candidates\[0\]\.embedding: .*has `vector`; did you mean `embedding`\?/,
    );
    expect(call({ query: [1, 0], candidates: [{ metadata: { values: [1, 0] } }] })).toThrow(
      "`metadata.values`",
    );
    expect(call({ query: [1, 0], candidates: [{ embedding: null }] })).toThrow('missing to "append"');
    expect(rerank({ query: [1, 0], candidates: [{}], missing: "append" }).bundle).toHaveLength(1);
  });

  test("words of a query, and not one text: the likely field is named", () => {
    const candidates = [{ score: 1, pageContent: "tea" }];
    expect(call({ queryText: "tea", candidates })).toThrow(
      /^candidates\[0\]\.text: .*has `pageContent`; did you mean `text`\?/,
    );
    const meant = [{ score: 1, text: "" }];
    expect(rerank({ queryText: "tea", candidates: meant }).bundle).toHaveLength(1);
    expect(rerank({ queryText: "tea", candidates, textWeight: 0 }).bundle).toHaveLength(1);
  });

  test("a default id never is that of another, and a number is an id", () => {
    const candidates = [{ id: "1", score: 3 }, { score: 2 }, { id: 7, score: 1 }, { id: 8n, score: 0 }];
    expect(rerank({ candidates }).bundle.map(({ id }) => id)).toEqual(["1", "1#1", "7", "8"]);
    const items: Candidate[] = [{ id: 1, score: 2 }];
    const lists = [
      { name: "a", items },
      { name: "b", items: [{ id: "1", score: 1 }] },
    ];
    expect(rerank({ lists }).bundle.map(({ id }) => id)).toEqual(["1"]);
  });

  test("a field that came from another list is named there", () => {
    const lists = [
      { name: "a", items: [{ id: "x", embedding: [1] }] },
      { name: "b", items: [{ id: "x", text: 5 }] },
    ];
    expect(call({ query: [1], lists })).toThrow(/^lists\[1\]\.items\[0\]\.text/);
  });

  test("what other libraries call k is named, with the adapter's own options", () => {
    for (const name of ["topK", "topN", "similarityTopK", "top_k"]) {
      expect(() => resolveAdapterOptions({ [name]: 3 }, () => undefined, ["pool"])).toThrow(
        new RegExp(`^${name}: unknown option; did you mean k\\? Known are pool, id, trust`),
      );
    }
  });
});

describe("words", () => {
  test.each([
    ["EU", "a rule of the EU."],
    ["AI", "the field (AI) grew"],
    ["GDP", "output (GDP) fell"],
    ["tea", "🎉tea"],
    ["茶叶", "山上的茶叶每年采摘"],
    ["茶", "山上的茶叶每年采摘"],
    ["등대", "곶의 등대는 오래됐다"],
    ["등", "곶의 등대는 오래됐다"],
    ["été", "l'e\u0301te\u0301"],
  ])("short ones are found beside punctuation and within runs: %s in %s", (queryText, text) => {
    const candidates = [
      { id: "no", text: "-", score: 1 },
      { id: "yes", text, score: 1 },
    ];
    const { bundle } = rerank({ queryText, candidates });
    expect(bundle.find(({ id }) => id === "yes")!.parts!.grams).toBeGreaterThan(0);
    expect(bundle[0]!.id).toBe("yes");
  });

  test("more marks in a row than any language has take no longer than others", () => {
    const text = `a${"\u0301\u0323".repeat(TEXT_LIMIT)}`;
    const began = performance.now();
    expect(normalized(text).length).toBeLessThan(1.1 * TEXT_LIMIT);
    expect(performance.now() - began).toBeLessThan(1000);
    // Thirty are left as they are.
    const thirty = `a${"\u0323\u0301".repeat(15)}`;
    expect(normalized(thirty)).toBe(thirty.normalize("NFKC"));
  });

  test("beyond the limit are not weighed, and the receipt counts the texts", () => {
    const long = `${"rye ".repeat(TEXT_LIMIT / 4)}tea`;
    const candidates = [
      { text: long, score: 1 },
      { text: "rye", score: 1 },
    ];
    const { bundle, receipt } = rerank({ queryText: "tea", candidates });
    expect(bundle[0]!.parts).not.toHaveProperty("grams");
    expect(receipt.evidence.cut).toBe(1);
    const asked = rerank({ queryText: `rye ${"x ".repeat(QUERY_LIMIT)}`, candidates });
    expect(asked.receipt.evidence.cut).toBe(2);
  });
});
