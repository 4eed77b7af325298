import { coherenceDrops } from "../diagnose/edges.ts";
import { measure, measureStart } from "../diagnose/measure.ts";
import { zScores } from "../math.ts";
import { cosineOf } from "../pool/matrix.ts";
import { ownSimilarities, type Query } from "../pool/query.ts";
import { placed, type RankedEntry } from "../rank/bundle.ts";
import { type Choice, choose } from "../rank/choose.ts";
import { ranking } from "../rank/diversify.ts";
import { similarities } from "../rank/evidence.ts";
import type { Space } from "../solve/space.ts";
import { queryProducts, type Solution, type VectorProblem } from "../solve/vectors.ts";

/** What the published ranking finds and chooses. */
export interface PublishedAnswer {
  readonly solution: Solution;
  /** Cosine of each node's settled vector with the query; without vectors, the score that it came with, or the lowest. */
  readonly settled: Float64Array;
  /** How much each node's neighbourhood gained in coherence; null where that carries no weight. */
  readonly coherence: Float64Array | null;
  /** The two terms of the score. */
  readonly terms: { readonly settled: Float64Array; readonly coherence: Float64Array };
  readonly score: Float64Array;
  readonly order: readonly number[];
  readonly choice: Choice;
}

/** The published `alpha z(coherence drop) + (1 - alpha) cos(U*_i, psi)`: two parts on different scales. */
export function publishedAnswer(
  problem: VectorProblem,
  query: Query,
  space: Space,
  solution: Solution,
): PublishedAnswer {
  const { state } = solution;
  const { pool, params, network } = problem;
  const { coherenceWeight: alpha, lamC } = params;
  const queryNorm = Math.sqrt(query.square);
  const settled = pool.scores
    ? similarities(pool, query)
    : queryProducts(problem, query, space, state).map((p, i) =>
        cosineOf(p, Math.sqrt(state.squares[i]!) * queryNorm),
      );
  const coherence =
    alpha === 0
      ? null
      : coherenceDrops(
          network.graph,
          measureStart(problem, query, space).residuals,
          measure(problem, query, space, state).residuals,
          lamC,
        );
  // Drops that agree in four digits count as equal: the solver reaches no more.
  const noise = 1e-4 * (coherence ?? settled).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const terms = {
    settled: settled.map((cosine) => (1 - alpha) * cosine),
    coherence: coherence ? zScores(coherence, noise).map((z) => alpha * z) : settled.map(() => 0),
  };
  const score = terms.settled.map((s, i) => s + terms.coherence[i]!);
  const order = ranking(score, pool.candidate);
  const choice = choose(problem, query.text, order, () => score);
  return { solution, settled, coherence, terms, score, order, choice };
}

/** The bundle of the published ranking: every candidate is ranked there, even one without a vector. */
export function publishedBundle(
  { pool }: VectorProblem,
  query: Query,
  { settled, coherence, terms, score, choice }: PublishedAnswer,
): RankedEntry[] {
  const own = ownSimilarities(pool, query);
  return choice.chosen.map((node, at) => ({
    ...placed(pool, pool.candidate[node]!, at),
    score: score[node]!,
    relevance: null,
    ownRank: null,
    parts: {
      similarity: pool.scores ? settled[node]! : own[node]!,
      settled: settled[node]!,
      ...(coherence && { coherence: coherence[node]! }),
      trust: pool.nodeTrust[node]!,
    },
    terms: { settled: terms.settled[node]!, coherence: terms.coherence[node]! },
    namedBy: null,
    neighbours: null,
  }));
}
