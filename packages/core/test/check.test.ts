import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkRequest } from "../src/adapter/index.ts";
import { OscillinkError, type RerankRequest, rerank } from "../src/index.ts";
import { requests } from "./support.ts";

/** What a call says of a request: the error's class and message, or nothing. */
function saidOf(act: () => unknown): string | null {
  try {
    act();
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(OscillinkError);
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

const junk = fc.constantFrom<unknown>(
  ...[null, 0, -1, 0.5, 1e300, Number.NaN, "", "banana", [], [1], [[1]], ["x"], {}, { a: 1 }, true],
);
const fields = [
  ...[
    "query",
    "queryText",
    "candidates",
    "lists",
    "vectors",
    "context",
    "focus",
    "profile",
    "k",
    "neighbors",
  ],
  ...[
    "graph",
    "lamG",
    "lamC",
    "missing",
    "minRelevance",
    "relevanceScale",
    "diversity",
    "copies",
    "nonsense",
  ],
];
const ofCandidates = ["id", "embedding", "text", "title", "score", "trust", "links"];

describe("a request is checked as it would be ranked", () => {
  test("whatever stands in one of its fields", () => {
    let refused = 0;
    fc.assert(
      fc.property(requests(), fc.constantFrom(...fields), junk, (request, field, value) => {
        const asked = { ...request, [field]: value } as unknown as RerankRequest;
        const said = saidOf(() => checkRequest(asked));
        expect(said).toBe(saidOf(() => rerank(asked)));
        if (said !== null) refused++;
      }),
      { numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(200);
  });

  test("whatever stands in a field of a candidate", () => {
    let refused = 0;
    fc.assert(
      fc.property(
        requests(),
        fc.nat(),
        fc.constantFrom(...ofCandidates),
        junk,
        (request, which, field, value) => {
          const { candidates } = request;
          const at = which % candidates.length;
          const asked = {
            ...request,
            candidates: candidates.map((one, i) => (i === at ? { ...one, [field]: value } : one)),
          } as unknown as RerankRequest;
          const said = saidOf(() => checkRequest(asked));
          expect(said).toBe(saidOf(() => rerank(asked)));
          if (said !== null) refused++;
        },
      ),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(100);
  });
});
