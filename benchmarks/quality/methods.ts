import { type Options, type RerankRequest, rerank } from "@oscillink/core";
import { bestOf, type Collection, dotsWith, entryOf, type Pool } from "./collection.ts";
import { crossEncoder, rankFusion, settledVectors, weightedSum } from "./peers.ts";

/** How many ids a ranking keeps. */
export const DEPTH = 10;

/** A ranking of a pool: the ids of its first documents. */
type Method = (pool: Pool) => readonly string[];
export type Methods = Readonly<Record<string, Method>>;

/** What the command line sets for every ranking by core's default. */
export interface Settings {
  readonly copies: "keep" | "last";
  /** Whether links between documents count, as core's default has them. */
  readonly links: boolean;
}

/** How the pool grows before it is ranked a second time: the neighbours of the best seeds come in. */
export interface Expansion {
  readonly seeds: number;
  readonly neighbours: number;
}

/** The options of `rerank` that the settings stand for. */
export const optionsOf = ({ copies, links }: Settings): Options => ({ copies, ...linkOptions(links) });

// LINKS: the only place that knows how core is told to leave links out. A core without the option refuses it by name.
const linkOptions = (links: boolean): object => (links ? {} : { linkWeight: 0 });

/** What `rerank` is asked for a pool, with the words or by the vectors alone. */
export function requestOf({ query, entries, listed, lists, keywords }: Pool, words: boolean): RerankRequest {
  const candidates = words ? entries : entries.map(({ title: _, text: __, ...first }) => first);
  const asked = {
    ...(query.vector !== null && { query: query.vector }),
    ...(words && { queryText: query.text }),
  };
  if (lists === "cosine" || !words) return { ...asked, candidates };
  const byId = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  const found = keywords.list.map((id) => ({ ...byId.get(id)!, score: keywords.scores.get(id)! }));
  return {
    ...asked,
    lists: [
      { name: "vector", items: candidates.slice(0, listed) },
      { name: "bm25", items: found },
    ],
  };
}

/** A method that is a call of `rerank`. */
function reranked(options: Options, words = true): Method {
  return (pool) => {
    if (pool.entries.length === 0) return [];
    return rerank({ ...options, ...requestOf(pool, words), k: DEPTH }).bundle.map(({ id }) => id);
  };
}

/** Plain cosine with one of core's measures of novelty: its share in the choice is a half. */
const diverse = (diversityMethod: "mmr" | "msd" | "dpp"): Method =>
  reranked({ profile: "cosine", copies: "keep", diversity: 0.5, diversityMethod }, false);

const first =
  (rank: Method): Method =>
  (pool) =>
    rank(pool).slice(0, DEPTH);

/** The first stage's list alone, whatever else the pool holds. */
const ofFirstStage = (pool: Pool): Pool => ({
  ...pool,
  entries: pool.entries.slice(0, pool.listed),
  lists: "cosine",
});

/** The first stage where there are vectors: plain cosine. */
const byCosine = reranked({ profile: "cosine", copies: "keep" }, false);
export const cosine: Method = (pool) => byCosine(ofFirstStage(pool));

/** Core's default, with the words of the candidates. */
export const standard = (settings: Settings): Method => reranked(optionsOf(settings));

/** What is compared on a collection; the first is the baseline. Names are parts of file names. */
export function methodsFor(collection: Collection, settings: Settings, expansion: Expansion | null): Methods {
  const judged = collection.queries.some((query) => query.crossEncoder !== null);
  const fused = { rrf: first(rankFusion), "weighted-sum": first(weightedSum) };
  const byEncoder: Methods = judged ? { "cross-encoder": first(crossEncoder) } : {};
  if (collection.vectors === null) {
    const asFound: Method = (pool) => ofFirstStage(pool).entries.map(({ id }) => id);
    return { "first-stage": first(asFound), ...fused, default: standard(settings), ...byEncoder };
  }
  return {
    cosine,
    mmr: diverse("mmr"),
    msd: diverse("msd"),
    dpp: diverse("dpp"),
    ...fused,
    "settled-vectors": first(settledVectors),
    vectors: reranked(optionsOf(settings), false),
    default: standard(settings),
    ...(expansion && { expanded: expanded(collection, expansion, settings) }),
    ...byEncoder,
  };
}

/**
 * Core's default twice: the documents of the collection that are nearest to the best of the first ranking join the pool, as if
 * the first stage had found them, and it is ranked again.
 */
function expanded(collection: Collection, { seeds, neighbours }: Expansion, settings: Settings): Method {
  const at = new Map(collection.documents.map(({ id }, i) => [id, i]));
  const known = new Map<number, readonly number[]>();
  const near = (i: number): readonly number[] => {
    let found = known.get(i);
    if (found === undefined) {
      const scores = dotsWith(collection, entryOf(collection, i).embedding!);
      scores[i] = -Infinity;
      found = bestOf(scores, neighbours);
      known.set(i, found);
    }
    return found;
  };
  const rank = standard(settings);
  return (pool) => {
    if (pool.entries.length === 0) return [];
    const { bundle } = rerank({ ...optionsOf(settings), ...requestOf(pool, true), k: seeds });
    const there = new Set([...pool.entries.map(({ id }) => id), ...pool.query.excluded]);
    const added = [...new Set(bundle.flatMap(({ id }) => near(at.get(id)!)))]
      .map((i) => entryOf(collection, i))
      .filter(({ id }) => !there.has(id));
    return rank(withFound(pool, added));
  };
}

/** The pool with more documents at the end of the first stage's list. */
export function withFound(pool: Pool, added: readonly Pool["entries"][number][]): Pool {
  const { entries, listed } = pool;
  return {
    ...pool,
    entries: [...entries.slice(0, listed), ...added, ...entries.slice(listed)],
    listed: listed + added.length,
  };
}

/** The grid of `--loo`, around the default: each option alone, then words and lattice together. */
const grid: readonly Options[] = [
  {},
  { lamC: 0 },
  { lamC: 0.25 },
  { lamC: 1 },
  { neighbors: 5 },
  { neighbors: 20 },
  { feedback: 0 },
  { feedback: 0.6 },
  { feedbackDocuments: 4 },
  { feedbackDocuments: 16 },
  { gramWeight: 0.2 },
  { gramWeight: 0.6 },
  { wordWeight: 0 },
  { wordWeight: 0.4 },
  { phraseWeight: 0 },
  { phraseWeight: 0.4 },
  { titleWeight: 0 },
  { titleWeight: 0.3 },
  { listWeight: 0.2 },
  { listWeight: 0.8 },
  { textTail: 0 },
  { textTail: 0.5 },
  { linkWeight: 0 },
  { linkWeight: 0.15 },
  { linkWeight: 0.6 },
  { gramWeight: 0.6, wordWeight: 0.3, phraseWeight: 0.3, lamC: 0.25 },
  { gramWeight: 0.3, wordWeight: 0.1, phraseWeight: 0.1, lamC: 1 },
];

/** The settings of the grid, named by what they override; the first is `default`. */
export const gridMethods = (settings: Settings): Methods =>
  Object.fromEntries(
    grid.map((overrides) => {
      const name = Object.entries(overrides).map((pair) => pair.join(" "));
      return [name.join(", ") || "default", reranked({ ...optionsOf(settings), ...overrides })] as const;
    }),
  );
