import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LexicalEmbedder, type LexicalOptions } from "../src/index.ts";
import { naiveCosine } from "./naive.ts";

const corpus = [
  "the ferry crosses the sound at noon",
  "at noon the harbour master closes the harbour",
  "ferries wait while the sound is rough",
  "a rough crossing delays every ferry",
  "the lighthouse keeper writes the log",
  "the keeper paints the lighthouse every spring",
];
const vocabulary = [...new Set(corpus.join(" ").split(" ")), "tugboat", "anchors"];

const sentence = fc.array(fc.constantFrom(...vocabulary), { minLength: 1, maxLength: 30 });
const anyText = fc.string({ unit: "grapheme", maxLength: 60 });
const fitted = LexicalEmbedder.fit(corpus);
const fit = (options: LexicalOptions, texts = corpus): LexicalEmbedder => LexicalEmbedder.fit(texts, options);

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const norm = (a: Float32Array): number => Math.sqrt(dot(a, a));
const similarity = (embedder: LexicalEmbedder, a: string, b: string): number =>
  dot(embedder.embed(a), embedder.embed(b));

describe("the vector of a text", () => {
  test("has length 1, or is zero if and only if the text has no letter, mark or digit", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const hasToken = /[\p{L}\p{M}\p{N}]/u.test(text.normalize("NFKC"));
        expect(norm(fitted.embed(text))).toBeCloseTo(hasToken ? 1 : 0, 6);
      }),
    );
    for (const empty of ["", " \n", "?! — …"]) expect(fitted.embed(empty)).toEqual(new Float32Array(2048));
  });

  test("is the same bits for the same text, in whatever order its words stand", () => {
    for (const gramShare of [0, 0.5, 1]) {
      const embedder = fit({ gramShare, dimensions: 64 });
      const shuffled = sentence.chain((words) =>
        fc.tuple(
          fc.constant(words),
          fc.shuffledSubarray(words, { minLength: words.length, maxLength: words.length }),
        ),
      );
      fc.assert(
        fc.property(shuffled, ([words, others]) => {
          expect(embedder.embed(others.join(" "))).toEqual(embedder.embed(words.join(" ")));
        }),
      );
    }
  });

  test("is never closer to another text than to its own", () => {
    fc.assert(
      fc.property(sentence, sentence, (a, b) => {
        const [one, two] = [a.join(" "), b.join(" ")];
        expect(similarity(fitted, one, two)).toBeLessThanOrEqual(similarity(fitted, one, one) + 1e-6);
      }),
    );
  });

  test("does not see case, compatibility forms or what stands between words", () => {
    const plain = fitted.embed("the rough sound 42");
    for (const text of ["The ROUGH sound: 42!", "the\nrough -- sound_42", "ｔｈｅ rough sound ４２"]) {
      expect(fitted.embed(text)).toEqual(plain);
    }
    expect(fitted.embed("cafe\u0301")).toEqual(fitted.embed("caf\u00e9"));
    expect(fitted.embed("café")).not.toEqual(fitted.embed("cafe"));
  });

  test("keeps its direction when a text of different words is said twice", () => {
    const words = fit({ gramShare: 0, dimensions: 32768 });
    const once = "ferries wait while the sound is rough";
    expect(similarity(words, once, `${once} ${once}`)).toBeCloseTo(1, 6);
  });

  test("gives a repeated word more weight, but less than in proportion", () => {
    const words = LexicalEmbedder.fit([], { gramShare: 0, dimensions: 32768 });
    // Two different words, equally rare: the ratio of the two similarities is the ratio of the two weights.
    const ratio = (text: string): number =>
      similarity(words, text, "ferry") / similarity(words, text, "noon");
    expect(ratio("ferry noon")).toBeCloseTo(1, 6);
    for (const n of [2, 3, 10, 100]) {
      expect(ratio(`noon ${"ferry ".repeat(n)}`)).toBeCloseTo((5 * n) / (n + 4), 4);
    }
  });

  test("is not lost when all of its terms meet in one place with opposite signs", () => {
    const small = LexicalEmbedder.fit([], { gramShare: 0, dimensions: 16 });
    const names = Array.from({ length: 200 }, (_, i) => `buoy${i}`);
    const opposite = names.find((name) => similarity(small, "ferry", name) === -1);
    expect(opposite).toBeDefined();
    expect(norm(small.embed(`ferry ${opposite}`))).toBe(1);
  });

  test("agrees with terms kept as strings, when places are plenty", () => {
    for (const options of [
      { gramShare: 0, gramLength: 4 },
      { gramShare: 0.3, gramLength: 3 },
      { gramShare: 0.5, gramLength: 4 },
      { gramShare: 1, gramLength: 5 },
    ]) {
      const embedder = fit({ ...options, dimensions: 32768 });
      const naive = naiveCosine(corpus, options);
      const texts = [...corpus, "a tugboat anchors at noon at noon"];
      const rows = texts.map((text) => embedder.embed(text));
      for (const [i, a] of texts.entries()) {
        for (const [j, b] of texts.entries()) {
          // None of these few terms share a place or a bucket, so only rounding is left.
          expect(dot(rows[i]!, rows[j]!)).toBeCloseTo(naive(a, b), 6);
        }
      }
    }
  });

  test("pins its bytes, and those of the state: a change here is a new version", () => {
    const row = fitted.embed("The ferry — and 2 tugboats — crossed the sound; the keeper slept.");
    const bytes = new DataView(new ArrayBuffer(4 * row.length));
    const digest = (data: string | DataView) => createHash("sha256").update(data).digest("hex");
    row.forEach((value, i) => {
      bytes.setFloat32(4 * i, value, true);
    });
    expect(digest(JSON.stringify(fitted))).toBe(
      "6ed9c7f2feebb91463e8177df723784f37d7eb943cbe8fa524c6512d5f23ab1c",
    );
    expect(digest(bytes)).toBe("319079fb84222e83c814bbf82a0d6a1a1813f3c0e0e77fc6e75d4684eb075136");
  });
});

