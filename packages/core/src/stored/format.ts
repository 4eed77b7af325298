import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { float32Bytes, float32Of, isBuffer, isBytes } from "../bytes.ts";
import { StateError, show } from "../errors.ts";
import type { Params } from "../options/types.ts";
import { fromUtf8 } from "../platform.ts";
import type { Edge } from "../pool/input.ts";
import type { Convergence } from "../solve/cg.ts";

/** Everything that a lattice is made of: what {@link Lattice.toJSON} and {@link Lattice.toBuffer} write. */
export interface LatticeState extends LatticeFacts {
  /** The vectors as they came, row after row; zero where missing. */
  readonly vectors: Float32Array;
  /** The query as it came; empty without one. */
  readonly query: Float32Array;
  /** The state that `settle` moved, and the one before, in the solver's coordinates; empty before the first step. */
  readonly present: Float32Array;
  readonly before: Float32Array;
}

/** The part of a state that is no array of floats. */
interface LatticeFacts {
  readonly params: Params;
  readonly n: number;
  readonly d: number;
  readonly ids: readonly string[];
  readonly texts: readonly string[] | null;
  readonly titles: readonly string[] | null;
  /** The scores that stand in for vectors; null for a candidate without one. */
  readonly scores: readonly (number | null)[] | null;
  /** Which candidates the search by vectors or scores found; null if all. */
  readonly found: readonly boolean[] | null;
  /** The further lists; null for a candidate that one does not hold. */
  readonly lists: readonly { readonly name: string; readonly scores: readonly (number | null)[] }[];
  readonly links: readonly (readonly string[])[] | null;
  readonly trust: readonly number[];
  readonly edges: readonly Edge[] | null;
  readonly chain: {
    readonly nodes: readonly number[];
    readonly lamP: number;
    readonly weights: readonly number[];
  } | null;
  /** Whether a query was set. */
  readonly asked: boolean;
  readonly queryText: string | null;
  /** What the last step of `settle` reached. */
  readonly settled: Convergence | null;
}

/** A lattice as JSON. The floats are little-endian float32 in hexadecimal: exact, signs of zeros included. */
export interface LatticeJson extends LatticeFacts, Record<Floats, string> {
  readonly format: "oscillink-lattice";
  readonly version: 1;
}

type Floats = (typeof FLOATS)[number];

const FLOATS = ["vectors", "query", "present", "before"] as const;
const FORMAT = "oscillink-lattice";
const VERSION = 1;
/** "OSCL" */
const MAGIC = 0x4c43534f;
/** Magic, version, length of the JSON part in bytes, and of each array in floats: unsigned 32-bit integers. */
const HEADER = 4 * (3 + FLOATS.length);

export function toJson({ vectors, query, present, before, ...facts }: LatticeState): LatticeJson {
  const hex = (floats: Float32Array) => bytesToHex(float32Bytes(floats));
  const arrays = { vectors: hex(vectors), query: hex(query), present: hex(present), before: hex(before) };
  return { format: FORMAT, version: VERSION, ...facts, ...arrays };
}

/** @throws {StateError} if it is no lattice, or one of another version. */
export function fromJson(json: unknown): LatticeState {
  if (typeof json !== "object" || json === null || (json as LatticeJson).format !== FORMAT) {
    throw new StateError("json", `must be what toJSON of a lattice returned, not ${show(json)}`);
  }
  const { format: _, version, ...rest } = json as LatticeJson;
  checkVersion("json", version);
  const floats = (name: Floats): Float32Array => {
    try {
      return float32Of(hexToBytes(rest[name]));
    } catch (cause) {
      throw new StateError(`json.${name}`, "must be floats in hexadecimal", { cause });
    }
  };
  const arrays = Object.fromEntries(FLOATS.map((name) => [name, floats(name)])) as Record<
    Floats,
    Float32Array
  >;
  return { ...rest, ...arrays };
}

/**
 * The state in one buffer: a header, the facts as JSON, padded to a multiple of four, then the arrays; all numbers
 * little-endian. It can be stored as it is, or handed to a worker.
 */
export function toBuffer({ vectors, query, present, before, ...facts }: LatticeState): ArrayBuffer {
  const arrays = [vectors, query, present, before];
  const json = utf8ToBytes(JSON.stringify(facts));
  const start = HEADER + padded(json.length);
  const bytes = new Uint8Array(start + 4 * arrays.reduce((sum, floats) => sum + floats.length, 0));
  const view = new DataView(bytes.buffer);
  [MAGIC, VERSION, json.length, ...arrays.map((floats) => floats.length)].forEach((value, at) => {
    view.setUint32(4 * at, value, true);
  });
  bytes.set(json, HEADER);
  let at = start;
  for (const floats of arrays) {
    bytes.set(float32Bytes(floats), at);
    at += 4 * floats.length;
  }
  return bytes.buffer;
}

/** @throws {StateError} if it is no lattice, one of another version, or cut short. */
export function fromBuffer(buffer: ArrayBuffer | Uint8Array): LatticeState {
  if (!isBuffer(buffer) && !isBytes(buffer)) {
    throw new StateError("buffer", `must be an ArrayBuffer or a Uint8Array, not ${show(buffer)}`);
  }
  const bytes = isBuffer(buffer) ? new Uint8Array(buffer) : buffer;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER || view.getUint32(0, true) !== MAGIC) {
    throw new StateError("buffer", "is no lattice: it does not start with OSCL");
  }
  checkVersion("buffer", view.getUint32(4, true));
  const jsonLength = view.getUint32(8, true);
  const lengths = FLOATS.map((_, i) => view.getUint32(12 + 4 * i, true));
  let at = HEADER + padded(jsonLength);
  const wanted = at + 4 * lengths.reduce((sum, length) => sum + length, 0);
  if (bytes.length !== wanted) {
    throw new StateError(
      "buffer",
      `is cut short or damaged: it has ${bytes.length} bytes where ${wanted} are needed`,
    );
  }
  const arrays = lengths.map((length) => {
    const floats = float32Of(bytes.subarray(at, at + 4 * length));
    at += 4 * length;
    return floats;
  });
  const [vectors, query, present, before] = arrays as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  let facts: LatticeFacts;
  try {
    facts = JSON.parse(fromUtf8(bytes.subarray(HEADER, HEADER + jsonLength)));
  } catch (cause) {
    throw new StateError("buffer", "is damaged: its facts are no JSON", { cause });
  }
  return { ...facts, vectors, query, present, before };
}

function checkVersion(name: string, version: unknown): void {
  if (version !== VERSION) {
    throw new StateError(name, `is of version ${show(version)}; this code reads version ${VERSION}`);
  }
}

const padded = (length: number): number => (length + 3) & ~3;
