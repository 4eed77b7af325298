import { Type } from "typebox";
import { bodyOf, type Dialect, formOf, Ignored, judge, oursOf, requestOf, scoredOf, Top } from "./pool.ts";

const Body = bodyOf({
  profile: Ignored,
  query: Type.String(),
  candidates: Type.Array(
    Type.Object({
      id: Type.Optional(Type.Union([Type.String(), Type.Number()])),
      text: Type.String(),
      base_score: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
    }),
  ),
  top_n: Top,
});

/** LibreChat's rag_api: the first search's scores come along as `base_score`, and are used where all have one. */
export const librechat: Dialect = {
  schema: Body,
  read(given) {
    const judged = judge(Body, given);
    const { body } = judged;
    const scored = body.candidates.every(({ base_score: score }) => typeof score === "number");
    // Several chunks of a file may have one id: the index names them here.
    const documents = body.candidates.map(({ text, base_score: score }) => ({
      text,
      ...(scored && { score: score! }),
    }));
    return {
      model: body.model ?? null,
      request: requestOf(body, { at: "/candidates", documents, top: body.top_n }),
      form: formOf("librechat", judged),
    };
  },
  write: (answer, { receipt }) => ({
    model: answer.model,
    results: scoredOf(answer, false).map(({ index, score }) => ({ index, score })),
    oscillink: oursOf(answer, receipt),
  }),
};
