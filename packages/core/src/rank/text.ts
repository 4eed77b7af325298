import { naturalLog } from "./math.ts";

/** Length of the character n-grams. Four letters tell words apart and still join their inflections. */
const GRAM = 4;
/** BM25's saturation of repeated terms and its correction for length: the usual values (Robertson & Zaragoza 2009). */
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
 * BM25 of the query over the pool alone, in three channels: no index, no stop list, no stemmer, any language. Document
 * frequencies and the mean length come from the pool:
 *
 *     idf(t) = ln(1 + (N - df + 1/2) / (df + 1/2))
 *     score  = Σ over the query's terms t of  idf(t) tf (k1 + 1) / (tf + k1 (1 - b + b length / mean))
 *
 * A term that the query repeats counts once. Documents without text score 0.
 *
 * Grams are windows of four characters inside what stands between white space, with one blank on each side; a shorter
 * word is one gram. Phrases are neighbouring words, a word being a run of letters, marks and digits. All text is in lower
 * case and in the compatibility form NFKC.
 *
 * @returns null if the query holds no word, or none of the documents has text.
 */
export function textEvidence(query: string, documents: readonly Words[]): TextEvidence | null {
  const asked = normalized(query);
  const terms = new QueryGrams(asked);
  const full = documents.map(({ title, text }) => normalized(title === "" ? text : `${title} ${text}`));
  const grams = bm25(terms.size, full, (text, counts) => terms.count(text, counts));
  if (grams === null) return null;
  const pairs = new QueryPairs(asked);
  const none = () => new Float64Array(documents.length);
  const titles = documents.map(({ title }) => normalized(title));
  return {
    grams,
    phrases: bm25(pairs.size, full, (text, counts) => pairs.count(text, counts)) ?? none(),
    title: bm25(terms.size, titles, (text, counts) => terms.count(text, counts)),
  };
}

/**
 * BM25 over the pool.
 *
 * @param size how many different terms the query has.
 * @param count adds to `counts[t]` how often a text holds term t; returns how many terms the text has in all.
 * @returns null if there is no term, on either side.
 */
function bm25(
  size: number,
  texts: readonly string[],
  count: (text: string, counts: Int32Array) => number,
): Float64Array | null {
  const n = texts.length;
  const counts = new Int32Array(n * size);
  const lengths = texts.map((text, i) => count(text, counts.subarray(i * size, (i + 1) * size)));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (size === 0 || total === 0) return null;
  const scores = new Float64Array(n);
  for (let t = 0; t < size; t++) {
    let df = 0;
    for (let i = 0; i < n; i++) if (counts[i * size + t]! > 0) df++;
    if (df === 0) continue;
    const idf = naturalLog(1 + (n - df + 0.5) / (df + 0.5));
    for (let i = 0; i < n; i++) {
      const tf = counts[i * size + t]!;
      if (tf > 0) scores[i]! += (idf * tf * (K1 + 1)) / (tf + K1 * (1 - B + (B * lengths[i]! * n) / total));
    }
  }
  return scores;
}

/** The words of a text, in order, in lower case. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  const whole = normalized(text);
  eachWord(whole, (start, end) => words.push(whole.slice(start, end)));
  return words;
}

/** The different character 4-grams of a text, each once or more. */
export function gramsOf(text: string): string[] {
  return normalized(text)
    .split(/\s+/)
    .filter((word) => word !== "")
    .flatMap((word) => {
      const padded = ` ${word} `;
      return Array.from({ length: Math.max(1, padded.length - GRAM + 1) }, (_, at) =>
        padded.slice(at, at + GRAM),
      );
    });
}

/** Visits the words of a normalized text: runs of letters, marks, digits and surrogates. */
function eachWord(text: string, visit: (start: number, end: number) => void): void {
  let start = -1;
  for (let at = 0; at <= text.length; at++) {
    const inside = at < text.length && unitIs(LETTER, text.charCodeAt(at));
    if (inside && start < 0) start = at;
    if (!inside && start >= 0) {
      visit(start, at);
      start = -1;
    }
  }
}

/** The query's pairs of neighbouring words, to be counted in documents. */
class QueryPairs {
  /** The query's words, numbered. */
  readonly #word = new Map<string, number>();
  /** `first * words + second`, numbered. */
  readonly #pair = new Map<number, number>();

