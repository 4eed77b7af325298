import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import manifest from "../package.json" with { type: "json" };
import {
  type Candidate,
  Lattice,
  type Options,
  type Receipt,
  type RerankRequest,
  replayReceipt,
  rerank,
  version,
} from "../src/index.ts";
import type { Edge } from "../src/pool/input.ts";
import { pack } from "../src/pool/matrix.ts";
import { digestJson, digestTexts, digestVectors } from "../src/receipt/digest.ts";
import { contentDigest } from "../src/receipt/receipt.ts";
import { pools, randomRow, randomRows, requests, texts as textsOf, uniform } from "./support.ts";

const sha256 = (bytes: Uint8Array | string): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** The digest of vectors as its description reads: n, d, then the values, little-endian. */
function vectorBytes(rows: number[][], d: number): Buffer {
  const values = rows.flat().map((v) => {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(v + 0);
    return bytes;
  });
  return Buffer.concat([uint32(rows.length), uint32(d), ...values]);
}

function textBytes(texts: readonly string[]): Buffer {
  const parts = texts.flatMap((text) => {
    const bytes = new TextEncoder().encode(text);
    return [uint32(bytes.length), bytes];
  });
  return Buffer.concat([uint32(texts.length), ...parts]);
}

/** A request with every kind of input, and a receipt of it. */
const example = () => {
  const rows = randomRows(8, 5, 1);
  const words = [
    "solar sail",
    "light pressure",
    "sail",
    "tax form",
    "solar wind",
    "orbit",
    "the sail",
    "light",
  ];
  return {
    query: randomRow(5, 2),
    queryText: "solar sail",
    candidates: rows.map((embedding, i) => ({
      id: `doc ${i}`,
      embedding,
      text: words[i]!,
      trust: i % 3 === 0 ? 0.5 : 1,
    })),
    k: 4,
  };
};

const digestOf = (request: RerankRequest): string => rerank(request).receipt.digest;

describe("digests", () => {
  test("of vectors are SHA-256 over the shape and the float32 values, little-endian", () => {
    fc.assert(
      fc.property(pools(), ({ rows, query }) => {
        const packed = pack(rows, (i) => `rows[${i}]`);
        expect(digestVectors(packed)).toBe(sha256(vectorBytes(rows, query.length)));
      }),
    );
  });

  test("of vectors tell shapes apart that hold the same values", () => {
    const shapes = [
      [[1, 2, 3, 4]],
      [
        [1, 2],
        [3, 4],
      ],
      [[1], [2], [3], [4]],
    ];
    const digests = shapes.map((rows) => digestVectors(pack(rows, String)));
    expect(new Set(digests).size).toBe(3);
  });

  test("of texts are SHA-256 over their number and each one's length and UTF-8 bytes", () => {
    const anyText = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom("a", "\ud83d", "\ude00") }),
    );
    fc.assert(
      fc.property(fc.array(anyText), (texts) => {
        expect(digestTexts(texts)).toBe(sha256(textBytes(texts)));
      }),
    );
  });

  test("of texts tell divisions apart that hold the same letters", () => {
    const lists = [[], [""], ["", ""], ["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], ["", "abc"]];
    expect(new Set(lists.map(digestTexts)).size).toBe(lists.length);
  });

  test("of JSON do not depend on the order of keys, and follow RFC 8785 otherwise", () => {
    expect(digestJson({ b: [1, "ü"], a: null })).toBe(digestJson({ a: null, b: [1, "ü"] }));
    // RFC 8785, section 3.2.2 and 3.2.3.
    const sample = {
      numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 1e-27],
      literals: [null, true, false],
    };
    const canonical = '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}';
    expect(digestJson(sample)).toBe(sha256(canonical));
  });
});

