import { StateError } from "../errors.ts";
import type { Edge } from "../pool/input.ts";

/** The Python package's exported state, as its JSON says it. */
interface PythonState {
  readonly shape: readonly [number, number];
  readonly params: {
    readonly lamG: number;
    readonly lamC: number;
    readonly lamQ: number;
    readonly lamP: number;
  };
  readonly Y: readonly number[][];
  readonly psi: readonly number[];
  readonly B_diag: readonly number[];
  readonly kneighbors: number;
  readonly A?: readonly number[][];
  readonly chain_edges?: readonly [number, number][];
  readonly chain_nodes?: readonly number[];
  readonly provenance?: string;
}

/** What a lattice needs to stand in for one that the Python package exported. */
export interface PythonLattice {
  readonly vectors: readonly number[][];
  readonly query: readonly number[];
  readonly trust: readonly number[];
  readonly options: { readonly neighbors: number; lamG: number; lamC: number; lamQ: number };
  /** The stored graph; undefined if it was left out, and is to be built anew. */
  readonly edges?: readonly Edge[];
  /** The chain, with unit weights: the Python package does not export others. */
  readonly chain?: { readonly nodes: readonly number[]; readonly lamP: number };
  /** The published hash of the contents; null if it was left out. */
  readonly provenance: string | null;
}

/** @throws {StateError} if a field of the Python package's format is missing. */
export function readExported(json: unknown): PythonLattice {
  const state = json as PythonState;
  for (const name of ["shape", "params", "Y", "psi", "B_diag", "kneighbors"] as const) {
    if (typeof json !== "object" || json === null || state[name] === undefined) {
      throw new StateError(`json.${name}`, "is missing; is this what the Python package exported?");
    }
  }
  const { Y, psi, B_diag, kneighbors, params, A, chain_edges, chain_nodes } = state;
  const { lamP, ...weights } = params;
  const nodes = chain_nodes ?? [...new Set((chain_edges ?? []).flat())].sort((a, b) => a - b);
  const edges = A?.flatMap((row, i) =>
    row.flatMap((weight, j) => (j > i && weight > 0 ? [{ i, j, weight }] : [])),
  );
  return {
    vectors: Y,
    query: psi,
    trust: B_diag,
    options: { neighbors: kneighbors, ...weights },
    provenance: state.provenance ?? null,
    ...(edges && { edges }),
    ...(nodes.length > 1 && lamP > 0 && { chain: { nodes, lamP } }),
  };
}
