import { createHmac } from "node:crypto";
import { APICallError, type EmbeddingModelV4, type JSONObject } from "@ai-sdk/provider";
import {
  CandidateError,
  EmbedderError,
  OptionError,
  type Options,
  type OscillinkError,
  type Receipt,
  rerank as rerankDirectly,
  VectorError,
} from "@oscillink/core";
import type { Embedder } from "@oscillink/core/adapter";
import { LexicalEmbedder } from "@oscillink/lexical";
import { customProvider, embedMany, rerank } from "ai";
import { describe, expect, test, vi } from "vitest";
import { type Embed, oscillinkRerankingModel } from "../src/index.ts";

/** A ropewalk that never was. */
const texts = [
  "The ropewalk at Selm is three hundred metres long and has no window on its north side.",
  "Marta Quill bought the ropewalk at Selm in 1888 and moved its engine into a shed.",
  "Marta Quill had learned her trade as a splicer on the cable ship Anholt.",
  "The cable ship Anholt laid the first line to the outer islands.",
  "Hemp was combed in the loft, where no lamp was allowed.",
  "Tar was heated over a slow fire, two hours for every barrel.",
  "A rope of four strands needs a heart, or it will collapse under load.",
  "The outer islands pay for their mail in dried fish.",
  "Cats were kept in the loft against mice, and were on the payroll.",
  "The engine of the ropewalk came from a flour mill that had burned down.",
];
const query = "Where did the woman who bought the ropewalk at Selm learn her trade?";
const lexical = LexicalEmbedder.fit(texts, { dimensions: 256 });
const vectors = await lexical.embedDocuments(texts);
const queryEmbedding = await lexical.embedQuery(query);

const objects = (): JSONObject[] =>
  texts.map((text, i) => ({ id: `p${i}`, text, embedding: vectors[i]!, page: { of: "Selm", number: i } }));

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}

/** An embedding model of the AI SDK over the lexical embedder, and a record of what it was asked. */
function embeddingModel(given: Partial<EmbeddingModelV4> = {}) {
  const calls: string[][] = [];
  const model: EmbeddingModelV4 = {
    specificationVersion: "v4",
    provider: "lexical",
    modelId: "lexical",
    maxEmbeddingsPerCall: undefined,
    supportsParallelCalls: false,
    doEmbed: async ({ values }) => {
      calls.push(values);
      return { embeddings: await lexical.embedDocuments(values), warnings: [] };
    },
    ...given,
  };
  return Object.assign(model, { calls });
}

/** The same re-ranking by a call of core. */
const direct = (options: Options = {}, ids = texts.map((_, i) => String(i))) =>
  rerankDirectly({
    query: queryEmbedding,
    queryText: query,
    candidates: texts.map((text, i) => ({ id: ids[i]!, text, embedding: vectors[i]! })),
    k: texts.length,
    ...options,
  });

const receiptOf = (metadata: Record<string, JSONObject> | undefined, key = "oscillink"): Receipt =>
  metadata?.[key]?.receipt as unknown as Receipt;

const failureOf = (work: Promise<unknown>): Promise<Error & { parameter?: string }> =>
  work.then(
    () => Promise.reject(new Error("it did not fail")),
    (error) => error,
  );

function refusal(make: () => unknown): OptionError {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return error as OptionError;
  }
  throw new Error("it was accepted");
}

// The SDK prints the warnings of its models.
globalThis.AI_SDK_LOG_WARNINGS = false;

