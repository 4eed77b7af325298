import { once } from "../once.ts";
import type { Words } from "../words/bm25.ts";
import { BLANK, GRAM, gramsOf, kindAt, NONE, normalized, PAIRED, wordEnd, wordFrom } from "../words/cut.ts";
import { haveCommonRun, overlapOf } from "../words/matching.ts";

/** Near-copies have vectors that are this much alike, or the same words in the same order. */
export const COSINE = 0.9;
/** They have this share of the grams of their titles in common, where both have titles. */
const TITLE = 0.9;
/** They have this share of their words in common, each as often as it stands there. */
const BAG = 0.8;
/** Or one run of words in common makes up this share of the longer text: what differs is before or after it. */
const RUN = 0.7;
/** Of neighbouring chunks, the end of one begins the other: this share of the shorter one, but not all of it. */
const OVERLAP = 0.3;

/**
 * Tells near-copies: two documents are near-copies of one another if all of this holds.
 *
 * - Their vectors have a cosine of at least .9, or their texts are the same words in the same order. Where one of them has no
 *   vector, nothing is asked of vectors.
 * - Each word of the query is in both, in title or text, or in neither. So what was asked for is never passed over for a
 *   document that lacks it.
 * - Their titles, if both have one, are alike: the Jaccard index of their sets of grams is at least .9.
 * - Their texts have at least .8 of their words in common (Jaccard index of the two bags of words), or a run of words of at
 *   least .7 of the longer text.
 * - They are no neighbouring chunks of one text: no end of one, of at least .3 of the shorter one, begins the other.
 *
 * A document whose text has no word is a copy of nothing. The rule is symmetric. Its thresholds were measured
 * (docs/ranking.md). Each text is cut into words at most once, and what a pair costs grows linearly with its texts.
 *
 * @param query the query's words; null if none came.
 * @param documents their words in normal form; null where there are none.
 * @param cosine the cosine of two documents; null where one of them has no vector.
 */
export function nearCopies(
  query: string | null,
  documents: readonly Words[] | null,
  cosine: (i: number, j: number) => number | null,
): (i: number, j: number) => boolean {
  if (documents === null) return () => false;
  const reader = new Reader(normalized(query ?? ""));
  const read = documents.map((document) => once(() => reader.read(document)));
  return (i, j) => {
    const [a, b] = [documents[i]!, documents[j]!];
    if (!hasWord(a.text) || !hasWord(b.text)) return false;
    if (a.text === b.text && a.title === b.title) return true;
    if ((cosine(i, j) ?? 1) < COSINE && !areSameWords(a.text, b.text)) return false;
    const [one, other] = [read[i]!(), read[j]!()];
    return (
      equal(one.asked, other.asked) &&
      haveLikeTitles(one, other) &&
      haveLikeTexts(one, other) &&
      !areNeighbours(one.line(), other.line())
    );
  };
}

/** A document as it is compared with others. */
interface Read {
  /** The terms of the text in order, each as its number. */
  readonly terms: Int32Array;
  /** The same in order of the numbers. */
  readonly bag: () => Int32Array;
  /** Which terms of the query are in title or text. */
  readonly asked: ReadonlySet<number>;
  /** The grams of the title. */
  readonly title: () => ReadonlySet<string>;
  /** The characters of the text, with one blank in place of what is between words. */
  readonly line: () => Uint16Array;
}

/** Numbers the terms of a query and of documents, all normalized; the query's come first. */
class Reader {
  readonly #numbers = new Map<string, number>();
  /** How many different terms the query has. */
  readonly #ofQuery: number;

  constructor(query: string) {
    this.#termsOf(query);
    this.#ofQuery = this.#numbers.size;
  }