describe("fit", () => {
  test("does not depend on the order of the corpus", () => {
    const shuffled = fc.shuffledSubarray(corpus, { minLength: corpus.length, maxLength: corpus.length });
    fc.assert(
      fc.property(shuffled, (texts) => {
        expect(JSON.stringify(LexicalEmbedder.fit(texts))).toBe(JSON.stringify(fitted));
      }),
      { numRuns: 20 },
    );
  });

  test("takes any iterable", () => {
    function* texts() {
      yield* corpus;
    }
    expect(LexicalEmbedder.fit(texts()).toJSON()).toEqual(fitted.toJSON());
  });

  test("weighs a word by its rarity: in all texts, in half of them, in one, in none", () => {
    const texts = ["all half one", "all half", "all", "all"];
    const words = LexicalEmbedder.fit(texts, { gramShare: 0, dimensions: 32768 });
    const weight = (word: string): number => Math.abs(similarity(words, "all half one none", word));
    const unit = weight("all");
    expect(["all", "half", "one", "none"].map((word) => weight(word) / unit)).toEqual([
      1,
      expect.closeTo(2, 5),
      expect.closeTo(3, 5),
      expect.closeTo(3, 5),
    ]);
  });

  test("counts a text once, however often a word stands in it", () => {
    const once = LexicalEmbedder.fit(["a b", "b"]);
    expect(LexicalEmbedder.fit(["a a a b", "b b"]).toJSON()).toEqual(once.toJSON());
  });

  test("counts only the kinds of term that have weight", () => {
    // In both of two texts: one word, or its two n-grams " ab" and "ab ".
    const common = (gramShare: number) =>
      fit({ gramShare, gramLength: 3 }, ["ab", "ab cd"]).toJSON().idf.split("1").length - 1;
    expect([0, 0.5, 1].map(common)).toEqual([1, 3, 2]);
  });

  test("of no texts weighs all terms the same", () => {
    expect(LexicalEmbedder.fit([]).toJSON().idf).toBe("1".repeat(65536));
  });
});

