import { Type } from "typebox";
import { bodyOf, type Dialect, formOf, Ignored, judge, requestOf, scoredOf, Texts } from "./pool.ts";

const Body = bodyOf({
  query: Type.String(),
  documents: Texts,
  property: Ignored,
});

/**
 * Weaviate's module reranker-transformers: the documents come back in their order, each with its score. It sends 32 at a time, so
 * that a pool of more is ranked in parts.
 */
export const weaviate: Dialect = {
  schema: Body,
  read(given) {
    const judged = judge(Body, given);
    const { body } = judged;
    const { documents } = body;
    const request = requestOf(body, { at: "/documents", documents, top: documents.length });
    return {
      model: body.model ?? null,
      request,
      form: formOf("weaviate", judged),
    };
  },
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
};
