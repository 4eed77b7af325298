import type { Params, ProfileName } from "./types.ts";

/** The rules in which the profiles differ beyond their numbers. Each is read in one place. */
export interface Strategies {
  /** Which candidates are nodes: those that can be ranked, or all, as published. */
  readonly nodes: "rankable" | "all";
  /** The order of the nodes: by content, so that the order of arrival changes no bit, or as they came. */
  readonly order: "content" | "input";
  /** Candidates tied with the k-th neighbour: all are listed, or those that came first. */
  readonly ties: "all" | "first";
  /** A node without neighbours: stays where it is, or shrinks (`L_ii = 1`). */
  readonly isolated: "stay" | "shrink";
  /** The Laplacian of a chain: plain, which leaves other nodes alone, or normalized. */
  readonly chain: "plain" | "normalized";
  /** What trust does: takes its share of the score, or weakens the query's pull on the node. */
  readonly trust: "score" | "pull";
  /** The score: parts standardized before they are added, or the published sum of a z-score and a cosine. */
  readonly score: "standardized" | "published";
  /** What the z of a null point or a link is over: the graph's edges, or all columns of a row. */
  readonly baseline: "edges" | "columns";
  /** `deltaH_total` and `query_term_sum`: the falls that their names say, or the published gap and term. */
  readonly figures: "falls" | "published";
}

/** A named set of values for every option of the computation, and the rules that go with them. */
export interface Profile {
  readonly params: Readonly<Omit<Params, "profile" | "k" | "missing">>;
  readonly strategies: Strategies;
}

const hybrid: Profile = {
  params: {
    normalize: true,
    neighbors: 50,
    graph: "union",
    similarityFloor: 1e-3,
    rowCap: null,
    lamG: 1,
    lamC: 2,
    lamQ: 0,
    tolerance: 1e-5,
    maxIterations: 100,
    preconditioner: "jacobi",
    textWeight: 0.6,
    textTail: 0.5,
    phraseWeight: 0.5,
    titleWeight: 0.2,
    feedback: 0.2,
    feedbackDocuments: 3,
    coherenceWeight: 0,
    copies: "last",
    diversity: 0,
    diversityMethod: "mmr",
  },
  strategies: {
    nodes: "rankable",
    order: "content",
    ties: "all",
    isolated: "stay",
    chain: "plain",
    trust: "score",
    score: "standardized",
    baseline: "edges",
    figures: "falls",
  },
};

/** No words but grams, no feedback, and copies where their scores put them. */
const plain = { copies: "keep", textTail: 0, phraseWeight: 0, titleWeight: 0, feedback: 0 } as const;

/**
 * The named profiles.
 *
 * - `hybrid`, the default: the documents settle among themselves (no query pull, a wide union graph), and are ranked by
 *   the cosine of their settled vectors with the query, by their words, phrases and titles, and by their likeness to the
 *   best. Chosen by measurement: docs/ranking.md.
 * - `settled`: the settled cosine, and half a standard deviation of BM25 on character 4-grams; 30 neighbours.
 * - `cosine`: plain cosine with the query, no lattice and no words. The baseline to compare with; with
 *   `diversity: 0.5` it is LangChain's default maximal marginal relevance.
 * - `reference`: numerically the Python package Oscillink 0.1.13, for comparison with it. Its ranking loses most of the
 *   relevance that plain cosine has.
 */
export const profiles = {
  hybrid,
  settled: { ...hybrid, params: { ...hybrid.params, ...plain, neighbors: 30, textWeight: 0.5 } },
  cosine: { ...hybrid, params: { ...hybrid.params, ...plain, neighbors: 30, lamC: 0, textWeight: 0 } },
  reference: {
    params: {
      normalize: false,
      neighbors: 6,
      graph: "mutual",
      similarityFloor: 0,
      rowCap: 1,
      lamG: 1,
      lamC: 0.5,
      lamQ: 4,
      tolerance: 1e-5,
      maxIterations: 100,
      preconditioner: "jacobi",
      ...plain,
      textWeight: 0,
      feedbackDocuments: 3,
      coherenceWeight: 0.5,
      diversity: 0.5,
      diversityMethod: "mmr",
    },
    strategies: {
      nodes: "all",
      order: "input",
      ties: "first",
      isolated: "shrink",
      chain: "normalized",
      trust: "pull",
      score: "published",
      baseline: "columns",
      figures: "published",
    },
  },
} as const satisfies Record<ProfileName, Profile>;