describe("rerank of the AI SDK", () => {
  const model = oscillinkRerankingModel({ attach: "full", embed: lexical });

  test("ranks all documents as core does, and brings its receipt", async () => {
    const result = await rerank({ model, query, documents: texts });
    const { bundle, receipt } = direct();
    expect(result.ranking).toEqual(
      bundle.map(({ candidate, relevance }) => ({
        originalIndex: Number(candidate.id),
        score: relevance,
        document: candidate.text,
      })),
    );
    expect(result.ranking).toHaveLength(texts.length);
    expect(receiptOf(result.providerMetadata).digest).toBe(receipt.digest);
    expect(result.response.modelId).toBe("evidence");
    // Told by the same words, and by what the other says of her.
    expect(result.rerankedDocuments.slice(0, 2).sort()).toEqual([texts[1], texts[2]]);
  });

  test("gives the first topN of them", async () => {
    const all = await rerank({ model, query, documents: texts });
    const three = await rerank({ model, query, documents: texts, topN: 3 });
    expect(three.ranking).toEqual(all.ranking.slice(0, 3));
    expect(receiptOf(three.providerMetadata).digest).toBe(direct({ k: 3 }).receipt.digest);
    const more = await rerank({ model, query, documents: texts, topN: 50 });
    expect(more.ranking).toEqual(all.ranking);
  });

  test("without topN gives the k of the model, which topN overrides", async () => {
    const two = oscillinkRerankingModel({ attach: "full", embed: lexical, k: 2 });
    expect((await rerank({ model: two, query, documents: texts })).ranking).toHaveLength(2);
    expect((await rerank({ model: two, query, documents: texts, topN: 4 })).ranking).toHaveLength(4);
  });

  test("returns objects as they came, ranked by the vectors and ids that they have", async () => {
    const documents = deepFreeze(objects());
    const embed = vi.fn(async (batch: string[]) => lexical.embedDocuments(batch));
    const result = await rerank({
      model: oscillinkRerankingModel({ attach: "full", embed }),
      query,
      documents,
      topN: 4,
    });
    expect(result.ranking).toHaveLength(4);
    for (const { document, originalIndex } of result.ranking) {
      expect(document).toBe(documents[originalIndex]);
    }
    expect(embed.mock.calls.map(([batch]) => batch)).toEqual([[query]]);
    const ids = texts.map((_, i) => `p${i}`);
    const receipt = receiptOf(result.providerMetadata);
    expect(receipt.digest).toBe(direct({ k: 4 }, ids).receipt.digest);
    expect(receipt.vectors).toEqual({ fromStore: texts.length, reembedded: 0 });
  });

  test("takes vectors from the call, and embeds what has none", async () => {
    const embeddings = vectors.map((vector, i) => (i % 3 === 0 ? null : vector));
    const embed = vi.fn(async (batch: string[]) => lexical.embedDocuments(batch));
    const result = await rerank({
      model: oscillinkRerankingModel({ attach: "full", embed }),
      query,
      documents: texts,
      providerOptions: { oscillink: { embeddings, queryEmbedding } },
    });
    expect(embed.mock.calls.map(([batch]) => batch)).toEqual([texts.filter((_, i) => i % 3 === 0)]);
    expect(receiptOf(result.providerMetadata).digest).toBe(direct().receipt.digest);
    expect(receiptOf(result.providerMetadata).vectors).toEqual({ fromStore: 6, reembedded: 4 });
  });

  test("needs nothing to embed with when all vectors come along", async () => {
    const result = await rerank({
      model: oscillinkRerankingModel({ attach: "full" }),
      query,
      documents: objects(),
      providerOptions: { oscillink: { queryEmbedding } },
    });
    expect(result.ranking.map(({ originalIndex }) => originalIndex)).toEqual(
      direct().bundle.map(({ candidate }) => Number(candidate.id)),
    );
  });

  // Without words, ten vectors on an unknown scale tell nothing of relevance.
  test.each([
    [0, {}],
    [-Infinity, { textWeight: 0 }],
  ])("keeps a document that cannot be ranked, at the end with %d", async (lowest, options) => {
    const documents = objects().map((document, i) => (i === 2 ? { ...document, embedding: null } : document));
    const result = await rerank({
      model: oscillinkRerankingModel(options),
      query,
      documents,
      providerOptions: { oscillink: { queryEmbedding } },
    });
    expect(result.ranking).toHaveLength(texts.length);
    expect(result.ranking.at(-1)).toMatchObject({ originalIndex: 2, score: lowest });
    expect(Math.min(...result.ranking.slice(0, -1).map(({ score }) => score))).toBeGreaterThan(lowest);
    expect(Math.max(...result.ranking.map(({ score }) => score)) > 1).toBe(lowest !== 0);
  });

  test("keeps equal documents apart", async () => {
    const documents = [texts[1]!, texts[1]!, texts[4]!, texts[1]!];
    const { ranking } = await rerank({ model, query, documents });
    expect(ranking.map(({ originalIndex }) => originalIndex).sort()).toEqual([0, 1, 2, 3]);
    const twins = [objects()[1]!, objects()[1]!];
    expect((await rerank({ model, query, documents: twins })).ranking).toHaveLength(2);
  });

  test("works as a model of a custom provider, under its own name", async () => {
    const provider = customProvider({
      rerankingModels: {
        bundle: oscillinkRerankingModel({ attach: "full", embed: lexical, modelId: "bundle" }),
      },
    });
    const onEnd = vi.fn();
    const result = await rerank({
      model: provider.rerankingModel("bundle"),
      query,
      documents: texts,
      topN: 1,
      onEnd,
    });
    expect(result.response.modelId).toBe("bundle");
    expect(onEnd.mock.calls[0]![0]).toMatchObject({ provider: "oscillink", modelId: "bundle" });
  });

  test("without documents asks nobody", async () => {
    const embed = vi.fn();
    const empty = oscillinkRerankingModel({ attach: "full", embed });
    expect((await rerank({ model: empty, query, documents: [] })).ranking).toEqual([]);
    expect(await empty.doRerank({ documents: { type: "text", values: [] }, query })).toEqual({ ranking: [] });
    expect(embed).not.toHaveBeenCalled();
  });
});

