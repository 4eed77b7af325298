import type { ChainOptions } from "../src/graph/chain.ts";
import type { LatticeInput, Options } from "../src/index.ts";
import { resolveOptions } from "../src/options/options.ts";
import { profiles } from "../src/options/profiles.ts";
import { makePool } from "../src/pool/pool.ts";
import { makeQuery } from "../src/pool/query.ts";
import { weighTexts } from "../src/words/bm25.ts";
import { normalized } from "../src/words/cut.ts";
import { namesOf } from "../src/words/links.ts";
import { type Dense, dot, float32, norm, randomRow, randomRows, solveDense, uniform } from "./support.ts";

/** All that a ranking is made of. */
export interface Case {
  readonly input: LatticeInput;
  readonly options: Options;
  readonly query: number[] | null;
  readonly queryText: string;
  readonly chain: { readonly nodes: number[]; readonly options: Required<ChainOptions> } | null;
}

/** Cosines in float64 that are no further apart than this are equal in exact arithmetic. */
const TIE = 1e-13;

const clamped = (cosine: number): number => Math.max(-1, Math.min(1, cosine));

function z(values: readonly number[], noise: number): number[] {
  const n = values.length;
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n);
  return values.map((v) => (deviation > noise ? (v - mean) / deviation : 0));
}

/** What is lost in a sum of float64, relative to the values. */
const relative = (values: readonly number[]): number => 1e-9 * Math.max(...values.map(Math.abs));

/** The lowest of the others in place of what is not there. */
function filled(values: readonly (number | undefined)[]): number[] {
  const known = values.filter((v) => v !== undefined);
  const lowest = known.length > 0 ? Math.min(...known) : 0;
  return values.map((v) => v ?? lowest);
}

/**
 * The ranking again in float64 throughout, as docs/ranking.md has it: cosines of the very vectors, their own graph, their own
 * best and a dense solve. What is taken from the real one: the vectors as they are computed with, BM25, and who bears and says a name.
 *
 * @returns the score of each candidate; NaN for one that is no node.
 */
export function exactScores({ input, options, query, queryText, chain }: Case): number[] {
  const params = resolveOptions(options);
  const pool = makePool(input, params, profiles[params.profile].strategies);
  const { vector } = makeQuery(pool, params, query, queryText);
  const { data, stride, columns } = pool.vectors;
  // In the order in which they came.
  const nodes = Array.from(pool.candidate, (candidate, node) => ({ candidate, node })).sort(
    (a, b) => a.candidate - b.candidate,
  );
  const rows = nodes.map(({ node }) => Array.from(data.subarray(node * stride, node * stride + columns)));
  const lengths = nodes.map(({ node }) => pool.norms[node]!);
  const asked = Array.from(vector.subarray(0, columns));
  const S = rows.map((a, i) => rows.map((b, j) => clamped(dot(a, b) / (lengths[i]! * lengths[j]!))));

  const similarity = filled(
    nodes.map(({ candidate }, i) => {
      if (input.found?.[candidate] === false) return undefined;
      return input.scores
        ? input.scores[candidate]
        : clamped(dot(rows[i]!, asked) / (lengths[i]! * norm(asked)));
    }),
  );
  const y = z(similarity, Math.max(input.scores ? 0 : 1e-6, relative(similarity)));
  const add = (values: readonly number[], weight: number, noise = 0) =>
    z(values, Math.max(noise, relative(values))).forEach((v, i) => {
      y[i]! += weight * v;
    });
  const words = nodes.map(({ candidate }) => ({
    title: normalized(input.titles?.[candidate] ?? ""),
    text: normalized(input.texts?.[candidate] ?? ""),
  }));
  const said = weighTexts(queryText, words);
  if (said) {
    const grams = [...said.grams];
    const belief = 0.2 + 0.8 * Math.min(1, Math.max(0, (said.share - 0.15) / 0.15));
    const skew = Math.max(0, z(grams, relative(grams)).reduce((sum, v) => sum + v ** 3, 0) / grams.length);
    add(grams, belief * (1 + params.textTail * skew) * params.gramWeight);
    add([...said.words], belief * (1 + params.textTail * skew) * params.wordWeight);
    add([...said.phrases], belief * params.phraseWeight);
    if (said.title) add([...said.title], belief * params.titleWeight);
  }
  for (const { scores } of input.lists ?? []) {
    add(filled(nodes.map(({ candidate }) => scores[candidate])), params.listWeight);
  }
  if (said && nodes.length > 1) add(likeness(y, S, params), params.feedback, 1e-6);

  const known = nodes.map(({ candidate }, i) => ({
    ...words[i]!,
    id: input.ids![candidate]!,
    links: input.links?.[candidate] ?? [],
  }));
  const from = [...y];
  const least = Math.min(...from);
  for (const { bearers, namers } of namesOf(known)) {
    const held = new Set([...bearers, ...namers]).size;
    const part =
      (params.linkWeight * Math.log(nodes.length / held)) / Math.log(nodes.length) / bearers.length;
    const trusted = (i: number) => from[i]! + (pool.nodeTrust[nodes[i]!.node]! - 1) * (from[i]! - least + 1);
    const best = Math.max(...namers.map(trusted));
    for (const j of bearers) y[j] = Math.max(y[j]!, from[j]! + part * (best - from[j]!));
  }

  const A = adjacency(S, params);
  const at = new Map(nodes.map(({ candidate }, i) => [candidate, i]));
  if (input.edges) {
    for (const row of A) row.fill(0);
    for (const { i, j, weight } of input.edges) {
      const [a, b] = [at.get(i), at.get(j)];
      if (a !== undefined && b !== undefined) A[a]![b] = A[b]![a] = weight;
    }
  }
  const lamC = said ? params.lamC : 0.1 * params.lamC;
  const degree = A.map((row) => row.reduce((sum, w) => sum + w, 0));
  const M = A.map((row, i) =>
    row.map((w, j) => {
      if (i === j) return params.lamG + (degree[i]! > 0 ? lamC : 0);
      return w > 0 ? (-lamC * w) / Math.sqrt(degree[i]! * degree[j]!) : 0;
    }),
  );
  chain?.options.weights.forEach((given, link) => {
    const w = chain.options.lamP * given;
    const [a, b] = [at.get(chain.nodes[link]!)!, at.get(chain.nodes[link + 1]!)!];
    M[a]![a]! += w;
    M[b]![b]! += w;
    M[a]![b]! -= w;
    M[b]![a]! -= w;
  });
  const right = y.map((v) => [params.lamG * v]);
  const f = solveDense(M, right).map(([v]) => v!);
  const lowest = Math.min(...f);
  const scores = new Array<number>(pool.n).fill(Number.NaN);
  nodes.forEach(({ candidate, node }, i) => {
    scores[candidate] = f[i]! + (pool.nodeTrust[node]! - 1) * (f[i]! - lowest + 1);
  });
  return scores;
}

