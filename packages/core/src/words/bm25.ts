import { naturalLog } from "../math.ts";

/** Length of the character n-grams. Four letters tell words apart and still join their inflections. */
const GRAM = 4;
/** BM25's saturation of repeated terms and its correction for length (Robertson & Zaragoza 2009). */
const K1 = 1.2;
const B = 0.75;

/** What the words say of each document; see {@link textEvidence}. */
export interface TextEvidence {
  /** BM25 on character 4-grams of title and text. */
  readonly grams: Float64Array;
  /** BM25 on pairs of neighbouring words: what single words cannot tell, such as names of two parts. */
  readonly phrases: Float64Array;
  /** BM25 on character 4-grams of the title alone; null where no document has one. */
  readonly title: Float64Array | null;
}

/** A document's words. */
export interface Words {
  readonly title: string;
  readonly text: string;
}

/**
 * BM25 of the query over the pool alone, in three channels: no index, no stop list, no stemmer, any language.
 * Document frequencies and the mean length come from the pool:
 *
 *     idf(t) = ln(1 + (N - df + 1/2) / (df + 1/2))
 *     score  = Σ over the query's terms t of  idf(t) tf (k1 + 1) / (tf + k1 (1 - b + b length / mean))
 *
 * A term that the query repeats counts once. Documents without text score 0.
 *
 * Grams are windows of four characters inside what stands between white space, with one blank on each side;
 * a shorter word is one gram. Phrases are pairs of neighbouring words, a word being a run of letters, marks and
 * digits. All text is in lower case and in the compatibility form NFKC.
 *
 * @returns null if the query holds no word, or none of the documents has text.
 */
export function textEvidence(query: string, documents: readonly Words[]): TextEvidence | null {
  const terms = new QueryTerms(query);
  // Neither form nor case depends on what lies beyond a blank: title and text may be normalized apart.
  const titles = documents.map(({ title }) => normalized(title));
  const texts = documents.map(({ text }) => normalized(text));
  const full = terms.countIn(texts.map((text, i) => (titles[i] === "" ? text : `${titles[i]} ${text}`)));
  const grams = bm25(full.grams);
  if (grams === null) return null;
  return {
    grams,
    phrases: bm25(full.pairs) ?? new Float64Array(documents.length),
    title: bm25(terms.countIn(titles).grams),
  };
}

/** How often texts hold the query's terms. */
class Counts {
  /** How many different terms the query has. */
  readonly size: number;
  /** `tf[i * size + t]` is how often text i holds term t. */
  readonly tf: Int32Array;
  /** How many terms each text has in all, the query's or not. */
  readonly lengths: Int32Array;

  constructor(texts: number, size: number) {
    this.size = size;
    this.tf = new Int32Array(texts * size);
    this.lengths = new Int32Array(texts);
  }
}

/** BM25 over the pool; null if there is no term, on either side. */
function bm25({ size, tf, lengths }: Counts): Float64Array | null {
  const n = lengths.length;
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (size === 0 || total === 0) return null;
  const idf = new Float64Array(size);
  for (let t = 0; t < size; t++) {
    let df = 0;
    for (let i = 0; i < n; i++) if (tf[i * size + t]! > 0) df++;
    if (df > 0) idf[t] = naturalLog(1 + (n - df + 0.5) / (df + 0.5));
  }
  return Float64Array.from(lengths, (length, i) => {
    const saturation = K1 * (1 - B + (B * length * n) / total);
    let score = 0;
    for (let t = 0; t < size; t++) {
      const f = tf[i * size + t]!;
      if (f > 0) score += (idf[t]! * f * (K1 + 1)) / (f + saturation);
    }
    return score;
  });
}

