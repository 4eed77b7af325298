import type { Strategies } from "../options/profiles.ts";
import type { Params } from "../options/types.ts";
import { cosineOf, product } from "../pool/matrix.ts";
import type { Pool } from "../pool/pool.ts";
import { publishedScore } from "../python/score.ts";
import type { State } from "../solve/state.ts";
import { ranking } from "./diversify.ts";
import type { Evidence } from "./evidence.ts";
import { fuse, type Scores } from "./fuse.ts";

/** What is known, and the score that follows. */
export interface Pass {
  readonly evidence: Evidence;
  readonly scores: Scores;
}

/** The nodes by falling score. With feedback there are two passes: the second knows the best of the first. */
export interface Ranking {
  readonly first: Pass;
  readonly last: Pass;
  /** The nodes that the feedback listens to; null without feedback. */
  readonly best: readonly number[] | null;
  readonly order: readonly number[];
}

/** Ranks the nodes of a pool by what is known of them. */
export function rank(
  pool: Pool,
  settled: State,
  evidence: Evidence,
  params: Params,
  strategies: Strategies,
): Ranking {
  const { first, last, best } = passes(pool, settled, evidence, params, strategies);
  return { first, last, best, order: ranking(last.scores.score, pool.candidate) };
}

function passes(
  { twin }: Pool,
  { x, xg, width, squares }: State,
  evidence: Evidence,
  params: Params,
  strategies: Strategies,
): Omit<Ranking, "order"> {
  const published = strategies.score === "published";
  const first = { evidence, scores: (published ? publishedScore : fuse)(evidence, params) };
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
  return { first, last: { evidence: all, scores: fuse(all, params) }, best };
}