describe("options", () => {
  test("dimensions is the length of every vector", async () => {
    for (const dimensions of [16, 1000, 32768]) {
      const embedder = fit({ dimensions });
      expect(embedder.dimensions).toBe(dimensions);
      expect(embedder.embed("ferry")).toHaveLength(dimensions);
    }
    expect(fitted.dimensions).toBe(2048);
  });

  test("gramShare 0 sees whole words only, 1 n-grams only, and parts of words count in between", () => {
    const [none, some, all] = [0, 0.5, 1].map((gramShare) => {
      const embedder = fit({ gramShare, dimensions: 32768 });
      return similarity(embedder, "lighthouse", "lighthouses");
    });
    expect(none).toBe(0);
    expect(some).toBeGreaterThan(0.5);
    expect(all).toBeGreaterThan(some!);
  });

  test("gramLength has no effect without n-grams, and shorter ones find more in common", () => {
    const row = (gramShare: number, gramLength: number) =>
      fit({ gramShare, gramLength }).embed("a rough sea");
    expect(row(0, 3)).toEqual(row(0, 6));
    const alike = (gramLength: number) => similarity(fit({ gramLength }), "crossing", "crosses");
    expect(alike(3)).toBeGreaterThan(alike(5));
  });

  test("left out and undefined are the defaults", () => {
    const given = fit({ dimensions: undefined as never, gramShare: 0.5, gramLength: 4 });
    expect(given.toJSON()).toEqual(fitted.toJSON());
  });
});

describe("the state", () => {
  test("survives JSON bit for bit", () => {
    for (const options of [{}, { dimensions: 100, gramShare: 0.3, gramLength: 2 }]) {
      const embedder = fit(options);
      const copy = LexicalEmbedder.fromJSON(JSON.parse(JSON.stringify(embedder)));
      expect(copy.toJSON()).toEqual(embedder.toJSON());
      fc.assert(
        fc.property(fc.oneof(anyText, sentence.map(String)), (text) => {
          expect(copy.embed(text)).toEqual(embedder.embed(text));
        }),
      );
    }
  });

  const good = fitted.toJSON();
  test.each([
    ["no object", null, TypeError, "state: must be an object, not null"],
    ["an array", [], TypeError, "state: must be an object, not an array of 0"],
    ["text", JSON.stringify(good), TypeError, 'state: must be an object, not "{'],
    ["no version", { ...good, version: undefined }, RangeError, "state.version: must be 1, not undefined"],
    ["a later version", { ...good, version: 2 }, RangeError, "state.version: must be 1, not 2"],
    ["no dimensions", { ...good, dimensions: undefined }, TypeError, "state.dimensions: is missing"],
    [
      "too many dimensions",
      { ...good, dimensions: 1e6 },
      RangeError,
      "dimensions: must be an integer from 16",
    ],
    ["an unknown part", { ...good, stopWords: [] }, TypeError, "stopWords: unknown option"],
    [
      "idf of the wrong kind",
      { ...good, idf: [1] },
      TypeError,
      "state.idf: must be a string, not an array of 1",
    ],
    ["idf cut short", { ...good, idf: good.idf.slice(1) }, RangeError, "state.idf: must be 65536 digits"],
    [
      "a zero in idf",
      { ...good, idf: `0${good.idf.slice(1)}` },
      RangeError,
      "state.idf: must be 65536 digits",
    ],
    [
      "a digit above 32",
      { ...good, idf: `${good.idf.slice(1)}x` },
      RangeError,
      "state.idf: must be 65536 digits",
    ],
  ])("with %s is refused", (_, state, kind, message) => {
    const read = () => LexicalEmbedder.fromJSON(state);
    expect(read).toThrow(kind);
    expect(read).toThrow(message);
  });
});

