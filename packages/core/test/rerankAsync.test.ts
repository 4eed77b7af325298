import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Candidate, type RerankRequest, type RerankResult, rerank, rerankAsync } from "../src/index.ts";
import { nodeWorkers } from "../src/node/index.ts";
import { type WorkerLike, type WorkerPool, workerPool } from "../src/workers/index.ts";
import { randomRow, randomRows } from "./support.ts";

const SCRIPT = new URL("../src/worker/index.ts", import.meta.url);
const WORDS = "tide wave moon harbour power station turbine bread butter salt".split(" ");
const say = (i: number) =>
  Array.from({ length: 8 }, (_, w) => WORDS[(i * (w + 3) + w) % WORDS.length]).join(" ");

const pools: WorkerPool[] = [];
afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
  vi.restoreAllMocks();
});

/** A pool whose workers are real, that is told what happens. */
function pool(
  on: { made?: () => void; posted?: (worker: Worker, asked: number) => void } = {},
  size = 1,
  cost = 0,
) {
  let asked = 0;
  const create = (): WorkerLike => {
    on.made?.();
    const worker = new Worker(SCRIPT, { execArgv: [] });
    return {
      postMessage(message, transfer) {
        worker.postMessage(message, transfer);
        on.posted?.(worker, asked++);
      },
      addEventListener: (type: string, listener: (event: never) => void) => {
        worker.on(type, (value) => listener((type === "message" ? { data: value } : value) as never));
        if (type === "error") worker.on("exit", (code) => listener({ message: `code ${code}` } as never));
      },
      terminate: () => worker.terminate(),
      ref: () => worker.ref(),
      unref: () => worker.unref(),
    };
  };
  const made = workerPool(create, { size, cost });
  pools.push(made);
  return made;
}

/** A pool that counts its answers: what it did not answer was ranked in the thread. */
function counted(size = 1, cost = 0) {
  let posted = 0;
  const workers = pool({ posted: () => posted++ }, size, cost);
  return { workers, posted: () => posted };
}

const N = 30;
const query = randomRow(16, 1);
const candidates = randomRows(N, 16, 2).map((embedding, i) => ({
  id: `d${i}`,
  embedding,
  text: say(i),
  // What only the caller can make something of.
  own: () => i,
}));
const plain = { query, queryText: "tide power", candidates };

const requests: Readonly<Record<string, RerankRequest>> = {
  "vectors alone": { query, candidates: candidates.map(({ embedding }) => ({ embedding })) },
  "vectors and words": plain,
  "typed arrays, some missing, one zero": {
    ...plain,
    query: Float64Array.from(query),
    candidates: candidates.map((one, i) => ({
      ...one,
      embedding: i % 7 === 3 ? null : i === 4 ? new Array(16).fill(0) : Float32Array.from(one.embedding),
    })),
  },
  scores: {
    queryText: "tide power",
    candidates: candidates.map(({ id, text }, i) => ({ id, text, score: i % 5 === 4 ? undefined : -i })),
  },
  lists: {
    ...{ query, queryText: "tide power" },
    lists: [
      { name: "vectors", items: candidates.slice(0, 20) },
      {
        name: "words",
        items: candidates.slice(10).map(({ embedding: _, ...one }, i) => ({ ...one, score: -i })),
      },
    ],
  },
  "titles, links and trust": {
    ...plain,
    candidates: candidates.map((one, i) => ({
      ...one,
      title: `The ${WORDS[i % 10]}`,
      links: [`d${(i * 7) % N}`],
      trust: (i % 4) / 3,
    })),
    context: { request: "r1", at: 17 },
    vectors: { fromStore: N, reembedded: 0 },
  },
  "the profile reference": { ...plain, profile: "reference", missing: "append" },
  "other options": { ...plain, k: 12, diversity: 0.3, relevanceScale: { mean: 0.1, spread: 0.2 } },
  "no candidates": { query, candidates: [] },
};

/** All bytes of a result but the time that it took. */
const bytesOf = ({ bundle, receipt }: RerankResult<Candidate, unknown>) =>
  JSON.stringify({ bundle, receipt: { ...(receipt as object), t_ms: 0 } });

/** What a call fails with. */
async function failureOf(call: () => unknown): Promise<Record<string, unknown>> {
  try {
    await call();
  } catch (error) {
    const { message, parameter } = error as Error & { parameter?: string };
    return { kind: (error as Error).constructor, message, parameter };
  }
  throw new Error("it did not fail");
}

