import { productRadius } from "../kernels/kernel.ts";
import { indices, moments } from "../math.ts";
import type { Params } from "../options/types.ts";
import { LEAST_WEIGHT } from "../pool/input.ts";
import { rowProducts } from "../pool/matrix.ts";
import type { Pool } from "../pool/pool.ts";
import type { Problem } from "../solve/problem.ts";
import type { EvidenceSystem } from "../solve/settle.ts";
import { SPAN_LIMIT } from "../solve/space.ts";
import { type Answer, reachedOf } from "./bundle.ts";
import { distrustOf } from "./distrust.ts";
import type { Weighed } from "./evidence.ts";
import { ALONE, sharesOf } from "./fuse.ts";
import type { Ranking } from "./rank.ts";

/** How near the scores are to the exact ones, and whether that could change the bundle. */
export interface Certificate {
  /** The largest `|lamG y - M f|` of a node, recomputed in float64. */
  readonly residual: number;
  /** No score that decided the bundle is further than this from the exact one. */
  readonly bound: number;
  /**
   * By how much the narrowest gap between scores that decided the bundle exceeds what the two may be off by together, in
   * standard deviations of the pool. Null where nothing was to be decided, or where it was not decided by scores alone.
   */
  readonly margin: number | null;
  /**
   * Whether exact arithmetic, on the vectors as they were computed with (float32, of length 1), gives the same bundle in the
   * same order: its own graph, its own best and its own scores.
   */
  readonly orderCertified: boolean;
  /** Why the order is not certified; null where it is. */
  readonly open: Open | null;
}

/** Why an order is not certified. */
export type Open =
  /** Nothing was ranked. */
  | "nothing-ranked"
  /** The choice is not by score alone: novelty has a share in it. */
  | "novelty"
  /** Another graph might come of exact cosines: one lies at the floor, or two at the k-th neighbour. */
  | "graph"
  /** The pool is too large for its graph to be checked. */
  | "size"
  /** Which documents are the best that the feedback listens to is too close to tell. */
  | "best"
  /** Whether a document is a near-copy of a better one is too close to tell. */
  | "copies"
  /** Two scores that decide the bundle are too close to tell apart. */
  | "scores"
  /** Whether a document is relevant enough is too close to tell. */
  | "relevance";

/** Half the distance of float numbers around 1. */
const UNIT32 = 2 ** -24;
const UNIT64 = 2 ** -53;
/** What a cosine in float64 may be off by. */
const EXACT = 1e-12;

/** Certifies the order of a bundle, or says why it cannot. */
export function certify(problem: Problem, { ranking, choice }: Answer): Certificate {
  const { params, pool } = problem;
  const { settled, order, score } = ranking;
  const residual = settled.residuals.reduce((a, b) => Math.max(a, b), 0);
  const radius = scoreRadii(problem, ranking);
  const bound = radius.reduce((a, b) => Math.max(a, b), 0);
  // The first that is not relevant enough is decided too: another in its place might be.
  const places = Math.min(order.length, params.k + choice.copies.length, reachedOf(ranking) + 1);
  const margin = orderMargin(order, places, score, radius, alike(problem, ranking));
  const open = openness();
  return {
    residual,
    bound: Number.isFinite(bound) ? bound : Number.MAX_VALUE,
    margin:
      open === null || open === "scores" || open === "relevance"
        ? Number.isFinite(margin)
          ? margin
          : null
        : null,
    orderCertified: open === null,
    open,
  };

  function openness(): Open | null {
    if (order.length === 0) return "nothing-ranked";
    if (params.diversity > 0) return "novelty";
    if (pool.vectors.rows > SPAN_LIMIT && params.lamC > 0 && pool.edges === null) return "size";
    if (params.lamC > 0 && pool.edges === null && !sameGraph(problem)) return "graph";
    if (!sameBest(problem, ranking)) return "best";
    if (choice.nearest <= EXACT) return "copies";
    if (!(margin > 0)) return "scores";
    return sameRelevant(problem, ranking, places, radius) ? null : "relevance";
  }
}

