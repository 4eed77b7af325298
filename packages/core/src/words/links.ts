import { naturalLog } from "../math.ts";
import type { Words } from "./bm25.ts";
import { cut, kindAt, NONE, normalized, PAIRED } from "./cut.ts";

/** A document that may be named by others: its words in normal form (see {@link normalized}), its id, and its own links. */
export interface Linking extends Words {
  readonly id: string;
  /** The ids that it links to, where it says so itself. */
  readonly links: readonly string[];
}

/** An edge between two documents of which one names the other. */
export interface Link {
  readonly i: number;
  readonly j: number;
  readonly weight: number;
}

/** A name of one word that more documents hold than these is a common word. */
const COMMON = 5;
/** A name has at least so many letters. */
const LETTERS = 3;

/**
 * Edges between documents of which one names the other: its title (what stands in parentheses left out) or its id stands in
 * the other's text as a phrase, or the other links to its id. A rare name weighs more: `ln(1 + N / (1 + documents that name it))`.
 * Of both directions the larger counts.
 *
 * What names nothing: fewer than three letters; a name that several documents bear, such as chunks of one page; one word that
 * more than five documents hold. A title that is all parentheses counts whole. In Han, Kana and Hangul a name is found within
 * a run of characters, elsewhere between words.
 */
export function linksOf(documents: readonly Linking[]): Link[] {
  const names = namesOf(documents);
  const targets = documents.map(({ text }) => namedIn(text, names));
  const byId = new Map(documents.map(({ id }, j) => [id, j]));
  documents.forEach(({ links }, i) => {
    for (const id of links) targets[i]!.add(byId.get(id) ?? i);
  });
  const holders = new Int32Array(documents.length);
  targets.forEach((named, i) => {
    named.delete(i);
    for (const j of named) holders[j]!++;
  });
  const links = new Map<number, Link>();
  targets.forEach((named, i) => {
    for (const j of named) {
      const explicit = documents[i]!.links.includes(documents[j]!.id);
      if (!explicit && holders[j]! > COMMON && names.oneWord.has(j)) continue;
      const weight = naturalLog(1 + documents.length / (1 + holders[j]!));
      const [a, b] = [Math.min(i, j), Math.max(i, j)];
      const key = a * documents.length + b;
      if (weight > (links.get(key)?.weight ?? 0)) links.set(key, { i: a, j: b, weight });
    }
  });
  return [...links.values()];
}

interface Name {
  readonly document: number;
  readonly tokens: readonly string[];
}

interface Names {
  /** The names that begin with a token. */
  readonly byFirst: ReadonlyMap<string, readonly Name[]>;
  /** Which places of a table the first tokens have: most tokens of a text begin no name. */
  readonly table: Uint8Array;
  /** The documents all of whose names are of one word. */
  readonly oneWord: ReadonlySet<number>;
}

const PLACES = 1 << 12;
const placeOf = (signature: number): number => Math.imul(signature, 0x9e3779b1) >>> 20;

function namesOf(documents: readonly Linking[]): Names {
  const bearers = new Map<string, Name[]>();
  const oneWord = new Set<number>();
  documents.forEach(({ title, id }, document) => {
    const stripped = tokensOf(title.replace(/\([^)]*\)/g, " "));
    const all = [stripped.length > 0 ? stripped : tokensOf(title), tokensOf(normalized(id))];
    const long = all.filter((tokens) => (tokens.join("").match(/\p{L}/gu)?.length ?? 0) >= LETTERS);
    if (long.every((tokens) => tokens.length === 1)) oneWord.add(document);
    for (const key of new Set(long.map((tokens) => tokens.join(" ")))) {
      bearers.set(key, [...(bearers.get(key) ?? []), { document, tokens: key.split(" ") }]);
    }
  });
  const byFirst = new Map<string, Name[]>();
  const table = new Uint8Array(PLACES);
  for (const own of bearers.values()) {
    if (own.length > 1) continue;
    const [name] = own;
    const first = name!.tokens[0]!;
    byFirst.set(first, [...(byFirst.get(first) ?? []), name!]);
    table[placeOf(signatureOf(first))] = 1;
  }
  return { byFirst, table, oneWord };
}

/** The words of a text, those of Han, Kana and Hangul character by character. */
const tokensOf = (text: string): string[] =>
  cut(text).flatMap((word) => (word.kind === PAIRED ? [...word.text] : [word.text]));

const signatureOf = (token: string): number => {
  let signature = 0;
  for (let at = 0; at < token.length; at++) signature = (Math.imul(signature, 31) + token.charCodeAt(at)) | 0;
  return signature;
};

/** The documents whose names stand in a text. */
function namedIn(text: string, { byFirst, table }: Names): Set<number> {
  const found = new Set<number>();
  for (let at = 0; at < text.length; ) {
    const { start, end, signature } = tokenFrom(text, at);
    if (start === end) break;
    at = end;
    if (table[placeOf(signature)] === 0) continue;
    for (const { document, tokens } of byFirst.get(text.slice(start, end)) ?? []) {
      let next = end;
      const rest = tokens.slice(1).every((token) => {
        const following = tokenFrom(text, next);
        next = following.end;
        return text.slice(following.start, following.end) === token;
      });
      if (rest) found.add(document);
    }
  }
  return found;
}

/** The first token of a text from a place on; empty at its end. */
function tokenFrom(text: string, from: number): { start: number; end: number; signature: number } {
  let start = from;
  while (start < text.length && kindAt(text, start, NONE) === NONE) start++;
  const kind = start < text.length ? kindAt(text, start, NONE) : NONE;
  let end = start;
  let signature = 0;
  while (end < text.length && (end === start || kindAt(text, end, kind) === kind)) {
    signature = (Math.imul(signature, 31) + text.charCodeAt(end)) | 0;
    end++;
    // A character by itself; the second half of a pair belongs to it.
    if (kind === PAIRED && (text.charCodeAt(end) & 0xfc00) !== 0xdc00) break;
  }
  return { start, end, signature };
}
