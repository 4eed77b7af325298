/** Reading what may have been written by anyone: bounded, each property once, and never with an error. */

import { fromBase64Text, toBase64Text } from "../platform.ts";

/** The largest payload that is signed or read, in bytes of JSON. */
export const MAX_PAYLOAD = 2 ** 20;
/** The longest text that is read: room for the base64 of the largest payload, and for the signatures beside it. */
const MAX_TEXT = 2 * MAX_PAYLOAD;
/** How many values data may hold, and how deep: a receipt has some 300 and is 5 deep, an envelope holds one as text. */
const MAX_VALUES = 10_000;
const MAX_DEPTH = 32;

/** What was read, as plain data. */
export interface Untrusted {
  readonly data: unknown;
  /** The text that `data` was parsed from. */
  readonly text: string;
  /** Whether numbers stand in `text` as their writer wrote them: not where it had to be made from an object. */
  readonly verbatim: boolean;
}

/**
 * Data from JSON text or from an object. An object is first written as text, as `JSON.stringify` does, but without
 * `toJSON`: a getter that would answer differently the second time, or a class, is nothing but data afterwards.
 * null for what is no JSON, too large or too deep.
 */
export function readUntrusted(value: unknown): Untrusted | null {
  try {
    const verbatim = typeof value === "string";
    if (verbatim && (value.length > MAX_TEXT || holdsTooMuch(value))) return null;
    const room = { values: MAX_VALUES, characters: MAX_TEXT };
    const text = write(verbatim ? JSON.parse(value) : value, room, MAX_DEPTH);
    return text === undefined ? null : { data: JSON.parse(text), text: verbatim ? value : text, verbatim };
  } catch {
    return null;
  }
}

/** Whether a text opens too many brackets, or lists too much: `JSON.parse` takes a tenth of a second for a million. */
function holdsTooMuch(text: string): boolean {
  let depth = 0;
  let values = 1;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x22) quoted = !quoted;
    else if (quoted && unit === 0x5c) i++;
    else if (quoted) continue;
    else if (unit === 0x5b || unit === 0x7b) {
      if (++depth > MAX_DEPTH || ++values > MAX_VALUES) return true;
    } else if (unit === 0x5d || unit === 0x7d) depth--;
    else if (unit === 0x2c && ++values > MAX_VALUES) return true;
  }
  return false;
}

/** An own property of plain data; undefined if there is none. */
export const field = (data: unknown, name: string): unknown =>
  typeof data === "object" && data !== null && Object.hasOwn(data, name)
    ? (data as Record<string, unknown>)[name]
    : undefined;

export const isRecord = (data: unknown): data is Readonly<Record<string, unknown>> =>
  typeof data === "object" && data !== null && !Array.isArray(data);

/** What is left of the limits. */
interface Room {
  values: number;
  characters: number;
}

/** JSON text of a value; undefined for what JSON leaves out. A RangeError where the room is used up. */
function write(value: unknown, room: Room, depth: number): string | undefined {
  if (--room.values < 0 || depth < 0) throw new RangeError("too large");
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return quote(value, room);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError("no JSON number");
    return Object.is(value, -0) ? "-0" : String(value);
  }
  if (typeof value === "bigint") throw new RangeError("no JSON number");
  if (typeof value !== "object") return undefined;
  // Their keys would be listed one by one before the first is counted.
  if (ArrayBuffer.isView(value) || value instanceof String) throw new RangeError("no JSON object");
  const parts: string[] = [];
  if (Array.isArray(value)) {
    const length = value.length;
    for (let i = 0; i < length; i++) parts.push(write(value[i], room, depth - 1) ?? "null");
    return `[${parts.join(",")}]`;
  }
  // Not `Object.keys`, which would list a million before the first is counted.
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue;
    const text = write((value as Record<string, unknown>)[key], room, depth - 1);
    if (text !== undefined) parts.push(`${quote(key, room)}:${text}`);
  }
  return `{${parts.join(",")}}`;
}

function quote(text: string, room: Room): string {
  room.characters -= text.length;
  if (room.characters < 0) throw new RangeError("too large");
  return JSON.stringify(text);
}

/** Base64 (RFC 4648, section 4) with padding. */
export function toBase64(bytes: Uint8Array): string {
  // A call takes so many arguments and no more.
  const chunk = 2 ** 13;
  let binary = "";
  for (let at = 0; at < bytes.length; at += chunk)
    binary += String.fromCharCode(...bytes.subarray(at, at + chunk));
  return toBase64Text(binary);
}

/** Base64 with the URL-safe alphabet (RFC 4648, section 5), without padding. */
export const toBase64Url = (bytes: Uint8Array): string =>
  toBase64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/**
 * The bytes of base64, `limit` at most, in the standard or the URL-safe alphabet (RFC 4648, sections 4 and 5), with or without
 * padding. null for anything else: `atob` alone also takes spaces and stray bits, and so many texts for the same bytes.
 */
export function fromBase64(text: unknown, limit: number): Uint8Array | null {
  if (typeof text !== "string" || text.length > 4 * Math.ceil(limit / 3)) return null;
  // A text that mixes the alphabets keeps its `-` or `_`, which `atob` refuses.
  const standard = /[+/]/.test(text) ? text : text.replace(/-/g, "+").replace(/_/g, "/");
  const padded = standard.endsWith("=") ? standard : standard.padEnd(4 * Math.ceil(standard.length / 4), "=");
  try {
    const binary = fromBase64Text(padded);
    if (toBase64Text(binary) !== padded) return null;
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes.length <= limit ? bytes : null;
  } catch {
    return null;
  }
}
