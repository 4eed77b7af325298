import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cachedEmbedder, completeVectors, type Embedder, embeddingCache } from "../src/adapter/index.ts";
import { EmbedderError, OptionError } from "../src/index.ts";

const sum = (all: readonly { readonly size: number }[]): number =>
  all.reduce((sum, { size }) => sum + size, 0);

/** Embeds a text as its length and a constant, and records what it was asked. */
function lengths(scale = 1): Embedder & { asked: string[][] } {
  const asked: string[][] = [];
  return {
    asked,
    embedDocuments: async (texts) => {
      asked.push(texts);
      return texts.map((text) => [text.length, scale]);
    },
    embedQuery: async (text) => [text.length, scale],
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
  const texts = fc.constantFrom("a", "bb", "ccc", "dddd", "eeeee");
  const batches = fc.array(fc.record({ who: fc.nat(2), texts: fc.array(texts, { maxLength: 8 }) }), {
    maxLength: 12,
  });

  test("answers as its embedder does, and asks it for what is not kept, each text once; what was not used for longest goes", async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 160 }), async (all, bytes) => {
        const cache = embeddingCache({ bytes });
        // The third shares the vectors of the second, whose vectors are others than those of the first.
        const embedders = [lengths(), lengths(2), lengths(2)];
        const cached = embedders.map((embedder, e) =>
          e === 0 ? cachedEmbedder(embedder, cache) : cachedEmbedder(embedder, cache.forModel("two")),
        );
        // The naive cache: a list, the last used at its end.
        let kept: { key: string; size: number }[] = [];
        for (const { who, texts } of all) {
          const embedder = embedders[who]!;
          embedder.asked.length = 0;
          const vectors = await cached[who]!.embedDocuments(texts);
          const scale = who === 0 ? 1 : 2;
          expect(vectors.map((vector) => [...Array.from(vector)])).toEqual(
            texts.map((t) => [t.length, scale]),
          );
          const keyOf = (text: string) => `${who === 0}${text}`;
          const has = (text: string) => kept.some(({ key }) => key === keyOf(text));
          const distinct = [...new Set(texts)];
          const absent = distinct.filter((text) => !has(text));
          expect(embedder.asked).toEqual(absent.length > 0 ? [absent] : []);
          for (const text of [...distinct.filter(has), ...absent]) {
            const size = 2 * text.length + 4 * 2;
            kept = kept.filter(({ key }) => key !== keyOf(text));
            if (size > bytes) continue;
            kept.push({ key: keyOf(text), size });
            while (sum(kept) > bytes) kept.shift();
          }
          expect(cache.used).toBe(sum(kept));
          expect(cache.used).toBeLessThanOrEqual(cache.bytes);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("passes queries on, every time", async () => {
    let queries = 0;
    const embedder: Embedder = { ...lengths(), embedQuery: async () => [++queries] };
    const cached = cachedEmbedder(embedder, embeddingCache({ bytes: 100 }));
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
      embeddingCache(),
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
    const cached = cachedEmbedder({ ...lengths(), embedDocuments: async () => [vector] }, embeddingCache());
    expect(await cached.embedDocuments(["a"])).toEqual([[1, 2]]);
    vector[0] = 9;
    expect(await cached.embedDocuments(["a"])).toEqual([Float32Array.of(1, 2)]);
  });

  test("is shared by those to whom it is given, and each embedder has its own vectors of a text", async () => {
    const cache = embeddingCache();
    const [one, two] = [lengths(), lengths(2)];
    const make = (embedder: Embedder) => cachedEmbedder(embedder, cache);
    expect(await make(one).embedDocuments(["a"])).toEqual([[1, 1]]);
    expect(await make(two).embedDocuments(["a"])).toEqual([[1, 2]]);
    expect(await make(one).embedDocuments(["a"])).toEqual([Float32Array.of(1, 1)]);
    expect(one.asked).toHaveLength(1);
    expect(two.asked).toHaveLength(1);
  });

  test("knows a model by its name, where embedders are made anew, and tells no name and text from another", async () => {
    const cache = embeddingCache();
    const ask = async (model: string, text: string) => {
      const embedder = lengths();
      await cachedEmbedder(embedder, cache.forModel(model)).embedDocuments([text]);
      return embedder.asked.length;
    };
    expect(await ask("m", "a")).toBe(1);
    expect(await ask("m", "a")).toBe(0);
    expect(await ask("m2", "a")).toBe(1);
    expect(await ask("1", ":ma")).toBe(1);
    expect(await ask("m:", "a")).toBe(1);
    expect(await ask("m", ":a")).toBe(1);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5", null])("refuses bytes: %o", (bytes) => {
    const make = () => embeddingCache({ bytes: bytes as number });
    expect(make).toThrow(OptionError);
    expect(make).toThrow(/^bytes: must be an integer of at least 1, not /);
  });

  test.each([1000, true, {}, null, "memory"])("refuses a cache that is none: %o", (cache) => {
    const make = () => cachedEmbedder(lengths(), cache as never);
    expect(make).toThrow(OptionError);
    expect(make).toThrow(/^cache: must be what embeddingCache\(\{ bytes \}\) makes, or false for none, not /);
  });

  test("refuses a model without a name", () => {
    for (const name of ["", undefined, 3]) {
      expect(() => embeddingCache().forModel(name as never)).toThrow(
        /^name: must be the name of a model, not /,
      );
    }
  });
});
