import { now } from "../platform.ts";
import { type Query, similarity } from "../pool/query.ts";
import type { Convergence } from "../solve/cg.ts";
import { type Problem, type Solution, settle, strategiesOf } from "../solve/settle.ts";
import type { Space } from "../solve/space.ts";
import { marginOf } from "./certificate.ts";
import { type Choice, choose } from "./choose.ts";
import { weigh, weighWords } from "./evidence.ts";
import { type Ranking, rank } from "./rank.ts";

/** The choice for a query, and the solution that it was made from. */
export interface Answer {
  readonly ranking: Ranking;
  readonly choice: Choice;
  readonly solution: Solution;
  /** The finest solution that was looked at. */
  readonly finest: Solution;
  /** The margin that the finest solution leaves; null where the choice is not by score alone. See {@link marginOf}. */
  readonly margin: number | null;
}

/** A solve that an answer took, and how long it took. */
export interface Solved {
  readonly convergence: Convergence;
  readonly milliseconds: number;
}

/** The least tolerance that the solver goes on to by itself: float32 has no more to give. */
const FINEST = 1e-6;

/**
 * Ranks a pool for a query, and chooses. As long as the scores may be off by more than a gap that decided something, the
 * solver goes on from where it was. What it finds then certifies the first choice, or replaces it.
 *
 * @returns the answer, and the solves beyond `base` that it took.
 */
export function answer(
  problem: Problem,
  query: Query,
  space: Space,
  base: Solution,
): { readonly answer: Answer; readonly solves: readonly Solved[] } {
  const solves: Solved[] = [];
  const words = weighWords(problem, query);
  const first = answerOf(base);
  let best = first.answer;
  let { answer: last, marginAt } = first;
  while (last.margin !== null && last.margin <= 0) {
    const { options, convergence, state } = last.solution;
    const share = FINEST / options.tolerance;
    // What the finest solution would leave open too, for its rounding, is not worth it.
    if (!convergence.converged || share > 0.9 || marginAt(share) <= 0) break;
    const began = now();
    const maxIterations = options.maxIterations - convergence.iterations;
    const finer = { ...options, tolerance: Math.max(FINEST, options.tolerance / 10), maxIterations };
    const solution = settle(problem, query, space, state.x.slice(), finer);
    solves.push({ convergence: solution.convergence, milliseconds: now() - began });
    ({ answer: last, marginAt } = answerOf(solution));
    const { chosen } = best.choice;
    const agrees = last.choice.chosen.every((node, place) => node === chosen[place]);
    // The figures are those of the solution that was chosen from; the finer one only certifies it.
    best = agrees ? { ...best, finest: last.finest, margin: last.margin } : last;
  }
  return { answer: best, solves };

  function answerOf(solution: Solution): { answer: Answer; marginAt: (share: number) => number } {
    const { params } = problem;
    const strategies = strategiesOf(problem);
    // A chain tells nodes with the same vector apart.
    const { twin } = problem.pool;
    const pool = { ...problem.pool, twin: problem.chain === null ? twin : Int32Array.from(twin.keys()) };
    const evidence = weigh({ ...problem, pool }, query, space, solution, words);
    const ranking = rank(pool, solution.state, evidence, params, strategies);
    const choice = choose(pool, ranking, (node) => similarity(pool, query, node), params, strategies);
    const places = params.k + choice.copies.length;
    /** What the margin would be if the vectors' bounds were this share of what they are. Rounding stays. */
    const marginAt = (share: number): number => {
      const bounds = solution.bounds.map((bound) => share * bound);
      return marginOf(ranking, places, pool, solution.state, bounds, params);
    };
    const byScore =
      strategies.score !== "published" && params.coherenceWeight === 0 && params.diversity === 0;
    return {
      answer: { ranking, choice, solution, finest: solution, margin: byScore ? marginAt(1) : null },
      marginAt,
    };
  }
}