/** Whether two nodes are equal in all that their scores depend on, so that they tie in any arithmetic. */
function alike(problem: Problem, ranking: Ranking): (i: number, j: number) => boolean {
  const { pool, chain } = problem;
  const { evidence, fused } = ranking;
  const { nodeTrust, twin } = pool;
  const equal = (i: number, j: number) =>
    chain === null &&
    twin[i] === twin[j] &&
    nodeTrust[i] === nodeTrust[j] &&
    evidence.channels.every(({ values }) => values[i] === values[j]);
  if (fused.links === null) return equal;
  // What is said of each by those that may lift it: they move alike if the same is.
  const { names, term } = fused.links;
  const before = fused.y.map((value, i) => value - term[i]!);
  const heard = heardRadii(problem, ranking);
  const said = saidOf(problem, before, heard);
  const mayLift = (i: number, j: number) =>
    !equal(i, j) && said.values[i]! + said.radii[i]! >= before[j]! - heard[j]!;
  const lifting = pool.ids.map((): string[] => []);
  for (const { bearers, namers } of names) {
    for (const j of bearers) {
      if (namers.some((i) => mayLift(i, j))) lifting[j]!.push(`${bearers.length} ${namers}`);
    }
  }
  return (i, j) => equal(i, j) && lifting[i]!.toSorted().join() === lifting[j]!.toSorted().join();
}

/**
 * By how much the narrowest of the gaps that decide the first places of a ranking exceeds what its two scores may be off
 * by together: above 0, the exact scores have the same order there. Infinite where nothing is to be decided, and
 * -Infinity where two scores tie by chance, or may be off by anything.
 *
 * @param order the indices by falling score.
 * @param places how many of the first places are to be decided: their order, and that no other belongs there.
 * @param same whether two indices tie in any arithmetic.
 */
export function orderMargin(
  order: readonly number[],
  places: number,
  score: Float64Array,
  radius: Float64Array,
  same: (i: number, j: number) => boolean,
): number {
  let margin = Infinity;
  order.slice(0, places).forEach((i, place) => {
    for (const j of order.slice(place + 1)) {
      if (same(i, j)) continue;
      const excess = score[i]! - radius[i]! - (score[j]! + radius[j]!);
      margin = Math.min(margin, score[i] === score[j] || Number.isNaN(excess) ? -Infinity : excess);
    }
  });
  return margin;
}

/** How far each score may be from the exact one, as long as graph and best are the same. */
function scoreRadii(problem: Problem, ranking: Ranking): Float64Array {
  const { system, settled } = ranking;
  const { lamG } = system;
  const y = yRadii(problem, ranking);
  const weights = weightRadii(problem, ranking);
  // `M (f - f*)` of each node: what is left of its equation, what rounding hides of that, and what y and M may be off by.
  const off = settled.residuals.map(
    (r, i) => r + rounding(system, settled.f, i) + lamG * y[i]! + weights[i]!,
  );
  const radius = solutionRadii(system, off);
  const largest = radius.reduce((a, b) => Math.max(a, b), 0);
  // trust f + (1 - trust) (lowest - 1), and the lowest is off by no more than the largest radius.
  const { nodeTrust } = problem.pool;
  return radius.map(
    (own, i) =>
      nodeTrust[i]! * own + (1 - nodeTrust[i]!) * largest + 4 * UNIT64 * Math.abs(ranking.score[i]!),
  );
}

/** Whether the same of the first places are as relevant as was asked for, by exact scores too. */
function sameRelevant(
  { params }: Problem,
  { relevance, order }: Ranking,
  places: number,
  radius: Float64Array,
): boolean {
  const { minRelevance, relevanceCalibration } = params;
  if (relevance === null || minRelevance === 0) return true;
  const { lead, rounding, values } = relevance;
  const leads = zRadii(lead, radius);
  const ofLead = 2 * leads.reduce((a, b) => Math.max(a, b), 0);
  // The logistic function rises by a quarter at most, and the least of several is off by no more than each.
  const off = (relevanceCalibration.slope / 4) * (rounding + ofLead) + EXACT;
  return order.slice(0, places).every((node) => Math.abs(values[node]! - minRelevance) > off);
}

/**
 * How far the evidence of each node may be off. Where a document moves part of the way up to the best that names it, it is
 * off by no more than the larger of what it and what those that name it were off by: `y + p max(0, best - y)`, p in [0, 1], and
 * the highest of several such.
 */
