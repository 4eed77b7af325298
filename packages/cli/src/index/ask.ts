import { type Options, type Receipt, rerank } from "@oscillink/core";
import { embedQuery } from "@oscillink/core/adapter";
import type { Embedding } from "../embed/embedding.ts";
import { reasonsOf } from "../print/receipt.ts";
import { embeddedText } from "../read/pool.ts";
import type { Hit, Store } from "./store.ts";

/** A passage that answers, and why. */
export interface Answer {
  readonly rank: number;
  readonly file: string;
  readonly firstLine: number;
  readonly lastLine: number;
  readonly title: string;
  readonly text: string;
  /** As the receipt's bundle has it. */
  readonly id: string;
  readonly score: number | null;
  readonly relevance: number | null;
  readonly why: string;
}

export interface Asked {
  readonly answers: readonly Answer[];
  readonly receipt: Receipt;
}

/**
 * Searches an index by vectors and by words, and re-ranks what both found.
 *
 * @param pool how many passages each of the two searches fetches.
 */
export async function ask(
  store: Store,
  question: string,
  embedding: Embedding,
  { pool, options }: { readonly pool: number; readonly options: Options },
): Promise<Asked> {
  const corpus = embedding.fitted ? store.texts("all").map(embeddedText) : [];
  const query = await embedQuery(question, embedding.for(corpus));
  const candidatesOf = (hits: readonly Hit[]) =>
    store.passages(hits.map(({ id }) => id)).map(({ name, title, text, vector, file, first, last }, i) => ({
      id: name,
      text,
      ...(title !== "" && { title }),
      embedding: vector,
      score: hits[i]!.score,
      ...{ file, first, last },
    }));
  const lists = [
    { name: "vectors", items: candidatesOf(store.nearest(query, pool)), similarity: true },
    { name: "words", items: candidatesOf(store.byWords(question, pool)), similarity: false },
  ];
  const context = { embedding: embedding.name };
  const { bundle, receipt } = rerank({ ...options, query, queryText: question, lists, context });
  const reasons = reasonsOf(receipt);
  const answers = bundle.map(({ id, rank, score, relevance, candidate }, i) => ({
    ...{ rank, file: candidate.file, firstLine: candidate.first, lastLine: candidate.last },
    ...{ title: candidate.title ?? "", text: candidate.text, id, score, relevance, why: reasons[i]! },
  }));
  return { answers, receipt };
}
