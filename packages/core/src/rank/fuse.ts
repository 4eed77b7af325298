import { productRadius } from "../kernels/kernel.ts";
import { product } from "../kernels/scalar.ts";
import { exponential, indices } from "../math.ts";
import type { Params } from "../options/types.ts";
import { cosineOf } from "../pool/matrix.ts";
import type { Problem } from "../solve/problem.ts";
import { type Evidence, ROUNDING, type Weighed, weighed } from "./evidence.ts";
import { type Named, named } from "./named.ts";

/** One number a node. */
export interface Fused {
  /** The sum of all terms of the evidence, before the best were listened to. */
  readonly before: Float64Array;
  /** The likeness to the best; null where that carries no weight. */
  readonly feedback: Weighed | null;
  /** The nodes that were listened to. */
  readonly best: readonly number[];
  /** What the links add; null where no document names another, or that carries no weight. */
  readonly links: Named | null;
  /** `before`, and what feedback and links add: y. */
  readonly y: Float64Array;
}

/** A best that has more than this share of the weight cannot be its own witness. */
export const ALONE = 0.999;

/**
 * Adds the terms of the evidence up, then listens to the best, and then lets documents move up to those that name them (see
 * {@link named}).
 */
export function fuse(problem: Problem, { channels, hasWords }: Evidence): Fused {
  const { params, pool } = problem;
  const before = new Float64Array(pool.candidate.length);
  for (const { term } of channels) addTo(before, term);
  const y = before.slice();
  // With vectors alone there is nothing to be gained by it.
  const listens = params.feedback > 0 && hasWords && y.length > 1;
  const { feedback, best } = listens ? listen(problem, before) : { feedback: null, best: [] };
  if (feedback) addTo(y, feedback.term);
  const names = params.linkWeight > 0 ? problem.names() : [];
  const links = names.length > 0 ? named(y, pool.nodeTrust, names, params.linkWeight) : null;
  if (links) addTo(y, links.term);
  return { before, feedback, best, links, y };
}

function addTo(sum: Float64Array, term: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += term[i]!;
}

/**
 * Listens to the best: `feedback z(cosine to the best)`, each of the best weighted by `exp((y - highest) / temperature)`, the
 * document itself left out.
 */
function listen(problem: Problem, before: Float64Array): { feedback: Weighed; best: number[] } {
  const { params, pool } = problem;
  const n = before.length;
  const best = bestOf(before, params.feedbackDocuments);
  const shares = sharesOf({ before, best }, params);
  const likeness = new Float64Array(n);
  best.forEach((j, b) => {
    const cosines = cosinesOf(problem, j);
    const share = shares[b]!;
    for (let i = 0; i < n; i++) if (i !== j) likeness[i]! += share * cosines[i]!;
  });
  best.forEach((j, b) => {
    const share = shares[b]!;
    if (share < ALONE) likeness[j]! /= 1 - share;
    else {
      // Nobody else is heard: its nearest neighbour speaks for it.
      const cosines = cosinesOf(problem, j);
      likeness[j] = cosines.reduce((top, c, i) => (i === j ? top : Math.max(top, c)), -1);
    }
  });
  const rounding = problem.network.gram === null ? 2 ** -40 : productRadius(pool.vectors);
  const feedback = weighed("feedback", likeness, params.feedback, ROUNDING, rounding);
  return { feedback, best };
}

/** How much of all that is heard comes from each of the best. */
export function sharesOf({ before, best }: Pick<Fused, "before" | "best">, params: Params): number[] {
  const highest = before.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = best.map((j) => exponential((before[j]! - highest) / params.feedbackTemperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** The nodes with the highest values, and all that are tied with the last of them; in the order of the nodes. */
function bestOf(values: Float64Array, count: number): number[] {
  const least = values.toSorted().at(-count) ?? -Infinity;
  return indices(values.length).filter((i) => values[i]! >= least);
}

/** The cosines of a node with all others; 0 with one that has no vector. */
function cosinesOf({ pool, network }: Problem, node: number): Float64Array {
  const { vectors, norms } = pool;
  if (network.gram !== null) {
    const { gram } = network;
    const at = node * gram.stride;
    return norms.map((norm, i) => cosineOf(gram.data[at + i]!, norms[node]! * norm));
  }
  const { stride, data } = vectors;
  return norms.map((norm, i) =>
    cosineOf(product(data, node * stride, data, i * stride, stride), norms[node]! * norm),
  );
}
