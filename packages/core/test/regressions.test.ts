/** What once went wrong, each test named after it. */
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  cachedEmbedder,
  completeVectors,
  eitherSignal,
  embeddingCache,
  embedQuery,
  messageOf,
  rerankItems,
  resolveAdapterOptions,
  waitFor,
} from "../src/adapter/index.ts";
import {
  explainReceipt,
  Lattice,
  OscillinkError,
  type Receipt,
  replayReceipt,
  rerank,
  rerankMany,
  signReceipt,
  verifyReceipt,
} from "../src/index.ts";
import { hmacSigner, hmacVerifier } from "../src/keys/index.ts";
import { contentDigest } from "../src/receipt/receipt.ts";
import { permuted, randomRow, randomRows, uniform } from "./support.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe("equal vectors at different places of a graph", () => {
  const [twin, c, d] = [
    [1, 0.2, 0],
    [0.2, 1, 0],
    [1, 0.45, 0.2],
  ] as const;
  const query = [1, 0, 0];

  test("got the score of the first of them", () => {
    for (const [bound, free] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const lattice = new Lattice(
        { embeddings: [twin, twin, c, d], edges: [{ i: bound, j: 2, weight: 1 }] },
        { k: 4 },
      ).setQuery(query);
      const moved = new Map(lattice.bundle().map(({ index, terms }) => [index, terms!.neighbours!]));
      expect(moved.get(free)).toBe(0);
      expect(moved.get(bound)).toBeLessThan(-0.1);
      // An edge to another document pulls the one down, and leaves the other where it was.
      const [first] = lattice.bundle();
      expect(first!.index).toBe(free);
    }
  });

  test("got it in a chain too", () => {
    const settledOf = (chained: number, free: number) => {
      const lattice = new Lattice({ embeddings: [twin, twin, c, d] }, { k: 4 }).setQuery(query);
      lattice.addChain([chained, 2], { lamP: 5 });
      const scores = new Map(lattice.bundle().map(({ index, score }) => [index, score]));
      return [scores.get(chained)!, scores.get(free)!];
    };
    const [first, second] = [settledOf(0, 1), settledOf(1, 0)];
    expect(first[0]).toBeCloseTo(second[0]!, 5);
    expect(first[1]).toBeCloseTo(second[1]!, 5);
    expect(Math.abs(first[0]! - first[1]!)).toBeGreaterThan(0.01);
  });
});

describe("a receipt that canonical JSON cannot hold", () => {
  const across = { query: [1, 1], candidates: [{ embedding: [1, 0] }, { embedding: [0, 1] }] };

  test("came of a similarity floor of -0, and edges of weight 0", () => {
    expect(rerank({ ...across, similarityFloor: -0 }).receipt.meta.avg_degree).toBe(0);
    expect(rerank({ ...across, similarityFloor: 1e-50 }).receipt.meta.avg_degree).toBe(0);
  });

  test("came of edges and row caps near the least float", () => {
    const embeddings = randomRows(4, 3, 1);
    const edges = [{ i: 0, j: 1, weight: 1e-40 }];
    expect(() => new Lattice({ embeddings, edges })).toThrow("edges[0].weight: must be a number >= 1e-30");
    expect(() => new Lattice({ embeddings }, { rowCap: 1e-40 })).toThrow("rowCap: must be a number >= 1e-20");
    for (const weight of [1e-30, 1e38]) {
      const lattice = new Lattice({
        embeddings,
        edges: [
          { i: 0, j: 1, weight },
          { i: 1, j: 2, weight },
        ],
      });
      expect(() => lattice.setQuery(randomRow(3, 2)).receipt()).not.toThrow();
    }
    const capped = new Lattice({ embeddings }, { rowCap: 1e-20, similarityFloor: 0 });
    expect(() => capped.setQuery(randomRow(3, 2)).receipt()).not.toThrow();
  });

  test("came of no vectors at all in the profile reference", () => {
    const request = { query: [1, 0], candidates: [{ text: "a" }], missing: "append" } as const;
    const { bundle, receipt } = rerank({ ...request, profile: "reference" });
    expect(bundle).toHaveLength(1);
    expect(receipt.inputs).toMatchObject({ n: 1, missing: 1 });
  });

  test("came of a query out of range, which was not normalized", () => {
    const request = { query: [3e38, 1], candidates: [{ embedding: [1, 0] }], normalize: false, lamQ: 4 };
    expect(() => rerank(request)).toThrow(/^query: has length .* out of 1e-15 to/);
    expect(() => rerank({ ...request, profile: "reference" })).toThrow(OscillinkError);
  });

  test("came of half a surrogate pair in the query, in the provenance", () => {
    const lattice = new Lattice({ embeddings: randomRows(3, 2, 1) }).setQuery([1, 0], "half \ud83d");
    expect(lattice.provenance().query).toMatch(/^sha256:/);
  });
});

