import { describe, expect, test } from "vitest";
import { computeDiffusionGates } from "../../src/gates/index.ts";
import {
  CandidateError,
  Lattice,
  OptionError,
  type Options,
  OscillinkError,
  StateError,
  VectorError,
} from "../../src/index.ts";
import { latticeFromPython } from "../../src/python/lattice.ts";
import { smartCorrect } from "../../src/text/index.ts";
import { load } from "./golden.ts";

const golden = load<{ cases: { call: string; raises: boolean; message?: string }[] }>("errors").cases;

const rows = Array.from({ length: 12 }, (_, i) =>
  Array.from({ length: 8 }, (_, c) => Math.sin(1 + 8 * i + c)),
);
const query = rows[4]!;
const ones = rows.map(() => 1);
const make = (options: Options = {}, embeddings: unknown = rows): Lattice =>
  new Lattice({ embeddings: embeddings as number[][] }, { profile: "reference", ...options }).setQuery(query);
const option = (options: object) => () => make(options as Options);
/** An argument of a kind that the types do not allow. */
const wrong = (value: unknown) => value as never;

type ErrorClass = new (...given: never[]) => OscillinkError;
type Refused = readonly [call: string, run: () => unknown, error: ErrorClass, parameter: string];

/** Calls that raise there, or should: here each is an error that names the parameter. */
const refused: Refused[] = [
  // The vectors. A row is an array, so a list of lists is what is wanted here; its rows are judged.
  ["OscillinkLattice(1-D)", () => make({}, query), VectorError, "embeddings[0]"],
  ["OscillinkLattice(3-D)", () => make({}, [rows, rows]), VectorError, "embeddings[0]"],
  ["Y (3,0) then receipt()", () => make({}, [[], [], []]), VectorError, "embeddings[0]"],
  [
    "Y contains NaN (accepted)",
    () => make({}, rows.with(2, rows[2]!.with(3, Number.NaN))),
    VectorError,
    "embeddings[2]",
  ],
  [
    "bundle with NaN in Y",
    () => make({}, rows.with(0, rows[0]!.with(0, Number.NaN))).bundle(),
    VectorError,
    "embeddings[0]",
  ],

  // Parameters.
  ["kneighbors=0", option({ neighbors: 0 }), OptionError, "neighbors"],
  ["kneighbors=-1", option({ neighbors: -1 }), OptionError, "neighbors"],
  ["kneighbors=2.5 (accepted)", option({ neighbors: 2.5 }), OptionError, "neighbors"],
  ["lamG=0", option({ lamG: 0 }), OptionError, "lamG"],
  ["lamG=-1", option({ lamG: -1 }), OptionError, "lamG"],
  ["lamG=nan (accepted)", option({ lamG: Number.NaN }), OptionError, "lamG"],
  ["lamG=inf (accepted)", option({ lamG: Infinity }), OptionError, "lamG"],
  ["lamC=-0.1", option({ lamC: -0.1 }), OptionError, "lamC"],
  ["lamQ=-0.1", option({ lamQ: -0.1 }), OptionError, "lamQ"],
  ["row_cap_val=-1 (accepted)", option({ rowCap: -1 }), OptionError, "rowCap"],
  ["row_cap_val=0 (accepted)", option({ rowCap: 0 }), OptionError, "rowCap"],
  [
    "rebuild_graph(kneighbors=0) (accepted)",
    () => make().rebuildGraph({ neighbors: 0 }),
    OptionError,
    "neighbors",
  ],
  ["bundle(k=0) (accepted)", option({ k: 0 }), OptionError, "k"],
  ["bundle(k=-3) (accepted)", option({ k: -3 }), OptionError, "k"],
  ["bundle(alpha=7) (accepted)", option({ coherenceWeight: 7 }), OptionError, "coherenceWeight"],

  // Gates are trust here, and set with the candidates.
  [
    "set_query gates wrong length",
    () => new Lattice({ embeddings: rows, trust: [1, 1] }),
    CandidateError,
    "trust",
  ],
  ["set_gates wrong length", () => make().setTrust([1, 1]), CandidateError, "trust"],
  ["set_gates negative (accepted)", () => make().setTrust(ones.with(3, -1)), CandidateError, "trust[3]"],
  [
    "set_gates (N,1) (accepted)",
    () => make().setTrust(wrong(ones.map((one) => [one]))),
    CandidateError,
    "trust[0]",
  ],

  // The query: its width is judged when it is set, not when it is used.
  ["set_query psi length D+1 (accepted)", () => make().setQuery([...query, 1]), VectorError, "query"],
  [
    "set_query psi length D+1 then settle",
    () =>
      make()
        .setQuery([...query, 1])
        .settle(),
    VectorError,
    "query",
  ],
  [
    "set_query psi length 1 then settle (broadcast, accepted)",
    () => make().setQuery([1]).settle(),
    VectorError,
    "query",
  ],

  // Chains.
  ["add_chain lamP<0", () => make().addChain([0, 1], { lamP: -0.1 }), OptionError, "lamP"],
  ["add_chain out of range", () => make().addChain([0, 99]), CandidateError, "chain[1]"],
  ["add_chain negative index", () => make().addChain([-1, 0]), CandidateError, "chain[0]"],
  ["add_chain length 1", () => make().addChain([3]), CandidateError, "chain"],
  ["add_chain empty", () => make().addChain([]), CandidateError, "chain"],
  ["add_chain weights length", () => make().addChain([0, 1, 2], { weights: [1] }), OptionError, "weights"],
  [
    "add_chain negative weight (accepted, becomes 0)",
    () => make().addChain([0, 1], { weights: [-1] }),
    OptionError,
    "weights[0]",
  ],
  ["add_chain self loop (accepted)", () => make().addChain([2, 2]), CandidateError, "chain[1]"],
  ["chain_receipt out of range", () => make().chainReceipt([0, 99]), CandidateError, "chain[1]"],
  [
    "chain_receipt negative index (wraps, accepted)",
    () => make().chainReceipt([0, -1]),
    CandidateError,
    "chain[1]",
  ],
  ["chain_receipt [] (accepted)", () => make().chainReceipt([]), CandidateError, "chain"],
  ["chain_receipt [3] (accepted)", () => make().chainReceipt([3]), CandidateError, "chain"],

  // The solver.
  ["settle(max_iters=0)", () => make().settle({ maxIterations: 0 }), OptionError, "maxIterations"],
  ["solve_Ustar(max_iters=0)", () => make().solve({ maxIterations: 0 }), OptionError, "maxIterations"],
  ["settle(dt=-1) (accepted)", () => make().settle({ dt: -1 }), OptionError, "dt"],
  [
    "settle(precond='bogus') (accepted)",
    () => make().settle({ preconditioner: wrong("bogus") }),
    OptionError,
    "preconditioner",
  ],

  // The receipt.
  ["set_receipt_detail('bogus')", () => make().receipt({ detail: wrong("bogus") }), OptionError, "detail"],

  // Stored states.
  ["from_state missing Y", () => latticeFromPython({ shape: [12, 8], params: {} }), StateError, "json.Y"],

  // Diffusion gates.
  ["diffusion: Y 1-D", () => computeDiffusionGates(wrong(query), query), VectorError, "vectors[0]"],
  ["diffusion: psi dim", () => computeDiffusionGates(rows, [1]), VectorError, "query"],
  ["diffusion: gamma=0", () => computeDiffusionGates(rows, query, { gamma: 0 }), OptionError, "gamma"],
  ["diffusion: gamma<0", () => computeDiffusionGates(rows, query, { gamma: -1 }), OptionError, "gamma"],
  [
    "diffusion: kneighbors=0",
    () => computeDiffusionGates(rows, query, { neighbors: 0 }),
    OptionError,
    "neighbors",
  ],
  [
    "diffusion: similarity='dot'",
    () => computeDiffusionGates(rows, query, wrong({ similarity: "dot" })),
    OptionError,
    "similarity",
  ],
  [
    "diffusion: method='bogus' (accepted, treated as direct)",
    () => computeDiffusionGates(rows, query, { method: wrong("bogus") }),
    OptionError,
    "method",
  ],
  [
    "diffusion: beta<0 (accepted)",
    () => computeDiffusionGates(rows, query, { beta: -1 }),
    OptionError,
    "beta",
  ],

  // Texts.
  ["smart_correct(None)", () => smartCorrect(wrong(null)), OscillinkError, "text"],
];

