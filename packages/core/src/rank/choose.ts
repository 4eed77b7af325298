import { product } from "../embeddings.ts";
import type { Params } from "../options.ts";
import type { Pool } from "../pool.ts";
import type { Strategies } from "../profiles.ts";
import { cosineRadius, orderMargin, scoreRadii } from "./certificate.ts";
import { copiesLast, nearCopies } from "./copies.ts";
import { diversify, ranking } from "./diversify.ts";
import { type Evidence, publishedScore, relevanceOf, type Scores, standardizedScore } from "./score.ts";
import type { Words } from "./text.ts";

/** Which nodes make the bundle, best first, and by what. */
export interface Choice {
  readonly chosen: readonly number[];
  readonly scores: Scores;
  readonly evidence: Evidence;
  /** All nodes by falling score, before the near-copies among them were put last. */
  readonly ranked: readonly number[];
  /** The near-copies that were passed over, each with the better document that it is one of. */
  readonly copies: readonly { readonly node: number; readonly of: number }[];
  /**
   * By how much the narrowest gap that decided the bundle exceeds what the scores may be off by: above 0, the exact
   * solution gives the same bundle in the same order. Infinite where nothing was to be decided; null where the choice is
   * not by score alone (diversity, coherence, the published score).
   *
   * @param share what it would be if the vectors' bounds were this share of what they are. Rounding stays.
   */
  readonly margin: ((share: number) => number) | null;
}

/** Settled vectors, as inner products need them; see `State`. */
interface Settled {
  readonly x: Float32Array;
  readonly xg: Float32Array;
  readonly width: number;
  readonly squares: Float64Array;
  /** How far each vector may be from the exact solution's. */
  readonly bounds: Float64Array;
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
  const passes = scored(pool, settled, known, params, strategies);
  const { scores, evidence } = passes.last;
  const ranked = ranking(scores.score, pool.candidate);
  const { vectors, norms } = pool;
  const { stride, data } = vectors;
  const cosine = (a: number, b: number) =>
    cosineOf(product(data, a * stride, data, b * stride, stride), norms[a]! * norms[b]!);
  const { order, passed } =
    copies === "last"
      ? copiesLast(ranked, diversity === 0 ? k : ranked.length, nearCopies(wordsOfNodes(pool), cosine))
      : { order: ranked, passed: [] };
  const distinct = order.slice(0, order.length - passed.length);
  const relevance =
    diversity === 0 || strategies.score === "published"
      ? scores.score
      : relevanceOf(
          scores.score,
          scores.score.map((_, i) => similarity(i)),
        );
  const diverse = diversify(distinct, relevance, k, diversity, cosine, diversityMethod);
  const chosen = [...diverse, ...order.slice(order.length - passed.length)].slice(0, k);
  const byScore = strategies.score !== "published" && params.coherenceWeight === 0 && diversity === 0;
  const places = k + passed.length;
  return {
    chosen,
    scores,
    evidence,
    ranked,
    copies: passed,
    margin: byScore ? (share) => marginOf(passes, ranked, places, pool, settled, params, share) : null,
  };
}

/** What is known, and the score that follows. */
interface Pass {
  readonly evidence: Evidence;
  readonly scores: Scores;
}

/** With feedback, there are two passes: the second knows the best of the first. */
interface Passes {
  readonly first: Pass;
  readonly last: Pass;
  /** The nodes that the feedback listens to; null without feedback. */
  readonly best: readonly number[] | null;
}

function scored(
  { twin }: Pool,
  { x, xg, width, squares }: Settled,
  evidence: Evidence,
  params: Params,
  strategies: Strategies,
): Passes {
  const published = strategies.score === "published";
  const first = { evidence, scores: (published ? publishedScore : standardizedScore)(evidence, params) };
  const { score } = first.scores;
  if (published || params.feedback === 0) return { first, last: first, best: null };
  // All that are tied with the last of the best are among them, and the sum runs in the order of the nodes: the order
  // of arrival decides nothing.
  const least = score.toSorted().at(-params.feedbackDocuments) ?? -Infinity;
  const best = Array.from(score.keys()).filter((i) => score[i]! >= least);
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
  return { first, last: { evidence: all, scores: standardizedScore(all, params) }, best };
}

/** See `Choice.margin`. */
function marginOf(
  { first, last, best }: Passes,
  ranked: readonly number[],
  places: number,
  { twin, scores: given }: Pool,
  { squares, bounds }: Settled,
  params: Params,
  share: number,
): number {
  const cosines = bounds.map((_, i) =>
    cosineRadius(share * bounds[twin[i]!]!, Math.sqrt(squares[twin[i]!]!)),
  );
  // Scores that candidates came with are exact.
  const settled = given === null ? cosines : cosines.map(() => 0);
  const radiusOf = ({ evidence, scores }: Pass, feedback: Float64Array | null) =>
    scoreRadii(evidence, settled, feedback, params, scores);
  const { score } = last.scores;
  // Not the scores, which may agree by rounding alone: what they are made of.
  const { trust, text } = last.evidence;
  const alike = (values: Float64Array | null | undefined, i: number, j: number) =>
    values?.[i] === values?.[j];
  const same = (i: number, j: number) =>
    twin[i] === twin[j] &&
    [trust, text?.grams, text?.phrases, text?.title].every((values) => alike(values, i, j));
  if (best === null) return orderMargin(ranked, places, score, radiusOf(last, null), same);
  const ofBest = best.reduce((sum, i) => sum + cosines[i]!, 0) / best.length;
  const feedback = cosines.map((own) => own + ofBest);
  return Math.min(
    marginOfBest(best, first.scores.score, radiusOf(first, null), same, params.feedbackDocuments),
    orderMargin(ranked, places, score, radiusOf(last, feedback), same),
  );
}

/** By how much the best stand above the rest: their order decides nothing, and neither does that of exact ties. */
function marginOfBest(
  best: readonly number[],
  score: Float64Array,
  radius: Float64Array,
  same: (i: number, j: number) => boolean,
  wanted: number,
): number {
  const among = new Set(best);
  const rest = Array.from(score.keys()).filter((i) => !among.has(i));
  if (rest.length === 0) return Infinity;
  const last = best.reduce((a, b) => (score[b]! < score[a]! ? b : a), best[0]!);
  const tied = best.filter((i) => score[i] === score[last]);
  if (best.length > wanted && tied.some((i) => !same(i, last))) return -Infinity;
  const lowest = best.reduce((low, i) => Math.min(low, score[i]! - radius[i]!), Infinity);
  return lowest - rest.reduce((high, i) => Math.max(high, score[i]! + radius[i]!), -Infinity);
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
