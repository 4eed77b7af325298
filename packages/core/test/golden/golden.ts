import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { Lattice, type Options } from "../../src/index.ts";
import type { PackedVectors } from "../../src/pool/matrix.ts";

/** The tolerances of the golden vectors, relative to max(1, |v|): a port in float32 against float64 … */
export const EXACT = 1e-5;
/** … and against the published package, which is in float32 itself. */
export const REFERENCE = 1e-4;
/** Of z-scores. A z within it of its threshold may fall on either side, and is not compared. */
export const Z = 1e-3;
/** The margin from which on an order or a choice is decided by more than rounding. */
export const MARGIN = 1e-6;

export type Edge = readonly [i: number, j: number, weight: number];
/** A matrix: whole if it is small, else its first rows and the lengths of all. */
export interface Sample {
  readonly full?: number[][];
  readonly first_rows?: number[][];
  readonly row_norms?: number[];
}
export interface Terms {
  readonly anchor: number;
  readonly coherence: number;
  readonly query: number;
  readonly chain: number;
  readonly total: number;
}
export interface Point {
  readonly edge: readonly [number, number];
  readonly z: number;
  readonly residual: number;
}
export interface ChainAnswer {
  readonly verdict: boolean;
  readonly weakest_link: { readonly k: number; readonly edge: [number, number]; readonly zscore: number };
  readonly coherence_gain: number;
  readonly edges: {
    readonly k: number;
    readonly edge: [number, number];
    readonly z_struct: number;
    readonly z_path: number;
    readonly r_struct: number;
    readonly r_path: number;
  }[];
}
/** What a lattice is made from; Y, psi and gates name entries of vectors.json. */
export interface Setup {
  readonly Y: string;
  readonly psi: string;
  readonly gates: string | null;
  readonly params: { kneighbors: number; row_cap_val: number; lamG: number; lamC: number; lamQ: number };
  readonly chain?: { nodes: number[]; lamP: number; weights?: number[] } | null;
}
type Alpha = "0.0" | "0.5" | "1.0";
/** The three sums of a receipt. */
interface Sums {
  readonly coh_drop_sum: number;
  readonly anchor_pen_sum: number;
  readonly query_term_sum: number;
}
/** The terms of each node. */
interface NodeTerms {
  readonly coh_drop: number[];
  readonly anchor_pen: number[];
  readonly query_term: number[];
}
export interface LatticeCase extends Setup {
  readonly name: string;
  readonly note: string;
  readonly reference: NodeTerms & {
    readonly A_mutual: Edge[];
    readonly Ustar: Sample;
    readonly state_sig: string;
    readonly deltaH_before: number;
    readonly receipt: Sums & {
      readonly deltaH_total: number;
      readonly null_points: Point[];
      readonly null_points_summary: { total_null_points: number };
      readonly avg_degree: number;
      readonly edge_density: number;
    };
    readonly bundle_k5: Record<Alpha, { id: number; score: number; align: number }[]>;
    readonly chain_receipt?: { chain: number[]; z_th: number; out: ChainAnswer };
  };
  readonly exact: NodeTerms &
    Sums & {
      readonly A_capped: Edge[];
      readonly Ustar: Sample;
      readonly Uplus_dt1: Sample;
      readonly H_Y: Terms;
      readonly H_Ustar: Terms;
      readonly H_Uplus: Terms;
      readonly deltaH_Y: number;
      readonly deltaH_Uplus: number;
      readonly null_points: Point[];
      readonly row_max_z: [column: number, z: number][];
      readonly bundle: Record<Alpha, { score_all: number[]; order: number[]; min_step_gap: number | null }>;
      readonly chain_receipt?: { chain: number[]; z_th: number; out: ChainAnswer };
    };
}

/** A file of ../fixtures. Read, not imported: the compiler would infer a type for every number. */
export const load = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), "utf8")) as T;

const single = (row: readonly number[]): number[] => row.map(Math.fround);

const vectors = load<{
  Y: Record<string, number[][]>;
  psi: Record<string, number[]>;
  gates: Record<string, number[]>;
}>("vectors");

/** The arrays of a case, as float32. */
export function inputsOf({ Y, psi, gates }: Setup): { Y: number[][]; psi: number[]; gates: number[] } {
  const rows = vectors.Y[Y]!.map(single);
  const trust = gates === null ? rows.map(() => 1) : single(vectors.gates[gates]!);
  return { Y: rows, psi: single(vectors.psi[psi]!), gates: trust };
}

/** The options under which this package computes what the published one did with these parameters. */
export const optionsOf = ({ params }: Setup): Options => ({
  profile: "reference",
  neighbors: params.kneighbors,
  rowCap: params.row_cap_val,
  lamG: params.lamG,
  lamC: params.lamC,
  lamQ: params.lamQ,
  tolerance: 1e-7,
  maxIterations: 200,
});

/** The lattice of a case, solved as far as float32 goes, with the query and the chain set. */
export function latticeOf(setup: Setup, options: Options = {}): Lattice {
  const { Y, psi, gates } = inputsOf(setup);
  const lattice = new Lattice({ embeddings: Y, trust: gates }, { ...optionsOf(setup), ...options });
  if (setup.chain) {
    const { nodes, ...chain } = setup.chain;
    lattice.addChain(nodes, chain);
  }
  return lattice.setQuery(psi);
}

export const rowsOf = ({ data, n, d }: PackedVectors): number[][] =>
  Array.from({ length: n }, (_, i) => Array.from(data.subarray(i * d, (i + 1) * d)));

/** The largest error of a list of numbers, each relative to max(1, |expected|). */
function errorOf(actual: readonly number[], expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  return expected.reduce(
    (worst, v, i) => Math.max(worst, Math.abs(actual[i]! - v) / Math.max(1, Math.abs(v))),
    0,
  );
}

export function expectClose(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
  what: string,
): void {
  expect(errorOf(actual, expected), what).toBeLessThanOrEqual(tolerance);
}

/** Compares a matrix with what was kept of it. */
export function expectSample(actual: number[][], sample: Sample, tolerance: number, what: string): void {
  const rows = sample.full ?? sample.first_rows!;
  expectClose(actual.slice(0, rows.length).flat(), rows.flat(), tolerance, what);
  if (sample.row_norms)
    expectClose(
      actual.map((row) => Math.hypot(...row)),
      sample.row_norms,
      tolerance,
      what,
    );
}

/** Compares edges: the same pairs, weights within the tolerance. */
export function expectEdges(
  actual: Lattice,
  expected: readonly Edge[],
  tolerance: number,
  what: string,
): void {
  const edges = actual.edges();
  expect(edges.map(({ i, j }) => [i, j])).toEqual(expected.map(([i, j]) => [i, j]));
  expectClose(
    edges.map(({ weight }) => weight),
    expected.map(([, , weight]) => weight),
    tolerance,
    what,
  );
}