/** The words of a text, in order, in lower case. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  const whole = normalized(text);
  for (let at = 0; at < whole.length; at++) {
    const start = at;
    while (unitIs(LETTER, unitAt(whole, at))) at++;
    if (at > start) words.push(whole.slice(start, at));
  }
  return words;
}

/** The character 4-grams of a text, in order. */
export function gramsOf(text: string): string[] {
  const grams: string[] = [];
  for (const word of normalized(text).split(/\s+/)) {
    if (word === "") continue;
    const padded = ` ${word} `;
    grams.push(padded.slice(0, GRAM));
    for (let end = GRAM + 1; end <= padded.length; end++) grams.push(padded.slice(end - GRAM, end));
  }
  return grams;
}

/**
 * The query's terms, to be counted in a text in one pass. Few of the text's terms are the query's. So each gets a
 * signature, which costs little from one character to the next, and is compared only with the query's terms that share
 * its place in a table of signatures. Equal terms have equal signatures, so none is lost; and the terms themselves are
 * compared, so none is taken for another.
 */
class QueryTerms {
  readonly #grams: Grams;
  /** A pair is its two words with a blank between them. */
  readonly #pairs = new Map<string, number>();
  /** Which places of the table the query's pairs have. */
  readonly #pairAt = new Uint8Array(PLACES);

