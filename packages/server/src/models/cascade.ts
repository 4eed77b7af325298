import { isRecord } from "../compute/shape.ts";
import type { Config } from "../config/schema.ts";
import type { Model } from "./models.ts";
import { failed, isComplete, textOf, withScores, wordsOf } from "./texts.ts";

export const CASCADE = "oscillink-cascade";

type Settings = Pick<
  Config["models"],
  "upstreamUrl" | "upstreamModel" | "upstreamKey" | "timeoutMs" | "failure"
>;

/**
 * The scores of another server's rerank route stand in for those of the first search: a cross-encoder, with the lattice, the words
 * and a receipt on top.
 *
 * With `upstreamModel` it is asked as Cohere, Jina, vLLM and Infinity are, by `documents`; without, as text-embeddings-inference is,
 * by `texts`, which serves one model and takes no name. The answer may have either form. Scores that come along are used, and nobody
 * is asked.
 */
export function cascade({
  upstreamUrl: url,
  upstreamModel: model,
  upstreamKey: key,
  timeoutMs,
  failure,
}: Settings): Model {
  const ask = async (query: string, texts: readonly string[], signal: AbortSignal): Promise<number[]> => {
    const body =
      model === ""
        ? { query, texts, raw_scores: false, truncate: true }
        : { model, query, documents: texts, top_n: texts.length };
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(key !== "" && { Authorization: `Bearer ${key}` }) },
      body: JSON.stringify(body),
      signal,
      redirect: "error",
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`status ${response.status}`);
    }
    return scoresOf(await response.json(), texts.length);
  };
  return {
    name: CASCADE,
    description: "Takes the scores of another server's reranker, and weighs the pool as a whole on top.",
    available: url !== "",
    asksOthers: true,
    async complete(request, signal) {
      const { queryText, candidates } = wordsOf(CASCADE, request);
      if (isComplete(request, candidates)) return request;
      if (url === "")
        throw failed("424", `The model ${CASCADE} is not set up: it needs the URL of a reranker.`);
      const texts = candidates.map(textOf);
      const timeout = AbortSignal.timeout(timeoutMs);
      try {
        const scores = await ask(queryText, texts, AbortSignal.any([signal, timeout]));
        return withScores(request, candidates, (i) => scores[i]!);
      } catch (cause) {
        signal.throwIfAborted();
        const why = timeout.aborted ? `did not answer within ${timeoutMs} ms` : "failed";
        throw failed(failure, `The reranker behind ${CASCADE} ${why}.`, cause);
      }
    },
  };
}

/** The score of each document by its index. @throws {Error} for an answer that does not hold one finite score a document. */
function scoresOf(answer: unknown, n: number): number[] {
  const list = isRecord(answer) ? (answer.results ?? answer.data) : answer;
  const scores = new Array<number>(n).fill(Number.NaN);
  for (const one of Array.isArray(list) ? list : []) {
    const { index, score, relevance_score: relevance = score } = isRecord(one) ? one : {};
    if (typeof index === "number" && index in scores && typeof relevance === "number")
      scores[index] = relevance;
  }
  if (scores.every(Number.isFinite)) return scores;
  throw new Error("the answer does not hold one finite score a document");
}
