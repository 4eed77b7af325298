import { Type } from "typebox";
import { createDialect, Flag, Ignored, scoredOf, Texts } from "./pool.ts";

/** Hugging Face's text-embeddings-inference: the answer is an array. There is no room for a receipt; the header has its digest. */
export const tei = createDialect({
  name: "tei",
  fields: {
    query: Type.String(),
    texts: Texts,
    return_text: Flag("Whether the texts come back. Default false."),
    truncate: Ignored,
    truncation_direction: Ignored,
    prompt_name: Ignored,
  },
  pool: ({ texts }) => ({ at: "/texts", documents: texts, top: undefined }),
  documents: (body) => body.return_text ?? false,
  write: (answer, { documents, raw }) =>
    scoredOf(answer, raw).map(({ index, score, text }) => ({ index, ...(documents && { text }), score })),
});