  /** Lengths of the query's words: a document's word of another length needs no look-up, and no string. */
  readonly #lengths = new Set<number>();

  constructor(query: string) {
    const words = wordsOf(query);
    for (const word of words) {
      if (!this.#word.has(word)) this.#word.set(word, this.#word.size);
      this.#lengths.add(word.length);
    }
    for (let at = 1; at < words.length; at++) {
      const key = this.#key(this.#word.get(words[at - 1]!)!, this.#word.get(words[at]!)!);
      if (!this.#pair.has(key)) this.#pair.set(key, this.#pair.size);
    }
  }

  #key(first: number, second: number): number {
    return first * this.#word.size + second;
  }

  /** The number of different pairs. */
  get size(): number {
    return this.#pair.size;
  }

  /** Adds to `counts[p]` how often a normalized text holds pair p. Returns the number of all its pairs. */
  count(text: string, counts: Int32Array): number {
    if (this.size === 0) return 0;
    let before: number | undefined;
    let words = 0;
    eachWord(text, (start, end) => {
      words++;
      const known = this.#lengths.has(end - start) ? this.#word.get(text.slice(start, end)) : undefined;
      if (known !== undefined && before !== undefined) {
        const pair = this.#pair.get(this.#key(before, known));
        if (pair !== undefined) counts[pair]!++;
      }
      before = known;
    });
    return Math.max(0, words - 1);
  }
}

/**
 * The query's grams, to be counted in documents in one pass and without a string for each gram: characters that the
 * query holds are numbered, and a gram is the number that its characters spell in that base.
 */
class QueryGrams {
  /** The number of each UTF-16 unit; 0 for those that the query does not have. */
  readonly #code = new Uint16Array(0x10000);
  readonly #base: number;
  readonly #index = new Map<number, number>();

  constructor(text: string) {
    // 0 is a character that the query does not have, 1 the blank around words. Four digits stay below 2^53 up to base
    // 9741; characters beyond that many different ones count as ones that the query does not have.
    let numbered = 0;
    for (let at = 0; at < text.length && numbered < 9739; at++) {
      const unit = text.charCodeAt(at);
      if (!unitIs(SPACE, unit) && this.#code[unit] === 0) this.#code[unit] = ++numbered + 1;
    }
    this.#base = numbered + 2;
    this.#eachGram(text, (gram) => {
      if (!this.#index.has(gram)) this.#index.set(gram, this.#index.size);
    });
  }

  /** The number of different grams. */
  get size(): number {
    return this.#index.size;
  }

  /** Adds to `counts[g]` how often a normalized text holds gram g. Returns the number of all its grams. */
  count(text: string, counts: Int32Array): number {
    return this.#eachGram(text, (gram) => {
      const known = this.#index.get(gram);
      if (known !== undefined) counts[known]!++;
    });
  }

  /** Visits the grams made of the query's characters alone; returns the number of all. */
  #eachGram(text: string, visit: (gram: number) => void): number {
    const base = this.#base;
    const codes = this.#code;
    let total = 0;
    // The codes of the last four characters; 0 before a word's leading blank, so that the number of a word too short for
    // a window is that of no window.
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    // Between words `size` is 0; inside one it counts the characters since its leading blank, that included.
    let size = 0;
    // How many of the coming windows still hold a character that the query does not have.
    let foreign = 0;
    for (let at = 0; at <= text.length; at++) {
      const unit = at < text.length ? text.charCodeAt(at) : BLANK;
      const inside = !unitIs(SPACE, unit);
      if (size === 0) {
        if (!inside) continue;
        a = 0;
        b = 0;
        c = 0;
        d = 1;
        size = 1;
        foreign = 0;
      }
      a = b;
      b = c;
      c = d;
      d = inside ? codes[unit]! : 1;
      size++;
      if (d === 0) foreign = GRAM;
      if (size >= GRAM || !inside) {
        total++;
        if (foreign === 0) visit(((a * base + b) * base + c) * base + d);
      }
      if (foreign > 0) foreign--;
      if (!inside) size = 0;
    }
    return total;
  }
}

const BLANK = 32;

/** One form for each text: compatibility characters and case folded as Unicode says. */
const normalized = (text: string): string => text.normalize("NFKC").toLowerCase();

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
