import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import canonicalize from "canonicalize";
import type { Matrix } from "../embeddings.ts";

/** `sha256:` and 64 hexadecimal digits. */
export type Digest = `sha256:${string}`;

/** SHA-256 in pieces. */
interface Hash {
  update(bytes: Uint8Array): Hash;
  digest(): Uint8Array;
}

// Only Node, Bun and Deno have it; the types of the language alone do not know it.
declare const process: { getBuiltinModule?(name: string): { createHash?(name: string): Hash } } | undefined;

let create: (() => Hash) | null = null;

/**
 * A hash: the platform's where it can be had at once and without an import, which takes an eighth of the time, else that
 * of @noble/hashes. The bytes are the same.
 */
function newHash(): Hash {
  if (create === null) {
    const platform = typeof process === "object" ? process?.getBuiltinModule?.("node:crypto") : undefined;
    create = platform?.createHash ? () => platform.createHash!("sha256") : () => sha256.create();
  }
  return create();
}

// The platform's bytes may be of another realm, whose arrays are none of ours.
const finish = (hash: Hash): Digest => `sha256:${bytesToHex(Uint8Array.from(hash.digest()))}`;

/** The digest of a value's canonical JSON (RFC 8785): independent of the order of keys and of number formatting. */
export function digestJson(value: unknown): Digest {
  return finish(newHash().update(utf8ToBytes(canonicalize(value) as string)));
}

/**
 * The digest of vectors: the number of rows and columns as two little-endian unsigned 32-bit integers, then the values
 * row by row as little-endian float32.
 */
export function digestVectors({ rows, columns, stride, data }: Matrix): Digest {
  const hash = newHash().update(uint32(rows)).update(uint32(columns));
  if (stride === columns) return finish(hash.update(float32(data.subarray(0, rows * columns))));
  for (let i = 0; i < rows; i++) hash.update(float32(data.subarray(i * stride, i * stride + columns)));
  return finish(hash);
}

/**
 * The digest of texts: their number, then each one's length in bytes and its UTF-8 bytes (lengths as above). Half of a
 * surrogate pair, as a careless text splitter leaves behind, counts as U+FFFD.
 */
export function digestTexts(texts: readonly string[]): Digest {
  const hash = newHash().update(uint32(texts.length));
  for (const text of texts) {
    const bytes = utf8ToBytes(text);
    hash.update(uint32(bytes.length)).update(bytes);
  }
  return finish(hash);
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

function float32(values: Float32Array): Uint8Array {
  if (littleEndian) return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bytes = new Uint8Array(values.byteLength);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setFloat32(4 * i, value, true);
  });
  return bytes;
}