describe("the receipt's inputs", () => {
  test("are the digests of what came, recomputed by node:crypto", () => {
    fc.assert(
      fc.property(requests(), (request) => {
        const { inputs } = rerank(request).receipt;
        const { candidates, query, queryText } = request;
        const d = query.length;
        const texts = candidates.map((c) => c.text);
        expect(inputs).toEqual({
          n: candidates.length,
          d,
          missing: 0,
          excluded: 0,
          candidates: sha256(
            vectorBytes(
              candidates.map((c) => c.embedding),
              d,
            ),
          ),
          query: sha256(vectorBytes([query], d)),
          ids: sha256(JSON.stringify(candidates.map((c) => c.id))),
          trust: candidates.some((c) => c.trust !== 1)
            ? sha256(JSON.stringify(candidates.map((c) => c.trust)))
            : null,
          texts: texts.every((text) => text === "") ? null : sha256(textBytes(texts)),
          queryText: sha256(textBytes([queryText])),
          edges: null,
          links: null,
          lists: [],
          found: null,
          scores: null,
          titles: null,
        });
      }),
    );
  });

  test("name each further list with the digest of its scores, and digest who was found and the links", () => {
    const a: Candidate = { id: "a", embedding: [1, 0], links: ["c", "elsewhere"] };
    const b: Candidate = { id: "b", embedding: [0, 1] };
    const c: Candidate = { id: "c", embedding: [1, 1] };
    const lists = [
      { name: "vectors", items: [a, b] },
      {
        name: "bm25",
        items: [
          { ...c, score: 2.5 },
          { ...a, score: -1 },
        ],
      },
      { name: "by_hand", items: [b, c] },
    ];
    expect(rerank({ query: [1, 0], lists }).receipt.inputs).toMatchObject({
      ids: sha256('["a","b","c"]'),
      scores: null,
      found: sha256("[true,true,false]"),
      lists: [
        { name: "bm25", scores: sha256("[-1,null,2.5]") },
        // Without scores their places count, the first one 0.
        { name: "by_hand", scores: sha256("[null,0,-1]") },
      ],
      links: sha256('[["c","elsewhere"],[],[]]'),
    });
    // Without a query the scores of the first list stand in for similarities.
    const scored = lists.map(({ name, items }) => ({
      name,
      items: items.map(({ embedding: _, ...item }, i) => ({ ...item, text: "", score: i / 4 })),
    }));
    expect(rerank({ queryText: "a", lists: scored }).receipt.inputs).toMatchObject({
      d: 0,
      candidates: null,
      query: null,
      scores: sha256("[0,0.25,null]"),
      found: sha256("[true,true,false]"),
      lists: [{ name: "bm25", scores: sha256("[0.25,null,0]") }, { name: "by_hand" }],
    });
  });

  test("count a missing vector as zeros, and ids default to indices", () => {
    const { inputs } = rerank({
      query: [1, 2],
      candidates: [{ embedding: [3, 4] }, {}, { embedding: [0, 0] }],
    }).receipt;
    expect(inputs).toMatchObject({
      n: 3,
      d: 2,
      missing: 2,
      candidates: sha256(
        vectorBytes(
          [
            [3, 4],
            [0, 0],
            [0, 0],
          ],
          2,
        ),
      ),
      ids: sha256('["0","1","2"]'),
      texts: null,
      queryText: null,
    });
  });

  test("of an empty pool are those of nothing", () => {
    const { receipt, bundle } = rerank({ query: [1, 2, 3], candidates: [] });
    expect(bundle).toEqual([]);
    expect(receipt.inputs).toMatchObject({ n: 0, d: 3, missing: 0, excluded: 0, ids: sha256("[]") });
    expect(receipt.digest).toBe(contentDigest(receipt));
  });
});

