import { Type } from "typebox";
import {
  bodyOf,
  type Dialect,
  Documents,
  formOf,
  Ignored,
  judge,
  oursOf,
  requestOf,
  scoredOf,
  searchUnitsOf,
  Top,
} from "./pool.ts";

const Body = bodyOf({
  query: Type.String(),
  documents: Documents,
  top_n: Top,
  max_tokens_per_doc: Ignored,
  priority: Ignored,
});

/** Cohere's second version: indices and scores, no texts. */
export const cohereV2: Dialect = {
  schema: Body,
  read(given) {
    const judged = judge(Body, given);
    const { body } = judged;
    const { documents, top_n: top } = body;
    return {
      model: body.model ?? null,
      request: requestOf(body, { at: "/documents", documents, top }),
      form: formOf("cohereV2", judged),
    };
  },
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
};
