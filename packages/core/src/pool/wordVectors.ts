import { type Matrix, matrix } from "../kernels/matrix.ts";
import { naturalLog } from "../math.ts";
import { wordsOf } from "../words/cut.ts";

/** More words than these are left out of products, the rarest first. */
const VOCABULARY = 4096;
/** The same in pools of more than {@link LARGE} documents, whose products would take longer than those of vectors. */
const VOCABULARY_OF_LARGE = 1024;
const LARGE = 512;

/** See {@link wordVectors}. */
export interface WordVectors extends Matrix {
  /** The share of each row's length that its own words have, which are in no column. */
  readonly own: Float64Array;
}

/**
 * Vectors made of the documents' own words, for pools that come without: what they share is their saturated TF-IDF
 * cosine, idf over the pool. A word that one document alone has adds to no product, only to that document's length: it has no
 * column, so that the rows alone are shorter than 1.
 */
export function wordVectors(texts: readonly string[]): WordVectors {
  const counts = texts.map((text) => {
    const count = new Map<string, number>();
    for (const word of wordsOf(text)) count.set(word, (count.get(word) ?? 0) + 1);
    return count;
  });
  const n = texts.length;
  const df = new Map<string, number>();
  for (const count of counts) for (const word of count.keys()) df.set(word, (df.get(word) ?? 0) + 1);
  // In an order that does not depend on the documents': by falling frequency, then by the word.
  const shared = [...df.keys()]
    .filter((word) => df.get(word)! > 1)
    .sort((a, b) => df.get(b)! - df.get(a)! || (a < b ? -1 : 1))
    .slice(0, n > LARGE ? VOCABULARY_OF_LARGE : VOCABULARY);
  const column = new Map(shared.map((word, c) => [word, c]));

  const vectors = matrix(n, Math.max(1, shared.length));
  const ownShare = new Float64Array(n);
  counts.forEach((count, i) => {
    const row = new Float64Array(shared.length);
    let own = 0;
    for (const [word, tf] of [...count].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const weight = (tf / (tf + 1.2)) * naturalLog(1 + n / df.get(word)!);
      const c = column.get(word);
      if (c === undefined) own += weight * weight;
      else row[c] = weight;
    }
    const square = row.reduce((sum, weight) => sum + weight * weight, own);
    const length = Math.sqrt(square) || 1;
    const start = i * vectors.stride;
    row.forEach((weight, c) => {
      vectors.data[start + c] = weight / length;
    });
    // A document without words is like no other.
    ownShare[i] = square > 0 ? Math.sqrt(own) / length : 1;
  });
  return { ...vectors, own: ownShare };
}