const thinLattice = () =>
  new Lattice({ embeddings: rows.map(([first]) => [first!]) }, { profile: "reference", k: 12 }).setQuery([1]);

/** Calls that are as good as any other here, and why; each with what it gives. */
const accepted: [call: string, why: string, check: () => void][] = [
  ["OscillinkLattice(list)", "rows are arrays here", () => expect(make().n).toBe(12)],
  [
    "set_query(list)",
    "and so is a query",
    () =>
      expect(
        make()
          .setQuery([...query])
          .bundle().length,
      ).toBe(5),
  ],
  [
    "Y with zero rows (0,4)",
    "a search may find nothing",
    () => expect(new Lattice({ embeddings: [] }).n).toBe(0),
  ],
  [
    "Y (0,4) then receipt()",
    "its receipt says so",
    () => {
      const { inputs, bundle, meta } = new Lattice({ embeddings: [] }).setQuery([1, 2]).receipt();
      expect([inputs.n, bundle.length, meta.avg_degree]).toEqual([0, 0, 0]);
    },
  ],
  [
    "Y (0,4) then solve_Ustar()",
    "there is nothing to solve",
    () => {
      const lattice = new Lattice({ embeddings: [] }).setQuery([1, 2]);
      expect(lattice.solve()).toEqual({ iterations: 0, residual: 0, converged: true });
      expect(lattice.settledVectors().data.length).toBe(0);
    },
  ],
  [
    "lamG=np.float32(1) then receipt()",
    "there is one kind of number",
    () => expect(make({ lamG: Math.fround(1) }).receipt().digest).toBe(make().receipt().digest),
  ],
  [
    "D=1 settle() (accepted)",
    "D = 1 is a width like any other",
    () => expect(thinLattice().settle().converged).toBe(true),
  ],
  [
    "D=1 bundle()",
    "likewise",
    () =>
      expect(
        thinLattice()
          .bundle()
          .map(({ index }) => index)
          .sort((a, b) => a - b),
      ).toEqual([...rows.keys()]),
  ],
  ["D=1 chain_receipt()", "likewise", () => expect(thinLattice().chainReceipt([0, 1]).edges.length).toBe(1)],
  [
    "D=1 receipt() light (accepted, wrong value)",
    "likewise, with the right value",
    () => {
      const light = thinLattice().figures({ detail: "light" });
      expect(light.deltaH_total).toBe(thinLattice().figures().deltaH_total);
      expect(Math.abs(light.deltaH_total - (light.energy.initial - light.energy.minimum))).toBeLessThan(1e-4);
    },
  ],
  ["D=1 receipt() full", "likewise", () => expect(thinLattice().receipt().null_points).toBeInstanceOf(Array)],
];

