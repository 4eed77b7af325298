import { naturalLog } from "../math.ts";
import type { Words } from "./bm25.ts";
import { cut, kindAt, NONE, normalized, PAIRED, unitsOf } from "./cut.ts";

/** A document that may be named by others: its words in normal form (see {@link normalized}), its id, and its own links. */
export interface Linking extends Words {
  readonly id: string;
  /** The ids that it links to, where it says so itself. */
  readonly links: readonly string[];
}

/** A name that some documents bear and others say; both by index, ascending. */
export interface Name {
  readonly bearers: readonly number[];
  readonly namers: readonly number[];
  /** How much it says of each bearer, in (0, 1): `ln(N / held) / ln N / bearers`, held being all that bear or say it. */
  readonly share: number;
}

/** A title has at least so many characters. */
const LEAST = 3;
/** An id has at least so many letters: a number in a text is seldom an id. */
const LETTERS = /\p{L}(?:\P{L}*\p{L}){2}/u;

/**
 * The names by which documents name one another: a document's title (what stands in parentheses left out) or its id, said
 * by the others whose text holds it as a phrase; and its id, said by those that link to it. The fewer documents hold a
 * name, the more it says; one that all hold says nothing. Those that bear it in common, such as chunks of one page, share it.
 *
 * What names nothing: less than three characters, and an id of less than three letters. A title that is all parentheses
 * counts whole. In Han, Kana and Hangul a name is found within a run of characters, elsewhere between words.
 */
export function namesOf(documents: readonly Linking[]): Name[] {
  const n = documents.length;
  return [...phrasesOf(documents), ...linksOf(documents)].flatMap(({ bearers, namers }) => {
    const held = bearers.length + namers.length;
    if (namers.length === 0 || held === n) return [];
    return [{ bearers, namers, share: naturalLog(n / held) / naturalLog(n) / bearers.length }];
  });
}

type Held = Omit<Name, "share">;

/** What documents say themselves: each that is linked to has a name of its own. */
function linksOf(documents: readonly Linking[]): Held[] {
  const byId = new Map(documents.map(({ id }, j) => [id, j]));
  const namers = new Map<number, number[]>();
  documents.forEach(({ links }, i) => {
    for (const id of new Set(links)) {
      const j = byId.get(id) ?? i;
      if (j !== i) namers.set(j, [...(namers.get(j) ?? []), i]);
    }
  });
  return Array.from(namers, ([j, by]) => ({ bearers: [j], namers: by }));
}

/** A name as it stands in texts. */
interface Phrase {
  readonly tokens: readonly string[];
  readonly bearers: number[];
  readonly namers: number[];
}

const PLACES = 1 << 12;
const placeOf = (signature: number): number => Math.imul(signature, 0x9e3779b1) >>> 20;

/** Titles and ids, with those who bear them and those who say them. */
function phrasesOf(documents: readonly Linking[]): Phrase[] {
  const phrases = new Map<string, Phrase>();
  documents.forEach(({ title, id }, document) => {
    for (const tokens of keysOf(title, id)) {
      const key = tokens.join(" ");
      const phrase = phrases.get(key) ?? { tokens, bearers: [], namers: [] };
      phrases.set(key, phrase);
      if (phrase.bearers.at(-1) !== document) phrase.bearers.push(document);
    }
  });
  // Documents without titles whose ids are numbers have no names: their texts need no reading.
  if (phrases.size === 0) return [];
  // The names by the signature of their first token: most tokens of a text begin no name.
  const table = new Array<Phrase[] | undefined>(PLACES).fill(undefined);
  for (const phrase of phrases.values()) {
    const place = placeOf(signatureOf(phrase.tokens[0]!));
    table[place] = [...(table[place] ?? []), phrase];
  }
  documents.forEach(({ text }, document) => {
    const units = unitsOf(text);
    const { length } = text;
    for (let at = 0; at < length; ) {
      let unit = units[at]!;
      const kind = kindAt(text, at, NONE, unit);
      const start = at++;
      if (kind === NONE) continue;
      let signature = 0;
      for (;;) {
        signature = nextSignature(signature, unit);
        if (at === length) break;
        unit = units[at]!;
        // A character by itself; the second half of a pair belongs to it.
        if (kind === PAIRED ? (unit & 0xfc00) !== 0xdc00 : kindAt(text, at, kind, unit) !== kind) break;
        at++;
      }
      const begun = table[placeOf(signature)];
      if (begun === undefined) continue;
      for (const { tokens, bearers, namers } of begun) {
        if (!stands(text, start, tokens) || bearers.includes(document)) continue;
        if (namers.at(-1) !== document) namers.push(document);
      }
    }
  });
  return [...phrases.values()];
}

/** The names of a document, in tokens. */
function keysOf(title: string, id: string): string[][] {
  const stripped = tokensOf(title.replace(/\([^)]*\)/g, " "));
  const bare = stripped.length > 0 ? stripped : tokensOf(title);
  const keys = bare.join("").length >= LEAST ? [bare] : [];
  const own = normalized(id);
  if (LETTERS.test(own)) keys.push(tokensOf(own));
  return keys;
}

/** The words of a text, those of Han, Kana and Hangul character by character. */
const tokensOf = (text: string): string[] =>
  cut(text).flatMap((word) => (word.kind === PAIRED ? [...word.text] : [word.text]));

const nextSignature = (signature: number, unit: number): number => (Math.imul(signature, 31) + unit) | 0;

const signatureOf = (token: string): number => {
  let signature = 0;
  for (let at = 0; at < token.length; at++) signature = nextSignature(signature, token.charCodeAt(at));
  return signature;
};

/** Whether a name stands in a text, beginning at a place. */
function stands(text: string, from: number, tokens: readonly string[]): boolean {
  let at = from;
  for (const token of tokens) {
    while (at < text.length && kindAt(text, at, NONE) === NONE) at++;
    if (!text.startsWith(token, at)) return false;
    const kind = kindAt(text, at, NONE);
    at += token.length;
    if (kind !== PAIRED && at < text.length && kindAt(text, at, kind) === kind) return false;
  }
  return true;
}
