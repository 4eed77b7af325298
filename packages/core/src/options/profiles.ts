import type { Params, ProfileName } from "./types.ts";

/** The rules in which the profiles differ beyond their numbers. */
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
  /** The score: the settled evidence, or the published sum of a z-score and a cosine of settled vectors. */
  readonly score: "evidence" | "published";
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

const evidence: Profile = {
  params: {
    normalize: true,
    neighbors: 10,
    graph: "mutual",
    similarityFloor: 1e-3,
    rowCap: null,
    lamG: 1,
    lamC: 0.5,
    textWeight: 1,
    gramWeight: 0.4,
    wordWeight: 0.2,
    phraseWeight: 0.2,
    titleWeight: 0.1,
    textTail: 0.2,
    linkWeight: 0.4,
    listWeight: 0.4,
    feedback: 0.3,
    feedbackDocuments: 8,
    feedbackTemperature: 0.7,
    lamQ: 0,
    tolerance: 1e-5,
    maxIterations: 100,
    preconditioner: "jacobi",
    coherenceWeight: 0,
    copies: "last",
    diversity: 0,
    diversityMethod: "mmr",
    relevanceScale: null,
    relevanceCalibration: Object.freeze({ level: 0, slope: 1 }),
    minRelevance: 0,
  },
  strategies: {
    nodes: "rankable",
    order: "content",
    ties: "all",
    isolated: "stay",
    chain: "plain",
    trust: "score",
    score: "evidence",
    baseline: "edges",
    figures: "falls",
  },
};

/** Nothing but the similarity, in its own order. */
const plain = { lamC: 0, textWeight: 0, linkWeight: 0, listWeight: 0, feedback: 0, copies: "keep" } as const;

/**
 * The named profiles.
 *
 * - `evidence`, the default: similarity, words and further lists are put on one scale and added, and the lattice lets
 *   documents that are alike agree on that number. Chosen by measurement: docs/ranking.md.
 * - `cosine`: plain cosine with the query, no lattice and no words. The baseline to compare with; with
 *   `diversity: 0.5` it is LangChain's default maximal marginal relevance.
 * - `reference`: numerically the Python package Oscillink 0.1.13, for comparison with it. Its ranking loses most of the
 *   relevance that plain cosine has.
 */
export const profiles = {
  evidence,
  cosine: { ...evidence, params: { ...evidence.params, ...plain } },
  reference: {
    params: {
      ...evidence.params,
      ...plain,
      normalize: false,
      neighbors: 6,
      similarityFloor: 0,
      rowCap: 1,
      lamC: 0.5,
      lamQ: 4,
      coherenceWeight: 0.5,
      diversity: 0.5,
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
