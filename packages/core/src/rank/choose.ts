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
   */
  readonly margin: number | null;
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
  const { scores, evidence, radius, margin } = scored(pool, settled, known, params, strategies);
  const ranked = ranking(scores.score, pool.candidate);
  const { vectors, norms, twin } = pool;
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
  const same = (i: number, j: number) => twin[i] === twin[j] && scores.score[i] === scores.score[j];
  return {
    chosen,
    scores,
    evidence,
    ranked,
    copies: passed,
    margin:
      radius === null || diversity > 0
        ? null
        : Math.min(margin, orderMargin(ranked, k + passed.length, scores.score, radius, same)),
  };
}

/** The scores, and how far they may be off: null where that is not known. */
interface Scored {
  readonly scores: Scores;
  readonly evidence: Evidence;
  readonly radius: Float64Array | null;
  /** Of the choice of those that the feedback listens to; see `Choice.margin`. */
  readonly margin: number;
}

/** The scores; with feedback, in two passes, the second of which knows the best of the first. */
function scored(
  { twin, scores: given }: Pool,
  { x, xg, width, squares, bounds }: Settled,
  evidence: Evidence,
  params: Params,
  strategies: Strategies,
): Scored {
  if (strategies.score === "published") {
    return { scores: publishedScore(evidence, params), evidence, radius: null, margin: Infinity };
  }
  const first = standardizedScore(evidence, params);
  const ofCosine = bounds.map((_, i) => cosineRadius(bounds[twin[i]!]!, Math.sqrt(squares[twin[i]!]!)));
  // Scores that candidates came with are exact.
  const ofSettled = given === null ? ofCosine : ofCosine.map(() => 0);
  const radiiOf = (all: Evidence, ofFeedback: Float64Array | null, scores: Scores) =>
    params.coherenceWeight > 0 ? null : scoreRadii(all, ofSettled, ofFeedback, params, scores);
  const radius = radiiOf(evidence, null, first);
  const { feedbackDocuments } = params;
  if (params.feedback === 0) return { scores: first, evidence, radius, margin: Infinity };
  // All that are tied with the last of the best are among them, and the sum runs in the order of the nodes: the order
  // of arrival decides nothing.
  const least = first.score.toSorted().at(-feedbackDocuments) ?? -Infinity;
  const best = Array.from(first.score.keys()).filter((i) => first.score[i]! >= least);
  // The mean cosine with the best is the product with the mean of their unit vectors.
  const mean = new Float32Array(width);
  let ofBest = 0;
  for (const node of best) {
    // Of identical nodes the first stands for all: their coordinates may differ in the last bit.
    const j = twin[node]!;
    const share = squares[j]! > 0 ? 1 / (best.length * Math.sqrt(squares[j]!)) : 0;
    for (let c = 0; c < width; c++) mean[c]! += share * xg[j * width + c]!;
    ofBest += ofCosine[j]! / best.length;
  }
  const feedback = squares.map((square, i) =>
    cosineOf(product(x, i * width, mean, 0, width), Math.sqrt(square)),
  );
  const all = { ...evidence, feedback: feedback.map((_, i) => feedback[twin[i]!]!) };
  const scores = standardizedScore(all, params);
  return {
    scores,
    evidence: all,
    radius: radiiOf(
      all,
      ofCosine.map((own) => own + ofBest),
      scores,
    ),
    margin: radius === null ? Infinity : marginOfBest(best, first.score, radius, twin, feedbackDocuments),
  };
}

/** By how much the best stand above the rest: their order decides nothing, and neither does that of exact ties. */
function marginOfBest(
  best: readonly number[],
  score: Float64Array,
  radius: Float64Array,
  twin: Int32Array,
  wanted: number,
): number {
  const among = new Set(best);
  const rest = Array.from(score.keys()).filter((i) => !among.has(i));
  if (rest.length === 0) return Infinity;
  const last = best.reduce((a, b) => (score[b]! < score[a]! ? b : a), best[0]!);
  const tied = best.filter((i) => score[i] === score[last]);
  if (best.length > wanted && tied.some((i) => twin[i] !== twin[last])) return -Infinity;
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