/** The mean cosine of each with the best of the others, weighted by what speaks for them. */
function likeness(
  y: readonly number[],
  S: Dense,
  { feedbackDocuments, feedbackTemperature }: Required<Options>,
): number[] {
  const falling = y.toSorted((a, b) => b - a);
  const least = falling[Math.min(feedbackDocuments, y.length) - 1]! - 2e-14;
  const best = [...y.keys()].filter((i) => y[i]! >= least);
  const weights = y.map((v, i) => (best.includes(i) ? Math.exp((v - falling[0]!) / feedbackTemperature) : 0));
  const sum = weights.reduce((a, b) => a + b, 0);
  return S.map((row, i) => {
    const others = best.filter((j) => j !== i);
    const heard = others.reduce((total, j) => total + (weights[j]! / sum) * row[j]!, 0);
    const own = weights[i]! / sum;
    return own < 0.999 ? heard / (1 - own) : Math.max(...row.filter((_, j) => j !== i));
  });
}

/** The weights of the graph of nearest neighbours. */
function adjacency(S: Dense, { neighbors, graph, similarityFloor, rowCap }: Required<Options>): Dense {
  const lists = S.map((row, i) => {
    const others = [...row.keys()].filter((j) => j !== i && row[j]! > Math.max(similarityFloor, 1e-30));
    const kth = others.map((j) => row[j]!).sort((a, b) => b - a)[neighbors - 1] ?? 0;
    return new Set(others.filter((j) => row[j]! >= kth - TIE));
  });
  const joined = (i: number, j: number) => {
    const [one, other] = [lists[i]!.has(j), lists[j]!.has(i)];
    return graph === "mutual" ? one && other : one || other;
  };
  const A = S.map((row, i) => row.map((s, j) => (joined(i, j) ? s : 0)));
  if (rowCap === null) return A;
  const factor = A.map((row) => Math.min(1, rowCap / row.reduce((sum, w) => sum + w, 0)));
  return A.map((row, i) => row.map((w, j) => (w > 0 ? w * Math.sqrt(factor[i]! * factor[j]!) : 0)));
}

/**
 * Pools whose decisions lie close together: twins but for the last bits, cosines at the floor, ties at the k-th neighbour and
 * among the best, trust near 1, titles and ids that others name, lists with ties, chains, and options of every kind.
 */
