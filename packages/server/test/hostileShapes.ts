/** Bodies for the compatible routes that nobody would send by mistake alone. */
import { OscillinkError, type RerankRequest, rerank } from "@oscillink/core";
import fc from "fast-check";
import { expect } from "vitest";
import { compatiblePaths } from "../src/compatible/shapes.ts";
import { Problem } from "../src/http/problem.ts";
import { order } from "../src/models/order.ts";
import { readAt } from "./ranking.ts";

const text = fc
  .array(fc.constantFrom("moon", "tide", "潮", "?", ""), { maxLength: 6 })
  .map((words) => words.join(" "));
const document = fc.oneof(text, fc.record({ text, title: text }, { requiredKeys: ["text"] }));
const names = [
  ...["query", "documents", "texts", "candidates", "top_n", "top_k", "model", "property", "rank_fields"],
  ...[
    "query_embedding",
    "embeddings",
    "scores",
    "trust",
    "titles",
    "oscillink",
    "return_receipt",
    "raw_scores",
  ],
  ...["text", "title", "id", "embedding", "score", "base_score", "shape", "dtype", "data", "k", "profile"],
  ...["__proto__", "constructor", "toString", "hasOwnProperty"],
];
const leaf = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1e39, 1.5, "", "float32", "AAAAAA==", "text", [1, 2], "evidence"),
  fc.string(),
  fc.double(),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...names), tie("value"), { maxKeys: 6 }),
  ),
}));
const nearlyGood = fc
  .tuple(
    fc.record({
      query: fc.oneof(text, leaf),
      documents: fc.array(fc.oneof(document, document, value), { maxLength: 4 }),
    }),
    fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4 }),
  )
  .map(([good, others]) => ({ ...good, ...others }));

/** Whether so many of them are read and ranked, or refused by a problem or by core, and none is changed. */
export async function survivesReading(numRuns: number): Promise<void> {
  let ranked = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(compatiblePaths)),
      fc.oneof(nearlyGood, value),
      async (path, body) => {
        const sent = JSON.parse(JSON.stringify(body) ?? "null");
        const before = JSON.stringify(sent);
        try {
          const { request, model } = readAt(path, sent);
          expect(model === null || typeof model === "string").toBe(true);
          expect(request.candidates).toBeInstanceOf(Array);
          const completed = order("order").complete(request);
          expect(rerank(completed as RerankRequest).bundle.length).toBeLessThanOrEqual(
            request.candidates!.length,
          );
          ranked++;
        } catch (error) {
          if (error instanceof OscillinkError) return;
          if (!(error instanceof Problem)) throw error;
          expect(error.status).toBe(422);
          expect(error.faults.length).toBeGreaterThan(0);
        }
        expect(JSON.stringify(sent)).toBe(before);
      },
    ),
    { numRuns },
  );
  expect(ranked).toBeGreaterThan(numRuns / 20);
}
