import { stem } from "porter2";

/** The usual constants of BM25. */
const K1 = 1.2;
const B = 0.75;

/** English words that tell nothing about what a text is about. */
const STOP_WORDS = new Set(
  (
    "a an and are as at be but by for from had has have he her his how i if in into is it its me my no not of on or our she so " +
    "such that the their them then there these they this to was we were what when where which who whom why will with would you " +
    "your do does did can could been being about after all also any because both each few more most other own same some than " +
    "too very just over under again further once here out off up down between during before above below against"
  ).split(" "),
);

/** Han, Kana and Thai, which put no blanks between words. */
const UNSPACED = /[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]/;

/**
 * The terms of a text: words of letters and digits, in lower case, English stop words out, stemmed by Porter's second rules;
 * pairs of characters where a word holds Han, Kana or Thai.
 */
export function termsOf(text: string): string[] {
  const words =
    text
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.flatMap((word) => {
    if (UNSPACED.test(word)) return pairsOf(word);
    return STOP_WORDS.has(word) ? [] : [stem(word)];
  });
}

/** Each two characters that stand side by side; a single character is itself. */
function pairsOf(word: string): string[] {
  const characters = Array.from(word);
  if (characters.length < 2) return [word];
  return characters.slice(1).map((character, i) => characters[i]! + character);
}

/** A keyword search over a whole collection: BM25, as a search engine next to the vector search has it. */
export class KeywordIndex {
  readonly #postings = new Map<string, { readonly text: number; count: number }[]>();
  readonly #lengths: Float64Array;
  readonly #meanLength: number;

  constructor(texts: readonly string[]) {
    this.#lengths = new Float64Array(texts.length);
    texts.forEach((text, i) => {
      for (const term of termsOf(text)) {
        this.#lengths[i]!++;
        let postings = this.#postings.get(term);
        if (postings === undefined) {
          postings = [];
          this.#postings.set(term, postings);
        }
        const last = postings.at(-1);
        if (last?.text === i) last.count++;
        else postings.push({ text: i, count: 1 });
      }
    });
    this.#meanLength = this.#lengths.reduce((sum, length) => sum + length, 0) / texts.length;
  }

  /** The score of every text for a query, each different term of which counts once; 0 where none is found. */
  scores(query: string): Float64Array {
    const n = this.#lengths.length;
    const scores = new Float64Array(n);
    for (const term of new Set(termsOf(query))) {
      const postings = this.#postings.get(term) ?? [];
      const idf = Math.log(1 + (n - postings.length + 0.5) / (postings.length + 0.5));
      for (const { text, count } of postings) {
        const norm = K1 * (1 - B + (B * this.#lengths[text]!) / this.#meanLength);
        scores[text]! += (idf * count * (K1 + 1)) / (count + norm);
      }
    }
    return scores;
  }
}