function yRadii(problem: Problem, ranking: Ranking): Float64Array {
  const heard = heardRadii(problem, ranking);
  const { links, y } = ranking.fused;
  if (links === null) return heard;
  const radius = heard.slice();
  // The share, a quotient of logarithms, is off by a few units in the last place of 1, the gap by those of its two ends.
  const arithmetic = 64 * UNIT64 * y.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const said = saidOf(problem, y, heard);
  for (const { bearers, namers } of links.names) {
    const most = namers.reduce((r, i) => Math.max(r, said.radii[i]!), 0);
    for (const j of bearers) radius[j] = Math.max(radius[j]!, Math.max(heard[j]!, most) + arithmetic);
  }
  return radius;
}

/** What each node says of those that it names: its evidence after what distrust takes of it; and how far that may be off. */
function saidOf({ pool: { nodeTrust } }: Problem, y: Float64Array, heard: Float64Array) {
  const distrust = distrustOf(y, nodeTrust);
  const largest = heard.reduce((a, b) => Math.max(a, b), 0);
  // What distrust takes depends on the lowest, too.
  const radii = heard.map((r, i) => nodeTrust[i]! * r + (1 - nodeTrust[i]!) * largest);
  return { values: y.map((value, i) => value + distrust[i]!), radii };
}

/** How far the evidence of each node may be off after the best were listened to. */
function heardRadii({ pool, params }: Problem, { evidence, fused }: Ranking): Float64Array {
  const sum = beforeRadii(evidence);
  const { feedback } = fused;
  // Of two documents, or of one vector alone, all have the same likeness.
  if (feedback === null || sum.length === 2 || pool.twin.every((twin) => twin === 0)) return sum;
  // What is heard of the best moves with their own evidence.
  const heard = feedbackRadius(fused, sum, params.feedbackTemperature);
  return zRadii(
    feedback,
    sum.map(() => heard),
  ).map((r, i) => r + sum[i]!);
}

/** How far the evidence of each node may be off before the best are listened to. */
function beforeRadii({ channels }: Ranking["evidence"]): Float64Array {
  const sum = new Float64Array(channels[0]!.values.length);
  for (const channel of channels) {
    zRadii(
      channel,
      sum.map(() => channel.rounding),
    ).forEach((r, i) => {
      sum[i]! += r;
    });
  }
  return sum;
}

/** How far a mean cosine to the best may be off: by the cosines' rounding, and by that of the best's weights. */
function feedbackRadius(fused: Ranking["fused"], y: Float64Array, temperature: number): number {
  // The mean of cosines, which lie in [-1, 1], moves by twice what the weights do.
  const change = 2 * weightChange(fused, y, temperature);
  return change > 0.1 ? Infinity : fused.feedback!.rounding + 1.2 * change;
}

/** The share by which a best's weight `exp((y - highest) / t)` may change, to first order. */
function weightChange({ best, before }: Ranking["fused"], y: Float64Array, temperature: number): number {
  const ofBest = best.reduce((most, j) => Math.max(most, y[j]!), 0);
  const size = best.reduce((most, j) => Math.max(most, Math.abs(before[j]!)), 0);
  return (2 * (ofBest + 2 * UNIT64 * size)) / temperature;
}

/**
 * Radii of weighted z-scores of values that are known to within a radius: for `z = (v - mean) / deviation` the mean is off
 * by `mean(r)` at most and the deviation, a seminorm, by the root mean square of r.
 *
 * @param radius in the channel's unit.
 */
function zRadii(
  { values, term, weight, unit, deviation, least }: Weighed,
  radius: Float64Array,
): Float64Array {
  const n = values.length;
  if (weight === 0) return new Float64Array(n);
  const mean = radius.reduce((sum, r) => sum + r, 0) / n;
  const rms = Math.sqrt(radius.reduce((sum, r) => sum + r * r, 0) / n);
  // No spread that says anything was seen: nor is there one, if what may be hidden beside it is too little.
  if (deviation === 0) {
    const none = moments(values).deviation / unit + rms <= least ? 0 : Infinity;
    return radius.map(() => none);
  }
  if (deviation - rms <= least) return radius.map(() => Infinity);
  const arithmetic = 8 * n * UNIT64;
  return radius.map(
    (r, i) =>
      (weight * (r + mean) + Math.abs(term[i]!) * rms) / (deviation - rms) +
      arithmetic * (Math.abs(term[i]!) + weight),
  );
}