describe("the words of an object are", () => {
  const seen = async (document: JSONObject, options: object = {}) => {
    let asked: string[] = [];
    const embed = async (batch: string[]) => {
      asked = batch;
      return lexical.embedDocuments(batch);
    };
    await oscillinkRerankingModel({ attach: "full", embed, ...options }).doRerank({
      documents: { type: "object", values: [document] },
      query,
      providerOptions: { oscillink: { queryEmbedding } },
    });
    return asked[0];
  };

  test("its text", async () => {
    expect(await seen({ text: "Hemp.", title: "Loft", page: 3 })).toBe("Hemp.");
  });
  test("or all of it as JSON, but for what is said elsewhere", async () => {
    expect(await seen({ title: "Loft", body: "Hemp.", embedding: null })).toBe('{"body":"Hemp."}');
  });
  test("or what the option says", async () => {
    expect(await seen({ body: "Hemp." }, { text: ({ body }: JSONObject) => body })).toBe("Hemp.");
  });
});

test("titles and trust count", async () => {
  const documents = objects().map((document, i) => ({ ...document, title: i === 6 ? query : "" }));
  const ask = (options: object) =>
    rerank({
      model: oscillinkRerankingModel({ attach: "full", embed: lexical, ...options }),
      query,
      documents,
    });
  const place = (ranking: { originalIndex: number }[], i: number) =>
    ranking.findIndex(({ originalIndex }) => originalIndex === i);
  const [plain, untitled] = [await ask({}), await ask({ title: () => undefined })];
  expect(place(plain.ranking, 6)).toBeLessThan(place(untitled.ranking, 6));
  const trust = ({ id }: JSONObject) => (id === "p1" ? 0 : 1);
  const trusted = await ask({ trust });
  expect(place(trusted.ranking, 1)).toBe(-1);
  expect(trusted.ranking).toHaveLength(texts.length - 1);
});

