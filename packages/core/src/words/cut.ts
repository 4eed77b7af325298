/** How texts are cut into words and grams: without a dictionary, in any script. */
import { utf8Writer } from "../platform.ts";

/** Length of the character n-grams. Four letters tell words apart and still join their inflections. */
export const GRAM = 4;

/** What stands around a word of letters: its first and last grams say where it begins and ends. */
export const BLANK = 32;

/** Of a script that writes words apart, or so taken: cut into windows of {@link GRAM} characters. */
export const SPACED = 1;
/**
 * Of a script whose short words stand in longer runs: Han, Kana, and Hangul with its particles. Cut into pairs of characters. Thai
 * is not: windows of four gain twice what pairs do (docs/ranking.md).
 */
export const PAIRED = 2;
/** No part of a word. */
export const NONE = 3;
/** A combining mark: of the word before it. */
const MARK = 4;
/** Half of a surrogate pair: the other half says what it is. */
const HALF = 5;

const PAIRS = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}]/u;

/** The kinds of UTF-16 units, 0 where it was not looked up yet. */
const kinds = new Uint8Array(0x10000);

/** What of a text or a title is weighed: its first UTF-16 units, about 5,000 words. Digests cover all of it. */
export const TEXT_LIMIT = 32_768;
/** The same of the query's words, about 1,300 words. */
export const QUERY_LIMIT = 8_192;

const writeUtf8 = utf8Writer();
/** Where {@link unitsOf} puts what it is asked for, until it is asked again. */
let bytes = new Uint8Array(1024);

/**
 * The UTF-16 units of a text, to be read before the next text's: of ASCII as bytes, which engines copy in one go. Reading
 * characters one by one takes twice the time.
 */
export function unitsOf(text: string): Uint8Array | Uint16Array {
  const { length } = text;
  if (bytes.length < length) bytes = new Uint8Array(2 * length);
  const { read, written } = writeUtf8(text, bytes);
  // No other characters are as many bytes as they are units.
  if (read === length && written === length) return bytes.subarray(0, length);
  const units = new Uint16Array(length);
  for (let at = 0; at < length; at++) units[at] = text.charCodeAt(at);
  return units;
}

/** What has one form alone, but for the case. */
const OTHER_THAN_ASCII = /[^\0-\x7f]/;

/** More marks in a row than any language has. Engines put them in order in time that grows with the square. */
const TOO_MANY_MARKS = /\p{M}{31}/u;

/**
 * One form for each text: compatibility characters and case folded as Unicode says (UAX #15, NFKC), of the first
 * {@link TEXT_LIMIT} units. A joiner stands after every 30 marks in a row, as in the stream-safe format of UAX #15.
 */
export function normalized(text: string, limit = TEXT_LIMIT): string {
  const part = text.length > limit ? text.slice(0, limit) : text;
  if (!OTHER_THAN_ASCII.test(part)) return part.toLowerCase();
  const safe = TOO_MANY_MARKS.test(part) ? part.replace(/\p{M}{30}(?=\p{M})/gu, "$&\u034f") : part;
  const form = safe.normalize("NFKC");
  const lower = form.toLowerCase();
  // A few lower-case letters have a composed form that their capitals lack.
  return lower === form ? lower : lower.normalize("NFKC");
}

/**
 * The kind of the unit at a place of a normalized text.
 *
 * @param before the kind of the unit before it: a mark is of the same.
 */
export function kindAt(text: string, at: number, before: number, unit = text.charCodeAt(at)): number {
  const known = kinds[unit]!;
  return known !== 0 && known < MARK ? known : rareKindAt(text, at, before);
}

function rareKindAt(text: string, at: number, before: number): number {
  const unit = text.charCodeAt(at);
  if (kinds[unit] === 0) {
    kinds[unit] = unit >= 0xd800 && unit < 0xe000 ? HALF : kindOf(String.fromCharCode(unit));
  }
  const kind = kinds[unit]!;
  if (kind < MARK) return kind;
  if (kind === HALF) return kindOfHalf(text, at, before);
  return before === NONE ? SPACED : before;
}

function kindOf(character: string): number {
  if (/\p{M}/u.test(character)) return MARK;
  if (!/[\p{L}\p{N}]/u.test(character)) return NONE;
  return PAIRS.test(character) ? PAIRED : SPACED;
}

/** The kind of the character that half of a surrogate pair belongs to; a half that stands alone belongs to none. */
function kindOfHalf(text: string, at: number, before: number): number {
  const first = text.charCodeAt(at) < 0xdc00 ? at : at - 1;
  const code = first < 0 ? 0 : text.codePointAt(first)!;
  if (code < 0x10000) return NONE;
  const kind = kindOf(String.fromCodePoint(code));
  if (kind !== MARK) return kind;
  return before === NONE ? SPACED : before;
}

/** A word of a text: a run of units of one kind. */
export interface Word {
  readonly text: string;
  readonly kind: number;
}

/** The words of a text, in order: runs of letters, marks and digits of one kind. */
export function cut(text: string, limit?: number): Word[] {
  const whole = normalized(text, limit);
  const words: Word[] = [];
  for (let start = wordFrom(whole, 0); start < whole.length; ) {
    const end = wordEnd(whole, start);
    words.push({ text: whole.slice(start, end), kind: kindAt(whole, start, NONE) });
    start = wordFrom(whole, end);
  }
  return words;
}

/** Where the next word of a normalized text begins, from a place on; the text's length if there is none. */
export function wordFrom(text: string, at: number): number {
  let start = at;
  while (start < text.length && kindAt(text, start, NONE) === NONE) start++;
  return start;
}

/** Where the word that begins at a place of a normalized text has ended. */
export function wordEnd(text: string, start: number): number {
  const kind = kindAt(text, start, NONE);
  let end = start + 1;
  while (end < text.length && kindAt(text, end, kind) === kind) end++;
  return end;
}

/** The words of a text, in order, in lower case. */
export const wordsOf = (text: string): string[] => cut(text).map((word) => word.text);

/** The grams of a text, in order: of each word, with a blank on each side, or its pairs of characters. */
export const gramsOf = (text: string, limit?: number): string[] => cut(text, limit).flatMap(gramsOfWord);

/** A shorter word is one gram. */
function gramsOfWord({ text, kind }: Word): string[] {
  const [padded, size] = kind === PAIRED ? [text, 2] : [` ${text} `, GRAM];
  const count = Math.max(1, padded.length - size + 1);
  return Array.from({ length: count }, (_, at) => padded.slice(at, at + size));
}
