import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OscillinkError, StateError } from "../src/errors.ts";
import { jsonLinesLogger, type LatticeEvent } from "../src/events.ts";
import { Lattice } from "../src/lattice.ts";
import type { LatticeInput } from "../src/pool/input.ts";
import { pythonFloat } from "../src/python/json.ts";
import { latticeFromPython } from "../src/python/lattice.ts";
import { publishedStateSignature, round6 } from "../src/python/state.ts";
import { compareProvenance } from "../src/receipt/provenance.ts";
import { pools, randomRow, randomRows, trusts } from "./support.ts";

const exported = JSON.parse(
  readFileSync(new URL("fixtures/export_import.json", import.meta.url), "utf8"),
) as { cases: { name: string; state: Record<string, unknown> & { A: number[][]; Y: number[][] } }[] };

/** Lattices in every state: with and without a query, text, trust, lists, links, a chain, steps taken, edges given. */
const lattices = pools({ maxN: 10 }).chain((pool) => {
  const n = pool.rows.length;
  return fc
    .record({
      trust: trusts(n, 0),
      query: fc.boolean(),
      texts: fc.boolean(),
      chain: fc.boolean(),
      steps: fc.integer({ min: 0, max: 2 }),
      profile: fc.constantFrom("evidence" as const, "reference" as const),
      lamQ: fc.constantFrom(0, 1),
      edges: fc.boolean(),
      scored: fc.boolean(),
      found: fc.array(fc.boolean(), { minLength: n, maxLength: n }),
      lists: fc.uniqueArray(
        fc.record({
          name: fc.constantFrom("bm25", "keywords.v2", "光"),
          scores: fc.array(fc.option(fc.double({ noNaN: true, min: -9, max: 9 }), { nil: undefined }), {
            minLength: n,
            maxLength: n,
          }),
        }),
        { maxLength: 2, selector: ({ name }) => name },
      ),
      links: fc.array(fc.subarray([...pool.rows.keys()].map(String)), { minLength: n, maxLength: n }),
    })
    .map((how) => {
      const scored = how.scored && how.profile === "evidence" && how.lamQ === 0;
      const columns = {
        found: how.found,
        lists: how.lists,
        links: how.links,
        titles: pool.rows.map((_, i) => `title ${i % 3}`),
      };
      const lattice = new Lattice(
        {
          ...(scored
            ? { scores: pool.rows.map((row, i) => (i % 4 === 3 ? undefined : row[0]!)) }
            : { embeddings: pool.rows }),
          ...(how.profile === "evidence" && columns),
          trust: how.trust,
          ...(how.texts && { texts: pool.rows.map((_, i) => `text ${i} \ud800`) }),
          ...(how.edges && n > 2 && { edges: [{ i: 2, j: 0, weight: 0.5 }] }),
        },
        { profile: how.profile, lamQ: how.lamQ },
      );
      if (how.query) lattice.setQuery(scored ? null : pool.query, how.texts ? "text 1" : null);
      const nodes = [...pool.rows.keys()].filter(
        (i) => how.profile === "reference" || (how.trust[i]! > 0 && !(scored && i % 4 === 3)),
      );
      if (how.chain && nodes.length > 2)
        lattice.addChain(nodes.slice(0, 3), { lamP: 0.3, weights: [1, 0.25] });
      if (how.query) for (let step = 0; step < how.steps; step++) lattice.settle({ dt: 0.5 });
      return { lattice, ready: how.query };
    });
});