describe("the record", () => {
  const doc = { type: "text" as const, values: texts };
  const metadata = async (options: object) =>
    (await oscillinkRerankingModel({ embed: lexical, ...options }).doRerank({ documents: doc, query }))
      .providerMetadata;

  test("is JSON, and whole where that is asked for", async () => {
    const whole = await metadata({ attach: "full" });
    expect(JSON.parse(JSON.stringify(whole))).toStrictEqual(whole);
    expect(Object.keys(whole!.oscillink!)).toEqual(["receipt"]);
    expect(receiptOf(whole).schema).toBe("oscillink-receipt/3");
  });
  test("is the digest alone, or nothing, as attach says, and under the key that was asked for", async () => {
    const { digest } = receiptOf(await metadata({ attach: "full" }));
    expect(await metadata({})).toEqual({ oscillink: { receipt: digest } });
    expect(await metadata({ attach: "digest" })).toEqual({ oscillink: { receipt: digest } });
    expect(await metadata({ attach: "none" })).toBeUndefined();
    expect(await metadata({ metadataKey: "lattice" })).toEqual({ lattice: { receipt: digest } });
  });
  test("is signed by a signer", async () => {
    const sign = (message: Uint8Array) => createHmac("sha256", "a key").update(message).digest();
    const signed = await metadata({ signer: { algorithm: "HMAC-SHA256", keyId: "k1", sign } });
    expect(signed!.oscillink!.signatures).toEqual([{ keyid: "k1", sig: expect.stringMatching(/^.{40,}/) }]);
  });
});

describe("embed may be", () => {
  const asked = async (embed: Embed) =>
    (await rerank({ model: oscillinkRerankingModel({ embed }), query, documents: texts })).ranking;
  const expected = direct().bundle.map(({ candidate, relevance }) => ({
    originalIndex: Number(candidate.id),
    score: relevance,
    document: candidate.text,
  }));

  test("an embedding model of the AI SDK: one call for the query, one for the documents", async () => {
    const model = embeddingModel();
    expect(await asked(model)).toEqual(expected);
    expect(model.calls).toEqual([[query], texts]);
  });

  test("one that takes few texts a call, in turn or at once", async () => {
    let [busy, busiest] = [0, 0];
    const doEmbed: EmbeddingModelV4["doEmbed"] = async ({ values }) => {
      busiest = Math.max(busiest, ++busy);
      // The first batch is the last to end.
      await new Promise((resolve) => setTimeout(resolve, values[0] === texts[0] ? 10 : 1));
      busy--;
      return { embeddings: await lexical.embedDocuments(values), warnings: [] };
    };
    const few = { doEmbed, maxEmbeddingsPerCall: 4 };
    expect(await asked(embeddingModel(few))).toEqual(expected);
    expect(busiest).toBe(1);
    expect(await asked(embeddingModel({ ...few, supportsParallelCalls: Promise.resolve(true) }))).toEqual(
      expected,
    );
    expect(busiest).toBe(3);
  });

  test("a function over embedMany", async () => {
    const model = embeddingModel();
    const embed = async (values: string[]) => (await embedMany({ model, values })).embeddings;
    expect(await asked(embed)).toEqual(expected);
  });

  test("nothing else", () => {
    for (const embed of ["openai/text-embedding-3-small", 5, null, {}, { embedQuery: () => [] }]) {
      const error = refusal(() => oscillinkRerankingModel({ embed: embed as never }));
      expect(error.message).toMatch(/^embed: must be an embedding model of the AI SDK, .*, not /);
    }
  });
});

