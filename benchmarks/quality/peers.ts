import { Lattice } from "@oscillink/core";
import type { Entry, Pool } from "./collection.ts";

/** The constant of reciprocal rank fusion (Cormack, Clarke & Büttcher 2009). */
const K = 60;

/** The whole pool, best first; equal scores in the order of the pool. */
function sorted(entries: readonly Entry[], scores: readonly number[]): string[] {
  return entries
    .map(({ id }, i) => ({ id, score: scores[i]! }))
    .sort((a, b) => b.score - a.score)
    .map(({ id }) => id);
}

/** Reciprocal rank fusion of the first stage's list and the keyword list: what a hybrid search does without scores. */
export function rankFusion({ entries, listed, keywords }: Pool): string[] {
  const place = new Map(keywords.list.map((id, rank) => [id, rank]));
  const scores = entries.map(({ id }, i) => {
    const rank = place.get(id);
    return (i < listed ? 1 / (K + 1 + i) : 0) + (rank === undefined ? 0 : 1 / (K + 1 + rank));
  });
  return sorted(entries, scores);
}

/**
 * Half the similarity and half the keyword score, each spread over [0, 1]: what a hybrid search does with scores. In a union, a
 * document that a list lacks takes the lowest score of that list; in a pool of the first stage alone all scores are known.
 */
export function weightedSum({ query, entries, listed, lists, keywords }: Pool): string[] {
  const found = entries
    .slice(0, listed)
    .map(({ embedding, score }) => (embedding === undefined ? score! : dot(embedding, query.vector!)));
  const lowest = Math.min(...found);
  const similarity = entries.map((_, i) => found[i] ?? lowest);

  const list = new Set(keywords.list);
  const least = Math.min(...keywords.list.map((id) => keywords.scores.get(id)!));
  const words = entries.map(({ id }) =>
    lists === "union" && !list.has(id) ? least : keywords.scores.get(id)!,
  );
  // Nothing holds a word of the query: the list is empty, and says nothing.
  const [a, b] = [spread(similarity), spread(list.size === 0 ? entries.map(() => 0) : words)];
  return sorted(
    entries,
    entries.map((_, i) => 0.5 * a[i]! + 0.5 * b[i]!),
  );
}

/** Values moved to [0, 1]; all 0 if they are equal. */
function spread(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return values.map((value) => (high > low ? (value - low) / (high - low) : 0));
}

/**
 * The lattice of vectors as it was published, with a wide graph: documents by the cosine of their settled vectors with the
 * query. Every option is given, so that no profile decides.
 */
export function settledVectors({ query, entries }: Pool): string[] {
  if (entries.length === 0) return [];
  const lattice = new Lattice(
    { embeddings: entries.map(({ embedding }) => embedding!) },
    { neighbors: 30, graph: "union", similarityFloor: 0, rowCap: null, lamG: 1, lamC: 2, lamQ: 0 },
  );
  const { data, d } = lattice.settledVectors();
  const rows = entries.map((_, i) => data.subarray(i * d, (i + 1) * d));
  return sorted(
    entries,
    rows.map((row) => dot(row, query.vector!) / (Math.sqrt(dot(row, row)) || 1)),
  );
}

/** The pool in the order of the cross-encoder's ranks; what it did not judge is left out. */
export function crossEncoder({ query, entries }: Pool): string[] {
  const rank = (id: string) => query.crossEncoder?.get(id) ?? Number.POSITIVE_INFINITY;
  const ids = entries.map(({ id }) => id).filter((id) => rank(id) < Number.POSITIVE_INFINITY);
  return ids.sort((a, b) => rank(a) - rank(b));
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let c = 0; c < a.length; c++) sum += a[c]! * b[c]!;
  return sum;
}