  constructor(query: string) {
    this.#grams = new Grams(gramsOf(query));
    const words = wordsOf(query);
    const signatures = words.map((word) => units(word).reduce(wordSignature, 0));
    for (let at = 1; at < words.length; at++) {
      const pair = `${words[at - 1]} ${words[at]}`;
      if (!this.#pairs.has(pair)) this.#pairs.set(pair, this.#pairs.size);
      this.#pairAt[placeOf(pairSignature(signatures[at - 1]!, signatures[at]!))] = 1;
    }
  }

  /** Counts the grams and the pairs of words in normalized texts. */
  countIn(texts: readonly string[]): { grams: Counts; pairs: Counts } {
    const grams = new Counts(texts.length, this.#grams.size);
    const pairs = new Counts(texts.length, this.#pairs.size);
    texts.forEach((text, i) => {
      this.#count(text, i, grams, pairs);
    });
    return { grams, pairs };
  }

  #count(text: string, i: number, grams: Counts, pairs: Counts): void {
    const known = this.#grams;
    const found = grams.tf.subarray(i * grams.size);
    let allGrams = 0;
    let words = 0;
    // Where the last white space ended, and the signature of the last four characters from that blank on.
    let run = 0;
    let window = BLANK;
    // The last word: where it is, and its signature. No pair begins with the empty one before the first.
    let start = 0;
    let end = 0;
    let before = 0;
    for (let at = 0; at <= text.length; at++) {
      const from = at;
      let word = 0;
      let unit = unitAt(text, at);
      for (; unitIs(LETTER, unit); unit = unitAt(text, ++at)) {
        word = wordSignature(word, unit);
        window = gramSignature(window, unit);
        known.count(window, text, at, found);
      }
      if (at > from) {
        if (this.#pairAt[placeOf(pairSignature(before, word))] === 1) {
          const pair = this.#pairs.get(`${text.slice(start, end)} ${text.slice(from, at)}`);
          if (pair !== undefined) pairs.tf[i * pairs.size + pair]!++;
        }
        words++;
        start = from;
        end = at;
        before = word;
      }
      // What ends a word, or stands where none is: white space, or part of a gram like any letter.
      if (!unitIs(SPACE, unit)) {
        window = gramSignature(window, unit);
        known.count(window, text, at, found);
        continue;
      }
      if (at > run) {
        known.count(gramSignature(window, BLANK), text, at, found);
        const padded = at - run + 2;
        allGrams += Math.max(1, padded - GRAM + 1);
        window = BLANK;
      }
      run = at + 1;
    }
    grams.lengths[i] = allGrams;
    pairs.lengths[i] = Math.max(0, words - 1);
  }
}

/** The query's grams, in a table of their signatures. */
class Grams {
  readonly size: number;
  /** Four UTF-16 units a gram; that of a word of one character, which has three, begins with a 0. */
  readonly #units: Uint16Array;
  /** The first gram at a place of the table, and the next after each; -1 where there is none. */
  readonly #first = new Int32Array(PLACES).fill(-1);
  readonly #next: Int32Array;

  constructor(all: readonly string[]) {
    const grams = [...new Set(all)];
    this.size = grams.length;
    this.#units = Uint16Array.from(grams.flatMap((gram) => units(gram.padStart(GRAM, "\0"))));
    this.#next = new Int32Array(grams.length);
    grams.forEach((gram, t) => {
      const place = placeOf(units(gram).reduce(gramSignature, 0));
      this.#next[t] = this.#first[place]!;
      this.#first[place] = t;
    });
  }

  /** Counts the gram with this signature whose last character is at `at`, if it is one of these. */
  count(signature: number, text: string, at: number, found: Int32Array): void {
    const first = this.#first[placeOf(signature)]!;
    if (first >= 0) this.#countFrom(first, text, at, found);
  }

  #countFrom(first: number, text: string, at: number, found: Int32Array): void {
    const second = blankOr(unitAt(text, at - 2));
    const third = unitAt(text, at - 1);
    const last = blankOr(unitAt(text, at));
    // What stands before the blank in the second place is no part of a word of one character.
    const before = second === BLANK ? 0 : blankOr(unitAt(text, at - 3));
    const own = this.#units;
    for (let t = first; t >= 0; t = this.#next[t]!) {
      const u = t * GRAM;
      if (own[u] === before && own[u + 1] === second && own[u + 2] === third && own[u + 3] === last) {
        found[t]!++;
        return;
      }
    }
  }
}

/** A unit; white space of any kind is a blank. */
const blankOr = (unit: number): number => (unitIs(SPACE, unit) ? BLANK : unit);

/** Places in a table of signatures: with a query of ten words, one term in a hundred meets one of the query's. */
const PLACES = 1 << 13;

/** The first 13 bits of the product with 2^32 over the golden ratio, which scatters what differs little. */
const placeOf = (signature: number): number => Math.imul(signature, 0x9e3779b1) >>> 19;

/** The signature of four characters, from that of those before and the last: the shift drops the oldest. */
const gramSignature = (window: number, unit: number): number => (window << 8) ^ unit;
/** The signature of a word, from that of its beginning and its last character. */
const wordSignature = (word: number, unit: number): number => (Math.imul(word, 31) + unit) | 0;
const pairSignature = (first: number, second: number): number => Math.imul(first, 31) ^ second;

const BLANK = 32;

/** One form for each text: compatibility characters and case folded as Unicode says. */
function normalized(text: string): string {
  const form = text.normalize("NFKC");
  const lower = form.toLowerCase();
  // A few lower-case letters have a composed form that their capitals lack.
  return lower === form ? lower : lower.normalize("NFKC");
}

/** The UTF-16 units of a text. */
const units = (text: string): number[] => text.split("").map((unit) => unit.charCodeAt(0));

/** A unit of a text; blanks stand before and after it. */
const unitAt = (text: string, at: number): number =>
  at >= 0 && at < text.length ? text.charCodeAt(at) : BLANK;

/** The kinds of UTF-16 units, as bits; looked up once a unit. */
const LETTER = 1;
const SPACE = 2;
const KNOWN = 4;
const kinds = new Uint8Array(0x10000);

/** Whether a unit is of a kind: `SPACE` is white space, `LETTER` a letter, mark, digit or half of a pair. */
function unitIs(kind: typeof LETTER | typeof SPACE, unit: number): boolean {
  let known = kinds[unit]!;
  if (known === 0) {
    const text = String.fromCharCode(unit);
    const letter = /[\p{L}\p{M}\p{N}\p{Cs}]/u.test(text) ? LETTER : 0;
    known = KNOWN | letter | (/\s/.test(text) ? SPACE : 0);
    kinds[unit] = known;
  }
  return (known & kind) !== 0;
}
