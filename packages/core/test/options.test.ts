import { describe, expect, test } from "vitest";
import {
  CandidateError,
  Lattice,
  OptionError,
  OscillinkError,
  profiles,
  rerank,
  resolveOptions,
  VectorError,
} from "../src/index.ts";

const query = [1, 2, 3];
const candidates = [{ embedding: [1, 2, 3] }, { embedding: [3, 2, 1] }, { embedding: [1, 0, -1] }];
const embeddings = candidates.map((c) => c.embedding);

/** A call with input that no type allows. */
const call = (changes: object) => () => rerank({ query, candidates, ...changes } as never);
const make = (input: unknown, options?: unknown) => () => new Lattice(input as never, options as never);

type ErrorClass = typeof OptionError | typeof VectorError | typeof CandidateError;

/** That the call fails as documented: this class, this parameter first in the message, and all that `says` lists. */
function expectError(run: () => unknown, kind: ErrorClass, parameter: string, ...says: string[]): void {
  let error: unknown;
  try {
    run();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(kind);
  expect(error).toBeInstanceOf(OscillinkError);
  const { message, name, parameter: named } = error as OscillinkError;
  expect(named).toBe(parameter);
  expect(name).toBe(kind.name);
  expect(message.startsWith(`${parameter}: `)).toBe(true);
  for (const word of says) expect(message).toContain(word);
}

describe("an option out of its range is refused by name, with what came", () => {
  const number = [Number.NaN, Infinity, -Infinity, "5", null, [1], {}, true, 5n];
  const bad: Record<string, unknown[]> = {
    k: [0, -1, 1.5, 2 ** 53, ...number],
    neighbors: [0, -1, 1.5, ...number],
    maxIterations: [0, -1, 1.5, ...number],
    similarityFloor: [-0.1, 1, 2, ...number],
    lamG: [0, -0, -1, ...number],
    lamC: [-1e-9, ...number],
    lamQ: [-1, ...number],
    tolerance: [0, 9e-8, 1, -1, ...number],
    textWeight: [-0.5, ...number],
    diversity: [-0.1, 1.1, ...number],
    normalize: [0, 1, "true", null, {}],
    graph: ["both", "", null, 1, ["union"], "Union", "toString"],
    missing: ["ignore", "", null, true, "constructor"],
    profile: ["default", "", null, 1, "toString", "__proto__", "constructor"],
  };
  const shown = (value: unknown) =>
    typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));

  test.each(
    Object.entries(bad).flatMap(([name, values]) =>
      values.map((value) => [name, shown(value), value] as const),
    ),
  )("%s = %s", (name, _, value) => {
    expectError(call({ [name]: value }), OptionError, name, "must be");
    expectError(make({ embeddings }, { [name]: value }), OptionError, name, "must be");
  });

  test("what came is shown, but long texts cut short and arrays only counted", () => {
    expectError(call({ k: 1.5 }), OptionError, "k", "integer", "1.5");
    expectError(call({ k: "5" }), OptionError, "k", '"5"');
    expectError(call({ k: "x".repeat(1000) }), OptionError, "k", `"${"x".repeat(40)}…"`);
    expectError(call({ k: [1, 2, 3] }), OptionError, "k", "an array of 3");
    expectError(call({ k: new Float32Array(3) }), OptionError, "k", "a Float32Array");
    expectError(call({ k: () => 5 }), OptionError, "k", "a function");
    expectError(call({ k: Symbol("k") }), OptionError, "k", "Symbol(k)");
    expectError(call({ profile: "none" }), OptionError, "profile", '"evidence"', '"cosine"', '"none"');
  });
});

describe("an option that does not exist is refused by name", () => {
  test.each(["K", "lambda", "neighbours", "constructor", "toString", "hasOwnProperty", "valueOf", ""])(
    "%j",
    (name) => {
      expectError(call({ [name]: 1 }), OptionError, name, "unknown option", "diversity");
      expectError(make({ embeddings }, { [name]: undefined }), OptionError, name, "unknown option");
    },
  );

  test('"__proto__", as JSON.parse can make it, and without touching any prototype', () => {
    const options = JSON.parse('{"__proto__": {"k": 1}}');
    expectError(call(options), OptionError, "__proto__", "unknown option");
    const request = JSON.parse(`{"query": [1, 2], "candidates": [], "__proto__": {"k": 1}}`);
    expectError(() => rerank(request), OptionError, "__proto__");
    expect(({} as { k?: number }).k).toBeUndefined();
  });

  test.each([
    [{ k: 3 }, "k"],
    [{ lamC: 5 }, "lamC"],
    [{ steps: 3 }, "steps"],
  ])("settle(%j): what a step does not take", (options, name) => {
    expectError(() => new Lattice({ embeddings }).settle(options as never), OptionError, name);
  });
});

