import { naturalLog } from "../math.ts";
import { BLANK, cut, GRAM, gramsOf, kindAt, NONE, QUERY_LIMIT, SPACED, unitsOf } from "./cut.ts";

/** BM25's saturation of repeated terms and its correction for length (Robertson & Zaragoza 2009). */
const K1 = 1.2;
const B = 0.75;

/** What the words say of each document; see {@link weighTexts}. */
export interface TextEvidence {
  /** BM25 on the grams of title and text. */
  readonly grams: Float64Array;
  /** BM25 on their words. */
  readonly words: Float64Array;
  /** BM25 on pairs of neighbouring words: what single words cannot tell, such as names of two parts. */
  readonly phrases: Float64Array;
  /** BM25 on the grams of the title alone; null where no document has one. */
  readonly title: Float64Array | null;
  /**
   * How much the query's grams tell the documents apart, in (0, 1]: their mean idf over that of a gram which no document
   * has. Near 0 every document holds them all.
   */
  readonly share: number;
  /** The score on grams that no document can exceed, those that no document holds included: `(k1 + 1) Σ idf`. */
  readonly most: number;
}

/** A document's words in normal form; see {@link normalized}. */
export interface Words {
  readonly title: string;
  readonly text: string;
}

/**
 * BM25 of the query over the pool alone, in four channels: no index, no stop list, no stemmer, any language. Document
 * frequencies and the mean length come from the pool:
 *
 *     idf(t) = ln(1 + (N - df + 1/2) / (df + 1/2))
 *     score  = Σ over the query's terms t of  idf(t) tf (k1 + 1) / (tf + k1 (1 - b + b length / mean))
 *
 * A term that the query repeats counts once. Documents without text score 0. {@link cut} says what words and grams are.
 *
 * @param documents their words in normal form.
 * @returns null if the query holds no word, or no document holds one of its grams: then words have nothing to say.
 */