test("pools without vectors had other bits in another order", () => {
  const next = uniform(7);
  const words = "solar sail wind light comet probe orbit mirror dust beam".split(" ");
  const one = () => words[Math.floor((next() + 1) * 5)]!;
  const candidates = Array.from({ length: 12 }, (_, i) => ({
    id: `#${i}`,
    score: 1 + next(),
    text: Array.from({ length: 6 }, one).join(" "),
  }));
  const scoresOf = (some: typeof candidates) =>
    Object.fromEntries(
      rerank({ queryText: "solar sail", candidates: some, k: 12 }).bundle.map((e) => [e.id, e.score]),
    );
  for (let seed = 0; seed < 200; seed++) {
    const keys = randomRow(12, seed);
    expect(scoresOf(permuted(candidates, keys))).toEqual(scoresOf(candidates));
  }
});

describe("a listener that touches its lattice", () => {
  const lattice = () =>
    new Lattice({ embeddings: randomRows(20, 4, 1) }, { profile: "reference" }).setQuery(randomRow(4, 2));

  test("and asked for a coarser solution put it into the receipt", () => {
    const disturbed = lattice();
    const stop = disturbed.onEvent(() => {
      stop();
      disturbed.solve({ tolerance: 0.1 });
    });
    expect(disturbed.receipt().digest).toBe(lattice().receipt().digest);
  });

  test("may change it: what called the listener goes on with what it had found", () => {
    for (const change of [
      (l: Lattice) => l.setTrust(Array.from({ length: 20 }, (_, i) => (i % 5 === 2 ? 0 : 0.5))),
      (l: Lattice) => l.setQuery(randomRow(4, 3)),
      (l: Lattice) => l.settle(),
      (l: Lattice) => l.clearChain(),
    ]) {
      const changed = lattice().addChain([5, 9]);
      const leave = changed.onEvent(() => {
        leave();
        change(changed);
      });
      expect(changed.receipt().digest).toBe(lattice().addChain([5, 9]).receipt().digest);
      // And the next call sees the change.
      const expected = lattice().addChain([5, 9]);
      change(expected);
      expect(changed.receipt().digest).toBe(expected.receipt().digest);
    }
  });
});

describe("rerankMany", () => {
  test("overlooked the getters of a class", () => {
    class Request {
      readonly k = 2;
      get query() {
        return [1, 0];
      }
      get candidates() {
        return [{ embedding: [1, 0] }, { embedding: [0, 1] }];
      }
    }
    const [many] = rerankMany([new Request()]);
    expect(many!.receipt.digest).toBe(rerank(new Request()).receipt.digest);
  });

  test("blamed the first request for the options of all, and passed them over without requests", () => {
    expect(() => rerankMany([], { bogus: 1 } as never)).toThrow(/^bogus: unknown option/);
    expect(() => rerankMany([{ query: [1], candidates: [] }], { k: 0 })).toThrow(/^k: must be/);
  });
});

test("a lattice of candidates without vectors could not be restored", () => {
  const lattice = new Lattice({ embeddings: [null, null], texts: ["a", "b"] }).setQuery([1, 0]);
  const { digest } = lattice.receipt();
  expect(Lattice.from(lattice.toBuffer()).receipt().digest).toBe(digest);
  expect(Lattice.fromJSON(JSON.parse(JSON.stringify(lattice))).receipt().digest).toBe(digest);
  expect(lattice.setTrust([1, 0.5]).bundle()).toHaveLength(2);
});

test("letters whose composed form only their lower case has were not found", () => {
  const candidates = [
    { id: "composed", embedding: [1], text: "aa\u1e97" },
    { id: "other", embedding: [1], text: "bbb" },
  ];
  const { bundle } = rerank({ query: [1], queryText: "aaT\u0308", candidates });
  expect(bundle[0]).toMatchObject({ id: "composed" });
  expect(bundle[0]!.parts!.grams).toBeGreaterThan(0);
});