  read({ title, text }: Words): Read {
    const terms = this.#termsOf(text);
    const asked = new Set<number>();
    for (const all of [this.#termsOf(title), terms]) {
      for (const term of all) if (term < this.#ofQuery) asked.add(term);
    }
    return {
      terms,
      bag: once(() => terms.slice().sort()),
      asked,
      title: once(() => new Set(gramsOf(title))),
      line: once(() => lineOf(text)),
    };
  }

  #termsOf(text: string): Int32Array {
    const terms: number[] = [];
    for (let start = wordFrom(text, 0); start < text.length; ) {
      const end = wordEnd(text, start);
      const size = termSize(text, start, end);
      for (let at = start; at + size <= end; at++) terms.push(this.#numberOf(text.slice(at, at + size)));
      start = wordFrom(text, end);
    }
    return new Int32Array(terms);
  }

  #numberOf(term: string): number {
    const known = this.#numbers.get(term);
    if (known !== undefined) return known;
    this.#numbers.set(term, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}

/**
 * How many characters of a word make a term: all of them, but in scripts that write words together pairs, or as many as in
 * a gram. There one changed character would make another word of a whole sentence.
 */
function termSize(text: string, start: number, end: number): number {
  if (kindAt(text, start, NONE) === PAIRED) return Math.min(2, end - start);
  return writesTogether(text.charCodeAt(start)) ? Math.min(GRAM, end - start) : end - start;
}

/** Whether a character is Thai, Lao, Burmese or Khmer. */
const writesTogether = (unit: number): boolean =>
  (unit >= 0x0e00 && unit < 0x0f00) || (unit >= 0x1000 && unit < 0x10a0) || (unit >= 0x1780 && unit < 0x1800);

const hasWord = (text: string): boolean => wordFrom(text, 0) < text.length;

/** Whether two normalized texts are the same words in the same order. */
function areSameWords(a: string, b: string): boolean {
  let i = wordFrom(a, 0);
  let j = wordFrom(b, 0);
  while (i < a.length && j < b.length) {
    const [endOfA, endOfB] = [wordEnd(a, i), wordEnd(b, j)];
    if (a.slice(i, endOfA) !== b.slice(j, endOfB)) return false;
    i = wordFrom(a, endOfA);
    j = wordFrom(b, endOfB);
  }
  return i >= a.length && j >= b.length;
}

/** Whether the titles are alike, or one of the documents has none. */
function haveLikeTitles(a: Read, b: Read): boolean {
  const [one, other] = [a.title(), b.title()];
  if (one.size === 0 || other.size === 0) return true;
  let both = 0;
  for (const gram of one) if (other.has(gram)) both++;
  return jaccard(both, one.size, other.size) >= TITLE;
}

function haveLikeTexts(a: Read, b: Read): boolean {
  const [one, other] = [a.terms.length, b.terms.length];
  const run = RUN * Math.max(one, other);
  if (Math.min(one, other) < run) return false;
  const both = inBoth(a.bag(), b.bag());
  return jaccard(both, one, other) >= BAG || (both >= run && haveCommonRun(a.terms, b.terms, run));
}

/** How many elements two sorted lists have in common, each as often as both have it. */
function inBoth(a: Int32Array, b: Int32Array): number {
  let both = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const difference = a[i]! - b[j]!;
    if (difference === 0) both++;
    if (difference <= 0) i++;
    if (difference >= 0) j++;
  }
  return both;
}

const jaccard = (both: number, a: number, b: number): number => both / (a + b - both);

function areNeighbours(a: Uint16Array, b: Uint16Array): boolean {
  const shorter = Math.min(a.length, b.length);
  const overlap = (length: number) => length >= OVERLAP * shorter && length < shorter;
  return overlap(overlapOf(a, b)) || overlap(overlapOf(b, a));
}

function lineOf(text: string): Uint16Array {
  // Words of two scripts may stand side by side, so there may be a blank for each character.
  const line = new Uint16Array(2 * text.length);
  let length = 0;
  for (let start = wordFrom(text, 0); start < text.length; ) {
    const end = wordEnd(text, start);
    if (length > 0) line[length++] = BLANK;
    for (let at = start; at < end; at++) line[length++] = text.charCodeAt(at);
    start = wordFrom(text, end);
  }
  return line.slice(0, length);
}

function equal(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  if (a.size !== b.size) return false;
  for (const element of a) if (!b.has(element)) return false;
  return true;
}

/**
 * A ranking with the near-copies of better documents put last, both parts in their order.
 *
 * @param wanted how many documents without copies are enough: those after them stay unjudged.
 * @returns passed: the copies that were put last, each with the first of the better documents that it is a copy of.
 */
export function copiesLast(
  order: readonly number[],
  wanted: number,
  copies: (i: number, j: number) => boolean,
): { order: number[]; passed: { node: number; of: number }[] } {
  const kept: number[] = [];
  const passed: { node: number; of: number }[] = [];
  let at = 0;
  for (; at < order.length && kept.length < wanted; at++) {
    const node = order[at]!;
    const of = kept.find((j) => copies(node, j));
    if (of === undefined) kept.push(node);
    else passed.push({ node, of });
  }
  return { order: [...kept, ...order.slice(at), ...passed.map(({ node }) => node)], passed };
}