describe("the receipt's digest", () => {
  test("is that of its content, recomputed, also after a way through JSON", () => {
    fc.assert(
      fc.property(
        requests(),
        fc.constantFrom<Options>({}, { lamQ: 1 }, { diversity: 0.5 }, { graph: "mutual" }),
        (request, how) => {
          const { receipt } = rerank({ ...request, ...how });
          expect(contentDigest(receipt)).toBe(receipt.digest);
          const read = JSON.parse(JSON.stringify(receipt)) as Receipt;
          expect(JSON.stringify(read)).toBe(JSON.stringify(receipt));
          expect(contentDigest(read)).toBe(receipt.digest);
        },
      ),
    );
  });

  test("is the same for the same input: two runs differ in t_ms alone, byte for byte", () => {
    fc.assert(
      fc.property(requests(), (request) => {
        const text = () => JSON.stringify({ ...rerank(request).receipt, t_ms: 0 });
        expect(text()).toBe(text());
      }),
    );
  });

  const receipt = rerank(example()).receipt;

  /** Every figure, word and null of a receipt, by path; but the digest itself. */
  function leaves(value: unknown, path: (string | number)[] = []): (string | number)[][] {
    if (typeof value !== "object" || value === null) return [path];
    return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
  }

  /** A copy in which one leaf says something else. */
  function altered(path: (string | number)[]): Receipt {
    const copy = structuredClone(receipt) as unknown as Record<string, unknown>;
    let at = copy;
    for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
    const last = path.at(-1)!;
    const value = at[last];
    if (typeof value === "number") {
      // The nearest other double.
      const bits = new BigInt64Array(new Float64Array([value]).buffer);
      bits[0]!++;
      at[last] = new Float64Array(bits.buffer)[0];
    } else at[last] = typeof value === "string" ? `${value} ` : typeof value === "boolean" ? !value : 0;
    return copy as unknown as Receipt;
  }

  test.each(leaves(receipt).map((path) => [path.join("."), path] as const))(
    "covers %s, or says that it does not",
    (_, path) => {
      const counts = ["meta.ustar_cached", "meta.ustar_solves", "meta.ustar_cache_hits"];
      const uncovered =
        ["t_ms", "kernel", "vectors", "digest"].includes(String(path[0])) || counts.includes(path.join("."));
      expect(contentDigest(altered(path)) === receipt.digest).toBe(uncovered);
    },
  );

  test("covers the presence of every field and the order of the bundle", () => {
    for (const field of Object.keys(receipt)) {
      if (["t_ms", "kernel", "vectors", "digest"].includes(field)) continue;
      const { [field as keyof Receipt]: _, ...rest } = receipt;
      expect(contentDigest(rest as Receipt)).not.toBe(receipt.digest);
    }
    expect(contentDigest({ ...receipt, bundle: receipt.bundle.toReversed() } as Receipt)).not.toBe(
      receipt.digest,
    );
    expect(contentDigest({ ...receipt, extra: 1 } as Receipt)).not.toBe(receipt.digest);
  });

  test("does not cover where vectors came from, what time it took, or the kernel", () => {
    const request = example();
    const told = rerank({ ...request, vectors: { fromStore: 6, reembedded: 2 } }).receipt;
    expect(told.vectors).toEqual({ fromStore: 6, reembedded: 2 });
    expect(rerank(request).receipt.vectors).toBeNull();
    expect(told.digest).toBe(receipt.digest);
    const kernel = { name: "other", version: 9 };
    expect(contentDigest({ ...receipt, t_ms: 1e9, kernel } as Receipt)).toBe(receipt.digest);
  });

  test("changes with every value of every vector, every id, text and trust, to the last bit", () => {
    const request = example();
    const before = digestOf(request);
    const nudged = (v: number) => {
      const one = new Float32Array([v]);
      new Uint32Array(one.buffer)[0]! += 1;
      return one[0]!;
    };
    const changes: (() => RerankRequest)[] = request.query.map((v, c) => () => ({
      ...request,
      query: request.query.with(c, nudged(v)),
    }));
    request.candidates.forEach((candidate, i) => {
      const other = (fields: object) => () => ({
        ...request,
        candidates: request.candidates.with(i, { ...candidate, ...fields }),
      });
      candidate.embedding.forEach((v, c) => {
        changes.push(other({ embedding: candidate.embedding.with(c, nudged(v)) }));
      });
      changes.push(
        other({ id: `${candidate.id}.` }),
        other({ text: `${candidate.text} ` }),
        other({ text: undefined }),
        other({ trust: 0.75 }),
        other({ trust: 0 }),
        other({ embedding: null }),
      );
    });
    changes.push(
      () => ({ ...request, queryText: "solar sails" }),
      () => ({ ...request, queryText: "" }),
      () => ({ ...request, candidates: request.candidates.slice(1) }),
      () => ({ ...request, candidates: request.candidates.toReversed() }),
    );
    const digests = changes.map((change) => digestOf(change()));
    expect(new Set([before, ...digests]).size).toBe(1 + digests.length);
  });

  test("changes with every option, though the bundle be the same", () => {
    const request = example();
    const others: Required<Options> = {
      k: 5,
      missing: "drop",
      profile: "cosine",
      normalize: false,
      neighbors: 31,
      graph: "union",
      similarityFloor: 2e-3,
      rowCap: 0.5,
      lamG: 1.5,
      lamC: 2.5,
      textWeight: 0.7,
      gramWeight: 0.3,
      wordWeight: 0.1,
      phraseWeight: 0.4,
      titleWeight: 0.3,
      textTail: 0.4,
      linkWeight: 0.2,
      listWeight: 0.5,
      feedback: 0.1,
      feedbackDocuments: 4,
      feedbackTemperature: 0.5,
      lamQ: 0.1,
      tolerance: 2e-5,
      maxIterations: 101,
      preconditioner: "none",
      coherenceWeight: 0.1,
      copies: "keep",
      diversity: 0.1,
      diversityMethod: "dpp",
      relevanceScale: "all-MiniLM-L6-v2",
      relevanceCalibration: { level: 0.5, slope: 2 },
      minRelevance: 0.01,
    };
    const { params } = rerank(request).receipt;
    expect(Object.keys(others).sort()).toEqual(Object.keys(params).sort());
    const digests = Object.entries(others).map(([name, value]) => digestOf({ ...request, [name]: value }));
    const stateSignatures = Object.entries(others).map(
      ([name, value]) => rerank({ ...request, [name]: value }).receipt.meta.state_sig,
    );
    expect(new Set([digestOf(request), ...digests]).size).toBe(1 + digests.length);
    expect(new Set([rerank(request).receipt.meta.state_sig, ...stateSignatures]).size).toBe(
      1 + digests.length,
    );
  });

  test("does not change when an option is given its default, or undefined", () => {
    const request = example();
    const { params, digest } = rerank(request).receipt;
    expect(digestOf({ ...request, ...params })).toBe(digest);
    const undefineds = Object.fromEntries(Object.keys(params).map((name) => [name, undefined]));
    expect(digestOf({ ...undefineds, ...request })).toBe(digest);
  });
});

