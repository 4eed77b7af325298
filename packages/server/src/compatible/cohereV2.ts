import { Type } from "typebox";
import { createDialect, Documents, Ignored, oursOf, scoredOf, searchUnitsOf, Top } from "./pool.ts";

/** Cohere's second version: indices and scores, no texts. */
export const cohereV2 = createDialect({
  name: "cohereV2",
  fields: {
    query: Type.String(),
    documents: Documents,
    top_n: Top,
    max_tokens_per_doc: Ignored,
    priority: Ignored,
  },
  pool: ({ documents, top_n: top }) => ({ at: "/documents", documents, top }),
  write: (answer, { raw, receipt, warnings }) => ({
    id: answer.id,
    results: scoredOf(answer, raw).map(({ index, score }) => ({ index, relevance_score: score })),
    meta: {
      api_version: { version: "2" },
      billed_units: { search_units: searchUnitsOf(answer.request) },
      ...(warnings.length > 0 && { warnings }),
    },
    oscillink: oursOf(answer, receipt),
  }),
});
