import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CandidateError, OptionError, rerank, rerankMany, VectorError } from "../src/index.ts";
import { randomRow, randomRows, requests } from "./support.ts";

const digests = (results: ReturnType<typeof rerankMany>): string[] =>
  results.map(({ receipt }) => receipt.digest);

describe("rerankMany", () => {
  test("gives what rerank gives for each, whatever stood before it", () => {
    fc.assert(
      fc.property(fc.array(requests(), { maxLength: 5 }), (all) => {
        expect(digests(rerankMany(all))).toEqual(all.map((request) => rerank(request).receipt.digest));
        const backwards = all.toReversed();
        expect(digests(rerankMany(backwards))).toEqual(digests(rerankMany(all)).reverse());
      }),
      { numRuns: 50 },
    );
  });

  test("takes options for all, over which a request's own come first", () => {
    const candidates = randomRows(6, 3, 1).map((embedding) => ({ embedding }));
    const query = randomRow(3, 2);
    const results = rerankMany(
      [
        { query, candidates },
        { query, candidates, k: 4 },
        { query, candidates, k: undefined as unknown as number },
      ],
      { k: 2, profile: "cosine" },
    );
    expect(results.map(({ bundle }) => bundle.length)).toEqual([2, 4, 2]);
    expect(results.map(({ receipt }) => receipt.profile)).toEqual(["cosine", "cosine", "cosine"]);
    expect(results[0]!.bundle[0]!.candidate).toBe(candidates[results[0]!.bundle[0]!.inputRank - 1]);
  });

  test("says which request was at fault, by an error of the same class", () => {
    const good = { query: [1, 0], candidates: [{ embedding: [1, 2] }] };
    const fault = (bad: object) => {
      try {
        rerankMany([good, { ...good, ...bad }]);
      } catch (error) {
        return error;
      }
      return expect.fail("it was accepted");
    };
    const option = fault({ k: 0 });
    expect(option).toBeInstanceOf(OptionError);
    expect(option).toMatchObject({
      parameter: "requests[1].k",
      message: "requests[1].k: must be an integer of at least 1, not 0",
      cause: expect.any(OptionError),
    });
    expect(fault({ query: [0, 0] })).toBeInstanceOf(VectorError);
    expect(fault({ candidates: [null] })).toMatchObject({ parameter: "requests[1].candidates[0]" });
    expect(() => rerankMany(good as never)).toThrow(CandidateError);
    expect(rerankMany([])).toEqual([]);
  });
});
