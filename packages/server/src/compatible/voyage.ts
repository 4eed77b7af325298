import { Type } from "typebox";
import { createDialect, Documents, Flag, Ignored, oursOf, scoredOf, Top, tokensOf } from "./pool.ts";

/** Voyage: `top_k` in place of `top_n`, `data` in place of `results`. */
export const voyage = createDialect({
  name: "voyage",
  fields: {
    query: Type.String(),
    documents: Documents,
    top_k: Top,
    return_documents: Flag("Whether the texts come back. Default false."),
    truncation: Ignored,
  },
  pool: ({ documents, top_k: top }) => ({ at: "/documents", documents, top }),
  documents: (body) => body.return_documents ?? false,
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
});
