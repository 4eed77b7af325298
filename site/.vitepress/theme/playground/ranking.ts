/** What the playground computes: core's own `rerank`, over the corpus of the examples or over texts of one's own. */
import {
  type Candidate,
  explainReceipt,
  type Ranked,
  type Receipt,
  rerank,
  type Vector,
} from "@oscillink/core";
import { LexicalEmbedder } from "@oscillink/lexical";
import type { State } from "./state.ts";

interface Document extends Candidate {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly embedding: Vector;
  readonly trust: number;
}

interface Question {
  readonly id: string;
  readonly text: string;
  readonly vector: Vector;
  /** The ids of the documents that answer it, where that is known. */
  readonly gold: ReadonlySet<string>;
}

export interface Corpus {
  readonly documents: readonly Document[];
  readonly questions: readonly Question[];
}

/** How many candidates the search by cosine hands over. */
export const POOL = 50;
/** How many documents are shown, where the bundle has fewer. */
const SHOWN = 12;
const DIMENSIONS = 384;

/** The corpus of the examples from its files: JSON lines, and rows of float32, little-endian. */
export function corpusOf(
  passages: string,
  questions: string,
  passageRows: ArrayBuffer,
  questionRows: ArrayBuffer,
): Corpus {
  const lines = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  const row = (rows: ArrayBuffer, i: number) => new Float32Array(rows, 4 * i * DIMENSIONS, DIMENSIONS);
  return {
    documents: lines(passages).map(({ _id, title, text, trust = 1 }, i) => ({
      id: _id,
      title,
      text,
      trust,
      embedding: row(passageRows, i),
    })),
    questions: lines(questions).map(({ _id, text, gold }, i) => ({
      id: _id,
      text,
      vector: row(questionRows, i),
      gold: new Set(gold),
    })),
  };
}

/** Texts of one's own: each paragraph a document, with the vectors of an embedder that needs no model. */
export function ownCorpus(texts: string, ask: string): Corpus {
  const paragraphs = texts
    .split(/\n\s*\n/)
    .map((text) => text.trim())
    .filter((text) => text !== "");
  const embedder = LexicalEmbedder.fit(paragraphs);
  return {
    documents: paragraphs.map((text, i) => ({
      id: `paragraph ${i + 1}`,
      title: "",
      text,
      trust: 1,
      embedding: embedder.embed(text),
    })),
    questions: [{ id: "own", text: ask, vector: embedder.embed(ask), gold: new Set() }],
  };
}

interface Row {
  readonly document: Document;
  /** Its place by cosine. */
  readonly before: number;
  /** Its place by score, from 1; null where trust 0 excluded it. */
  readonly rank: number | null;
  readonly inBundle: boolean;
  readonly terms: readonly (readonly [string, number])[];
  readonly trust: number;
}

export interface Answer {
  readonly rows: readonly Row[];
  readonly pool: readonly Document[];
  readonly receipt: Receipt;
  readonly explanation: readonly string[];
}

/** The ranking that a state asks for; null where there is nothing to rank, such as a question without a word. */
export function answerOf({ documents, questions }: Corpus, state: State): Answer | null {
  const question = questions.find(({ id }) => id === state.question) ?? questions[0]!;
  if (documents.length === 0 || Array.from(question.vector).every((value) => value === 0)) return null;
  const found = rerank({ query: question.vector, candidates: documents, profile: "cosine", k: POOL }).bundle;
  const pool = found.map(({ candidate }) => ({
    ...candidate,
    trust: state.trust[candidate.id] ?? candidate.trust,
  }));
  const request = { query: question.vector, queryText: question.text, candidates: pool, ...state.options };
  const { bundle, receipt } = rerank(request);
  const chosen = new Set(bundle.map(({ id }) => id));
  const others = rerank({ ...request, k: pool.length }).bundle.filter(({ id }) => !chosen.has(id));
  const shown = [...bundle, ...others].filter(
    ({ id }, place) => place < Math.max(SHOWN, state.options.k) || id in state.trust,
  );
  const ranked = new Set(shown.map(({ id }) => id));
  const excluded = pool.filter(({ id, trust }) => trust === 0 && !ranked.has(id));
  const placeOf = new Map(pool.map(({ id }, i) => [id, i + 1]));
  const places = new Map([...bundle, ...others].map(({ id }, i) => [id, i + 1]));
  return {
    rows: [
      ...shown.map(({ id, candidate, terms }: Ranked<Document>) => ({
        document: candidate,
        before: placeOf.get(id)!,
        rank: places.get(id)!,
        inBundle: chosen.has(id),
        terms: Object.entries(terms ?? {}),
        trust: candidate.trust,
      })),
      ...excluded.map((document) => ({
        document,
        before: placeOf.get(document.id)!,
        rank: null,
        inBundle: false,
        terms: [],
        trust: 0,
      })),
    ],
    pool,
    receipt,
    explanation: explainReceipt(receipt),
  };
}
