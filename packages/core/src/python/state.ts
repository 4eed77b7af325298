import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { float32Bytes, float64Bytes, int64Bytes } from "../bytes.ts";
import { rawVectors } from "../pool/pool.ts";
import type { Query } from "../pool/query.ts";
import type { Problem } from "../solve/problem.ts";
import { pythonFloat } from "./json.ts";

/** What the Python package's signatures of a state cover. */
export interface PublishedState {
  /** The vectors, row after row, in float32. */
  readonly vectors: Float32Array;
  readonly query: Float32Array;
  readonly gates: Float32Array;
  /** lamG, lamC, lamQ, lamP. */
  readonly weights: readonly [number, number, number, number];
  /** Neighbours asked for, at most n - 1. */
  readonly neighbors: number;
  /** Whether its ties among neighbours were to go to the lower index, as they always do here. */
  readonly deterministic: boolean;
  /** Candidates in the chain; null without one. */
  readonly chainLength: number | null;
  /** The graph's edges in both directions, row by row. */
  readonly pairs: readonly (readonly [number, number])[];
}

/** What the published signatures cover of a lattice. */
export function publishedStateOf({ params, pool, chain, network }: Problem, query: Query): PublishedState {
  const { graph } = network;
  const pairs = Array.from({ length: graph.n }, (_, i) =>
    Array.from(graph.columns.subarray(graph.rowStart[i]!, graph.rowStart[i + 1]!), (j) => [i, j] as const),
  );
  return {
    vectors: rawVectors(pool),
    query: query.raw.data.subarray(0, query.raw.columns),
    gates: Float32Array.from(pool.trust),
    weights: [params.lamG, params.lamC, params.lamQ, chain?.lamP ?? 0],
    neighbors: Math.max(1, Math.min(params.neighbors, pool.n - 1)),
    deterministic: true,
    chainLength: chain?.nodes.length ?? null,
    pairs: pairs.flat(),
  };
}

/** The Python package looks at no more edges than these. */
const PAIRS = 2048;

/**
 * The published `state_sig`: SHA-256 of Python's JSON text of the query, the gates, the weights and a hash of the first
 * 2048 edges. It covers neither the vectors nor the chain's contents; receipts of other profiles use a digest that does.
 */
export function publishedStateSignature(state: Omit<PublishedState, "vectors">): string {
  const { query, gates, weights, neighbors, deterministic, chainLength } = state;
  const floats = (values: Iterable<number>) => `[${Array.from(values, pythonFloat).join(", ")}]`;
  const text = [
    `{"B": ${floats(gates.map(round6))}`,
    `"adj": "${bytesToHex(sha256(edgeBytes(state)))}"`,
    `"chain_len": ${chainLength ?? 0}`,
    `"chain_present": ${chainLength !== null}`,
    `"detk": ${deterministic}`,
    `"k": ${neighbors}`,
    `"lam": ${floats(weights)}`,
    `"psi": ${floats(query.map(round6))}}`,
  ].join(", ");
  return bytesToHex(sha256(utf8ToBytes(text)));
}

/** The published provenance: SHA-256 of vectors, query, gates, weights and the first 2048 edges, little-endian. */
export function publishedProvenance(state: PublishedState): string {
  const hash = sha256.create();
  for (const values of [state.vectors, state.query, state.gates]) hash.update(float32Bytes(values));
  hash.update(float64Bytes(state.weights)).update(edgeBytes(state));
  return bytesToHex(hash.digest());
}

const edgeBytes = ({ pairs }: Pick<PublishedState, "pairs">): Uint8Array =>
  int64Bytes(pairs.slice(0, PAIRS).flat());

/** numpy's rounding of a float32 to six decimals: half to even, in float32 throughout. */
export function round6(x: number): number {
  const scaled = Math.fround(Math.fround(x) * 1e6);
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const even = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
  return Math.fround((even === 0 && (x < 0 || Object.is(x, -0)) ? -0 : even) / 1e6);
}