describe("the receipt", () => {
  test("carries the version of the package", () => {
    expect(version).toBe(manifest.version);
    expect(rerank(example()).receipt).toMatchObject({
      version: manifest.version,
      schema: "oscillink-receipt/3",
    });
  });

  test("records the bundle that was handed back, but for the candidates themselves", () => {
    fc.assert(
      fc.property(requests(), fc.constantFrom(0, 0.5), (request, diversity) => {
        const { bundle, receipt } = rerank({ ...request, diversity });
        const rounded = JSON.stringify(
          bundle.map(({ candidate: _, ...entry }) => entry),
          (_, value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value),
        );
        expect(receipt.bundle).toEqual(JSON.parse(rounded));
      }),
    );
  });

  test("tells the energy before and after, by term, which only fell", () => {
    fc.assert(
      fc.property(requests({ minN: 2 }), (request) => {
        const { energy, deltaH_total, certificate } = rerank(request).receipt;
        const { anchor, coherence, chain } = energy.terms;
        expect(anchor.initial).toBe(0);
        expect(energy.initial).toBeCloseTo(anchor.initial + coherence.initial + chain.initial, 9);
        expect(energy.final).toBeCloseTo(anchor.final + coherence.final + chain.final, 9);
        expect(deltaH_total).toBe(energy.initial - energy.final);
        expect(deltaH_total).toBeGreaterThanOrEqual(-1e-12 * (1 + energy.initial));
        expect(certificate.residual).toBeLessThan(1e-12);
      }),
    );
  });

  describe("with all documents in its bundle, can be computed again from what it says and the edges", () => {
    /** A receipt of a pool with words, a list, trusts and perhaps a chain, and the naive figures of each document. */
    const told = fc
      .record({
        request: requests({ minN: 2 }),
        lamG: fc.constantFrom(0.5, 1, 3),
        lamC: fc.constantFrom(0, 0.5, 4),
        chained: fc.boolean(),
        seed: fc.nat(),
      })
      .map(({ request, lamG, lamC, chained, seed }) => {
        const { candidates, query, queryText } = request;
        const n = candidates.length;
        const next = uniform(seed);
        const lattice = new Lattice(
          {
            embeddings: candidates.map((c) => c.embedding),
            texts: candidates.map((c) => c.text),
            titles: candidates.map((_, i) => (i % 3 === 0 ? `solar page ${i}` : undefined)),
            trust: candidates.map((c) => c.trust),
            lists: [{ name: "other", scores: candidates.map((_, i) => (i % 4 === 3 ? undefined : next())) }],
          },
          { k: n, lamG, lamC },
        ).setQuery(query, queryText);
        if (chained && n > 2) lattice.addChain([2, 0, 1], { lamP: 0.7, weights: [1, 0.5] });
        const documents = new Map(
          lattice.bundle().map(({ index, terms, parts }) => {
            const { neighbours, trust, ...own } = terms as Record<string, number>;
            const y = Object.values(own).reduce((a, b) => a + b, 0);
            return [index, { y, f: y + neighbours!, own, parts: parts! }];
          }),
        );
        const edges = lattice.edges();
        const degree = new Float64Array(n);
        for (const { i, j, weight } of edges) {
          degree[i]! += weight;
          degree[j]! += weight;
        }
        /** `(x_i / √d_i - x_j / √d_j)²` times the weight, of an edge. */
        const strain = (x: "f" | "y", { i, j, weight }: Edge): number =>
          weight *
          (documents.get(i)![x] / Math.sqrt(degree[i]!) - documents.get(j)![x] / Math.sqrt(degree[j]!)) ** 2;
        return { lattice, documents, edges, strain, lamG };
      });
    const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

    test("its energies, term by term", () => {
      fc.assert(
        fc.property(told, ({ lattice, documents, edges, strain, lamG }) => {
          const { energy, evidence, chain } = lattice.receipt();
          const of = (x: "f" | "y") => ({
            anchor: lamG * sum([...documents.values()].map((one) => (one[x] - one.y) ** 2)),
            coherence: evidence.lamC * sum(edges.map((edge) => strain(x, edge))),
            chain: sum(
              (chain?.weights ?? []).map((weight, link) => {
                const [a, b] = [chain!.nodes[link]!, chain!.nodes[link + 1]!];
                return chain!.lamP * weight * (documents.get(a)![x] - documents.get(b)![x]) ** 2;
              }),
            ),
          });
          const [before, after] = [of("y"), of("f")];
          const close = (figure: number, naive: number) =>
            expect(Math.abs(figure - naive)).toBeLessThanOrEqual(1e-9 * (1 + energy.initial));
          for (const term of ["anchor", "coherence", "chain"] as const) {
            close(energy.terms[term].initial, before[term]);
            close(energy.terms[term].final, after[term]);
          }
          close(energy.initial, sum(Object.values(before)));
          close(energy.final, sum(Object.values(after)));
        }),
      );
    });

    test("its null points: the edges that disagree by far the most", () => {
      let points = 0;
      fc.assert(
        fc.property(told, fc.constantFrom(0, 0.5, 1.5), fc.constantFrom(1, 100), (made, threshold, cap) => {
          const { lattice, edges, strain } = made;
          const { null_points, meta, evidence } = lattice.receipt({ nullThreshold: threshold, nullCap: cap });
          const residuals = edges.map((edge) => evidence.lamC * strain("f", edge));
          const mean = sum(residuals) / Math.max(1, edges.length);
          const deviation = Math.sqrt(sum(residuals.map((r) => (r - mean) ** 2)) / Math.max(1, edges.length));
          // Where all disagree alike but for rounding, none does by far.
          fc.pre(Math.abs(deviation - 1e-3 * mean) > 1e-9 * mean && (mean === 0 || mean > 1e-20));
          const all = edges
            .map(({ i, j }, e) => ({ edge: `${i},${j}`, z: (residuals[e]! - mean) / deviation }))
            .filter(() => deviation > 1e-3 * mean);
          fc.pre(all.every(({ z }) => Math.abs(z - threshold) > 1e-6));
          const expected = all.filter(({ z }) => z > threshold).sort((a, b) => b.z - a.z);
          expect(meta.null_points_summary).toEqual({
            total_null_points: expected.length,
            returned_null_points: Math.min(cap, expected.length),
            null_cap_applied: cap < expected.length,
          });
          const zOf = new Map(expected.map(({ edge, z }) => [edge, z]));
          null_points!.forEach(({ edge, z }, at) => {
            expect(z).toBeCloseTo(expected[at]!.z, 3);
            expect(zOf.get([...edge].sort((a, b) => a - b).join(","))).toBeCloseTo(z, 3);
          });
          expect(null_points).toHaveLength(Math.min(cap, expected.length));
          points += expected.length;
        }),
      );
      expect(points).toBeGreaterThan(50);
    });

    test("each term: the channel's weight times how many deviations the part lies above the pool's mean", () => {
      let channels = 0;
      fc.assert(
        fc.property(told, ({ lattice, documents }) => {
          const { weights, words } = lattice.receipt().evidence;
          expect(words === null).toBe(weights.grams === undefined);
          for (const { own } of documents.values()) {
            expect(Object.keys(own).sort()).toEqual(Object.keys(weights).sort());
          }
          for (const [name, weight] of Object.entries(weights)) {
            const values = [...documents.values()].map(({ parts }) => parts[name]!);
            const mean = sum(values) / values.length;
            const deviation = Math.sqrt(sum(values.map((v) => (v - mean) ** 2)) / values.length);
            // A spread that rounding may have made says nothing, and nearly that is nearly nothing.
            if (deviation < 1e-5) continue;
            channels++;
            for (const { own, parts } of documents.values()) {
              const naive = (weight * (parts[name]! - mean)) / deviation;
              expect(Math.abs(own[name]! - naive)).toBeLessThanOrEqual(2e-5 * (Math.abs(naive) + weight));
            }
          }
        }),
      );
      expect(channels).toBeGreaterThan(200);
    });

    test("who was listened to: those that lead before the feedback, eight of them or as many as tie", () => {
      let heard = 0;
      fc.assert(
        fc.property(told, ({ lattice, documents }) => {
          const { best, weights } = lattice.receipt().evidence;
          expect(best.length === 0).toBe(weights.feedback === undefined);
          if (best.length === 0) return;
          heard++;
          const before = (index: number) => {
            const { y, own } = documents.get(index)!;
            return y - own.feedback!;
          };
          const rest = [...documents.keys()].filter((index) => !best.includes(index));
          expect(best.length).toBeGreaterThanOrEqual(Math.min(8, documents.size));
          const least = Math.min(...best.map(before));
          for (const index of rest) expect(before(index)).toBeLessThan(least + 1e-9);
        }),
      );
      expect(heard).toBeGreaterThan(20);
    });
  });

  test("tells by whose naming a document moved up, and by how much", () => {
    const candidates = [
      { embedding: [1, 0], text: "The Moon Base is far.", title: "Mars" },
      { embedding: [0, 1], text: "Nothing here.", title: "Moon Base (film)" },
      { embedding: [0.5, 1], text: "One more, of the moon base.", links: ["3"] },
      { embedding: [0.2, 1], text: "A last one." },
    ];
    const told = (how: Options) =>
      rerank({ query: [1, 0], candidates, lamC: 0, k: 4, ...how }).receipt.bundle.map(
        ({ inputRank, namedBy, terms }) => [inputRank, namedBy, terms!.similarity, terms!.links],
      );
    // Of four candidates one bears the name "moon base" and two say it, the first of which is the better one.
    const [one, two, three, four] = [1, 0, 0.5 / Math.hypot(0.5, 1), 0.2 / Math.hypot(0.2, 1)];
    const cosines = [one, two, three, four];
    const mean = cosines.reduce((sum, v) => sum + v, 0) / 4;
    const deviation = Math.sqrt(cosines.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 4);
    const named = (by: number, held: number, own: number) =>
      (0.4 * Math.log(4 / held) * (by - own)) / Math.log(4) / deviation;
    const links = told({}).map(([rank, by, , link]) => [rank, by, link]);
    expect(links).toEqual([
      [1, null, 0],
      [3, null, 0],
      [4, "2", expect.closeTo(named(three, 2, four), 5)],
      [2, "0", expect.closeTo(named(one, 3, two), 5)],
    ]);
    expect(told({ linkWeight: 0 }).map(([, by, , link]) => [by, link])).toEqual(
      new Array(4).fill([null, undefined]),
    );
  });

  test("takes no more than 6 KB for 5 documents out of 50 with texts, titles and ids of 8 characters", () => {
    const next = uniform(3);
    const words = "solar sail light pressure orbit mission comet dust probe laser beam mirror".split(" ");
    const some = (n: number) =>
      Array.from({ length: n }, () => words[Math.floor((next() + 1) * 6)]!).join(" ");
    const candidates = randomRows(50, 64, 1).map((embedding, i) => ({
      id: `doc-${String(i).padStart(4, "0")}`,
      embedding,
      text: some(60),
      title: some(3),
    }));
    const { receipt } = rerank({
      query: randomRow(64, 2),
      queryText: "solar sail mission",
      candidates,
      k: 5,
    });
    expect(Buffer.byteLength(JSON.stringify(receipt))).toBeLessThanOrEqual(6144);
  });

  test("is plain data: it survives a structured clone and holds no undefined", () => {
    fc.assert(
      fc.property(requests(), (request) => {
        const { receipt } = rerank(request);
        expect(structuredClone(receipt)).toEqual(receipt);
        const walk = (value: unknown): void => {
          expect(value).not.toBeUndefined();
          if (typeof value === "number") expect(Number.isFinite(value)).toBe(true);
          if (typeof value === "object" && value !== null) Object.values(value).forEach(walk);
        };
        walk(receipt);
      }),
    );
  });

  test("a text that was cut inside an emoji ranks as it does once it was stored as UTF-8", () => {
    const request = (cut: string) => ({
      query: [1, 0.3],
      queryText: `great ${cut}`,
      candidates: [
        { id: "a", embedding: [1, 0], text: `great ${cut}`, title: `x${cut}`, links: [`b${cut}`] },
        { id: "b", embedding: [0, 1], text: "great x" },
      ],
    });
    for (const half of ["\ud83c", "\udf89", "\udf89\ud83c"]) {
      const stored = request(Buffer.from(half).toString("utf8"));
      const { receipt } = rerank(request(half));
      expect(receipt.digest).toBe(rerank(stored).receipt.digest);
      expect(replayReceipt(receipt, stored)).toEqual({ ok: true });
    }
  });

  test("records texts with halves of surrogate pairs, as careless splitters leave them", () => {
    const split = "😀".slice(0, 1);
    const candidates = [
      { embedding: [1, 2], text: split },
      { embedding: [2, 1], text: "\ufffd" },
    ];
    const { receipt } = rerank({ query: [1, 1], queryText: split, candidates });
    expect(receipt.inputs.texts).toBe(sha256(textBytes(["\ufffd", "\ufffd"])));
  });

  test("of the profile reference ranks scores where there are no vectors; one that is missing counts as the lowest", () => {
    const candidates = [
      { id: "a", score: -0.5, text: "the moon" },
      { id: "b", text: "the sun" },
      { id: "c", score: 2, text: "a sail" },
      { id: "d", score: -3, text: "a mast" },
    ];
    const how = { profile: "reference", lamQ: 0, diversity: 0, coherenceWeight: 0, k: 4 } as const;
    const { bundle } = rerank({ queryText: "sail", candidates, ...how }).receipt;
    expect(bundle.map(({ id, score, parts }) => [id, score, parts!.similarity, parts!.settled])).toEqual([
      ["c", 2, 2, 2],
      ["a", -0.5, -0.5, -0.5],
      ["b", -3, -3, -3],
      ["d", -3, -3, -3],
    ]);
  });

  test("of a lattice that settled differs from one that did not in the state it reports", () => {
    const input = {
      embeddings: randomRows(9, 4, 5),
      texts: fc.sample(textsOf(9), { seed: 3, numRuns: 1 })[0]!,
    };
    const query = randomRow(4, 6);
    const how = { profile: "reference" } as const;
    const rested = new Lattice(input, how).setQuery(query).receipt();
    const stepped = new Lattice(input, how).setQuery(query);
    stepped.settle({ dt: 0.1 });
    const receipt = stepped.receipt();
    const { energy } = stepped.figures();
    expect(receipt.energy.final).toBe(energy.final);
    expect(energy.final).toBeGreaterThan(energy.minimum);
    expect(energy.final).toBeLessThan(energy.initial);
    expect(receipt.digest).not.toBe(rested.digest);
    expect(receipt.meta.state_sig).toBe(rested.meta.state_sig);
  });
});
