import { Type } from "typebox";
import { createDialect, Documents, Flag, oursOf, scoredOf, Top, tokensOf } from "./pool.ts";

/** Infinity: as Jina, but that the document of a result is its text. */
export const infinity = createDialect({
  name: "infinity",
  fields: {
    query: Type.String(),
    documents: Documents,
    top_n: Top,
    return_documents: Flag("Whether the texts come back. Default false."),
  },
  pool: ({ documents, top_n: top }) => ({ at: "/documents", documents, top }),
  documents: (body) => body.return_documents ?? false,
  write(answer, { documents, raw, receipt }) {
    const tokens = tokensOf(answer.request);
    return {
      object: "rerank",
      id: answer.id,
      created: Math.floor(answer.at / 1000),
      model: answer.model,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
      results: scoredOf(answer, raw).map(({ index, score, text }) => ({
        index,
        relevance_score: score,
        ...(documents && { document: text }),
      })),
      oscillink: oursOf(answer, receipt),
    };
  },
});
