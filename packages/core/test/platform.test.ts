import { createHash } from "node:crypto";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { RerankRequest } from "../src/index.ts";

const request: RerankRequest = {
  query: [1, 0.25],
  queryText: "tidal power",
  candidates: [
    { id: "a", embedding: [1, 0], text: "Tidal power stations." },
    { id: "b", embedding: [0, 1], text: "Bread and butter." },
  ],
};

/** What is there once in a process is asked for again. */
async function fresh() {
  vi.resetModules();
  return await import("../src/index.ts");
}

const refused = () => {
  throw new Error(
    "A Node.js API is used (process.getBuiltinModule) which is not supported in the Edge Runtime.",
  );
};
const nothing = new Proxy({}, { get: refused, has: refused });

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the digest is the same where", () => {
  test.each<[string, string, unknown]>([
    ["process.getBuiltinModule throws, as at the edge of Next.js", "process", { getBuiltinModule: refused }],
    ["process is an empty object", "process", {}],
    ["process throws whatever is asked of it", "process", nothing],
    ["there is no process", "process", undefined],
    ["process has modules of another kind", "process", { getBuiltinModule: () => undefined }],
    ["node:crypto has no hash", "process", { getBuiltinModule: () => ({}) }],
    ["node:crypto hashes in pieces alone", "process", { getBuiltinModule: () => ({ createHash }) }],
    ["node:crypto refuses to hash", "process", { getBuiltinModule: () => ({ createHash: refused }) }],
    ["there is no clock but that of dates", "performance", undefined],
  ])("%s", async (_, name, value) => {
    const { rerank } = await fresh();
    const wanted = rerank(request).receipt.digest;
    const other = await fresh();
    vi.stubGlobal(name, value);
    const { digest } = other.rerank(request).receipt;
    vi.unstubAllGlobals();
    expect(digest).toBe(wanted);
  });
});

describe("of another realm, as a page of jsdom is beside its test runner, are taken", () => {
  const elsewhere = (code: string): never => runInNewContext(code) as never;

  test("vectors of every kind, and packed ones", async () => {
    const { Lattice, rerank } = await fresh();
    const { digest } = rerank(request).receipt;
    for (const kind of ["Float32Array.of", "Float64Array.of", "Array.of"]) {
      const [a, b, query] = ["1, 0", "0, 1", "1, 0.25"].map((values) => elsewhere(`${kind}(${values})`));
      const [first, second] = request.candidates!;
      const candidates = [
        { ...first!, embedding: a! },
        { ...second!, embedding: b! },
      ];
      expect(rerank({ ...request, query: query!, candidates }).receipt.digest).toBe(digest);
    }
    const data = [1, 0, 0, 1];
    const own = new Lattice({ embeddings: { data: Float32Array.from(data), n: 2, d: 2 } });
    const other = new Lattice({ embeddings: { data: elsewhere("Float32Array.of(1, 0, 0, 1)"), n: 2, d: 2 } });
    expect(other.setQuery([1, 0.25]).receipt().digest).toBe(own.setQuery([1, 0.25]).receipt().digest);
  });

  test("the buffer of a lattice", async () => {
    const { Lattice } = await fresh();
    const lattice = new Lattice({
      embeddings: [
        [1, 0],
        [0, 1],
      ],
    }).setQuery([1, 0.25]);
    const bytes = new Uint8Array(lattice.toBuffer());
    const buffer: ArrayBuffer = runInNewContext("Uint8Array.from(bytes).buffer", { bytes });
    expect(buffer).not.toBeInstanceOf(ArrayBuffer);
    expect(Lattice.from(buffer).receipt().digest).toBe(lattice.receipt().digest);
    expect(Lattice.from(new Uint8Array(buffer)).receipt().digest).toBe(lattice.receipt().digest);
  });
});

describe("an error of another copy of the package", () => {
  test("is known by its kind, and by no other", async () => {
    const one = await fresh();
    const other = await fresh();
    expect(other.OptionError).not.toBe(one.OptionError);
    const error = new other.OptionError("k", "must be an integer");
    expect(error).toBeInstanceOf(one.OptionError);
    expect(error).toBeInstanceOf(one.OscillinkError);
    expect(error).not.toBeInstanceOf(one.VectorError);
    expect(new other.OscillinkError("k", "")).not.toBeInstanceOf(one.OptionError);
    expect(error.within("requests[0]")).toBeInstanceOf(one.OptionError);
  });

  test("is none of a class that somebody derives, nor is anything else an error", async () => {
    const one = await fresh();
    const other = await fresh();
    class Mine extends one.OptionError {}
    expect(new Mine("k", "")).toBeInstanceOf(Mine);
    expect(new Mine("k", "")).toBeInstanceOf(other.OptionError);
    expect(new other.OptionError("k", "")).not.toBeInstanceOf(Mine);
    for (const value of [
      null,
      undefined,
      1,
      "k",
      {},
      Object.create(null),
      new Error("k"),
      { constructor: null },
    ]) {
      expect(value).not.toBeInstanceOf(one.OscillinkError);
      expect(value).not.toBeInstanceOf(one.OptionError);
    }
  });
});
