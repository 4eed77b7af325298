import { LexicalEmbedder } from "@oscillink/lexical";
import type { LocalModel } from "./local.ts";
import { isComplete, textOf, withScores, wordsOf } from "./texts.ts";

/** The places of a vector: pools are small, so that few terms meet in one. */
const DIMENSIONS = 1024;

/**
 * Vectors that count words and their parts, fitted on the pool: no model, no network, and no idea of meaning. It is the weakest that
 * is served: over pools of a search by meaning it loses to the order in which they came, and to oscillink-order without an order too.
 */
export const lexical: LocalModel = {
  name: "oscillink-lexical",
  description: "Makes vectors of the words of the pool: no model, and no idea of what words mean.",
  available: true,
  asksOthers: false,
  complete(request) {
    const { queryText, candidates } = wordsOf("oscillink-lexical", request);
    if (isComplete(request, candidates)) return request;
    const texts = candidates.map(textOf);
    const embedder = LexicalEmbedder.fit(texts, { dimensions: DIMENSIONS });
    const query = embedder.embed(queryText);
    // A question without a letter or a digit has no direction: nothing tells the documents apart.
    if (query.every((value) => value === 0) || texts.every((text) => text === "")) {
      return withScores(request, candidates, () => 0);
    }
    return {
      missing: "append",
      ...request,
      query,
      candidates: candidates.map((one, i) => ({ ...one, embedding: embedder.embed(texts[i]!) })),
    };
  },
};
