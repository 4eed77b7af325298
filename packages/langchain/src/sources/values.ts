import { isBytes, type Vector } from "@oscillink/core/adapter";

/**
 * A vector as a store's client returns it: an array or a typed array of numbers, an Arrow vector, bytes (float32,
 * little-endian), or a string (`"[0.1,0.2]"`, as of pgvector). Undefined for anything else, and unless all are finite.
 */
export function toVector(value: unknown): Vector | undefined {
  const numbers = numbersOf(value);
  if (numbers === undefined || numbers.length === 0) return undefined;
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return undefined;
  return numbers as Vector;
}

function numbersOf(value: unknown): ArrayLike<unknown> | undefined {
  if (typeof value === "string") {
    try {
      const parsed: unknown = JSON.parse(value);
      return Array.isArray(parsed) ? parsed : undefined;
    } catch {
      return undefined;
    }
  }
  if (isBytes(value)) return float32s(value);
  if (Array.isArray(value)) return value;
  if (typeof value !== "object" || value === null || !(Symbol.iterator in value)) return undefined;
  return Array.from(value as Iterable<unknown>);
}

/** Bytes may begin anywhere in their buffer, where a Float32Array may not. */
function float32s({ buffer, byteOffset, byteLength }: Uint8Array): Float32Array | undefined {
  if (byteLength % 4 !== 0) return undefined;
  const view = new DataView(buffer, byteOffset, byteLength);
  return Float32Array.from({ length: byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
}