describe("rerankAsync gives what rerank gives, byte for byte, and the candidates themselves", () => {
  test.each(Object.entries(requests))("%s", async (_, request) => {
    const expected = rerank(request);
    const { workers, posted } = counted();
    for (const options of [{}, { workers }]) {
      const result = await rerankAsync(request, options);
      expect(bytesOf(result)).toBe(bytesOf(expected));
      result.bundle.forEach(({ candidate }, i) => {
        if (!request.lists) expect(candidate).toBe(expected.bundle[i]!.candidate);
      });
    }
    // An empty pool costs nothing.
    expect(posted()).toBe(request.candidates?.length === 0 ? 0 : 1);
  });

  test("in a hundred calls at once, each its own", async () => {
    const { workers, posted } = counted(2);
    const all = Array.from({ length: 100 }, (_, i) => ({
      query: randomRow(16, 100 + i),
      candidates: candidates.slice(0, 5 + (i % 20)),
    }));
    const inWorkers = Promise.all(all.map((request) => rerankAsync(request, { workers })));
    const inThread = Promise.all(all.map((request) => rerankAsync(request)));
    const expected = all.map((request) => bytesOf(rerank(request)));
    expect((await inWorkers).map(bytesOf)).toEqual(expected);
    expect((await inThread).map(bytesOf)).toEqual(expected);
    expect(posted()).toBe(100);
  });
});

describe("an error is that of rerank", () => {
  const at = (i: number, fields: object): RerankRequest =>
    ({ ...plain, candidates: candidates.map((one, c) => (c === i ? { ...one, ...fields } : one)) }) as never;
  const bad: Readonly<Record<string, RerankRequest>> = {
    "an embedding of another width": at(3, { embedding: [1, 2] }),
    "an embedding with a text": at(3, { embedding: [...query.slice(1), "0.5"] }),
    "an embedding beyond float32": at(3, { embedding: [...query.slice(1), 1e39] }),
    "a trust beyond 1": at(5, { trust: 2 }),
    "a trust that cannot be copied": at(5, { trust: () => 1 }),
    "an id twice": at(7, { id: "d1" }),
    "a zero query": { ...plain, query: new Array(16).fill(0) },
    "a query of another width": { ...plain, query: [1] },
    "a text that is none": at(2, { text: 7 }),
    "a query text that is none": { ...plain, queryText: 7 as never },
    "an unknown option": { ...plain, topK: 7 } as never,
    "an option out of range": { ...plain, k: 0 },
    "vectors under another name": {
      query,
      candidates: candidates.map(({ embedding: vector, ...rest }) => ({ ...rest, vector })),
    },
    "texts under another name": {
      ...plain,
      candidates: candidates.map(({ text: pageContent, ...rest }) => ({ ...rest, pageContent })),
    },
    "a context that is none": { ...plain, context: { request: [] } as never },
    "no request": undefined as never,
    "two faults": { ...at(3, { trust: 2 }), query: [1] },
    "an embedding in a list": {
      query,
      lists: [
        { name: "a", items: candidates.slice(0, 5) },
        { name: "b", items: [...candidates.slice(5, 8), { id: "x", embedding: [1] }] },
      ],
    },
    "a trust in a list": {
      query,
      lists: [
        { name: "a", items: candidates.slice(0, 5) },
        { name: "b", items: [...candidates.slice(5, 8), { ...candidates[9]!, trust: 2 }] },
      ],
    },
  };

  test.each(Object.entries(bad))("for %s", async (_, request) => {
    const expected = await failureOf(() => rerank(request));
    expect(await failureOf(() => rerankAsync(request))).toEqual(expected);
    expect(await failureOf(() => rerankAsync(request, { workers: pool() }))).toEqual(expected);
  });

  test("or names what is wrong with the options", async () => {
    for (const options of [{ signal: 1 }, { workers: 2 }, { worker: pool() }, null]) {
      const { parameter } = await failureOf(() => rerankAsync(plain, options as never));
      expect(parameter).toBe(options === null ? "options" : Object.keys(options)[0]);
    }
    for (const [options, parameter] of [
      [{ size: 0 }, "size"],
      [{ size: 1.5 }, "size"],
      [{ cost: -1 }, "cost"],
      [{ cost: Number.NaN }, "cost"],
      [{ sizes: 1 }, "sizes"],
    ] as const) {
      expect(await failureOf(() => nodeWorkers(options as never))).toMatchObject({ parameter });
    }
  });
});