/** What rounding in float64 may hide of a recomputed residual. */
function rounding({ lamG, lamC, laplacian, lamP, path }: EvidenceSystem, f: Float64Array, i: number): number {
  let size = (2 * lamG + lamC) * Math.abs(f[i]!);
  let terms = 4;
  for (let e = laplacian.rowStart[i]!; e < laplacian.rowStart[i + 1]!; e++, terms++) {
    size += lamC * laplacian.weights[e]! * Math.abs(f[laplacian.columns[e]!]!);
  }
  for (let e = path?.rowStart[i] ?? 0; path && e < path.rowStart[i + 1]!; e++, terms++) {
    size += lamP * path.weights[e]! * (Math.abs(f[path.columns[e]!]!) + Math.abs(f[i]!));
  }
  return terms * UNIT64 * size;
}

/** What the float32 weights of the edges may move of each row of `M f`. */
function weightRadii({ pool, params, network }: Problem, { system, settled }: Ranking): Float64Array {
  const { lamC, laplacian, roots, n } = system;
  const { f } = settled;
  const off = new Float64Array(n);
  if (lamC === 0) return off;
  const { rowStart, columns } = laplacian;
  const { weights } = network.graph;
  // Edges that were given are rounded, and no more.
  const each = pool.edges === null ? cosineRadius(pool, params) : 0;
  // A row cap hands on what the sums of both rows are off by.
  const cap = params.rowCap === null || pool.edges !== null ? Infinity : params.rowCap;
  const ofSum = (i: number) => ((rowStart[i + 1]! - rowStart[i]!) * each) / cap;
  const ofWeight = (i: number, e: number) =>
    2 * UNIT32 + each / Math.max(weights[e]!, each) + ofSum(i) + ofSum(columns[e]!);
  const ofRoot = roots.map((root, i) => {
    let sum = 0;
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) sum += weights[e]! * ofWeight(i, e);
    return sum / (2 * root * root);
  });
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
      const j = columns[e]!;
      const share = ofWeight(i, e) + ofRoot[i]! + ofRoot[j]!;
      // To first order; a share above a tenth counts as anything.
      off[i]! += lamC * laplacian.weights[e]! * Math.abs(f[j]!) * (share > 0.1 ? Infinity : 1.2 * share);
    }
  }
  return off;
}

/** How far a cosine of the graph may be off: vectors that came in other lengths are rounded to length 1 for it. */
const cosineRadius = ({ vectors }: Pool, { normalize }: Params): number =>
  productRadius(vectors) + (normalize ? 0 : 4 * UNIT32);

/**
 * How far each node's f may be from the exact one, from what its equation is off by. Two bounds hold, and the smaller one is
 * taken: M's smallest eigenvalue is at least lamG, so no node is further off than `|off| / lamG`; and M is an M-matrix
 * (Berman & Plemmons 1994), so with any `w > 0` and `c = min (M w)_i / w_i > 0` node i is off by `w_i / c max_j off_j / w_j` at
 * most. For `w = √degree` the normalized Laplacian vanishes and c is lamG, without a chain.
 */
function solutionRadii(system: EvidenceSystem, off: Float64Array): Float64Array {
  const { n, lamG, lamP, path, roots } = system;
  const whole = Math.sqrt(off.reduce((sum, r) => sum + r * r, 0)) / lamG;
  let c = lamG;
  for (let i = 0; path && i < n; i++) {
    let image = path.diagonal[i]! * roots[i]!;
    for (let e = path.rowStart[i]!; e < path.rowStart[i + 1]!; e++) {
      image -= path.weights[e]! * roots[path.columns[e]!]!;
    }
    c = Math.min(c, lamG + (lamP * image) / roots[i]!);
  }
  const worst = off.reduce((largest, r, i) => Math.max(largest, r / roots[i]!), 0);
  return roots.map((root) => (c > 0 ? Math.min(whole, (root / c) * worst) : whole));
}

/** Whether the best that were listened to are those of exact evidence too, and heard in the same way. */
function sameBest({ params }: Problem, { fused, evidence }: Ranking): boolean {
  if (fused.feedback === null) return true;
  const { best, before } = fused;
  const radius = beforeRadii(evidence);
  const change = 2 * weightChange(fused, radius, params.feedbackTemperature);
  if (sharesOf(fused, params).some((share) => Math.abs(share - ALONE) <= change + EXACT)) return false;
  const among = new Set(best);
  const rest = indices(before.length).filter((i) => !among.has(i));
  // More than were asked for are exact ties, or no ties at all in exact arithmetic.
  const last = best.reduce((a, b) => (before[b]! < before[a]! ? b : a), best[0]!);
  const tied = best.filter((i) => before[i] === before[last]);
  const equal = (i: number) => evidence.channels.every(({ values }) => values[i] === values[last]);
  if (best.length > params.feedbackDocuments && !tied.every(equal)) return false;
  const lowest = best.reduce((low, i) => Math.min(low, before[i]! - radius[i]!), Infinity);
  return rest.every((i) => before[i]! + radius[i]! < lowest);
}

