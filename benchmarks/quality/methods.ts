import { type Options, rerank } from "@oscillink/core";
import type { Pool } from "./collection.ts";

/** How many ids a ranking keeps. */
const DEPTH = 10;

/** A ranking of a pool: the ids of its first documents. */
type Method = (pool: Pool) => readonly string[];
export type Methods = Readonly<Record<string, Method>>;

/**
 * The words that a method sees: none, the title apart from the text, or title and text in one, as the profile `settled`
 * had them.
 */
type Words = "none" | "apart" | "joined";

/** A method that is a call of `rerank`. */
function reranked(options: Options, words: Words): Method {
  return ({ query, entries }) => {
    if (entries.length === 0) return [];
    const candidates = entries.map(({ title, text, ...first }) => {
      if (words === "none") return first;
      return words === "apart" ? { ...first, title, text } : { ...first, text: `${title} ${text}`.trim() };
    });
    const asked = query.vector === null ? {} : { query: query.vector };
    const named = words === "none" ? {} : { queryText: query.text };
    return rerank({ ...options, ...asked, ...named, candidates, k: DEPTH }).bundle.map(({ id }) => id);
  };
}

/** What is compared on collections with vectors; the first is the baseline. Names are parts of file names. */
export const vectorMethods: Methods = {
  cosine: reranked({ profile: "cosine" }, "none"),
  mmr: reranked({ profile: "cosine", diversity: 0.5, diversityMethod: "mmr" }, "none"),
  msd: reranked({ profile: "cosine", diversity: 0.5, diversityMethod: "msd" }, "none"),
  dpp: reranked({ profile: "cosine", diversity: 0.5, diversityMethod: "dpp" }, "none"),
  settled: reranked({ profile: "settled" }, "none"),
  "settled+text": reranked({ profile: "settled" }, "joined"),
  vectors: reranked({ profile: "hybrid" }, "none"),
  default: reranked({}, "apart"),
};

/** What is compared where only the scores of the first stage are known; the first is the baseline. */
export const scoreMethods: Methods = {
  "first-stage": ({ entries }) => entries.slice(0, DEPTH).map(({ id }) => id),
  default: vectorMethods.default!,
  /** The pool in the order of the cross-encoder's ranks. */
  "cross-encoder": ({ query, entries }) => {
    const rank = (id: string) => query.crossEncoder?.get(id) ?? Number.POSITIVE_INFINITY;
    const ids = entries.map(({ id }) => id).filter((id) => rank(id) < Number.POSITIVE_INFINITY);
    return ids.sort((a, b) => rank(a) - rank(b)).slice(0, DEPTH);
  },
};

/** The grid of `--loo`, around the default: each option alone, then all words together. */
const grid: readonly Options[] = [
  {},
  { textWeight: 0.3 },
  { textWeight: 1.2 },
  { textTail: 0 },
  { textTail: 1 },
  { phraseWeight: 0 },
  { phraseWeight: 0.25 },
  { phraseWeight: 1 },
  { titleWeight: 0 },
  { titleWeight: 0.4 },
  { feedback: 0 },
  { feedback: 0.4 },
  { lamC: 1 },
  { lamC: 4 },
  { neighbors: 15 },
  { neighbors: 30 },
  { textWeight: 0.3, phraseWeight: 0.25, titleWeight: 0.1 },
  { textWeight: 1.2, phraseWeight: 1, titleWeight: 0.4 },
];

/** The settings of the grid as methods, named by what they override; the first is `default`. */
export const gridMethods: Methods = Object.fromEntries(
  grid.map((options) => {
    const name = Object.entries(options).map((pair) => pair.join(" "));
    return [name.join(", ") || "default", reranked(options, "apart")];
  }),
);