/** Calls of what core does not have. */
const absent = new Map([
  ["set_signature_mode('bogus')", "signatures are not core's"],
  ["set_signature_mode(' EXTENDED ') (accepted)", "signatures are not core's"],
  ["set_receipt_secret('') (accepted)", "signatures are not core's"],
  ["set_receipt_secret(5) then receipt", "signatures are not core's"],
  ["verify_receipt(None)", "signatures are not core's"],
  ["verify_receipt secret=None", "signatures are not core's"],
  ["save_state bad format", "core writes no files"],
]);

test("every call of the golden vectors is here, once", () => {
  const here = [...refused.map(([call]) => call), ...accepted.map(([call]) => call), ...absent.keys()];
  expect(here.toSorted()).toEqual(golden.map(({ call }) => call).toSorted());
});

describe("calls that are refused, by a name and a class", () => {
  test.each(refused)("%s", (_, run, error, parameter) => {
    let thrown: unknown;
    try {
      run();
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toBeInstanceOf(OscillinkError);
    expect(thrown).toBeInstanceOf(error);
    expect((thrown as OscillinkError).parameter).toBe(parameter);
    expect((thrown as OscillinkError).message).toContain(parameter);
  });
});

describe("calls that are taken by design", () => {
  test.each(accepted)("%s: %s", (_, __, check) => {
    check();
  });
});

describe("further calls of the findings, which nothing judged there", () => {
  const lattice = () => make();
  test.each<Refused>([
    ["O22 neighbor_seed", option({ neighborSeed: 3 }), OptionError, "neighborSeed"],
    ["O28 gates above 1", () => lattice().setTrust(ones.with(0, 1.5)), CandidateError, "trust[0]"],
    [
      "O28 gates that are NaN",
      () => lattice().setTrust(ones.with(1, Number.NaN)),
      CandidateError,
      "trust[1]",
    ],
    [
      "O29 Infinity in Y",
      () => make({}, rows.with(1, rows[1]!.with(0, Infinity))),
      VectorError,
      "embeddings[1]",
    ],
    ["O29 NaN in psi", () => lattice().setQuery(query.with(2, Number.NaN)), VectorError, "query"],
    ["O31 inertia", () => lattice().settle(wrong({ inertia: 0.5 })), OptionError, "inertia"],
    ["dt = 0", () => lattice().settle({ dt: 0 }), OptionError, "dt"],
    ["dt = NaN", () => lattice().settle({ dt: Number.NaN }), OptionError, "dt"],
    ["a tolerance of 0", () => lattice().solve({ tolerance: 0 }), OptionError, "tolerance"],
    ["lamP = NaN", () => lattice().addChain([0, 1], { lamP: Number.NaN }), OptionError, "lamP"],
    [
      "a chain's weight of NaN",
      () => lattice().addChain([0, 1], { weights: [Number.NaN] }),
      OptionError,
      "weights[0]",
    ],
    [
      "z_th = NaN, which fails every chain",
      () => lattice().chainReceipt([0, 1], { zThreshold: Number.NaN }),
      OptionError,
      "zThreshold",
    ],
    ["a null cap below 0", () => lattice().receipt({ nullCap: -2 }), OptionError, "nullCap"],
    ["a null cap of 2.5", () => lattice().receipt({ nullCap: 2.5 }), OptionError, "nullCap"],
    [
      "a null threshold of NaN",
      () => lattice().receipt({ nullThreshold: Number.NaN }),
      OptionError,
      "nullThreshold",
    ],
    [
      "an unknown option of a receipt",
      () => lattice().receipt(wrong({ secret: "a" })),
      OptionError,
      "secret",
    ],
    [
      "an unknown option of a chain",
      () => lattice().addChain([0, 1], wrong({ weight: 1 })),
      OptionError,
      "weight",
    ],
    [
      "an unknown option of a chain receipt",
      () => lattice().chainReceipt([0, 1], wrong({ z_th: 1 })),
      OptionError,
      "z_th",
    ],
  ])("%s", (_, run, error, parameter) => {
    expect(run).toThrow(error);
    expect(run).toThrow(`${parameter}:`);
  });
});
