import { Type } from "typebox";
import {
  createDialect,
  Documents,
  Flag,
  Ignored,
  oursOf,
  scoredOf,
  searchUnitsOf,
  Top,
  tokensOf,
} from "./pool.ts";

/**
 * What Cohere's first version, Jina, vLLM and their many followers (LiteLLM, Open WebUI, Dify, SiliconFlow) read alike: an answer
 * with the fields of each.
 */
export const superset = createDialect({
  name: "superset",
  fields: {
    query: Type.String(),
    documents: Documents,
    top_n: Top,
    rank_fields: Type.Optional(
      Type.Array(Type.String(), {
        description: "The fields that make the text of a document that is an object.",
      }),
    ),
    return_documents: Flag("Whether the texts come back. Default true, as vLLM's clients expect."),
    max_chunks_per_doc: Ignored,
    max_tokens_per_doc: Ignored,
    max_tokens_per_query: Ignored,
    truncate_prompt_tokens: Ignored,
    truncation: Ignored,
    instruction: Ignored,
    priority: Ignored,
    user: Ignored,
  },
  pool: ({ documents, top_n: top, rank_fields: fields }) => ({ at: "/documents", documents, top, fields }),
  documents: (body) => body.return_documents ?? true,
  write(answer, { documents, raw, receipt, warnings }) {
    const tokens = tokensOf(answer.request);
    return {
      id: answer.id,
      object: "list",
      model: answer.model,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
      results: scoredOf(answer, raw).map(({ index, score, text }) => ({
        index,
        relevance_score: score,
        ...(documents && { document: { text } }),
      })),
      meta: {
        api_version: { version: "1" },
        billed_units: { search_units: searchUnitsOf(answer.request), total_tokens: tokens },
        ...(warnings.length > 0 && { warnings }),
      },
      oscillink: oursOf(answer, receipt),
    };
  },
});