describe("a failure", () => {
  const ask = (options: object, call: object = {}) =>
    rerank({ model: oscillinkRerankingModel(options), query, documents: texts, ...call });
  const transient = (isRetryable: boolean) =>
    new APICallError({
      message: "slow down",
      url: "http://embeddings",
      requestBodyValues: {},
      statusCode: isRetryable ? 429 : 401,
      responseHeaders: { "retry-after-ms": "1" },
      isRetryable,
    });

  test("that may pass is repeated by the SDK", async () => {
    const model = embeddingModel();
    const { doEmbed } = model;
    let failures = 2;
    model.doEmbed = async (call) => {
      if (failures-- > 0) throw transient(true);
      return doEmbed(call);
    };
    expect((await ask({ embed: model })).ranking).toHaveLength(texts.length);
    // Two failures, then the query and the documents.
    expect(failures).toBe(-2);
  });

  test("that may not pass comes once, with its cause", async () => {
    const cause = transient(false);
    const embed = vi.fn(() => Promise.reject(cause));
    const error = await failureOf(ask({ embed }));
    expect(error).toBeInstanceOf(EmbedderError);
    expect(error.cause).toBe(cause);
    expect(embed).toHaveBeenCalledTimes(1);
  });

  test.each<[string, object, object, typeof OscillinkError]>([
    [
      "one vector too few",
      { embed: async (batch: string[]) => vectors.slice(0, batch.length - (batch.length > 1 ? 1 : 0)) },
      {},
      EmbedderError,
    ],
    [
      "a model that returns too few",
      { embed: embeddingModel({ doEmbed: async () => ({ embeddings: [], warnings: [] }) }) },
      {},
      EmbedderError,
    ],
    ["nothing to embed the query with", {}, {}, OptionError],
    [
      "vectors for other documents",
      { embed: lexical },
      { providerOptions: { oscillink: { embeddings: [[1]] } } },
      OptionError,
    ],
    [
      "an unknown option of the call",
      { embed: lexical },
      { providerOptions: { oscillink: { topK: 3 } } },
      OptionError,
    ],
    [
      "a vector as a string",
      { embed: lexical },
      { documents: [{ text: "a", embedding: "[1, 2]" }] },
      VectorError,
    ],
    [
      "a vector of another width",
      { embed: lexical },
      { documents: [{ text: "a", embedding: [1, 2] }] },
      VectorError,
    ],
    [
      "a text that is none",
      { embed: lexical, text: () => 5 },
      { documents: [{ page: 1, embedding: vectors[0] }] },
      CandidateError,
    ],
  ])("by %s is an error, or the order in which they came, with a warning", async (_, options, call, kind) => {
    expect(await failureOf(ask(options, call))).toBeInstanceOf(kind);
    const onWarning = vi.fn();
    const model = oscillinkRerankingModel({ ...options, onError: "passthrough", onWarning });
    const ended = vi.fn();
    const result = await rerank({ model, query, documents: texts, topN: 3, onEnd: ended, ...call } as never);
    const { originalDocuments } = result;
    expect(result.rerankedDocuments).toEqual(originalDocuments.slice(0, 3));
    expect(result.ranking.every(({ score }) => score === 0)).toBe(true);
    expect(result.providerMetadata).toBeUndefined();
    expect(onWarning).toHaveBeenCalledTimes(1);
    expect(onWarning.mock.calls[0]![0]).toBeInstanceOf(kind);
    expect(ended.mock.calls[0]![0].warnings).toEqual([
      { type: "other", message: expect.stringMatching(/^not re-ranked: \w+Error: /) },
    ]);
  });

  test.each([[0], [-1], [1.5], [Number.NaN]])("of topN = %d names it", async (topN) => {
    const error = await failureOf(ask({ embed: lexical, onError: "passthrough" }, { topN }));
    expect(error.message).toBe(`topN: must be an integer of at least 1, not ${topN}`);
  });

  test.each([
    ["metadataKey", ""],
    ["attach", "all"],
    ["text", "text"],
    ["modelId", 5],
    ["k", 0],
    ["trust", 1],
    ["lamC", -1],
    ["topN", 5],
  ])("of the option %s shows when the model is made", (name, value) => {
    expect(refusal(() => oscillinkRerankingModel({ [name]: value })).parameter).toBe(name);
  });
});

