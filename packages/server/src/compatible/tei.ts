import { Type } from "typebox";
import { bodyOf, type Dialect, Flag, formOf, Ignored, judge, requestOf, scoredOf, Texts } from "./pool.ts";

const Body = bodyOf({
  query: Type.String(),
  texts: Texts,
  return_text: Flag("Whether the texts come back. Default false."),
  truncate: Ignored,
  truncation_direction: Ignored,
  prompt_name: Ignored,
});

/** Hugging Face's text-embeddings-inference: the answer is an array. There is no room for a receipt; the header has its digest. */
export const tei: Dialect = {
  schema: Body,
  read(given) {
    const judged = judge(Body, given);
    const { body } = judged;
    return {
      model: body.model ?? null,
      request: requestOf(body, { at: "/texts", documents: body.texts, top: undefined }),
      form: formOf("tei", judged, body.return_text ?? false),
    };
  },
  write: (answer, { documents, raw }) =>
    scoredOf(answer, raw).map(({ index, score, text }) => ({ index, ...(documents && { text }), score })),
};
