import {
  expectRecord,
  expectString,
  type LexicalOptions,
  optionNames,
  resolveOptions,
  show,
} from "./options.ts";
import { type Terms, termsOf } from "./terms.ts";

/**
 * Buckets of the idf table. A term's 32 bits are spent once each: the low 15 choose its place in a vector, the next
 * 16 its bucket here, the top one its sign. (A place is `hash % dimensions`, which for a power of two is low bits.)
 */
const BUCKETS = 1 << 16;

/** The count at which a term has half of the weight it can ever get: `count / (count + 4)`, the form BM25 uses. */
const HALF = 4;

const VERSION = 1;

/** What {@link LexicalEmbedder.toJSON} returns: plain JSON, about 64 kB, which compresses well. */
export interface LexicalState {
  /** The version of the format and of the computation: equal versions give equal vectors. */
  readonly version: 1;
  readonly dimensions: number;
  readonly gramShare: number;
  readonly gramLength: number;
  /** The idf of each of 65536 hash buckets, one base-36 digit each: `1` (common) to `w` (32, rare). */
  readonly idf: string;
}

/**
 * Turns texts into vectors by counting words and character n-grams, rare ones more: no model, no key, no network.
 *
 * LEXICAL, NOT SEMANTIC: two texts are similar as far as they share words or parts of words. "car" and "automobile"
 * have nothing in common, and "dog bites man" is "man bites dog". It is meant for demos, tests and offline use; in
 * production use a real embedding model.
 *
 * Deterministic: the same fit and the same text give the same bytes. Only integer operations and the IEEE 754 ones
 * that round exactly (`+ - * /` and `Math.sqrt`) take part, in a fixed order; `Math.log` and its kind, whose last
 * bit engines may choose, do not. It has the two methods of a LangChain embeddings object.
 */
export class LexicalEmbedder {
  /** Length of every vector. */
  readonly dimensions: number;
  readonly #options: Required<LexicalOptions>;
  readonly #idf: Uint8Array;

  private constructor(options: Required<LexicalOptions>, idf: Uint8Array) {
    this.dimensions = options.dimensions;
    this.#options = options;
    this.#idf = idf;
  }

  /**
   * Learns from a corpus which terms are rare, and nothing else: the texts are not kept, and their order does not
   * matter. A term that no text has counts as rare as one that a single text has (unless its hash falls in a bucket of
   * the idf table that more common terms use). With no texts at all, every term weighs the same.
   *
   * @throws {TypeError} if `texts` is not an iterable of strings, or an option is unknown or no number.
   * @throws {RangeError} if an option is outside its range.
   */
  static fit(texts: Iterable<string>, options: LexicalOptions = {}): LexicalEmbedder {
    const resolved = resolveOptions(options);
    // A string is an iterable of strings, too: its characters, which is never what was meant.
    if (typeof texts === "string" || typeof texts?.[Symbol.iterator] !== "function") {
      throw new TypeError(`texts: must be an array or other iterable of strings, not ${show(texts)}`);
    }
    // frequency[b]: how many texts have a term in bucket b; latest[b]: the number of the last text that had one.
    const frequency = new Uint32Array(BUCKETS);
    const latest = new Uint32Array(BUCKETS);
    let count = 0;
    for (const text of texts) {
      const { words, grams } = termsOf(expectString(`texts[${count}]`, text), resolved);
      count++;
      for (const hashes of [words, grams]) {
        for (const hash of hashes) {
          const bucket = bucketOf(hash);
          if (latest[bucket] === count) continue;
          latest[bucket] = count;
          frequency[bucket]!++;
        }
      }
    }
    return new LexicalEmbedder(
      resolved,
      Uint8Array.from(frequency, (f) => idf(count, f)),
    );
  }