export function aimed(seed: number): Case {
  const next = uniform(seed);
  const chance = (p: number) => (next() + 1) / 2 < p;
  const pick = <T>(...values: readonly T[]): T => values[Math.floor(((next() + 1) / 2) * values.length)]!;
  const maybe = <T>(p: number, make: () => T) => (chance(p) ? make() : undefined);
  const crowded = chance(0.01);
  const n = crowded ? 150 : pick(2, 3, 4, 6, 8, 13, 16, 25);
  const d = pick(2, 3, 4, 8, 40);
  const column = <T>(make: (i: number) => T) => Array.from({ length: n }, (_, i) => make(i));
  const tiny = () => pick(0, 4e-8, 1e-7, 6e-7, 1e-5, 1e-4);
  const spread = pick(1e-6, 1e-5, 1e-4, 7e-4, 1e-3);
  const near = crowded || chance(0.25);
  const rows = randomRows(n, d, seed + 1);
  for (let i = 1; i < n; i++) {
    const of = rows[near ? 0 : Math.floor(((next() + 1) / 2) * i)]!;
    const kind = near ? "near" : pick("own", "own", "twin", "copy", "floor", "rotated", "swapped");
    if (kind === "near") rows[i] = of.map((v) => v + spread * next());
    if (kind === "twin") rows[i] = of.map((v) => v * (1 + tiny()));
    if (kind === "copy") rows[i] = [...of];
    // At a right angle to another, but for about the floor.
    if (kind === "floor")
      rows[i] = [-of[1]! + (1e-3 + pick(-1, 0, 1) * tiny()) * of[0]!, of[0]!, ...of.slice(2).map(() => 0)];
    if (kind === "rotated") rows[i] = [...of.slice(1), of[0]! + tiny()];
    if (kind === "swapped") rows[i] = [of[1]!, of[0]!, ...of.slice(2)];
  }
  // A zero vector would not be ranked.
  rows.forEach((row, i) => {
    if (norm(row) < 1e-3) rows[i] = randomRow(d, seed + 3 + i);
  });
  const score = () => pick(0, 1, 2, 2, 2 + 1e-12, 7.5, float32(next()));
  const words = ["solar sail", "the sail", "tax", "", "solar solar sail the tax", "the moon base"];
  const vectors = chance(0.75);
  const trust = column(() => pick(1, 1, 1, 1 - 1e-9, 0.5, ...(chance(0.05) ? [0] : [])));
  const edges = column((i) => column((j) => ({ i, j, weight: float32(pick(0.1, 1, 1e6) * (1.5 + next())) })))
    .flat()
    .filter(({ i, j }) => i < j && chance(3 / n));
  const input: LatticeInput = {
    ...(vectors ? { embeddings: rows } : { scores: column(score) }),
    ids: column((i) => (i === 0 ? "moon base" : `doc${i}x`)),
    texts: column(() => pick(...words)),
    trust,
    ...maybe(0.3, () => ({ titles: column(() => pick("", "sail", "solar", "moon base")) })),
    ...maybe(0.3, () => ({ lists: [{ name: "bm25", scores: column(() => pick(undefined, score())) }] })),
    ...maybe(0.1, () => ({ found: column(() => chance(0.7)) })),
    ...maybe(0.2, () => ({ links: column(() => (chance(0.2) ? [`doc${pick(1, 2, 3)}x`] : [])) })),
    ...maybe(0.08, () => ({ edges })),
  };
  const options: Options = {
    k: pick(1, 3, 30, 200),
    copies: "keep",
    ...maybe(0.4, () => ({ neighbors: pick(1, 2, 3, 5) })),
    ...maybe(0.2, () => ({ graph: "union" as const })),
    ...maybe(0.2, () => ({ lamC: pick(0, 0.1, 5, 20) })),
    ...maybe(0.1, () => ({ lamG: pick(0.1, 5) })),
    ...maybe(0.2, () => ({ normalize: false })),
    ...maybe(0.1, () => ({ rowCap: pick(0.5, 1, 2) })),
    ...maybe(0.1, () => ({ similarityFloor: pick(0, 0.5, 1e-6) })),
    ...maybe(0.1, () => ({ linkWeight: pick(0, 0.9, 1) })),
    ...maybe(0.3, () => ({ feedbackDocuments: pick(1, 2, 3) })),
    ...maybe(0.1, () => ({ feedbackTemperature: pick(0.05, 0.2, 5) })),
  };
  const trusted = [...trust.keys()].filter((i) => trust[i]! > 0);
  const chain = {
    nodes: [trusted[0]!, trusted[2]!, trusted[1]!],
    options: { lamP: pick(0.1, 1, 50), weights: [1, float32(0.5 + Math.abs(next()))] },
  };
  return {
    input,
    options,
    query: vectors ? pick(randomRow(d, seed + 2), rows[0]!) : null,
    queryText: pick("solar sail", "solar", "none of these", "the moon base"),
    chain: trusted.length > 3 && chance(0.1) ? chain : null,
  };
}
