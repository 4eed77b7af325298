import { coherenceDrops } from "../diagnose/edges.ts";
import { measure, measureStart } from "../diagnose/measure.ts";
import { cosineOf } from "../pool/matrix.ts";
import type { Pool } from "../pool/pool.ts";
import type { Query } from "../pool/query.ts";
import { type Problem, queryProducts, type Solution } from "../solve/settle.ts";
import type { Space } from "../solve/space.ts";
import { textEvidence, type Words } from "../words/bm25.ts";

/** The raw evidence of a chosen document. */
export interface Parts {
  /** Cosine of the document's own vector with the query; without vectors, the score that it came with. */
  readonly similarity: number;
  /** Cosine of its settled vector with the query; without vectors, the score that it came with. */
  readonly settled: number;
  /** BM25 of the query over the pool, on grams; null where there was no text, and so for the next two. */
  readonly text: number | null;
  readonly phrases: number | null;
  readonly title: number | null;
  /** Mean cosine with the settled vectors of the best; null where that carries no weight. */
  readonly feedback: number | null;
  /** How much its neighbourhood gained in coherence; null where that carries no weight. */
  readonly coherence: number | null;
  /** The trust that came with it. */
  readonly trust: number;
}

/** The terms that add up to a candidate's score, in standard deviations of the pool. */
export interface Terms {
  readonly settled: number;
  /** Grams, phrases and title together. */
  readonly text: number;
  readonly feedback: number;
  readonly coherence: number;
  readonly trust: number;
}

/** The weights of the parts; see the options of the same names. */
export interface ScoreWeights {
  readonly textWeight: number;
  readonly textTail: number;
  readonly phraseWeight: number;
  readonly titleWeight: number;
  readonly feedback: number;
  readonly coherenceWeight: number;
}

/** A part of the score that is standardized before it is added. */
interface Channel {
  /** Its name among the parts of a document. */
  readonly part: Exclude<keyof Parts, "similarity" | "trust">;
  /** The term of the score that it is added to. */
  readonly term: Term;
  /** Its weight, in standard deviations of the pool. @param skew of the grams' scores, if positive. */
  weight(weights: ScoreWeights, skew: number): number;
  /** A spread of its values that is no larger than this is rounding. */
  noise(values: Float64Array): number;
  /** Whether the solver has no part in it, so that equal values are equal in exact arithmetic too. */
  readonly exact: boolean;
}

/** A term of the score, but for what trust takes. */
export type Term = Exclude<keyof Terms, "trust">;

/** What float32 arithmetic may add to a cosine: a spread below it says nothing about the documents. */
export const ROUNDING = 1e-6;

const none = (): number => 0;
const rounding = (): number => ROUNDING;
/** Drops of the energy that agree in four digits count as equal: the solver reaches no more. */
export const fourDigits = (values: Float64Array): number =>
  1e-4 * values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);

/**
 * The evidence table: every part of the score, once. The score, the bundle, the receipt, the check of a receipt's form,
 * the certificate and the rule for ties read it; a sentence for each term stands in {@link SENTENCES}.
 */
export const CHANNELS: readonly Channel[] = [
  { part: "settled", term: "settled", weight: () => 1, noise: rounding, exact: false },
  {
    part: "text",
    term: "text",
    weight: ({ textWeight, textTail }, skew) => textWeight * (1 + textTail * skew),
    noise: none,
    exact: true,
  },
  {
    part: "phrases",
    term: "text",
    weight: ({ textWeight, phraseWeight }) => textWeight * phraseWeight,
    noise: none,
    exact: true,
  },
  {
    part: "title",
    term: "text",
    weight: ({ textWeight, titleWeight }) => textWeight * titleWeight,
    noise: none,
    exact: true,
  },
  {
    part: "feedback",
    term: "feedback",
    weight: ({ feedback }) => feedback,
    noise: rounding,
    exact: false,
  },
  {
    part: "coherence",
    term: "coherence",
    weight: ({ coherenceWeight }) => coherenceWeight,
    noise: fourDigits,
    exact: false,
  },
];

/** The terms, in the order in which they are added. */
export const TERMS: readonly Term[] = ["settled", "text", "feedback", "coherence"];

/** Why a term is high, for {@link explainReceipt}. */
export const SENTENCES: { readonly [term in Term]: (of: { scores: boolean; lamC: number }) => string } = {
  settled: ({ scores, lamC }) => {
    if (scores) return "the search scored it high";
    return lamC > 0
      ? "it and the documents around it agree with the query"
      : "its vector is near the query's";
  },
  text: () => "its words match the query",
  feedback: () => "it is like the best",
  coherence: () => "the documents around it came to agree",
};

/** What is known of each node before the score: an array a part, null where it carries no weight or says nothing. */
export type Evidence = { readonly [part in Channel["part"]]: Float64Array | null } & {
  readonly settled: Float64Array;
  /** Trust in [0, 1]. */
  readonly trust: Float64Array;
};

/** What the words say of each node. */
export type WordEvidence = Pick<Evidence, "text" | "phrases" | "title">;

/** The nodes' words; null where there are none. */
export function wordsOfNodes({ candidate, texts, titles }: Pool): Words[] | null {
  if ((texts ?? titles) === null) return null;
  return Array.from(candidate, (i) => ({ title: titles?.[i] ?? "", text: texts?.[i] ?? "" }));
}

/** What the words say of each node; nothing where there are none, or they carry no weight. */
export function weighWords({ pool, params }: Problem, { text }: Query): WordEvidence {
  const words = text === null || params.textWeight === 0 ? null : wordsOfNodes(pool);
  const found = words && textEvidence(text!, words);
  return { text: found?.grams ?? null, phrases: found?.phrases ?? null, title: found?.title ?? null };
}

/** What is known of each node but for its likeness to the best, which follows from the rest. */
export function weigh(
  problem: Problem,
  query: Query,
  space: Space,
  { state }: Solution,
  words: WordEvidence,
): Evidence {
  const { pool, params, network } = problem;
  const { candidate, scores, nodeTrust, twin } = pool;
  const queryNorm = Math.sqrt(query.square);
  const settled = scores
    ? Float64Array.from(candidate, (i) => scores[i]!)
    : queryProducts(problem, query, space, state).map((p, i) =>
        cosineOf(p, Math.sqrt(state.squares[i]!) * queryNorm),
      );
  const drops =
    params.coherenceWeight === 0
      ? null
      : coherenceDrops(
          network.graph,
          measureStart(problem, query, space).residuals,
          measure(problem, query, space, state).residuals,
          params.lamC,
        );
  return {
    // Identical nodes settle alike; only the order of summation could tell them apart in the last bit.
    settled: settled.map((_, i) => settled[twin[i]!]!),
    ...words,
    feedback: null,
    coherence: drops?.map((_, i) => drops[twin[i]!]!) ?? null,
    trust: nodeTrust,
  };
}