describe("the methods that LangChain calls", () => {
  const embeddings: {
    embedDocuments(documents: string[]): Promise<number[][]>;
    embedQuery(document: string): Promise<number[]>;
  } = fitted;

  test("give the same numbers as embed, in plain arrays", async () => {
    const rows = corpus.map((text) => Array.from(fitted.embed(text)));
    expect(await embeddings.embedDocuments(corpus)).toEqual(rows);
    expect(await embeddings.embedQuery(corpus[0]!)).toEqual(rows[0]);
    expect(await embeddings.embedDocuments([])).toEqual([]);
  });

  test("reject what is no text", async () => {
    await expect(embeddings.embedDocuments("ferry" as never)).rejects.toThrow(
      'texts: must be an array of strings, not "ferry"',
    );
    await expect(embeddings.embedDocuments(["ferry", 7] as never)).rejects.toThrow(
      "texts[1]: must be a string, not 7",
    );
    await expect(embeddings.embedQuery(undefined as never)).rejects.toThrow(TypeError);
  });
});

describe("bad input", () => {
  test.each([
    [{ dimensions: "512" }, TypeError, 'dimensions: must be an integer from 16 to 32768, not "512"'],
    [{ dimensions: 15 }, RangeError, "dimensions: must be an integer from 16 to 32768, not 15"],
    [{ dimensions: 32769 }, RangeError, "dimensions: must be an integer from 16 to 32768, not 32769"],
    [{ dimensions: 512.5 }, RangeError, "dimensions: must be an integer from 16 to 32768, not 512.5"],
    [{ dimensions: Number.NaN }, RangeError, "dimensions: must be an integer from 16 to 32768, not NaN"],
    [{ gramShare: -0.1 }, RangeError, "gramShare: must be a number from 0 to 1, not -0.1"],
    [{ gramShare: 1.1 }, RangeError, "gramShare: must be a number from 0 to 1, not 1.1"],
    [{ gramShare: Number.NaN }, RangeError, "gramShare: must be a number from 0 to 1, not NaN"],
    [{ gramShare: true }, TypeError, "gramShare: must be a number from 0 to 1, not true"],
    [{ gramLength: null }, TypeError, "gramLength: must be an integer from 2 to 8, not null"],
    [{ gramLength: 1 }, RangeError, "gramLength: must be an integer from 2 to 8, not 1"],
    [{ gramLength: 9 }, RangeError, "gramLength: must be an integer from 2 to 8, not 9"],
    [{ ngram: 3 }, TypeError, "ngram: unknown option; known are dimensions, gramShare, gramLength"],
    [{ constructor: 3 }, TypeError, "constructor: unknown option"],
    [null, TypeError, "options: must be an object, not null"],
    [() => 1, TypeError, "options: must be an object, not a function"],
  ])("options %o are refused", (options, kind, message) => {
    const read = () => LexicalEmbedder.fit(corpus, options as LexicalOptions);
    expect(read).toThrow(kind);
    expect(read).toThrow(message);
  });

  test.each([
    ["a string", "the ferry", 'texts: must be an array or other iterable of strings, not "the ferry"'],
    ["no iterable", { length: 0 }, "texts: must be an array or other iterable of strings, not an object"],
    ["nothing", undefined, "texts: must be an array or other iterable of strings, not undefined"],
    ["a number among the texts", ["ferry", 7], "texts[1]: must be a string, not 7"],
  ])("fitting on %s is refused", (_, texts, message) => {
    expect(() => LexicalEmbedder.fit(texts as never)).toThrow(new TypeError(message));
  });

  test("embedding what is no string is refused", () => {
    expect(() => fitted.embed(["ferry"] as never)).toThrow(
      new TypeError("text: must be a string, not an array of 1"),
    );
  });
});
