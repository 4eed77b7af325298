import { Type } from "typebox";
import {
  bodyOf,
  type Dialect,
  Documents,
  Flag,
  formOf,
  Ignored,
  judge,
  oursOf,
  requestOf,
  scoredOf,
  Top,
  tokensOf,
} from "./pool.ts";

const Body = bodyOf({
  query: Type.String(),
  documents: Documents,
  top_k: Top,
  return_documents: Flag("Whether the texts come back. Default false."),
  truncation: Ignored,
});

/** Voyage: `top_k` in place of `top_n`, `data` in place of `results`. */
export const voyage: Dialect = {
  schema: Body,
  read(given) {
    const judged = judge(Body, given);
    const { body } = judged;
    const { documents, top_k: top } = body;
    return {
      model: body.model ?? null,
      request: requestOf(body, { at: "/documents", documents, top }),
      form: formOf("voyage", judged, body.return_documents ?? false),
    };
  },
  write: (answer, { documents, raw, receipt }) => ({
    object: "list",
    data: scoredOf(answer, raw).map(({ index, score, text }) => ({
      index,
      relevance_score: score,
      ...(documents && { document: text }),
    })),
    model: answer.model,
    usage: { total_tokens: tokensOf(answer.request) },
    oscillink: oursOf(answer, receipt),
  }),
};
