import type { LexicalOptions } from "./options.ts";

/**
 * A word: a run of letters, marks and digits. Which characters those are, and their NFKC and lower-case forms, the
 * engine's Unicode tables say: engines agree on every character that both knew when they were built.
 */
const WORD = /[\p{L}\p{M}\p{N}]+/gu;

// Where a hash starts, so that the word "the" and the n-gram "the" are different terms. The first is FNV's own.
const WORD_SEED = 0x811c9dc5;
const GRAM_SEED = 0x9e3779b9;

/** A text's terms, repeats included, as 32-bit hashes in ascending order; a kind without weight is left empty. */
export interface Terms {
  readonly words: Uint32Array;
  readonly grams: Uint32Array;
}

/**
 * The words of a text and the character n-grams inside each word. N-grams do not reach across words, so that the
 * order of the words decides nothing; one blank on each side tells the start and end of a word from its middle.
 * Sorted, because sums run in this order: equal sets of terms then round alike, whatever order they stood in.
 */
export function termsOf(text: string, { gramShare, gramLength }: Required<LexicalOptions>): Terms {
  const words: number[] = [];
  const grams: number[] = [];
  for (const [word] of text.normalize("NFKC").toLowerCase().matchAll(WORD)) {
    if (gramShare < 1) words.push(hash(word, 0, word.length, WORD_SEED));
    if (gramShare > 0) pushGrams(grams, ` ${word} `, gramLength);
  }
  return { words: Uint32Array.from(words).sort(), grams: Uint32Array.from(grams).sort() };
}

/** Every run of `size` characters, or the whole where it is shorter than that. */
function pushGrams(grams: number[], padded: string, size: number): void {
  const last = Math.max(0, padded.length - size);
  for (let at = 0; at <= last; at++) {
    grams.push(hash(padded, at, Math.min(padded.length, at + size), GRAM_SEED));
  }
}

/**
 * FNV-1a over UTF-16 code units, then the finalizer of MurmurHash3: FNV alone leaves short strings that differ in
 * the last character close together. Integers only, so every engine agrees.
 */
function hash(text: string, from: number, to: number, seed: number): number {
  let h = seed;
  for (let i = from; i < to; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
