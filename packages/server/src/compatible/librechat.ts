import { Type } from "typebox";
import { createDialect, Ignored, oursOf, scoredOf, Top } from "./pool.ts";

/** LibreChat's rag_api: the first search's scores come along as `base_score`, and are used where all have one. */
export const librechat = createDialect({
  name: "librechat",
  fields: {
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
  },
  pool({ candidates, top_n: top }) {
    const scored = candidates.every(({ base_score: score }) => typeof score === "number");
    // Several chunks of a file may have one id: the index names them here.
    const documents = candidates.map(({ text, base_score: score }) => ({
      text,
      ...(scored && { score: score! }),
    }));
    return { at: "/candidates", documents, top };
  },
  write: (answer, { receipt }) => ({
    model: answer.model,
    results: scoredOf(answer, false).map(({ index, score }) => ({ index, score })),
    oscillink: oursOf(answer, receipt),
  }),
});