describe("calls take turns", () => {
  test("in their order, and the event loop turns between any two", async () => {
    let turns = 0;
    let counting = true;
    const count = () => {
      turns++;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    const seen: { readonly call: number; readonly turn: number }[] = [];
    const call = (i: number) => rerankAsync(plain).then(() => seen.push({ call: i, turn: turns }));
    // Some are made while others wait.
    const first = Array.from({ length: 10 }, (_, i) => call(i));
    const later = first[2]!.then(() => Promise.all(Array.from({ length: 5 }, (_, i) => call(10 + i))));
    await Promise.all([...first, later]);
    counting = false;
    expect(seen.map(({ call }) => call)).toEqual(Array.from({ length: 15 }, (_, i) => i));
    expect(new Set(seen.map(({ turn }) => turn)).size).toBe(15);
  });

  test("and one that fails, or is called off, holds up none", async () => {
    const abort = new AbortController();
    const calls = [
      rerankAsync({ ...plain, k: 0 }),
      rerankAsync(plain, { signal: abort.signal }),
      rerankAsync(plain),
    ];
    abort.abort();
    const settled = await Promise.allSettled(calls);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  });

  test.each([
    ["without setImmediate", { setImmediate: undefined }],
    ["without MessageChannel either", { setImmediate: undefined, MessageChannel: undefined }],
  ])("%s too", async (_, globals) => {
    vi.resetModules();
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    const other = await import("../src/index.ts");
    const order: number[] = [];
    const call = (i: number) =>
      other.rerankAsync(plain).then(({ receipt }) => [order.push(i), receipt.digest]);
    const results = await Promise.all([0, 1, 2].map(call));
    vi.unstubAllGlobals();
    expect(order).toEqual([0, 1, 2]);
    expect(results[2]![1]).toBe(rerank(plain).receipt.digest);
  });

  test("but at Cloudflare none waits for another request, whose timers may have ended with it", async () => {
    vi.resetModules();
    const { setImmediate: real } = globalThis;
    let dropped = 0;
    vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
    vi.stubGlobal("setImmediate", (task: () => void) => (dropped++ === 0 ? null : real(task)));
    const other = await import("../src/index.ts");
    void other.rerankAsync(plain);
    const { receipt } = await other.rerankAsync(plain);
    vi.unstubAllGlobals();
    expect(receipt.digest).toBe(rerank(plain).receipt.digest);
    expect(dropped).toBe(2);
  });
});

describe("an aborted signal", () => {
  /** A request that counts how often it is read. */
  function watched() {
    let reads = 0;
    const request = {
      ...{ query, queryText: "tide" },
      get candidates() {
        reads++;
        return candidates;
      },
    };
    return { request, reads: () => reads };
  }
  const reason = new Error("gone");

  test("starts nothing", async () => {
    const { request, reads } = watched();
    const made = vi.fn();
    const options = { signal: AbortSignal.abort(reason), workers: pool({ made }) };
    await expect(rerankAsync(request, options)).rejects.toBe(reason);
    expect(reads()).toBe(0);
    expect(made).not.toHaveBeenCalled();
  });

  test("ends a call that waits for its turn, which then is not ranked", async () => {
    const abort = new AbortController();
    const { request, reads } = watched();
    const before = rerankAsync(plain);
    const call = rerankAsync(request, { signal: abort.signal });
    const after = rerankAsync(plain);
    abort.abort(reason);
    await expect(call).rejects.toBe(reason);
    await Promise.all([before, after]);
    expect(reads()).toBe(0);
  });

  test("ends a call that waits for a worker, and the next has it", async () => {
    const abort = new AbortController();
    const posted = vi.fn();
    const workers = pool({ posted });
    const first = rerankAsync(plain, { workers });
    const second = rerankAsync(plain, { workers, signal: abort.signal });
    const third = rerankAsync(plain, { workers });
    abort.abort(reason);
    await expect(second).rejects.toBe(reason);
    expect(bytesOf(await third)).toBe(bytesOf(await first));
    expect(posted).toHaveBeenCalledTimes(2);
  });

  test("ends a call whose worker computes, whose answer is nobody else's", async () => {
    const abort = new AbortController();
    const workers = pool({ posted: (_, asked) => asked === 0 && abort.abort(reason) });
    const call = rerankAsync({ ...plain, k: 1 }, { workers, signal: abort.signal });
    await expect(call).rejects.toBe(reason);
    expect(bytesOf(await rerankAsync(plain, { workers }))).toBe(bytesOf(rerank(plain)));
  });

  test("changes nothing once the call has settled", async () => {
    const abort = new AbortController();
    const { receipt } = await rerankAsync(plain, { signal: abort.signal });
    abort.abort(reason);
    expect(receipt.digest).toBe(rerank(plain).receipt.digest);
  });
});

describe("what came in", () => {
  const typed = () => ({
    query: Float32Array.from(query),
    candidates: candidates.map(({ id, embedding }) => ({ id, embedding: Float32Array.from(embedding) })),
  });

  test("is as it was, its buffers too, and may change once the call has settled", async () => {
    const { workers, posted } = counted();
    for (const options of [{}, { workers }]) {
      const request = typed();
      const result = await rerankAsync(request, options);
      expect(request).toEqual(typed());
      request.query.fill(7);
      for (const { embedding } of request.candidates) embedding.fill(3);
      expect(bytesOf(result).length).toBeGreaterThan(1000);
      expect(result.receipt.digest).toBe(rerank(typed()).receipt.digest);
    }
    expect(posted()).toBe(1);
  });

  test("is read when its turn has come: what is ranked and what the receipt says of it are one", async () => {
    const request = typed();
    const call = rerankAsync(request);
    request.query.fill(1);
    const { bundle, receipt } = await call;
    const expected = rerank({ ...typed(), query: new Float32Array(16).fill(1) });
    expect(bundle.map(({ id }) => id)).toEqual(expected.bundle.map(({ id }) => id));
    expect(receipt.digest).toBe(expected.receipt.digest);
  });
});

describe("workers", () => {
  const warned = () => vi.spyOn(console, "warn").mockImplementation(() => {});

  test("rank what costs more than was said, and the thread the rest", async () => {
    const large = requests["vectors alone"]!;
    const characters = candidates.reduce((sum, { text }) => sum + text.length, 0);
    for (const [request, cost] of [
      [large, (N ** 2 * 16) / 2 / 1e6],
      [plain, ((N ** 2 * 16) / 2 + 300 * characters) / 1e6],
      [{ ...requests.scores!, candidates: requests.scores!.candidates! }, (2000 * characters) / 1e6],
    ] as const) {
      const exactly = counted(1, cost);
      await rerankAsync(request, { workers: exactly.workers });
      expect(exactly.posted()).toBe(0);
      const below = counted(1, cost - 1e-9);
      await rerankAsync(request, { workers: below.workers });
      expect(below.posted()).toBe(1);
    }
  });

  test("one that dies leaves its call to the thread, is told of once, and another takes its place", async () => {
    const warn = warned();
    const made = vi.fn();
    const posted = vi.fn((worker: Worker, asked: number) => void (asked % 2 === 0 && worker.terminate()));
    const workers = pool({ made, posted });
    for (let i = 0; i < 4; i++) {
      expect(bytesOf(await rerankAsync(plain, { workers }))).toBe(bytesOf(rerank(plain)));
    }
    expect(posted).toHaveBeenCalledTimes(4);
    expect(made).toHaveBeenCalledTimes(3);
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/^oscillink: a worker failed: code \d; .* \(shown once\)$/)],
    ]);
  });

  test.each<[string, () => WorkerLike]>([
    [
      "that cannot be made",
      () => {
        throw new Error("a policy forbids it");
      },
    ],
    ["of another kind", () => new Worker("", { eval: true }) as never],
    [
      "whose script fails",
      () => {
        const worker = new Worker('throw new Error("a policy forbids it")', { eval: true });
        const addEventListener = (type: string, listener: (event: never) => void) =>
          void worker.on(type, (value) => listener(value as never));
        return Object.assign(worker, { addEventListener }) as never;
      },
    ],
  ])("one %s leaves all to the thread, and is not tried for ever", async (_, create) => {
    const warn = warned();
    const made = vi.fn(create);
    const workers = workerPool(made, { cost: 0 });
    for (let i = 0; i < 5; i++) {
      expect(bytesOf(await rerankAsync(plain, { workers }))).toBe(bytesOf(rerank(plain)));
    }
    expect(made).toHaveBeenCalledTimes(3);
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/a policy forbids it|addEventListener is not a function/)],
    ]);
  });

  test("of a closed pool leave what they were at, and what comes, to the thread", async () => {
    const warn = warned();
    const posted = vi.fn(() => workers.close());
    const workers = pool({ posted });
    const calls = [1, 2, 3].map((k) => rerankAsync({ ...plain, k }, { workers }));
    expect((await Promise.all(calls)).map(bytesOf)).toEqual(
      [1, 2, 3].map((k) => bytesOf(rerank({ ...plain, k }))),
    );
    await rerankAsync(plain, { workers });
    expect(posted).toHaveBeenCalledTimes(1);
    expect(warn).not.toHaveBeenCalled();
  });

  test("of Node keep no process alive, and one that computes does", async () => {
    const program = `
      import { rerankAsync } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url))};
      import { nodeWorkers } from ${JSON.stringify(new URL("../src/node/index.ts", import.meta.url))};
      const workers = nodeWorkers({ size: 2, cost: 0 });
      const call = () => rerankAsync({ query: [1, 0], candidates: [{ embedding: [1, 1] }] }, { workers });
      await Promise.all([call(), call(), call()]);
      call().then(() => console.log("ranked"));`;
    const args = ["--input-type=module", "--eval", program];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
    expect({ stdout, stderr }).toEqual({ stdout: "ranked\n", stderr: "" });
  }, 30_000);
});
