import { EmbedderError, OptionError } from "@oscillink/core";
import fc from "fast-check";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { type EmbeddingsClient, openaiEmbedder } from "../src/index.ts";

type Data = { index: number; embedding: number[] }[];

/** A client in this process, which keeps what it was asked; a text's vector is its length and its first character. */
function client(answer: (input: string[]) => unknown = dataOf) {
  const inputs: string[][] = [];
  const create: EmbeddingsClient["embeddings"]["create"] = async ({ input }) => {
    inputs.push(input);
    return { data: answer(input) as Data };
  };
  return { inputs, embeddings: { create } };
}
const vectorOf = (text: string) => [text.length, text.charCodeAt(0)];
const dataOf = (input: string[]): Data => input.map((text, index) => ({ index, embedding: vectorOf(text) }));

const bytesOf = (texts: readonly string[]) => Buffer.byteLength(texts.join(""));

async function refusal(work: () => unknown): Promise<OptionError | EmbedderError> {
  try {
    await work();
  } catch (error) {
    return error as OptionError;
  }
  throw new Error("it was accepted");
}

test("batches keep both limits, are as full as these allow, and the vectors keep the order of the texts", async () => {
  const text = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" });
  const count = fc.integer({ min: 1, max: 8 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { maxLength: 30 }),
      count,
      fc.integer({ min: 1, max: 60 }),
      count,
      async (texts, batchSize, tokensPerBatch, concurrency) => {
        const asked = client((input) => dataOf(input).reverse());
        const options = { model: "m", batchSize, tokensPerBatch, concurrency };
        const vectors = await openaiEmbedder(asked, options).embedDocuments(texts);
        expect(vectors).toEqual(texts.map(vectorOf));
        expect(asked.inputs.flat()).toEqual(texts);
        asked.inputs.forEach((batch, i) => {
          const next = asked.inputs[i + 1]?.[0];
          expect(batch.length).toBeLessThanOrEqual(batchSize);
          if (batch.length > 1) expect(bytesOf(batch)).toBeLessThanOrEqual(tokensPerBatch);
          if (next === undefined) return;
          expect(batch.length === batchSize || bytesOf([...batch, next]) > tokensPerBatch).toBe(true);
        });
      },
    ),
  );
});

test("an abort ends a client that does not listen, and starts no further batch", async () => {
  const controller = new AbortController();
  const reason = new Error("the user left");
  const inputs: string[][] = [];
  const create: EmbeddingsClient["embeddings"]["create"] = ({ input }) => {
    inputs.push(input);
    return new Promise((_, reject) => {
      const fail = () => {
        failed = true;
        reject(new Error("too late"));
      };
      setTimeout(fail, 40);
    });
  };
  let failed = false;
  for (const own of [true, false]) {
    inputs.length = 0;
    failed = false;
    const { signal } = own ? controller : new AbortController();
    const options = { model: "m", batchSize: 1, concurrency: 2, ...(own && { signal }) };
    const call = own ? undefined : { signal: AbortSignal.any([AbortSignal.timeout(10)]) };
    const asked = openaiEmbedder({ embeddings: { create } }, options).embedDocuments(
      ["a", "b", "c", "d"],
      call,
    );
    if (own) setTimeout(() => controller.abort(reason), 10);
    const error = await refusal(() => asked);
    expect(failed).toBe(false);
    if (own) expect(error).toBe(reason);
    else expect(error.name).toBe("TimeoutError");
    // Nobody hears of those that were under way, and no other is sent.
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(inputs).toEqual([["a"], ["b"]]);
  }
});

test("what the server wrote in float64 comes rounded to float32, and arrays that JSON can hold", async () => {
  const values = [0.1, 1 / 3, -1e-30, 16777217];
  const embedder = openaiEmbedder(
    client(() => [{ index: 0, embedding: values }]),
    { model: "m" },
  );
  const vector = await embedder.embedQuery("a");
  expect(vector).toEqual(Array.from(new Float32Array(values)));
  expect(JSON.parse(JSON.stringify(vector))).toEqual(vector);
});

test("the client of the package openai has the shape that is asked for", async () => {
  const fetch = async () => Response.json({ object: "list", data: dataOf(["ab", "c"]).reverse() });
  const embedder = openaiEmbedder(new OpenAI({ apiKey: "test", fetch }), { model: "m" });
  expect(await embedder.embedDocuments(["ab", "c"])).toEqual(["ab", "c"].map(vectorOf));
});

test("where an index is left out, as by servers that leave out what is 0, the place stands in for it", async () => {
  const [first, second] = [{ embedding: [1, 0] }, { index: 1, embedding: [0, 1] }];
  for (const data of [
    [first, second],
    [first, { embedding: second.embedding }],
  ]) {
    const embedder = openaiEmbedder(
      client(() => data),
      { model: "m" },
    );
    expect(await embedder.embedDocuments(["a", "b"])).toEqual([first.embedding, second.embedding]);
  }
});

test("half of an emoji goes out as UTF-8 can hold it", async () => {
  const asked = client();
  await openaiEmbedder(asked, { model: "m" }).embedDocuments(["party \ud83c", "tea"]);
  expect(asked.inputs).toEqual([["party \ufffd", "tea"]]);
});