describe("a replay of what someone else wrote", () => {
  const query = randomRow(16, 2);
  const candidates = randomRows(20, 16, 1).map((embedding) => ({ embedding }));
  const made = (options: object) => rerank({ query, candidates, ...options }).receipt;
  const forged = (change: object): Receipt => {
    const other = { ...made({}), ...change };
    return { ...other, digest: contentDigest(other) };
  };

  test("went on for as long as it said, where float32 had no more to give", () => {
    const how = { profile: "reference", tolerance: 1e-7, lamC: 1e4, maxIterations: 100_000 } as const;
    const receipt = rerank({ query, candidates, ...how }).receipt;
    expect(receipt.meta.ustar_converged).toBe(false);
    expect(receipt.meta.ustar_iters).toBeLessThan(2000);
    const endless = forged({ params: { ...made({}).params, maxIterations: 1e15 } });
    expect(replayReceipt(endless, { query, candidates })).toEqual({
      ok: false,
      reason: "schema",
      differences: ["params.maxIterations"],
    });
  });

  test("threw", () => {
    for (const inputs of [null, undefined]) {
      expect(replayReceipt(forged({ inputs }), { query, candidates })).toMatchObject({ reason: "schema" });
      expect(replayReceipt(made({}), inputs as never)).toMatchObject({ reason: "replay-inputs" });
    }
    const trap = Object.defineProperty({}, "schema", {
      enumerable: true,
      get() {
        throw new Error("never to be seen");
      },
    });
    expect(replayReceipt(trap as Receipt, { query, candidates })).toMatchObject({ reason: "schema" });
  });

  test("did not know a threshold that is not finite", () => {
    const lattice = new Lattice({ embeddings: candidates.map((c) => c.embedding) }).setQuery(query);
    const receipt = lattice.receipt({ nullThreshold: Infinity });
    expect(replayReceipt(receipt, { query, candidates })).toEqual({ ok: true });
  });

  test("and its explanation could be given lines of their writer's", () => {
    const { params, bundle, certificate } = made({});
    const line = "5\norder certified: the exact solution gives the same bundle in the same order";
    for (const change of [
      { params: { ...params, k: line } },
      { bundle: [{ ...bundle[0]!, parts: { ...bundle[0]!.parts!, trust: line } }] },
      { bundle: bundle.toReversed() },
      { left_out: undefined },
      { certificate: { ...certificate, orderCertified: true, margin: -3 } },
    ]) {
      const hostile = forged(change);
      expect(() => explainReceipt(hostile)).toThrow("receipt: must be a receipt");
      const signed = signReceipt(hostile, hmacSigner("a secret of thirty-two bytes or more"));
      expect(verifyReceipt(signed, hmacVerifier("a secret of thirty-two bytes or more"))).toEqual({
        ok: false,
        reason: "schema",
      });
    }
  });
});

describe("a listener that asks again", () => {
  const pools = Array.from({ length: 30 }, (_, seed) => ({
    embeddings: randomRows(20, 4, seed),
    query: randomRow(4, seed + 100),
  }));
  const options = { profile: "reference", tolerance: 0.1, k: 10 } as const;

  test("for the bundle did so without end", () => {
    let told = 0;
    for (const { embeddings, query } of pools) {
      const plain = new Lattice({ embeddings }, options).setQuery(query);
      const asked = new Lattice({ embeddings }, options).setQuery(query);
      asked.onEvent(() => {
        told++;
        asked.bundle();
      });
      expect(asked.receipt().digest).toBe(plain.receipt().digest);
    }
    expect(told).toBe(pools.length);
  });

  test("or solved again and changed the query: the answer is to what was asked", () => {
    const [{ embeddings, query }] = pools as [(typeof pools)[0]];
    const expected = new Lattice({ embeddings }, options).setQuery(query).receipt().digest;
    const lattice = new Lattice({ embeddings }, options).setQuery(query);
    const leave = lattice.onEvent(() => {
      leave();
      lattice.solve({ tolerance: 1e-3 });
      lattice.setQuery(randomRow(4, 7));
    });
    expect(lattice.receipt().digest).toBe(expected);
    const other = new Lattice({ embeddings }, options).setQuery(randomRow(4, 7));
    expect(lattice.receipt().digest).toBe(other.receipt().digest);
  });
});