export function weighTexts(query: string, documents: readonly Words[]): TextEvidence | null {
  const terms = new QueryTerms(query);
  const titles = documents.map(({ title }) => title);
  const full = terms.countIn(documents.map(({ title, text }) => (title === "" ? text : `${title} ${text}`)));
  if (full.grams.tf.every((tf) => tf === 0)) return null;
  const hasTitles = titles.some((title) => title !== "");
  const idf = idfOf(full.grams);
  const sum = idf.reduce((all, value) => all + value, 0);
  return {
    grams: bm25(full.grams, idf),
    words: bm25(full.words),
    phrases: bm25(full.pairs),
    title: hasTitles ? bm25(terms.countIn(titles).grams) : null,
    share: sum / (idf.length * idfAt(0, documents.length)),
    most: (K1 + 1) * sum,
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

const idfAt = (df: number, n: number): number => naturalLog(1 + (n - df + 0.5) / (df + 0.5));

/** The idf of each term. */
function idfOf({ size, tf, lengths }: Counts): Float64Array {
  const n = lengths.length;
  return Float64Array.from({ length: size }, (_, t) => {
    let df = 0;
    for (let i = 0; i < n; i++) if (tf[i * size + t]! > 0) df++;
    return idfAt(df, n);
  });
}

/** BM25 over the pool. */
function bm25(counts: Counts, idf = idfOf(counts)): Float64Array {
  const { size, tf, lengths } = counts;
  const n = lengths.length;
  const total = lengths.reduce((sum, length) => sum + length, 0);
  return Float64Array.from(lengths, (length, i) => {
    const saturation = K1 * (1 - B + (total > 0 ? (B * length * n) / total : 0));
    let score = 0;
    for (let t = 0; t < size; t++) {
      const f = tf[i * size + t]!;
      if (f > 0) score += (idf[t]! * f * (K1 + 1)) / (f + saturation);
    }
    return score;
  });
}

/**
 * The query's terms, to be counted in a text in one pass. Few of the text's terms are the query's. So each gets a
 * signature, which costs little from one character to the next, and is compared only with the query's terms that share
 * its place in a table of signatures. Equal terms have equal signatures, so none is lost; and the terms themselves are
 * compared, so none is taken for another.
 */
class QueryTerms {
  readonly #grams: Grams;
  readonly #words = new Map<string, number>();
  /** A pair is its two words with a blank between them. */
  readonly #pairs = new Map<string, number>();
  /** Which places of the table the query's words and pairs have. */
  readonly #wordAt = new Uint8Array(PLACES);
  readonly #pairAt = new Uint8Array(PLACES);

  constructor(query: string) {
    this.#grams = new Grams(gramsOf(query, QUERY_LIMIT));
    const words = cut(query, QUERY_LIMIT).map(({ text }) => text);
    const signatures = words.map((word) => Array.from(unitsOf(word)).reduce(wordSignature, 0));
    words.forEach((word, at) => {
      if (!this.#words.has(word)) this.#words.set(word, this.#words.size);
      this.#wordAt[placeOf(signatures[at]!)] = 1;
      if (at === 0) return;
      const pair = `${words[at - 1]} ${word}`;
      if (!this.#pairs.has(pair)) this.#pairs.set(pair, this.#pairs.size);
      this.#pairAt[placeOf(pairSignature(signatures[at - 1]!, signatures[at]!))] = 1;
    });
  }

  /** Counts the grams, the words and the pairs of words in normalized texts. */
  countIn(texts: readonly string[]): { grams: Counts; words: Counts; pairs: Counts } {
    const grams = new Counts(texts.length, this.#grams.size);
    const words = new Counts(texts.length, this.#words.size);
    const pairs = new Counts(texts.length, this.#pairs.size);
    texts.forEach((text, i) => {
      this.#count(text, i, grams, words, pairs);
    });
    return { grams, words, pairs };
  }

  #count(text: string, i: number, grams: Counts, words: Counts, pairs: Counts): void {
    const known = this.#grams;
    const { first } = known;
    const found = grams.tf.subarray(i * grams.size);
    const units = unitsOf(text);
    const { length } = text;
    let allGrams = 0;
    let allWords = 0;
    // The word before: where it is, and its signature. No pair begins with the empty one before the first.
    let lastStart = 0;
    let lastEnd = 0;
    let before = 0;
    for (let at = 0; at < length; ) {
      let unit = units[at]!;
      const kind = kindAt(text, at, NONE, unit);
      const start = at;
      if (kind === NONE) {
        at++;
        continue;
      }
      let word = 0;
      if (kind === SPACED) {
        let window = BLANK;
        for (;;) {
          word = wordSignature(word, unit);
          window = gramSignature(window, unit);
          const gram = first[placeOf(window)]!;
          if (gram >= 0) known.count(gram, window, units, at, start, length, found);
          if (++at === length) break;
          unit = units[at]!;
          if (kindAt(text, at, kind, unit) !== kind) break;
        }
        const ended = gramSignature(window, BLANK);
        const gram = first[placeOf(ended)]!;
        if (gram >= 0) known.count(gram, ended, units, at, start, at, found);
      } else {
        let last = 0;
        for (;;) {
          word = wordSignature(word, unit);
          const pair = gramSignature(last, unit);
          const gram = first[placeOf(pair)]!;
          if (at > start && gram >= 0) known.countFrom(gram, pair, 0, 0, last, unit, found);
          // A character that is a word of the query is one of its grams, wherever it stands.
          const single = first[placeOf(unit)]!;
          if (single >= 0) known.countFrom(single, unit, 0, 0, 0, unit, found);
          last = unit;
          if (++at === length) break;
          unit = units[at]!;
          if (kindAt(text, at, kind, unit) !== kind) break;
        }
      }
      allGrams += Math.max(1, at - start - 1);
      allWords++;
      if (this.#wordAt[placeOf(word)] === 1) {
        const t = this.#words.get(text.slice(start, at));
        if (t !== undefined) words.tf[i * words.size + t]!++;
      }
      if (this.#pairAt[placeOf(pairSignature(before, word))] === 1) {
        const t = this.#pairs.get(`${text.slice(lastStart, lastEnd)} ${text.slice(start, at)}`);
        if (t !== undefined) pairs.tf[i * pairs.size + t]!++;
      }
      lastStart = start;
      lastEnd = at;
      before = word;
    }
    grams.lengths[i] = allGrams;
    words.lengths[i] = allWords;
    pairs.lengths[i] = Math.max(0, allWords - 1);
  }
}

/** The query's grams, in a table of their signatures. */
class Grams {
  readonly size: number;
  /** Four UTF-16 units a gram; shorter ones begin with zeros. */
  readonly #units: Uint16Array;
  /** The first gram at a place of the table, and the next after each; -1 where there is none. */
  readonly first = new Int16Array(PLACES).fill(-1);
  readonly #next: Int16Array;
  readonly #signatures: Int32Array;
  /** The signatures of grams of bytes alone, which no other gram has; -1, which no ASCII has, in place of others. */
  readonly #exact: Int32Array;

  constructor(all: readonly string[]) {
    const grams = [...new Set(all)];
    this.size = grams.length;
    this.#units = Uint16Array.from(grams.flatMap((gram) => [...unitsOf(gram.padStart(GRAM, "\0"))]));
    // A query has fewer grams than an Int16Array can number: see QUERY_LIMIT.
    this.#next = new Int16Array(grams.length);
    this.#signatures = new Int32Array(grams.length);
    this.#exact = new Int32Array(grams.length).fill(-1);
    grams.forEach((gram, t) => {
      this.#signatures[t] = Array.from(unitsOf(gram)).reduce(gramSignature, 0);
      if (unitsOf(gram).every((unit) => unit < 256)) this.#exact[t] = this.#signatures[t]!;
      const place = placeOf(this.#signatures[t]!);
      this.#next[t] = this.first[place]!;
      this.first[place] = t;
    });
  }

  /**
   * Counts the gram whose last character is at `at`, if it is one of those that share a place with `first`: of the word that
   * begins at `start` and ends before `end`, around which stand blanks. What has fewer than four units is no gram.
   */
  count(
    first: number,
    signature: number,
    units: Uint8Array | Uint16Array,
    at: number,
    start: number,
    end: number,
    found: Int32Array,
  ): void {
    if (units instanceof Uint8Array) {
      // ASCII has each signature once, so that there is nothing more to compare.
      for (let t = first; t >= 0; t = this.#next[t]!) if (this.#exact[t] === signature) found[t]!++;
      return;
    }
    const d = at >= end ? BLANK : units[at]!;
    const c = at > start ? units[at - 1]! : BLANK;
    const b = at - 1 > start ? units[at - 2]! : at - 1 === start ? BLANK : 0;
    const a = at - 2 > start ? units[at - 3]! : at - 2 === start ? BLANK : 0;
    this.countFrom(first, signature, a, b, c, d, found);
  }

  /** The same for the four units of a gram; shorter ones begin with zeros. */
  countFrom(
    first: number,
    signature: number,
    a: number,
    b: number,
    c: number,
    d: number,
    found: Int32Array,
  ): void {
    const own = this.#units;
    for (let t = first; t >= 0; t = this.#next[t]!) {
      if (this.#signatures[t] !== signature) continue;
      const u = t * GRAM;
      if (own[u] === a && own[u + 1] === b && own[u + 2] === c && own[u + 3] === d) {
        found[t]!++;
        return;
      }
    }
  }
}

/** Places in a table of signatures: with a query of ten words, one term in a hundred meets one of the query's. */
const PLACES = 1 << 13;

/** The first 13 bits of the product with 2^32 over the golden ratio, which scatters what differs little. */
const placeOf = (signature: number): number => Math.imul(signature, 0x9e3779b1) >>> 19;

/** The signature of four characters, from that of those before and the last: the shift drops the oldest. */
const gramSignature = (window: number, unit: number): number => (window << 8) ^ unit;
/** The signature of a word, from that of its beginning and its last character. */
const wordSignature = (word: number, unit: number): number => (Math.imul(word, 31) + unit) | 0;
const pairSignature = (first: number, second: number): number => Math.imul(first, 31) ^ second;
