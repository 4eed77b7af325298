import { Type } from "typebox";
import {
  bodyOf,
  type Dialect,
  Documents,
  Flag,
  formOf,
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
  top_n: Top,
  return_documents: Flag("Whether the texts come back. Default false."),
});

/** Infinity: as Jina, but that the document of a result is its text. */
export const infinity: Dialect = {
  schema: Body,
  read(given) {
    const judged = judge(Body, given);
    const { body } = judged;
    const { documents, top_n: top } = body;
    return {
      model: body.model ?? null,
      request: requestOf(body, { at: "/documents", documents, top }),
      form: formOf("infinity", judged, body.return_documents ?? false),
    };
  },
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
};