describe("an adapter's listener to warnings", () => {
  test.each<[string, () => unknown]>([
    [
      "threw",
      () => {
        throw new Error("listener");
      },
    ],
    [
      "was rejected",
      async () => {
        throw new Error("listener");
      },
    ],
  ])("that %s took the place of the failure", async (_, onWarning) => {
    const settings = resolveAdapterOptions<string>({ onError: "passthrough", onWarning, k: 1 });
    const likeness = () => Promise.reject(new Error("store"));
    const { ranked, failure } = await rerankItems(["a", "b"], (text) => ({ text }), "q", likeness, settings);
    expect(ranked).toEqual([{ item: "a", record: null, relevanceScore: null }]);
    expect(failure).toEqual({ error: new Error("store") });
  });
});

test("scores that agree by rounding alone were taken for an exact tie", () => {
  const near = Array.from({ length: 12 }, (_, i) => ({ embedding: [1, 0.3 * i] }));
  const last = { embedding: [-1, 0.1] };
  const certificateOf = (trust: number) => {
    const { bundle, receipt } = rerank({
      query: [1, 0],
      candidates: [...near, { ...last, trust }, last],
      k: 14,
    });
    expect(bundle[12]!.score).toBe(bundle[13]!.score);
    return receipt.certificate;
  };
  expect(certificateOf(1).orderCertified).toBe(true);
  expect(certificateOf(1 - 2 ** -53).orderCertified).toBe(false);
});

test("a signer of no known algorithm was found out with the first query", () => {
  const signer = { algorithm: "RSA", sign: (message: Uint8Array) => message };
  expect(() => resolveAdapterOptions({ signer: signer as never })).toThrow("signer: must be a signer");
});

test("a vector with -0 had another digest once it had been JSON", () => {
  const query = [1, 1];
  const candidates = [{ embedding: [-0, 1] }, { embedding: Float32Array.of(1, -0) }];
  const { receipt } = rerank({ query, candidates });
  const stored = [{ embedding: [0, 1] }, { embedding: [1, 0] }];
  expect(replayReceipt(receipt, { query, candidates: stored })).toEqual({ ok: true });
});

test("a chain that was refused had been settled for nothing, and the query was asked for first", () => {
  const lattice = new Lattice({ embeddings: randomRows(5, 4, 1) }, { profile: "reference", lamQ: 1 });
  expect(() => lattice.chainReceipt([0, 0])).toThrow("chain[1]: is candidate 0 again");
  let solves = 0;
  lattice.setQuery(randomRow(4, 2)).onEvent(() => solves++);
  expect(() => lattice.chainReceipt([0, 0])).toThrow("chain[1]: is candidate 0 again");
  expect(() => lattice.chainReceipt([0, 1], { zThreshold: Number.NaN })).toThrow(
    "zThreshold: must be a number",
  );
  expect(solves).toBe(0);
  expect(lattice.receipt()).toMatchObject({ meta: { ustar_cached: false } });
});

test("a candidate without a score had the similarity NaN in the profile reference, and no receipt", () => {
  const candidates = [{ score: 0.1 }, { title: "blue" }, { score: -1 }];
  const { bundle, receipt } = rerank({ queryText: "blue", candidates, profile: "reference", lamQ: 0 });
  expect(bundle.find(({ inputRank }) => inputRank === 2)!.parts!.similarity).toBe(-1);
  expect(receipt.digest).toMatch(/^sha256:/);
});

describe("a bundle that was changed before its receipt was read", () => {
  test("was signed as if it had been computed", () => {
    const request = {
      query: [1, 0],
      queryText: "storm",
      k: 2,
      candidates: [
        { id: "a", embedding: [1, 0.1], text: "storm" },
        { id: "b", embedding: [0.2, 1], text: "sun" },
        { id: "c", embedding: [0.5, 0.5], text: "sea" },
      ],
    };
    const expected = rerank(request).receipt;
    const changed = rerank(request);
    for (const entry of changed.bundle) {
      const { parts, terms, neighbours } = entry as unknown as Record<string, Record<string, unknown>>;
      parts!.similarity = -99;
      terms!.neighbours = 7;
      for (const one of neighbours as unknown as Record<string, unknown>[]) one.id = "nobody";
      (neighbours as unknown as unknown[]).length = 0;
      (entry as { id: string }).id = "z";
    }
    expect(changed.receipt.digest).toBe(expected.digest);
  });
});

