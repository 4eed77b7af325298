import { afterEach, describe, expect, test, vi } from "vitest";
import { type AdapterOptions, rerankItems, resolveAdapterOptions } from "../src/adapter/index.ts";
import { hmacSigner } from "../src/keys/index.ts";
import { nodeWorkers } from "../src/node/index.ts";

/* A receipt is written when somebody wants it: its digests are counted where the platform makes them. */
const crypto = process.getBuiltinModule("node:crypto");
const digests = vi.spyOn(crypto, "hash");

const items = [
  { id: "a", text: "Tidal power stations.", vector: [1, 0] },
  { id: "b", text: "Bread and butter.", vector: [0, 1] },
];
type Item = (typeof items)[number];

const reranked = (options: AdapterOptions<Item>) =>
  rerankItems(
    items,
    ({ id, text }) => ({ id, text }),
    "tidal power",
    () => ({ query: [1, 0.2], vectors: items.map(({ vector }) => vector), embedder: null }),
    resolveAdapterOptions(options),
  );

afterEach(() => {
  digests.mockClear();
});

describe("an adapter makes a receipt", () => {
  test.each<[string, AdapterOptions<Item>]>([
    ["for digests", {}],
    ["in full", { attach: "full" }],
    ["for a signer", { attach: "none", signer: hmacSigner(new Uint8Array(32).fill(7)) }],
    ["for whoever keeps what it can be replayed on", { attach: "none", onReplayInputs: () => {} }],
  ])("%s", async (_, options) => {
    await reranked(options);
    expect(digests.mock.calls.length).toBeGreaterThan(0);
  });

  test("for nobody where none is attached, until it is read", async () => {
    const found = await reranked({ attach: "none" });
    expect(found.ranked.map(({ item }) => item)).toEqual(items);
    expect(digests).not.toHaveBeenCalled();
    const { digest } = found.receipt!;
    expect(digests.mock.calls.length).toBeGreaterThan(0);
    expect(found.ranked[0]!.record!.receipt).toBe(digest);
    expect((await reranked({})).receipt!.digest).toBe(digest);
  });

  test("in the worker, where one ranks", async () => {
    const workers = nodeWorkers({ cost: 0 });
    const found = await reranked({ attach: "none", workers });
    const { digest } = found.receipt!;
    expect(digests).not.toHaveBeenCalled();
    expect((await reranked({ attach: "none" })).receipt!.digest).toBe(digest);
    workers.close();
  });
});

test("the option workers is judged when an adapter is made", () => {
  expect(() => resolveAdapterOptions({ workers: 2 as never })).toThrow(
    /^workers: must be what workerPool or/,
  );
});