describe("options", () => {
  test("of undefined count as not given, alone and all together", () => {
    for (const name of Object.keys(resolveOptions({}))) {
      expect(resolveOptions({ [name]: undefined })).toEqual(resolveOptions({}));
    }
    expect(new Lattice({ embeddings }, undefined).params).toEqual(resolveOptions({}));
  });

  test("at the ends of their ranges are taken", () => {
    const ends = [
      { k: 1 },
      { k: Number.MAX_SAFE_INTEGER },
      { neighbors: 1 },
      { neighbors: Number.MAX_SAFE_INTEGER },
      { similarityFloor: 0 },
      { similarityFloor: 0.999 },
      { lamC: 0 },
      { lamQ: 0 },
      { tolerance: 1e-7 },
      { tolerance: 0.999 },
      { maxIterations: 1 },
      { textWeight: 0 },
      { diversity: 0 },
      { diversity: 1 },
    ];
    for (const options of ends) {
      const { receipt, bundle } = rerank({ query, candidates, ...options });
      expect(receipt.params).toMatchObject(options);
      for (const { score } of bundle) expect(score).toSatisfy(Number.isFinite);
    }
  });

  test("are resolved from the profile, then what was given, and cannot be changed afterwards", () => {
    for (const profile of ["evidence", "cosine"] as const) {
      const params = resolveOptions({ profile, lamC: 7 });
      expect(params).toEqual({ k: 5, missing: "append", ...profiles[profile].params, lamC: 7, profile });
      expect(Object.isFrozen(params)).toBe(true);
    }
  });

  test("are read from the object itself, not from its prototype", () => {
    expect(resolveOptions(Object.create({ k: 1, profile: "cosine", unknown: 1 }))).toEqual(
      resolveOptions({}),
    );
  });

  test.each([null, 5, "settled", [5], true])("%j in their place are refused", (options) => {
    expect(make({ embeddings }, options)).toThrow(OptionError);
  });

  test.each([0, -1, Number.NaN, Infinity, "1", null])("a step of length %j is refused", (dt) => {
    expectError(() => new Lattice({ embeddings }).settle({ dt: dt as never }), OptionError, "dt", "> 0");
  });

  test("of a step are judged like the lattice's own", () => {
    const lattice = new Lattice({ embeddings });
    expectError(() => lattice.settle({ tolerance: 2 }), OptionError, "tolerance");
    expectError(() => lattice.settle({ maxIterations: 0 }), OptionError, "maxIterations");
  });
});