describe("a signal of another library's own", () => {
  /** A signal as the interface has it, and no more: `AbortSignal.any` takes it for one, and hears nothing of it. */
  function foreign() {
    const listeners = new Set<() => void>();
    const signal = {
      aborted: false,
      reason: undefined as unknown,
      addEventListener: (_: "abort", listener: () => void) => void listeners.add(listener),
      removeEventListener: (_: "abort", listener: () => void) => void listeners.delete(listener),
    };
    const abort = (reason?: unknown) => {
      Object.assign(signal, { aborted: true, reason });
      for (const listener of [...listeners]) listener();
    };
    return { signal, abort, listeners };
  }

  test.each([0, 1])("was not heard beside another, given as number %i of two", async (place) => {
    const own = foreign();
    const other = new AbortController();
    const both =
      place === 0 ? eitherSignal(own.signal, other.signal) : eitherSignal(other.signal, own.signal);
    const waiting = waitFor(() => new Promise(() => {}), { signal: both }, "the embedder");
    own.abort("enough");
    await expect(waiting).rejects.toBe("enough");
    expect(own.listeners.size).toBe(0);
  });

  test("that gives no reason rejected with undefined", async () => {
    const own = foreign();
    const waiting = waitFor(() => new Promise(() => {}), { signal: own.signal }, "the embedder");
    own.abort();
    await expect(waiting).rejects.toThrow("the call was aborted");
  });

  test.each([{ addEventListener() {} }, { aborted: false, addEventListener() {} }, new EventTarget()])(
    "was taken for one, though it has not what it takes: %o",
    (signal) => {
      expect(() => resolveAdapterOptions({ signal: signal as never })).toThrow(
        /signal: must be an AbortSignal/,
      );
    },
  );
});

test("after a timeout an embedder was never told, and went on", async () => {
  let told: { aborted: boolean } | undefined;
  const embedder = {
    embedDocuments: (_: string[], options?: { signal?: { aborted: boolean } }) => {
      told = options?.signal;
      return new Promise<number[][]>(() => {});
    },
    embedQuery: () => new Promise<number[]>(() => {}),
  };
  const slow = completeVectors([null], ["a"], embedder, { timeout: 5 });
  await expect(slow).rejects.toMatchObject({ name: "TimeoutError" });
  expect(told?.aborted).toBe(true);
  await expect(embedQuery("a", embedder, { timeout: 5 })).rejects.toMatchObject({ name: "TimeoutError" });
});

describe("a cache of embeddings", () => {
  const embedder = {
    embedDocuments: async (texts: string[]) => texts.map((text) => [text.length, 1]),
    embedQuery: async () => [1, 0],
  };

  test("handed out what it keeps, and whoever changed that changed it for all", async () => {
    const cached = cachedEmbedder(embedder, embeddingCache());
    await cached.embedDocuments(["abc"]);
    for (let turn = 0; turn < 3; turn++) {
      const [vector] = await cached.embedDocuments(["abc"]);
      expect(Array.from(vector!)).toEqual([3, 1]);
      (vector as Float32Array).fill(99);
    }
  });
});

test.each([
  ["github_pat_11ABCDEFG0abcdefgh", "github_…"],
  ["gho_abcdefgh12345678", "gho_…"],
  ["nvapi-abcdefgh12345678", "nvapi-…"],
  ["AKIAIOSFODNN7EXAMPLE", "…"],
  ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "…"],
  ["postgres://reader:hunter22@db/x", "postgres://reader:…@db/x"],
  ["http://127.0.0.1:41125/v1", "http://127.0.0.1:41125/v1"],
])("a message showed the key %s, and no other figure is masked", (key, shown) => {
  expect(messageOf(new Error(`refused: ${key}`))).toBe(`refused: ${shown}`);
});

test.each([
  ["an object without a prototype as its message", { message: Object.create(null) }],
  [
    "a revoked proxy",
    (() => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    })(),
  ],
])("a store's failure with %s was none that could pass", async (_, error) => {
  vi.stubGlobal("console", { warn() {} });
  const settings = resolveAdapterOptions<string>({ onError: "passthrough" });
  const likeness = () => Promise.reject(error);
  const { ranked } = await rerankItems(["a"], (text) => ({ text }), "q", likeness, settings);
  expect(ranked.map(({ item }) => item)).toEqual(["a"]);
});
