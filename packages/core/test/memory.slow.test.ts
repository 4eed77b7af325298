import { afterEach, describe, expect, test, vi } from "vitest";
import { randomRow, randomRows } from "./support.ts";

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

// The types of the language alone do not know it.
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Module: unknown; Instance: new (module: object) => { exports: { memory: Memory } } };
};

/** Core as a fresh process would have it, and the memory of its kernel. */
async function fresh() {
  const memories: Memory[] = [];
  class Instance extends WebAssembly.Instance {
    constructor(module: object) {
      super(module);
      memories.push(this.exports.memory);
    }
  }
  vi.stubGlobal("WebAssembly", { Module: WebAssembly.Module, Instance });
  vi.resetModules();
  const { rerank } = await import("../src/index.ts");
  return { rerank, memory: memories[0]! };
}

const query = randomRow(24, 1);
const pool = (n: number) => randomRows(n, 24, n).map((embedding) => ({ embedding }));

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("the kernel's memory", () => {
  test("does not grow over 10,000 calls of one size, nor for smaller ones after a larger", async () => {
    const { rerank, memory } = await fresh();
    const before = memory.buffer.byteLength;
    const candidates = pool(100);
    rerank({ query, candidates, k: 5 });
    const grown = memory.buffer.byteLength;
    expect(grown).toBeGreaterThan(before);
    for (let call = 0; call < 10_000; call++) rerank({ query, candidates, k: 5 });
    expect(memory.buffer.byteLength).toBe(grown);

    rerank({ query, candidates: pool(400), k: 5 });
    const most = memory.buffer.byteLength;
    expect(most).toBeGreaterThan(grown);
    for (const n of [3, 100, 399]) rerank({ query, candidates: pool(n), k: 5 });
    expect(memory.buffer.byteLength).toBe(most);
  }, 60_000);

  test("that can grow no further leaves the work to the heap: the same digest", async () => {
    const candidates = pool(300);
    const { receipt } = (await fresh()).rerank({ query, candidates, k: 5 });
    const { rerank, memory } = await fresh();
    const size = memory.buffer.byteLength;
    const grow = vi.spyOn(memory, "grow").mockImplementation(() => {
      throw new RangeError("WebAssembly.Memory.grow(): Maximum memory size exceeded");
    });
    const other = rerank({ query, candidates, k: 5 }).receipt;
    expect(grow).toHaveBeenCalled();
    expect(memory.buffer.byteLength).toBe(size);
    expect(other.kernel.name).toBe("simd");
    expect(other.digest).toBe(receipt.digest);
  });
});

test.each([
  ["missing", undefined],
  [
    "refused, as a content security policy does",
    {
      Module: class {
        constructor() {
          throw new Error("Refused to compile WebAssembly");
        }
      },
    },
  ],
])("WebAssembly %s: the scalar kernel, and the same digest", async (_, webAssembly) => {
  const candidates = pool(60);
  const { receipt } = (await fresh()).rerank({ query, candidates, k: 5 });
  expect(receipt.kernel.name).toBe("simd");
  vi.stubGlobal("WebAssembly", webAssembly);
  vi.resetModules();
  const { rerank } = await import("../src/index.ts");
  const other = rerank({ query, candidates, k: 5 }).receipt;
  expect(other.kernel.name).toBe("scalar");
  expect(other.digest).toBe(receipt.digest);
});
