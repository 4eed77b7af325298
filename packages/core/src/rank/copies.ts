import type { Words } from "../words/bm25.ts";
import { gramsOf } from "../words/cut.ts";

/** Two documents are near-copies only if their vectors are this much alike. */
const COSINE = 0.9;
/** And this share of the grams of either is in both: without text, nothing is held to be a copy. */
const TEXT = 0.6;
/** And this share of the grams of their titles, where both have titles: pages made from one template differ in them. */
const TITLE = 0.8;

/**
 * Tells near-copies: documents with nearly the same vector and nearly the same words. The thresholds were measured on
 * planted copies (docs/ranking.md).
 *
 * @param words the documents' words; null where there are none.
 * @param cosine the cosine of two documents.
 */
export function nearCopies(
  words: readonly Words[] | null,
  cosine: (i: number, j: number) => number,
): (i: number, j: number) => boolean {
  const sets = new Map<string, ReadonlySet<string>>();
  const grams = (text: string): ReadonlySet<string> => {
    const known = sets.get(text) ?? new Set(gramsOf(text));
    sets.set(text, known);
    return known;
  };
  const alike = (a: string, b: string, share: number) =>
    a === "" || b === "" || jaccard(grams(a), grams(b)) >= share;
  return (i, j) => {
    const [a, b] = [words?.[i], words?.[j]];
    if (!a?.text || !b?.text || cosine(i, j) < COSINE) return false;
    return alike(a.title, b.title, TITLE) && alike(a.text, b.text, TEXT);
  };
}

/** The share of the elements of either set that is in both; 1 for two empty sets. */
function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let both = 0;
  for (const element of a) if (b.has(element)) both++;
  const either = a.size + b.size - both;
  return either === 0 ? 1 : both / either;
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