test("no texts are no request", async () => {
  const asked = client();
  expect(await openaiEmbedder(asked, { model: "m" }).embedDocuments([])).toEqual([]);
  expect(asked.inputs).toEqual([]);
});

describe("a text that the API refuses is named, and nothing is sent", () => {
  test.each([[""], [null], [undefined], [7], [["a"]]])("%j", async (bad) => {
    const asked = client();
    const embedder = openaiEmbedder(asked, { model: "m", batchSize: 1 });
    const error = await refusal(() => embedder.embedDocuments(["a", "b", bad as string]));
    expect(error).toBeInstanceOf(EmbedderError);
    expect(error.message).toMatch(/^texts\[2\]: must be a string that is not empty, not /);
    expect((await refusal(() => embedder.embedQuery(bad as string))).parameter).toBe("texts[0]");
    expect(asked.inputs).toEqual([]);
  });

  test("a string in place of the array", async () => {
    const error = await refusal(() => openaiEmbedder(client(), { model: "m" }).embedDocuments("ab" as never));
    expect(error).toBeInstanceOf(EmbedderError);
    expect(error.parameter).toBe("texts");
  });
});

describe("a response is refused that has", () => {
  const one = { index: 0, embedding: [1, 2] };
  const two = { index: 1, embedding: [3, 4] };
  test.each<[string, unknown, string]>([
    ["too few vectors", [one], "response.data: holds 1 vectors for 2 texts"],
    ["too many", [one, two, { ...two, index: 2 }], "response.data: holds 3 vectors for 2 texts"],
    ["none", undefined, "response.data: holds undefined for 2 texts"],
    ["an index twice", [one, { ...two, index: 0 }], "response.data[1].index: must be from 0 to 1, each once"],
    ["an index out of range", [one, { ...two, index: 2 }], "response.data[1].index"],
    ["an index of -1", [{ ...one, index: -1 }, two], "response.data[0].index"],
    [
      "an index that is another's place",
      [{ embedding: [1, 2] }, { ...two, index: 0 }],
      "response.data[1].index",
    ],
    ["a hole", [one, null], "response.data[1].embedding"],
    ["vectors of two widths", [one, { index: 1, embedding: [3] }], "the vector of text 1 has 1 values"],
    ["a vector without values", [one, { index: 1, embedding: [] }], "response.data[1].embedding"],
    ["null for a number", [one, { index: 1, embedding: [3, null] }], "response.data[1].embedding"],
    ["a number beyond float32", [one, { index: 1, embedding: [3, 1e39] }], "response.data[1].embedding"],
    ["base64 of a part of a number", [one, { index: 1, embedding: "AAAA" }], "response.data[1].embedding"],
    ["base64 of NaN", [one, { index: 1, embedding: "AADAfwAAwH8=" }], "response.data[1].embedding"],
    ["no base64", [one, { index: 1, embedding: "*" }], "response.data[1].embedding"],
  ])("%s", async (_, data, message) => {
    const embedder = openaiEmbedder(
      client(() => data),
      { model: "m" },
    );
    const error = await refusal(() => embedder.embedDocuments(["a", "b"]));
    expect(error).toBeInstanceOf(EmbedderError);
    expect(error.message).toContain(message);
  });

  test("another width than the dimensions asked for, or than another batch", async () => {
    const shorter = openaiEmbedder(client(), { model: "m", dimensions: 3 });
    expect((await refusal(() => shorter.embedQuery("a"))).message).toContain("has 2 values instead of 3");
    const uneven = client((input) => [{ index: 0, embedding: input[0] === "b" ? [1] : [1, 2] }]);
    const error = await refusal(() =>
      openaiEmbedder(uneven, { model: "m", batchSize: 1 }).embedDocuments(["a", "b"]),
    );
    expect(error.message).toBe("response.data: the vector of text 1 has 1 values instead of 2");
  });
});

describe("options are judged when the embedder is made", () => {
  test.each<[string, unknown]>([
    ["model", undefined],
    ["model", ""],
    ["dimensions", 0],
    ["dimensions", 1.5],
    ["batchSize", 0],
    ["batchSize", 2049],
    ["batchSize", "10"],
    ["tokensPerBatch", 300_001],
    ["tokensPerBatch", Number.NaN],
    ["concurrency", 0],
    ["concurrency", Number.POSITIVE_INFINITY],
    ["signal", {}],
    ["timeout", 0],
    ["timeout", Number.NaN],
    ["timeout", 2 ** 31],
    ["timeout", "5s"],
    ["onProgress", true],
  ])("%s: %o", async (name, value) => {
    const error = await refusal(() => openaiEmbedder(client(), { model: "m", [name]: value }));
    expect(error).toBeInstanceOf(OptionError);
    expect(error.message).toMatch(new RegExp(`^${name}: must be .*, not `));
  });

  test("an unknown one, with the names of those that are known", async () => {
    const error = await refusal(() => openaiEmbedder(client(), { model: "m", maxRetries: 3 } as never));
    expect(error.message).toMatch(/^maxRetries: unknown option; known are model, .*concurrency/);
  });

  test.each([[undefined], [null], [{}], [{ embeddings: {} }]])("a client that is none: %j", async (none) => {
    const error = await refusal(() => openaiEmbedder(none as never, { model: "m" }));
    expect(error).toBeInstanceOf(OptionError);
    expect(error.parameter).toBe("client");
  });
});
