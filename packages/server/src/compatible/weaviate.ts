import { Type } from "typebox";
import { createDialect, Ignored, scoredOf, Texts } from "./pool.ts";

/**
 * Weaviate's module reranker-transformers: the documents come back in their order, each with its score. It sends 32 at a time, so
 * that a pool of more is ranked in parts.
 */
export const weaviate = createDialect({
  name: "weaviate",
  fields: {
    query: Type.String(),
    documents: Texts,
    property: Ignored,
  },
  pool: ({ documents }) => ({ at: "/documents", documents, top: documents.length }),
  write(answer) {
    const scores = new Map(scoredOf(answer, false).map(({ index, score }) => [index, score]));
    return {
      query: answer.request.queryText,
      scores: answer.request.candidates!.map(({ text }, i) => ({
        document: text,
        score: scores.get(i) ?? 0,
      })),
    };
  },
});
