import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cachedEmbedder, completeVectors, type Embedder } from "../src/adapter/index.ts";
import { EmbedderError, OptionError } from "../src/index.ts";

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
      fc.record({ text: fc.string({ minLength: 1 }), vector: fc.constantFrom([7, 7], null, undefined) }),
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

describe("cachedEmbedder", () => {
  test("answers as its embedder does, and asks it for what the last entries were not, each text once", async () => {
    const batches = fc.array(fc.array(fc.constantFrom("a", "bb", "ccc", "dddd", "eeeee"), { maxLength: 8 }), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 6 }), async (all, entries) => {
        const embedder = lengths();
        const cached = cachedEmbedder(embedder, { entries });
        // The naive cache: a list, the last used at its end.
        let kept: string[] = [];
        for (const texts of all) {
          embedder.asked.length = 0;
          const vectors = await cached.embedDocuments(texts);
          expect(vectors.map((vector) => [...Array.from(vector)])).toEqual(texts.map((t) => [t.length, 1]));
          const distinct = [...new Set(texts)];
          const absent = distinct.filter((text) => !kept.includes(text));
          expect(embedder.asked).toEqual(absent.length > 0 ? [absent] : []);
          const known = [...distinct.filter((text) => kept.includes(text)), ...absent];
          for (const text of known) kept = [...kept.filter((t) => t !== text), text].slice(-entries);
        }
      }),
    );
  });

  test("passes queries on, every time", async () => {
    let queries = 0;
    const embedder: Embedder = { ...lengths(), embedQuery: async () => [++queries] };
    const cached = cachedEmbedder(embedder, { entries: 2 });
    expect([await cached.embedQuery("q"), await cached.embedQuery("q")]).toEqual([[1], [2]]);
  });

  test("keeps nothing of a call that failed, nor a vector that could not be ranked", async () => {
    const answers: unknown[] = [
      Promise.reject(new Error("429")),
      [[1, 2]],
      [[1, 2], null],
      [
        [1, 2],
        [1e39, 0],
      ],
      [[3, 4]],
    ];
    const asked: string[][] = [];
    const cached = cachedEmbedder(
      {
        embedQuery: async () => [1],
        embedDocuments: async (texts) => {
          asked.push(texts);
          return (await answers.shift()) as number[][];
        },
      },
      { entries: 9 },
    );
    const ask = () => completeVectors([null, null], ["a", "b"], cached);
    for (const message of [
      "embeddings: embedding 2 documents failed: 429",
      "embeddings: returned 1 vectors for 2 documents",
      "embeddings: returned null for document 1",
    ]) {
      const error = await caught(ask());
      expect(error).toBeInstanceOf(EmbedderError);
      expect(error.message).toBe(message);
    }
    // The ranking is to judge it, and to say whose it is.
    expect((await ask()).embeddings).toEqual([
      [1, 2],
      [1e39, 0],
    ]);
    expect((await ask()).embeddings).toEqual([Float32Array.of(1, 2), [3, 4]]);
    expect(asked).toEqual([["a", "b"], ["a", "b"], ["a", "b"], ["a", "b"], ["b"]]);
    expect((await ask()).embeddings).toEqual([Float32Array.of(1, 2), Float32Array.of(3, 4)]);
    expect(asked).toHaveLength(5);
  });

  test("hands out copies: what the embedder does to its vectors later does not matter", async () => {
    const vector = [1, 2];
    const cached = cachedEmbedder({ ...lengths(), embedDocuments: async () => [vector] }, { entries: 1 });
    expect(await cached.embedDocuments(["a"])).toEqual([[1, 2]]);
    vector[0] = 9;
    expect(await cached.embedDocuments(["a"])).toEqual([Float32Array.of(1, 2)]);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5", undefined])(
    "refuses entries: %o",
    (entries) => {
      const make = () => cachedEmbedder(lengths(), { entries: entries as number });
      expect(make).toThrow(OptionError);
      expect(make).toThrow(/^entries: must be an integer of at least 1, not /);
    },
  );
});