  /**
   * The vector of a text, of length 1. A text without a letter, mark or digit gives the zero vector, whose
   * cosine with anything is undefined.
   *
   * @throws {TypeError} if `text` is not a string.
   */
  embed(text: string): Float32Array {
    const terms = termsOf(expectString("text", text), this.#options);
    let row = this.#sum(terms, true);
    let norm = length(row);
    // Two terms alone in a text may meet in one place with opposite signs. Without signs nothing cancels.
    if (norm === 0) {
      row = this.#sum(terms, false);
      norm = length(row) || 1;
    }
    return Float32Array.from(row, (value) => value / norm);
  }

  /** {@link embed} for many texts, as LangChain's embeddings interface has it. */
  async embedDocuments(texts: string[]): Promise<number[][]> {
    if (!Array.isArray(texts)) throw new TypeError(`texts: must be an array of strings, not ${show(texts)}`);
    return texts.map((text, i) => Array.from(this.embed(expectString(`texts[${i}]`, text))));
  }

  /** {@link embed} for a query, as LangChain's embeddings interface has it. */
  async embedQuery(text: string): Promise<number[]> {
    return Array.from(this.embed(text));
  }

  /** All that {@link fromJSON} needs to make an equal embedder; `JSON.stringify` calls it by itself. */
  toJSON(): LexicalState {
    const digits = Array.from(this.#idf, (level) => level.toString(36));
    return { version: VERSION, ...this.#options, idf: digits.join("") };
  }

  /**
   * The embedder that a state was taken from: its vectors are equal bit for bit.
   *
   * @throws {TypeError} if the state is no object, or a part of it is missing, unknown or of the wrong kind.
   * @throws {RangeError} if it is of another version, or a part of it is outside its range.
   */
  static fromJSON(state: unknown): LexicalEmbedder {
    const { version, idf, ...options } = expectRecord("state", state);
    if (version !== VERSION) {
      throw new RangeError(`state.version: must be ${VERSION}, not ${show(version)}; fit the embedder anew`);
    }
    for (const name of optionNames) {
      if (options[name] === undefined) {
        throw new TypeError(`state.${name}: is missing; fit the embedder anew`);
      }
    }
    const digits = expectString("state.idf", idf);
    if (digits.length !== BUCKETS || !/^[1-9a-w]*$/.test(digits)) {
      throw new RangeError(`state.idf: must be ${BUCKETS} digits from 1 to w, not ${show(digits)}`);
    }
    return new LexicalEmbedder(
      resolveOptions(options),
      Uint8Array.from(digits, (digit) => Number.parseInt(digit, 36)),
    );
  }

  /** The weights of all terms, added up by place. */
  #sum({ words, grams }: Terms, signed: boolean): Float64Array {
    const row = new Float64Array(this.dimensions);
    const { gramShare } = this.#options;
    addTerms(row, words, this.#idf, 1 - gramShare, signed);
    addTerms(row, grams, this.#idf, gramShare, signed);
    return row;
  }
}

const bucketOf = (hash: number): number => (hash >>> 15) & (BUCKETS - 1);

/**
 * Inverse document frequency in whole bits: `1 + floor(log2(count / frequency))`, which is the bit length of the
 * quotient and so an integer operation. The logarithm's base does not matter, for vectors are scaled to length 1, and
 * a grid this coarse ranks as well as the exact logarithm. At least 1: a term that every text has still counts.
 */
const idf = (count: number, frequency: number): number =>
  Math.max(1, 32 - Math.clz32(count / Math.max(1, frequency)));

/**
 * Adds each term of `hashes` (ascending) to its place in the row, half of them negative: terms that meet by accident
 * then cancel as often as they add up, and unrelated texts have a cosine near 0 (Weinberger et al. 2009).
 */
function addTerms(
  row: Float64Array,
  hashes: Uint32Array,
  levels: Uint8Array,
  share: number,
  signed: boolean,
): void {
  for (let start = 0, end = 0; start < hashes.length; start = end) {
    const hash = hashes[start]!;
    while (hashes[end] === hash) end++;
    const count = end - start;
    const weight = (share * levels[bucketOf(hash)]! * count) / (count + HALF);
    row[hash % row.length]! += signed && hash >>> 31 ? -weight : weight;
  }
}

/** Euclidean length, summed from the first place to the last. */
function length(row: Float64Array): number {
  let sum = 0;
  for (const value of row) sum += value * value;
  return Math.sqrt(sum);
}
