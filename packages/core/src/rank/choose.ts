import { product } from "../embeddings.ts";
import type { Params } from "../options.ts";
import type { Pool } from "../pool.ts";
import type { Strategies } from "../profiles.ts";
import { copiesLast, nearCopies } from "./copies.ts";
import { diversify, ranking } from "./diversify.ts";
import { type Evidence, publishedScore, relevanceOf, type Scores, standardizedScore } from "./score.ts";
import type { Words } from "./text.ts";

/** Which nodes make the bundle, best first, and by what. */
export interface Choice {
  readonly chosen: readonly number[];
  readonly scores: Scores;
  readonly evidence: Evidence;
  /** How many near-copies were passed over. */
  readonly passed: number;
}

/** Settled vectors, as inner products need them; see `State`. */
interface Settled {
  readonly x: Float32Array;
  readonly xg: Float32Array;
  readonly width: number;
  readonly squares: Float64Array;
}

/**
 * Scores the nodes of a pool and chooses the k of the bundle.
 *
 * @param similarity cosine of a node's own vector with the query, or the score that it came with: asked for only where
 *   it is needed.
 */
export function choose(
  pool: Pool,
  settled: Settled,
  known: Evidence,
  similarity: (node: number) => number,
  params: Params,
  strategies: Strategies,
): Choice {
  const { k, copies, diversity, diversityMethod } = params;
  const { scores, evidence } = scored(pool, settled, known, params, strategies);
  const ranked = ranking(scores.score, pool.candidate);
  const { vectors, norms } = pool;
  const { stride, data } = vectors;
  const cosine = (a: number, b: number) =>
    cosineOf(product(data, a * stride, data, b * stride, stride), norms[a]! * norms[b]!);
  const { order, passed } =
    copies === "last"
      ? copiesLast(ranked, diversity === 0 ? k : ranked.length, nearCopies(wordsOfNodes(pool), cosine))
      : { order: ranked, passed: 0 };
  const distinct = order.slice(0, order.length - passed);
  const relevance =
    diversity === 0 || strategies.score === "published"
      ? scores.score
      : relevanceOf(
          scores.score,
          scores.score.map((_, i) => similarity(i)),
        );
  const diverse = diversify(distinct, relevance, k, diversity, cosine, diversityMethod);
  const chosen = [...diverse, ...order.slice(order.length - passed)].slice(0, k);
  return { chosen, scores, evidence, passed };
}

/** The scores; with feedback, in two passes, the second of which knows the best of the first. */
function scored(
  { twin }: Pool,
  { x, xg, width, squares }: Settled,
  evidence: Evidence,
  params: Params,
  strategies: Strategies,
): { scores: Scores; evidence: Evidence } {
  if (strategies.score === "published") return { scores: publishedScore(evidence, params), evidence };
  const first = standardizedScore(evidence, params);
  const { feedbackDocuments } = params;
  if (params.feedback === 0) return { scores: first, evidence };
  // All that are tied with the last of the best are among them, and the sum runs in the order of the nodes: the order
  // of arrival decides nothing.
  const least = first.score.toSorted().at(-feedbackDocuments) ?? -Infinity;
  const best = Array.from(first.score.keys()).filter((i) => first.score[i]! >= least);
  // The mean cosine with the best is the product with the mean of their unit vectors.
  const mean = new Float32Array(width);
  for (const node of best) {
    // Of identical nodes the first stands for all: their coordinates may differ in the last bit.
    const j = twin[node]!;
    const share = squares[j]! > 0 ? 1 / (best.length * Math.sqrt(squares[j]!)) : 0;
    for (let c = 0; c < width; c++) mean[c]! += share * xg[j * width + c]!;
  }
  const feedback = squares.map((square, i) =>
    cosineOf(product(x, i * width, mean, 0, width), Math.sqrt(square)),
  );
  const all = { ...evidence, feedback: feedback.map((_, i) => feedback[twin[i]!]!) };
  return { scores: standardizedScore(all, params), evidence: all };
}

/** The nodes' words; null where there are none. */
export function wordsOfNodes({ candidate, texts, titles }: Pool): Words[] | null {
  if ((texts ?? titles) === null) return null;
  return Array.from(candidate, (i) => ({ title: titles?.[i] ?? "", text: texts?.[i] ?? "" }));
}

/** A cosine from a product and the product of the lengths; 0 where one of them is 0. */
export function cosineOf(product: number, norms: number): number {
  return norms > 0 ? Math.max(-1, Math.min(1, product / norms)) : 0;
}
