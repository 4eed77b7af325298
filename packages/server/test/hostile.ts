/** Bodies that nobody would send by mistake alone. */
import fc from "fast-check";
import { expect } from "vitest";
import { post, testServer } from "./testing.ts";

const key = fc.constantFrom(
  ...[
    "query",
    "queryText",
    "candidates",
    "lists",
    "k",
    "embeddings",
    "profile",
    "context",
    "focus",
    "receipt",
    "model",
  ],
  ...[
    "missing",
    "minRelevance",
    "relevanceScale",
    "lamC",
    "requests",
    "__proto__",
    "constructor",
    "toString",
  ],
);

const leaf = fc.oneof(
  fc.constantFrom(null, true, 0, -0, 1e39, 5, "evidence", "reference", "AAAAAA==", "", "AAAA"),
  fc.string(),
  fc.double(),
);

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    tie("candidate"),
    tie("object"),
  ),
  candidate: fc.record(
    {
      id: fc.oneof(leaf, fc.string()),
      embedding: fc.oneof(fc.array(fc.float(), { maxLength: 3 }), leaf),
      ...{ text: leaf, trust: leaf, title: leaf, links: tie("value") },
    },
    { requiredKeys: [] },
  ),
  object: fc.dictionary(key, tie("value"), { maxKeys: 6 }),
}));

const nearlyGood = fc.record({
  query: fc.oneof(fc.array(fc.float({ noNaN: true }), { minLength: 2, maxLength: 3 }), leaf),
  candidates: fc.array(
    fc.record({
      id: fc.oneof(fc.string(), leaf),
      embedding: fc.array(fc.float(), { minLength: 2, maxLength: 3 }),
    }),
    { maxLength: 4 },
  ),
  queryText: leaf,
  k: fc.oneof(fc.integer(), leaf),
});

/** Deeper than threads can hand on, at times. */
const nested = fc
  .tuple(fc.integer({ min: 1, max: 6000 }), key)
  .map(([depth, name]) => `{"${name}":${"[".repeat(depth)}${"]".repeat(depth)}}`);

const body = fc.oneof(
  nearlyGood,
  value,
  fc.tuple(nearlyGood, fc.dictionary(key, value)).map(([good, others]) => ({ ...good, ...others })),
);

const text = fc.oneof(
  { arbitrary: body.map((value) => JSON.stringify(value) ?? "null"), weight: 9 },
  { arbitrary: nested, weight: 1 },
);

/** Whether a server answers so many of them, and never by a failure of its own. */
export async function survives(
  numRuns: number,
  urls: readonly string[] = ["/v1/oscillink/rerank"],
): Promise<void> {
  const server = await testServer({ LIMITS_BODY_BYTES: "200000", LIMITS_VALUES: "10000" });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...urls), text, async (url, sent) => {
      const { status, type, json } = await post(server, url, sent);
      expect([200, 400, 404, 413, 422, 424]).toContain(status);
      if (status === 200) return;
      expect(type).toContain("json");
      if (type.includes("problem")) expect(json).toMatchObject({ status, detail: expect.any(String) });
    }),
    { numRuns },
  );
}