describe("the state of a lattice", () => {
  test.each([
    ["JSON", (lattice: Lattice) => Lattice.fromJSON(JSON.parse(JSON.stringify(lattice)))],
    ["a buffer", (lattice: Lattice) => Lattice.from(lattice.toBuffer())],
    [
      "a view into a larger buffer",
      (lattice: Lattice) => {
        const bytes = new Uint8Array(lattice.toBuffer());
        const larger = new Uint8Array(bytes.length + 7);
        larger.set(bytes, 3);
        return Lattice.from(larger.subarray(3, 3 + bytes.length));
      },
    ],
  ])("survives %s: equal provenance, state, receipt, and the next step", (_, through) => {
    fc.assert(
      fc.property(lattices, ({ lattice, ready }) => {
        const copy = through(lattice);
        expect(compareProvenance(copy.provenance(), lattice.provenance()).same).toBe(true);
        expect(JSON.stringify(copy)).toBe(JSON.stringify(lattice));
        expect(new Uint8Array(copy.toBuffer())).toEqual(new Uint8Array(lattice.toBuffer()));
        if (!ready) return;
        const receipt = (of: Lattice) => of.receipt({ dynamics: true }).digest;
        expect(receipt(copy)).toBe(receipt(lattice));
        copy.settle();
        lattice.settle();
        expect(copy.stateVectors()).toEqual(lattice.stateVectors());
      }),
    );
  });

  test("O45 keeps chain weights, row cap and the settled state", () => {
    const lattice = new Lattice({ embeddings: randomRows(6, 4, 1) }, { rowCap: 0.7, neighbors: 3 });
    lattice.setQuery(randomRow(4, 2)).addChain([4, 0, 2], { lamP: 0.4, weights: [2, 0.5] });
    lattice.settle({ dt: 0.3 });
    const copy = Lattice.from(lattice.toBuffer());
    expect(copy.receipt().chain).toEqual({ nodes: [4, 0, 2], lamP: 0.4, weights: [2, 0.5] });
    expect(copy.params).toEqual(lattice.params);
    expect(copy.stateVectors()).toEqual(lattice.stateVectors());
    expect(copy.stateVectors()).not.toEqual(copy.settledVectors());
  });

  /** A lattice of which every column of a pool of lists is in use. */
  const listed = (change: Partial<LatticeInput> = {}) =>
    new Lattice({
      embeddings: randomRows(5, 3, 12),
      found: [true, true, false, true, false],
      lists: [{ name: "bm25", scores: [undefined, 1, 3, undefined, 0] }],
      links: [["3"], undefined, [], ["1", "elsewhere"], undefined],
      texts: ["a", "b", "c", "d", "e"],
      ...change,
    }).setQuery(randomRow(3, 13));

  test("keeps which candidates the search found, the lists and the links", () => {
    const lattice = listed();
    const { inputs } = lattice.receipt();
    expect([inputs.found, inputs.links]).not.toContain(null);
    for (const copy of [Lattice.from(lattice.toBuffer()), Lattice.fromJSON(lattice.toJSON())]) {
      expect(copy.receipt().inputs).toEqual(inputs);
      expect(copy.bundle()).toEqual(lattice.bundle());
    }
    expect(lattice.toJSON()).toMatchObject({
      found: [true, true, false, true, false],
      lists: [{ name: "bm25", scores: [null, 1, 3, null, 0] }],
      links: [["3"], [], [], ["1", "elsewhere"], []],
    });
  });

  test("differs in its lists where anything in them differs", () => {
    const scores = [undefined, 1, 3, undefined, 0.5];
    for (const change of [
      { found: [true, true, false, true, true] },
      { found: undefined },
      { lists: [{ name: "bm25", scores }] },
      { lists: [{ name: "bm26", scores: scores.with(4, 0) }] },
      { lists: [] },
      { links: [["3"], undefined, [], ["1"], undefined] },
    ] as Partial<LatticeInput>[]) {
      const { same, equal } = compareProvenance(listed().provenance(), listed(change).provenance());
      expect({ same, lists: equal.lists, texts: equal.texts }).toEqual({
        same: false,
        lists: false,
        texts: true,
      });
    }
    expect(compareProvenance(listed().provenance(), listed({}).provenance()).same).toBe(true);
  });

  test("that was stored before there were lists is read as one without", () => {
    const embeddings = randomRows(5, 3, 14);
    const plain = new Lattice({ embeddings, titles: ["t", "", "", "", ""] }).setQuery(randomRow(3, 15));
    const { found, lists, links, ...older } = JSON.parse(JSON.stringify(plain)) as Record<string, unknown>;
    expect([found, lists, links]).toEqual([null, [], null]);
    expect(Lattice.fromJSON(older).receipt().digest).toBe(plain.receipt().digest);
    // The same in a buffer: its facts are JSON after the header of seven integers.
    const whole = Buffer.from(plain.toBuffer());
    const length = whole.readUInt32LE(8);
    const facts = JSON.parse(whole.subarray(28, 28 + length).toString()) as Record<string, unknown>;
    const { found: _, lists: __, links: ___, ...fewer } = facts;
    const text = Buffer.from(JSON.stringify(fewer));
    const header = Buffer.from(whole.subarray(0, 28));
    header.writeUInt32LE(text.length, 8);
    const padding = Buffer.alloc(-text.length & 3);
    const floats = whole.subarray(28 + ((length + 3) & ~3));
    const restored = Lattice.from(Buffer.concat([header, text, padding, floats]));
    expect(restored.receipt().digest).toBe(plain.receipt().digest);
  });

  test.each([
    ["lists", [{ name: "bm25", scores: [1] }]],
    ["lists", [{ name: "bm25" }]],
    ["lists", 7],
    ["found", [true]],
    ["found", { length: 5 }],
    ["links", [["a"]]],
    ["links", [1, 2, 3, 4, 5]],
  ])("whose %s were damaged is refused: %j", (name, value) => {
    expect(() => Lattice.fromJSON({ ...listed().toJSON(), [name]: value })).toThrow(OscillinkError);
  });

  test("O46 keeps a chain of lamP 0", () => {
    const lattice = new Lattice({ embeddings: randomRows(4, 3, 3) }).addChain([0, 1, 2], { lamP: 0 });
    expect(Lattice.from(lattice.toBuffer()).provenance()).toEqual(lattice.provenance());
    expect(compareProvenance(lattice.provenance(), lattice.clearChain().provenance()).same).toBe(false);
  });

  test("cut short anywhere, or of another kind, is a StateError that says so", () => {
    const buffer = new Uint8Array(
      new Lattice({ embeddings: randomRows(3, 4, 4) }).setQuery(randomRow(4, 5)).toBuffer(),
    );
    for (let length = 0; length < buffer.length; length++) {
      expect(() => Lattice.from(buffer.slice(0, length))).toThrow(StateError);
    }
    expect(() => Lattice.from(new Uint8Array([...buffer, 0]))).toThrow(/bytes/);
    expect(() => Lattice.from(new Uint8Array(64))).toThrow(/OSCL/);
    expect(() => Lattice.from(buffer.with(4, 9))).toThrow(/version 9/);
    expect(() => Lattice.from("OSCL" as never)).toThrow(StateError);
    for (const json of [null, 5, "x", {}, { format: "other" }, []]) {
      expect(() => Lattice.fromJSON(json)).toThrow(StateError);
    }
    const json = new Lattice({ embeddings: [[1, 2]] }).toJSON();
    expect(() => Lattice.fromJSON({ ...json, version: 2 })).toThrow(/version 2/);
    expect(() => Lattice.fromJSON({ ...json, vectors: "zz" })).toThrow(StateError);
  });

  test("with a byte changed is an error, or a lattice: never another exception", () => {
    const buffer = new Uint8Array(
      new Lattice({ embeddings: randomRows(3, 4, 6) }).setQuery(randomRow(4, 7), "words").toBuffer(),
    );
    fc.assert(
      fc.property(fc.nat({ max: buffer.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
        try {
          Lattice.from(buffer.with(at, (buffer[at]! + by) % 256)).receipt();
        } catch (error) {
          expect(error).toBeInstanceOf(OscillinkError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("what the Python package exported", () => {
  test.each(exported.cases)("$name: the same graph, and the provenance that it states", ({ state }) => {
    const lattice = latticeFromPython(state);
    const edges = state.A.flatMap((row, i) =>
      row.flatMap((weight, j) => (j > i && weight > 0 ? [{ i, j, weight }] : [])),
    );
    expect(lattice.edges()).toEqual(edges);
    expect(lattice.params).toMatchObject({ profile: "reference", neighbors: 2, lamC: 0.5 });
  });

  test.each(exported.cases.filter(({ name }) => name !== "cap"))(
    "$name: without the graph, it is built anew and is the same",
    ({ state }) => {
      const { A, ...rest } = state;
      const found = latticeFromPython(rest).edges();
      found.forEach(({ i, j, weight }) => {
        expect(weight).toBeCloseTo(A[i]![j]!, 6);
      });
      expect(found.length).toBe(A.flat().filter((w) => w > 0).length / 2);
    },
  );

  test("O45 forgets the row cap: without the graph, that of the default cap comes back", () => {
    const { state } = exported.cases.find(({ name }) => name === "cap")!;
    const { A, ...rest } = state;
    const found = latticeFromPython(rest).edges();
    expect(found.map(({ i, j }) => A[i]![j]! > 0)).toEqual(found.map(() => true));
    expect(found[0]!.weight).not.toBeCloseTo(A[found[0]!.i]![found[0]!.j]!, 2);
  });

  test("whose contents were changed is refused by its provenance; a missing field by name", () => {
    const { state } = exported.cases[0]!;
    expect(() => latticeFromPython({ ...state, Y: state.Y.map((row) => row.map((v) => 2 * v)) })).toThrow(
      /provenance/,
    );
    const { psi: _, ...without } = state;
    expect(() => latticeFromPython(without)).toThrow(/json\.psi/);
    expect(() => latticeFromPython(null)).toThrow(StateError);
  });
});

describe("the published texts", () => {
  test("Python's floats", () => {
    const table = {
      "1.0": 1,
      "-0.0": -0,
      "1e-06": 1e-6,
      "1e+16": 1e16,
      "0.0001": 1e-4,
      "1.5e-05": 1.5e-5,
      "1e+100": 1e100,
    };
    for (const [text, value] of Object.entries(table)) expect(pythonFloat(value)).toBe(text);
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => Number(pythonFloat(x)) === x),
    );
  });

  test("numpy's rounding to six decimals is half to even", () => {
    expect([0.5e-6, 1.5e-6, 2.5e-6, -0.5e-6].map(round6)).toEqual([0, 2e-6, 2e-6, -0].map(Math.fround));
  });

  test("O1, O2, O4 a signature looks at gates, query, weights and 2048 pairs, at no vectors and no chain contents", () => {
    const state = {
      vectors: new Float32Array([1]),
      query: new Float32Array([1]),
      gates: new Float32Array([1]),
      weights: [1, 2, 3, 0] as const,
      neighbors: 1,
      deterministic: true,
      chainLength: 3,
      pairs: Array.from({ length: 3000 }, (_, i) => [i, i + 1] as const),
    };
    const signature = publishedStateSignature(state);
    const other = { ...state, vectors: new Float32Array([2]) };
    expect(publishedStateSignature(other)).toBe(signature);
    expect(publishedStateSignature({ ...state, pairs: state.pairs.slice(0, 2500) })).toBe(signature);
    expect(publishedStateSignature({ ...state, deterministic: false })).not.toBe(signature);
    expect(publishedStateSignature({ ...state, gates: new Float32Array([0.5]) })).not.toBe(signature);
    // Ours covers the vectors and the chain's contents.
    const lattice = (scale: number, chain: number[]) =>
      new Lattice({ embeddings: randomRows(5, 3, 8).map((row) => row.map((v) => scale * v)) })
        .setQuery(randomRow(3, 9))
        .addChain(chain);
    const ours = lattice(1, [0, 1, 2]).receipt().meta.state_sig;
    expect(lattice(2, [0, 1, 2]).receipt().meta.state_sig).not.toBe(ours);
    expect(lattice(1, [0, 1, 3]).receipt().meta.state_sig).not.toBe(ours);
    expect(compareProvenance(lattice(1, [0, 1, 2]).provenance(), lattice(2, [0, 1, 3]).provenance())).toEqual(
      {
        same: false,
        equal: {
          params: true,
          shape: true,
          vectors: false,
          edges: true,
          chain: false,
          query: true,
          trust: true,
          texts: true,
          lists: true,
        },
      },
    );
  });
});

describe("a lattice in use", () => {
  const embeddings = randomRows(8, 4, 10);
  const query = randomRow(4, 11);

  test("tells its listeners of every settle and solve, until they leave", () => {
    const events: LatticeEvent[] = [];
    const lines: string[] = [];
    const lattice = new Lattice({ embeddings }).setQuery(query);
    const leave = lattice.onEvent((event) => events.push(event));
    lattice.onEvent(jsonLinesLogger((line) => lines.push(line)));
    lattice.settle();
    const convergence = lattice.solve();
    lattice.solve();
    leave();
    lattice.settle();
    expect(events.map(({ event }) => event)).toEqual(["settle", "solve"]);
    expect(events[1]).toMatchObject(convergence);
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(["settle", "solve", "settle"]);
    expect(lines.every((line) => line.endsWith("\n"))).toBe(true);
  });

  test("setTrust and rebuildGraph give what a new lattice gives", () => {
    const trust = [1, 0.5, 0, 1, 1, 0.2, 1, 1];
    const changed = new Lattice({ embeddings }).setQuery(query).addChain([0, 3, 5]);
    changed.setTrust(trust).rebuildGraph({ neighbors: 2, graph: "mutual" });
    const made = new Lattice({ embeddings, trust }, { neighbors: 2, graph: "mutual" });
    expect(changed.receipt().digest).toBe(made.setQuery(query).addChain([0, 3, 5]).receipt().digest);
    expect(() => changed.setTrust(trust.with(3, 0))).toThrow(/chain/);
    expect(() => changed.rebuildGraph({ lamC: 3 } as never)).toThrow(/lamC/);
    expect(changed.receipt().digest).toBe(made.receipt().digest);
  });

  test("given edges take the place of the nearest neighbours, and the receipt covers them", () => {
    const edges = [{ i: 3, j: 1, weight: 0.25 }];
    const lattice = new Lattice({ embeddings, edges }).setQuery(query);
    expect(lattice.edges()).toEqual([{ i: 1, j: 3, weight: 0.25 }]);
    const other = new Lattice({ embeddings, edges: [{ i: 3, j: 1, weight: 0.5 }] }).setQuery(query);
    expect(other.receipt().inputs.edges).not.toBe(lattice.receipt().inputs.edges);
    for (const bad of [
      [{ i: 0, j: 0, weight: 1 }],
      [{ i: 0, j: 8, weight: 1 }],
      [{ i: 0, j: 1, weight: 0 }],
      [undefined],
      [...edges, ...edges],
    ]) {
      expect(() => new Lattice({ embeddings, edges: bad as never })).toThrow(/edges\[/);
    }
  });

  test("O15 a light receipt says null, never 0", () => {
    const light = new Lattice({ embeddings }).setQuery(query).figures({ detail: "light" });
    expect(light).toMatchObject({
      coh_drop_sum: null,
      anchor_pen_sum: null,
      query_term_sum: null,
      chain_drop_sum: null,
      null_points: null,
    });
    expect(light.meta.null_points_summary).toBe(null);
    expect(light.deltaH_total).toBeGreaterThan(0);
  });
});
