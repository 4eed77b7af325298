import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

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
  /** Candidates in the chain; null without one. */
  readonly chainLength: number | null;
  /** The graph's edges in both directions, row by row. */
  readonly pairs: readonly (readonly [number, number])[];
}

/** The Python package looks at no more edges than these. */
const PAIRS = 2048;

/**
 * The published `state_sig`: SHA-256 of Python's JSON text of the query, the gates, the weights and a hash of the first
 * 2048 edges. It covers neither the vectors nor the chain's contents; receipts of other profiles use a digest that does.
 */
export function publishedStateSignature(state: PublishedState): string {
  const { query, gates, weights, neighbors, chainLength } = state;
  const floats = (values: Iterable<number>) => `[${Array.from(values, pythonFloat).join(", ")}]`;
  const text = [
    `{"B": ${floats(gates.map(round6))}`,
    `"adj": "${bytesToHex(sha256(edgeBytes(state)))}"`,
    `"chain_len": ${chainLength ?? 0}`,
    `"chain_present": ${chainLength !== null}`,
    '"detk": true',
    `"k": ${neighbors}`,
    `"lam": ${floats(weights)}`,
    `"psi": ${floats(query.map(round6))}}`,
  ].join(", ");
  return bytesToHex(sha256(utf8ToBytes(text)));
}

/** The published provenance: SHA-256 of vectors, query, gates, weights and the first 2048 edges, little-endian. */
export function publishedProvenance(state: PublishedState): string {
  const hash = sha256.create();
  for (const values of [state.vectors, state.query, state.gates]) hash.update(numberBytes(values, 4));
  hash.update(numberBytes(state.weights, 8)).update(edgeBytes(state));
  return bytesToHex(hash.digest());
}

/** Python's `repr` of a float: always with a point or an exponent, and that of two digits at least. */
export function pythonFloat(x: number): string {
  if (Object.is(x, -0)) return "-0.0";
  const size = Math.abs(x);
  if (x !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [mantissa, exponent] = x.toExponential().split("e") as [string, string];
    return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  }
  const text = String(x);
  return text.includes(".") ? text : `${text}.0`;
}

/** numpy's rounding of a float32 to six decimals: half to even, in float32 throughout. */
export function round6(x: number): number {
  const scaled = Math.fround(Math.fround(x) * 1e6);
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const even = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
  return Math.fround((even === 0 && (x < 0 || Object.is(x, -0)) ? -0 : even) / 1e6);
}

function edgeBytes({ pairs }: PublishedState): Uint8Array {
  const kept = pairs.slice(0, PAIRS).flat();
  const bytes = new Uint8Array(8 * kept.length);
  const view = new DataView(bytes.buffer);
  kept.forEach((index, at) => {
    view.setBigInt64(8 * at, BigInt(index), true);
  });
  return bytes;
}

function numberBytes(values: ArrayLike<number>, width: 4 | 8): Uint8Array {
  const bytes = new Uint8Array(width * values.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) {
    if (width === 4) view.setFloat32(4 * i, values[i]!, true);
    else view.setFloat64(8 * i, values[i]!, true);
  }
  return bytes;
}
