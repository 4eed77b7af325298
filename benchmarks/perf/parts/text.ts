import { rerank } from "@oscillink/core";
import { measured, type Part } from "../facts.ts";
import { normalized, weighTexts } from "../internals.ts";
import { interleave } from "../measure.ts";
import { makeVectors } from "../vectors.ts";
import { writer } from "../words.ts";

/** What the words of the candidates cost beside their vectors. */
export const text: Part = function* ({ text: size, effort }) {
  const { query, embeddings } = makeVectors(size);
  const write = writer(3);
  const queryText = write(10);
  const texts = embeddings.map(() => write(150));
  const without = embeddings.map((embedding) => ({ embedding }));
  const candidates = embeddings.map((embedding, i) => ({ embedding, text: texts[i]! }));
  const times = interleave(effort, {
    "without text": () => rerank({ query, candidates: without, k: size.k }),
    "with text": () => rerank({ query, queryText, candidates, k: size.k }),
    words: () =>
      weighTexts(
        queryText,
        texts.map((text) => ({ title: "", text: normalized(text) })),
      ),
  });
  yield* measured(size, times);
  const difference = times["with text"].median - times["without text"].median;
  yield { ...size, what: "difference", unit: "ms", value: difference };
};