describe("vectors that cannot be used are refused by name, row and value", () => {
  const withEmbedding = (embedding: unknown) => call({ candidates: [...candidates, { embedding }] });

  test.each<[string, unknown, ...string[]]>([
    ["shorter than the others", [1, 2], "2 values", "3"],
    ["longer", [1, 2, 3, 4], "4 values", "3"],
    ["empty", [], "0 values", "3"],
    ["with a NaN", [1, Number.NaN, 3], "value 1", "NaN"],
    ["with an infinity", [1, 2, -Infinity], "value 2", "-Infinity"],
    ["with 1e39, an infinite float32", [1e39, 2, 3], "value 0", "1e+39"],
    ["with a text in it", [1, "2", 3], "value 1", '"2"'],
    ["with null in it", [1, 2, null], "value 2", "null"],
    ["with a hole", Object.assign([1], { 2: 3 }), "value 1", "undefined"],
    ["with a bigint", [1, 2, 3n], "value 2", "3"],
    ["that are a text", "abc", "array of numbers", '"abc"'],
    ["that are a number", 7, "array of numbers", "7"],
    ["that are objects", { x: 1 }, "array of numbers", "an object"],
    ["that are booleans", true, "array of numbers", "true"],
    ["that are functions", (_a: number, _b: number, _c: number) => 1, "array of numbers", "a function"],
  ])("%s", (_, embedding, ...says) => {
    expectError(withEmbedding(embedding), VectorError, "candidates[3].embedding", ...says);
    expectError(make({ embeddings: [...embeddings, embedding] }), VectorError, "embeddings[3]", ...says);
    if (Array.isArray(embedding) && embedding.length === 0) return;
    expectError(call({ query: embedding }), VectorError, "query", ...says);
  });

  test("the first row judges itself too", () => {
    expectError(
      call({ candidates: [{ embedding: [] }] }),
      VectorError,
      "candidates[0].embedding",
      "at least one",
    );
    expectError(
      call({ candidates: [{ embedding: 7 }] }),
      VectorError,
      "candidates[0].embedding",
      "array of numbers",
    );
    expectError(
      call({ candidates: [{}, { embedding: [Number.NaN] }] }),
      VectorError,
      "candidates[1].embedding",
      "value 0",
    );
    expectError(
      call({ candidates: [{}, { embedding: [1] }, { embedding: [1, 2] }] }),
      VectorError,
      "candidates[2].embedding",
    );
    expectError(make({ embeddings: [{ length: -1 }] }), VectorError, "embeddings[0]");
    expectError(make({ embeddings: [{ length: 0.5 }] }), VectorError, "embeddings[0]");
  });

  test("a float32's largest value is taken, and a value that rounds beyond it is not", () => {
    const largest = (2 - 2 ** -23) * 2 ** 127;
    const { bundle } = rerank({ query, candidates: [{ embedding: [largest, 0, 0] }, ...candidates] });
    for (const { score } of bundle) expect(score).toSatisfy(Number.isFinite);
    expectError(
      withEmbedding([2 ** 128 - 2 ** 103, 0, 0]),
      VectorError,
      "candidates[3].embedding",
      "value 0",
    );
  });

  test.each([
    ["zero", [0, 0, 0], "zero"],
    ["negative zero", [-0, 0, 0], "zero"],
    ["zero in float32", [1e-46, 0, 0], "zero"],
    ["of no values", [], "0 values"],
    ["null", null, "null"],
    ["undefined", undefined, "is missing"],
  ])("a query that is %s", (_, bad, says) => {
    expectError(call({ query: bad }), VectorError, "query", says);
  });

  test.each([
    ["zero", [0, 0]],
    ["of no values", []],
    ["null", null],
    ["a text", "ab"],
  ])("a query that is %s, also where no candidate has a vector", (_, bad) => {
    expectError(call({ query: bad, candidates: [] }), VectorError, "query");
    expectError(call({ query: bad, candidates: [{ text: "a" }] }), VectorError, "query");
  });

  test.each([
    ["values too few", { data: new Float32Array(5), n: 2, d: 3 }],
    ["values too many", { data: new Float32Array(7), n: 2, d: 3 }],
    ["rows of no values", { data: new Float32Array(0), n: 2, d: 0 }],
    ["a negative number of rows", { data: new Float32Array(0), n: -2, d: 0 }],
    ["half a row", { data: new Float32Array(3).fill(1), n: 1.5, d: 2 }],
    ["plain numbers for data", { data: [1, 2, 3, 4, 5, 6], n: 2, d: 3 }],
    ["no shape", { data: new Float32Array(6) }],
  ])("packed vectors with %s", (_, packed) => {
    expect(make({ embeddings: packed })).toThrow(VectorError);
  });

  test("a flat array, or none, in place of the rows", () => {
    expectError(
      make({ embeddings: new Float32Array(6).fill(1) }),
      VectorError,
      "embeddings[0]",
      "array of vectors",
    );
    for (const none of [undefined, null, 5, "vectors", {}])
      expect(make({ embeddings: none })).toThrow(OscillinkError);
  });

  test("a state of another shape than the lattice, asked for its energy", () => {
    const lattice = new Lattice({ embeddings }).setQuery(query);
    for (const state of [
      [],
      embeddings.slice(1),
      [...embeddings, [1, 2, 3]],
      embeddings.map((row) => row.slice(1)),
    ]) {
      expect(() => lattice.energyOf(state)).toThrow(VectorError);
    }
    expectError(
      () =>
        lattice.energyOf([
          [1, 2, 3],
          [1, Number.NaN, 3],
          [1, 2, 3],
        ]),
      VectorError,
      "vectors[1]",
      "value 1",
    );
  });
});

