import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { completeVectors, type Embedder, EmbedderError } from "../src/index.ts";

/** Embeds a text as its length and records what it was asked. */
function lengths(): Embedder & { asked: string[][] } {
  const asked: string[][] = [];
  return {
    asked,
    embedDocuments: async (texts) => {
      asked.push(texts);
      return texts.map((text) => [text.length, 1]);
    },
    embedQuery: async (text) => [text.length, 1],
  };
}

const failing = (embedDocuments: () => unknown): Embedder => ({
  embedDocuments: embedDocuments as Embedder["embedDocuments"],
  embedQuery: async () => [1],
});

const caught = (promise: Promise<unknown>): Promise<EmbedderError> =>
  promise.then(
    () => expect.fail("nothing was thrown"),
    (error) => error,
  );

describe("completeVectors", () => {
  test("fills every gap with its own text's vector, in one call, and leaves the rest as found", async () => {
    const entries = fc.array(
      fc.record({ text: fc.string(), vector: fc.constantFrom([7, 7], null, undefined) }),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(entries, async (documents) => {
        const embedder = lengths();
        const found = documents.map(({ vector }) => vector);
        const copy = [...found];
        const texts = documents.map(({ text }) => text);
        const { embeddings, counts } = await completeVectors(found, texts, embedder);
        expect(embeddings).toEqual(documents.map(({ vector, text }) => vector ?? [text.length, 1]));
        const gaps = texts.filter((_, i) => !found[i]);
        expect(embedder.asked).toEqual(gaps.length > 0 ? [gaps] : []);
        expect(counts).toEqual({ fromStore: found.length - gaps.length, reembedded: gaps.length });
        expect(found).toEqual(copy);
      }),
    );
  });

  test("an embedder's failure is kept as the cause", async () => {
    const cause = new Error("quota exceeded");
    for (const fail of [
      () => Promise.reject(cause),
      () => {
        throw cause;
      },
    ]) {
      const error = await caught(completeVectors([null], ["a"], failing(fail)));
      expect(error).toBeInstanceOf(EmbedderError);
      expect(error.message).toContain("quota exceeded");
      expect(error.cause).toBe(cause);
    }
  });

  test.each([
    ["too few vectors", [[1]], "1 vectors for 2 documents"],
    ["too many", [[1], [2], [3]], "3 vectors for 2 documents"],
    ["no list", { data: [] }, "an object for 2 documents"],
    ["nothing", undefined, "undefined for 2 documents"],
  ])("an embedder that returns %s is refused", async (_, returned, message) => {
    const error = await caught(
      completeVectors(
        [null, [1], undefined],
        ["a", "b", "c"],
        failing(async () => returned),
      ),
    );
    expect(error).toBeInstanceOf(EmbedderError);
    expect(error.message).toContain(message);
  });
});