describe("an abort", () => {
  const reason = new Error("the user left");
  const never = () => new Promise<never>(() => {});
  const deaf: Embedder = { embedQuery: never, embedDocuments: never };

  test.each(["throw", "passthrough"] as const)(
    "ends the wait for an embedder that does not listen (onError: %s)",
    async (onError) => {
      const controller = new AbortController();
      const model = oscillinkRerankingModel({ embed: deaf, onError });
      setTimeout(() => controller.abort(reason), 5);
      const asked = rerank({ model, query, documents: texts, abortSignal: controller.signal });
      expect(await failureOf(asked)).toBe(reason);
    },
  );

  test("reaches an embedding model, and a function", async () => {
    const { signal } = new AbortController();
    const doEmbed = vi.fn(embeddingModel().doEmbed);
    const embed = vi.fn(async (batch: string[], _: { abortSignal?: AbortSignal }) =>
      lexical.embedDocuments(batch),
    );
    for (const one of [embeddingModel({ doEmbed }), embed]) {
      await rerank({
        model: oscillinkRerankingModel({ embed: one }),
        query,
        documents: texts,
        abortSignal: signal,
      });
    }
    const any = expect.any(AbortSignal);
    expect(doEmbed.mock.calls.map(([call]) => call.abortSignal)).toEqual([any, any]);
    expect(embed.mock.calls.map(([, call]) => call.abortSignal)).toEqual([any, any]);
  });

  test("starts no further call to a model that takes one text at a time", async () => {
    const controller = new AbortController();
    const slow = embeddingModel({ maxEmbeddingsPerCall: 1 });
    const doEmbed = vi.fn(async (call: Parameters<typeof slow.doEmbed>[0]) => {
      if (call.values[0] === texts[2]) controller.abort(reason);
      await new Promise((resolve) => setTimeout(resolve, 2));
      return slow.doEmbed(call);
    });
    const model = oscillinkRerankingModel({ embed: { ...slow, doEmbed } });
    const asked = rerank({ model, query, documents: texts, abortSignal: controller.signal });
    expect(await failureOf(asked)).toBe(reason);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(doEmbed.mock.calls.map(([{ values }]) => values[0])).toEqual([query, ...texts.slice(0, 3)]);
  });

  test("in the middle of parallel calls left those under way to reject with nobody to hear, which ends a process", async () => {
    const unheard = vi.fn();
    process.on("unhandledRejection", unheard);
    const controller = new AbortController();
    const all = embeddingModel({ maxEmbeddingsPerCall: 1 });
    let calls = 0;
    const doEmbed = async (call: Parameters<typeof all.doEmbed>[0]) => {
      if (call.values[0] !== query && ++calls === 2) controller.abort(reason);
      await new Promise((resolve) => setTimeout(resolve, 2));
      call.abortSignal?.throwIfAborted();
      return all.doEmbed(call);
    };
    const model = oscillinkRerankingModel({ embed: { ...all, supportsParallelCalls: true, doEmbed } });
    const asked = rerank({ model, query, documents: texts, abortSignal: controller.signal });
    expect(await failureOf(asked)).toBe(reason);
    await new Promise((resolve) => setTimeout(resolve, 30));
    process.off("unhandledRejection", unheard);
    expect(unheard).not.toHaveBeenCalled();
  });

  test("a key given in place of a model was shown", () => {
    const key = "sk-abcdefgh12345678secret";
    const { message } = refusal(() => oscillinkRerankingModel({ embed: key as never }));
    expect(message).toContain("not a text");
    expect(message).not.toContain("abcdefgh");
  });

  test("beforehand asks nobody", async () => {
    const embed = vi.fn();
    const abortSignal = AbortSignal.abort(reason);
    const call = { documents: { type: "text" as const, values: texts }, query, abortSignal };
    expect(await failureOf(Promise.resolve(oscillinkRerankingModel({ embed }).doRerank(call)))).toBe(reason);
    expect(embed).not.toHaveBeenCalled();
  });
});
