import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import canonicalize from "canonicalize";
import type { Matrix } from "../embeddings.ts";

/** `sha256:` and 64 hexadecimal digits. */
export type Digest = `sha256:${string}`;

type Hash = ReturnType<typeof sha256.create>;

const finish = (hash: Hash): Digest => `sha256:${bytesToHex(hash.digest())}`;

/** The digest of a value's canonical JSON (RFC 8785): independent of the order of keys and of number formatting. */
export function digestJson(value: unknown): Digest {
  return finish(sha256.create().update(utf8ToBytes(canonicalize(value) as string)));
}

/**
 * The digest of vectors: the number of rows and columns as two little-endian unsigned 32-bit integers, then the values
 * row by row as little-endian float32.
 */
export function digestVectors({ rows, columns, stride, data }: Matrix): Digest {
  const hash = sha256.create().update(uint32(rows)).update(uint32(columns));
  for (let i = 0; i < rows; i++) hash.update(float32(data.subarray(i * stride, i * stride + columns)));
  return finish(hash);
}

/**
 * The digest of texts: their number, then each one's length in bytes and its UTF-8 bytes (lengths as above). Half of a
 * surrogate pair, as a careless text splitter leaves behind, counts as U+FFFD.
 */
export function digestTexts(texts: readonly string[]): Digest {
  const hash = sha256.create().update(uint32(texts.length));
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