/**
 * Whether exact cosines make the same graph. Those that lie within rounding of the floor, or of a node's last neighbour, are
 * computed again in float64, and must fall on the same side. The graph of vectors that were not normalized is not that of
 * their Gram matrix, but of vectors rounded once more: there nothing may lie so near.
 */
function sameGraph({ pool, params, network }: Problem): boolean {
  const { vectors, norms } = pool;
  const n = vectors.rows;
  const { gram, last } = network;
  if (gram === null || last === null) return false;
  const floor = Math.max(params.similarityFloor, LEAST_WEIGHT);
  const near = 2 * cosineRadius(pool, params);
  const length = (i: number, j: number) => norms[i]! * norms[j]! || 1;
  // Most pools have no other lengths than 1, and need no division.
  const units = norms.every((norm) => norm === 1 || norm === 0);
  const productOf = rowProducts(vectors);
  const exact = (i: number, j: number) => Math.min(1, productOf(i, j) / length(i, j));
  const row = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const at = i * gram.stride;
    if (units) for (let j = 0; j < n; j++) row[j] = Math.min(1, gram.data[at + j]!);
    else for (let j = 0; j < n; j++) row[j] = Math.min(1, gram.data[at + j]! / length(i, j));
    // A node is no neighbour of its own.
    row[i] = -Infinity;
    const kth = last[i]!;
    const counts = countsOf(row, floor, kth, near);
    if (counts.nearFloor > 0 && !sameSide(i)) return false;
    // A class of ties too large for the list was left out: in exact arithmetic they may be none.
    if (kth === 0 && counts.above >= params.neighbors) return false;
    // The last neighbour itself is near it: where it is alone there is nothing to compare it with.
    if (kth > 0 && counts.nearLast > 1 && !sameNeighbors(i, kth, counts.listed)) return false;
  }
  return true;

  /** Whether those near the floor are exactly on the side of it on which they were seen. */
  function sameSide(i: number): boolean {
    for (let j = 0; j < n; j++) {
      const seen = row[j]!;
      if (!(Math.abs(seen - floor) <= near)) continue;
      const value = exact(i, j);
      const same = params.normalize && Math.abs(value - floor) > EXACT && value > floor === seen > floor;
      if (!same) return false;
    }
    return true;
  }

  /** Whether those near the last neighbour are exactly listed, or not, as they were. */
  function sameNeighbors(i: number, kth: number, listed: number): boolean {
    // In exact arithmetic: the lowest that is listed near the last neighbour, and the highest that is not.
    let lowest = Infinity;
    let highest = -Infinity;
    const close: number[] = [];
    for (let j = 0; j < n; j++) {
      if (!(Math.abs(row[j]! - kth) <= near)) continue;
      const value = exact(i, j);
      close.push(value);
      if (row[j]! < kth) highest = Math.max(highest, value);
      else lowest = Math.min(lowest, value);
    }
    if (!params.normalize && close.length > 1) return false;
    if (highest >= lowest - EXACT) return false;
    // More than were asked for: in exact arithmetic too, those at the end must be ties.
    const ties = close.filter((value) => value === lowest).length;
    return listed <= params.neighbors || listed - ties < params.neighbors;
  }
}

/** How many of a row's cosines are above the floor, at least its last neighbour's, and near either. */
function countsOf(row: Float64Array, floor: number, kth: number, near: number) {
  let [above, listed, nearFloor, nearLast] = [0, 0, 0, 0];
  for (let j = 0; j < row.length; j++) {
    const seen = row[j]!;
    // Added up, not branched on: cosines are on either side of the floor by chance.
    above += Number(seen > floor);
    listed += Number(seen >= kth);
    nearFloor += Number(Math.abs(seen - floor) <= near);
    nearLast += Number(Math.abs(seen - kth) <= near);
  }
  return { above, listed, nearFloor, nearLast };
}