describe("candidates that cannot be used are refused by name", () => {
  test.each([null, undefined, "documents", 5, {}, new Set(), { length: 2 }])("a list that is %s", (list) => {
    expectError(call({ candidates: list }), CandidateError, "candidates", "must be an array");
  });

  test.each([null, undefined, "text", 5, true])("an entry that is %j", (entry) => {
    expectError(call({ candidates: [...candidates, entry] }), CandidateError, "candidates[3]");
  });

  test("a hole in the list, or in the ids", () => {
    const sparse = [...candidates];
    sparse[4] = candidates[0]!;
    expectError(call({ candidates: sparse }), CandidateError, "candidates[3]");
    expectError(
      make({ embeddings, ids: Object.assign(["a"], { 2: "c" }) }),
      CandidateError,
      "ids[1]",
      "string",
      "undefined",
    );
  });

  const withField = (fields: object) =>
    call({ candidates: [candidates[0], { ...candidates[1], ...fields }] });

  test.each<[object, string, ...string[]]>([
    [{ id: Number.NaN }, "candidates[1].id", "NaN"],
    [{ id: {} }, "candidates[1].id", "an object"],
    [{ id: "\ud83d" }, "candidates[1].id", "surrogate"],
    [{ id: "a\ude00b" }, "candidates[1].id", "surrogate"],
    [{ text: 5 }, "candidates[1].text", "5"],
    [{ text: null }, "candidates[1].text", "null"],
    [{ text: ["a"] }, "candidates[1].text", "an array of 1"],
    [{ trust: -0.1 }, "candidates[1].trust", "[0, 1]", "-0.1"],
    [{ trust: 1.1 }, "candidates[1].trust", "[0, 1]", "1.1"],
    [{ trust: Number.NaN }, "candidates[1].trust", "NaN"],
    [{ trust: "1" }, "candidates[1].trust", '"1"'],
    [{ trust: true }, "candidates[1].trust", "true"],
  ])("%j", (fields, parameter, ...says) => {
    expectError(withField(fields), CandidateError, parameter, ...says);
  });

  test("two with one id, and both are named", () => {
    const same = candidates.map((c) => ({ ...c, id: "same" }));
    expectError(call({ candidates: same }), CandidateError, "candidates[1].id", '"same"', "candidate 0");
  });

  test("ids that look like an object's own properties are ids like any other", () => {
    const ids = ["__proto__", "constructor", "toString"];
    const { bundle } = rerank({ query, candidates: candidates.map((c, i) => ({ ...c, id: ids[i]! })) });
    expect(bundle.map(({ id }) => id).sort()).toEqual([...ids].sort());
  });

  test.each(["ids", "texts", "trust"])("a column of another length: %s", (column) => {
    const short = { ids: ["a"], texts: ["a"], trust: [1] }[column];
    expectError(make({ embeddings, [column]: short }), CandidateError, column, "1 entries", "3 candidates");
  });

  test.each(["ids", "texts", "trust"])("a column that is no array: %s", (column) => {
    for (const value of [null, 5, {}])
      expectError(make({ embeddings, [column]: value }), CandidateError, column);
  });

  test.each([5, {}, ["solar"], true])("a query text that is %j", (queryText) => {
    expectError(call({ queryText }), OptionError, "queryText", "string");
  });

  test('without a vector, where missing is "error": the first by name, and how many more', () => {
    const lacking = [{}, candidates[0], { embedding: [0, 0, 0] }, { embedding: null }];
    expectError(
      call({ candidates: lacking, missing: "error" }),
      CandidateError,
      "candidates[0].embedding",
      "missing or zero",
      "2 more",
    );
    expectError(
      make({ embeddings: [[1, 2], null] }, { missing: "error" }),
      CandidateError,
      "embeddings[1]",
      "pass a vector",
    );
    expect(rerank({ query, candidates, missing: "error" }).bundle.length).toBe(3);
  });
});
