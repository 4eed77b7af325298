import { rerank } from "@oscillink/core";
import { LexicalEmbedder } from "@oscillink/lexical";
import MiniSearch from "minisearch";
import { beforeAll, describe, expect, test } from "vitest";
import { installed } from "./script.ts";

/** A text of the corpus, its id (a UUID, for some stores take nothing else) and its vector. */
interface Passage {
  readonly id: string;
  readonly text: string;
  readonly vector: number[];
}

interface Question {
  readonly text: string;
  readonly vector: number[];
}

/** What an adapter or a store is filled with. */
export interface Corpus {
  readonly passages: readonly Passage[];
  readonly questions: readonly Question[];
  /** Gives every passage and every question its vector, and throws for any other text. */
  readonly embeddings: {
    embedDocuments(texts: string[]): Promise<number[][]>;
    embedQuery(text: string): Promise<number[]>;
  };
  /** All passages, the nearest first: the order in which candidates come, for adapters that search nothing themselves. */
  nearest(question: Question): Passage[];
  /** The passages that have a word of the text, the best by BM25 first, with its scores. */
  byWords(text: string): (Passage & { readonly score: number })[];
}

/** What an adapter chose: the ids of its bundle, the best first, and the digest of its receipt. */
export interface Chosen {
  readonly ids: readonly string[];
  readonly digest: string;
}

/** Re-ranks all passages for a question, with the options of `rerank` left as they are except for `k`. */
export type Retrieve = (question: Question, k: number) => Promise<Chosen>;

/** What is known to be otherwise. */
interface Exceptions {
  /** The call of core that does the same. Default: {@link direct}. */
  readonly expected?: (question: Question, k: number) => Chosen;
  /** Why the receipts cannot have the same digest; then the ids alone are compared. */
  readonly digest?: string;
  /** An optional dependency, without which it is not run. */
  readonly needs?: string;
}

/**
 * What every adapter over every store does alike: same texts, same question, same vectors, so the same ids and the same
 * receipt digest as a direct call of `rerank`.
 */
export function adapterContract(
  name: string,
  makeRetrieve: (corpus: Corpus) => Promise<Retrieve> | Retrieve,
  { digest: why, needs, expected: expectedOf = direct }: Exceptions = {},
): void {
  if (needs !== undefined && !installed(needs)) {
    test.skip(`${name} (not run: ${needs} is not installed)`);
    return;
  }
  describe(name, () => {
    let retrieve: Retrieve;
    beforeAll(async () => {
      retrieve = await makeRetrieve(corpus);
    });

    const what = why === undefined ? "the ids and the digest" : `the ids (not the digest: ${why})`;
    describe.each(corpus.questions)("$text", (question) => {
      test.each([1, 4, corpus.passages.length])(`k = %i: ${what} of a direct call`, async (k) => {
        const { ids, digest } = await retrieve(question, k);
        const expected = expectedOf(question, k);
        expect(ids).toEqual(expected.ids);
        if (why === undefined) expect(digest).toBe(expected.digest);
        else expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      });
    });
  });
}

/** What an adapter is made with, and asked for the four best passages for the first question. */
export interface Stoppable {
  readonly corpus: Corpus;
  /** As the corpus's, but one of its methods never answers. */
  readonly embeddings: Corpus["embeddings"];
  /** For the call where the framework hands one over, else for the adapter. */
  readonly signal: AbortSignal | undefined;
  /** For the adapter. */
  readonly options: { readonly onError: "throw" | "passthrough"; readonly timeout?: number };
}

/** The ids of what came back. */
type Ask = (given: Stoppable) => Promise<readonly string[]>;

/**
 * What every adapter does alike when its embedder hangs: a signal ends the call at once with its reason, whatever `onError`
 * says, and one that is aborted asks nobody; a wait that takes longer than `timeout` is a failure, and may pass through.
 *
 * @param hangs the methods of the embedder that the adapter waits for behind its search.
 */
export function stoppingContract(
  name: string,
  ask: Ask,
  hangs: readonly ("embedQuery" | "embedDocuments")[] = ["embedQuery", "embedDocuments"],
): void {
  const reason = new Error("the user left");
  /** An embedder that hangs, and long after that fails: nobody is to hear of it. */
  const hanging = (method: "embedQuery" | "embedDocuments") => {
    const asked: string[] = [];
    const failed: string[] = [];
    const called = Promise.withResolvers<void>();
    const hang = () => {
      called.resolve();
      return new Promise<never>((_, reject) => {
        const fail = () => {
          failed.push(method);
          reject(new Error("too late"));
        };
        setTimeout(fail, 60);
      });
    };
    const embeddings: Corpus["embeddings"] = {
      embedQuery: (text) => {
        asked.push("embedQuery");
        return method === "embedQuery" ? hang() : corpus.embeddings.embedQuery(text);
      },
      embedDocuments: (texts) => {
        asked.push("embedDocuments");
        return method === "embedDocuments" ? hang() : corpus.embeddings.embedDocuments(texts);
      },
    };
    return { embeddings, asked, failed, called: called.promise };
  };
  const late = () => new Promise((resolve) => setTimeout(resolve, 80));
  const outcome = (asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      () => expect.fail("it came back"),
      (error) => error,
    );

  describe(name, () => {
    describe.each(["throw", "passthrough"] as const)("onError: %s", (onError) => {
      test.each(hangs)("ends at once, with the reason, while %s hangs", async (method) => {
        const controller = new AbortController();
        const { embeddings, failed, called } = hanging(method);
        const options = { onError };
        const ended = outcome(ask({ corpus, embeddings, signal: controller.signal, options }));
        await called;
        controller.abort(reason);
        expect(await ended).toBe(reason);
        expect(failed).toEqual([]);
        await late();
      });

      test("asks nobody once it is aborted", async () => {
        const { embeddings, asked } = hanging("embedQuery");
        const signal = AbortSignal.abort(reason);
        expect(await outcome(ask({ corpus, embeddings, signal, options: { onError } }))).toBe(reason);
        expect(asked).toEqual([]);
      });
    });

    test.each(hangs)("fails where %s takes longer than the timeout", async (method) => {
      const { embeddings } = hanging(method);
      const options = { onError: "throw", timeout: 20 } as const;
      const error = await outcome(ask({ corpus, embeddings, signal: undefined, options }));
      expect(error).toMatchObject({
        name: "TimeoutError",
        message: expect.stringContaining("the embedder gave no answer within 20 ms"),
        parameter: "timeout",
      });
      await late();
    });

    test("passes the first of the search through where that is allowed", async () => {
      const { embeddings } = hanging(hangs.at(-1)!);
      const options = { onError: "passthrough", timeout: 20 } as const;
      const nearest = corpus.nearest(corpus.questions[0]!).slice(0, 4);
      const ids = await ask({ corpus, embeddings, signal: undefined, options });
      expect(ids).toEqual(nearest.map(({ id }) => id));
      await late();
    });
  });
}

/** A document as a store may return it: its text may be null, and its metadata may hold anything. */
export interface Faulty {
  readonly id: string;
  readonly text: string;
  readonly metadata: Record<string, unknown>;
}

type Callbacks = { readonly [name in "id" | "trust" | "title" | "context"]?: () => never };

/** Asks an adapter for the four best, and says which came back. */
type AskFaulty = (
  documents: readonly Faulty[],
  options: Callbacks & { readonly onError: "throw" | "passthrough" },
) => Promise<readonly string[]>;

const fail = (): never => {
  throw new Error("nobody may depend on this");
};
const failing = (name: string) => ({
  get [name]() {
    return fail();
  },
});
class ObjectId {
  readonly #bytes = "64b0";
  toString = () => this.#bytes;
}

const faults: Readonly<Record<string, (document: Faulty) => Faulty>> = {
  "a null text": (document) => ({ ...document, text: null as never }),
  "a computed entry that fails": ({ metadata, ...document }) => ({
    ...document,
    metadata: Object.defineProperties(failing("when"), Object.getOwnPropertyDescriptors(metadata)),
  }),
  "a computed title that fails": (document) => ({ ...document, metadata: failing("title") }),
  "an entry that JSON cannot hold": (document) => ({ ...document, metadata: { toJSON: fail, big: 1n } }),
  "an entry of a class": (document) => ({ ...document, metadata: { _id: new ObjectId() } }),
  "a URL": (document) => ({ ...document, metadata: { from: new URL("https://example.org") } }),
  "what refers to itself": (document) => {
    const metadata: Record<string, unknown> = {};
    metadata.self = metadata;
    return { ...document, metadata };
  },
  "nothing but what is frozen": (document) =>
    Object.freeze({ ...document, metadata: Object.freeze({ page: Object.freeze({ of: 3 }) }) }),
};

/**
 * What every adapter does alike where `onError` is `"passthrough"`: no document and no function of the caller's can cost it a
 * document, whatever it does once the search is over.
 */
export function guardContract(name: string, ask: AskFaulty): void {
  const documents = (): Faulty[] =>
    corpus.nearest(corpus.questions[0]!).map(({ id, text }) => ({ id, text, metadata: { of: "Hollin" } }));
  const all = documents().map(({ id }) => id);

  describe(name, () => {
    describe.each(Object.entries(faults))("a document with %s", (_, fault) => {
      test.each([
        ["the second", (i: number) => i === 1],
        ["every one", () => true],
      ])("%s, costs none", async (_, is) => {
        const given = documents().map((document, i) => (is(i) ? fault(document) : document));
        const ids = await ask(given, { onError: "passthrough" });
        expect(new Set(ids).size).toBe(4);
        expect(all).toEqual(expect.arrayContaining([...ids]));
      });
    });

    test.each(["id", "trust", "title", "context"] as const)(
      "a failing %s() passes the first through",
      async (which) => {
        const ids = await ask(documents(), { onError: "passthrough", [which]: fail });
        expect(ids).toEqual(all.slice(0, 4));
        await expect(ask(documents(), { onError: "throw", [which]: fail })).rejects.toThrow(
          "nobody may depend",
        );
      },
    );
  });
}

/** The same by a call of core. */
export function direct(question: Question, k: number): Chosen {
  const { bundle, receipt } = rerank({
    query: question.vector,
    queryText: question.text,
    candidates: corpus.nearest(question).map(({ id, text, vector }) => ({ id, text, embedding: vector })),
    k,
  });
  return { ids: bundle.map(({ id }) => id), digest: receipt.digest };
}

/** How many the search by vectors finds, where there are several lists: for a small k, fewer than the words do. */
export const poolOf = (k: number): number => Math.max(6, k);

/** The same by a call of core with two lists. Without `scored`, the ranks of the second count. */
export const directLists =
  ({ scored }: { readonly scored: boolean }) =>
  (question: Question, k: number): Chosen => {
    const items = corpus.byWords(question.text).map(({ id, text, vector, score }) => {
      return { id, text, embedding: vector, ...(scored && { score }) };
    });
    const near = corpus.nearest(question).slice(0, poolOf(k));
    const { bundle, receipt } = rerank({
      query: question.vector,
      queryText: question.text,
      lists: [
        { name: "vector", items: near.map(({ id, text, vector }) => ({ id, text, embedding: vector })) },
        { name: "bm25", items },
      ],
      k,
    });
    return { ids: bundle.map(({ id }) => id), digest: receipt.digest };
  };

const texts = [
  "The glassworks at Hollin burned beech wood until the canal brought coal in 1794.",
  "Marthe Oyen came to Hollin as a cutter and left it as the owner of the glassworks.",
  "Before Hollin, Marthe Oyen had cut lenses for the observatory at Brede.",
  "Lenses for the observatory at Brede were ground with sand from the Isle of Tarn.",
  "The canal was dug by hand in nine years and froze in most winters.",
  "A beech wood is felled in winter, when the sap is down.",
  "Sand from the Isle of Tarn is the whitest of the coast and free of iron.",
  "Iron makes glass green, which nobody minds in a bottle.",
  "Bottles from Hollin were packed in straw and went down the canal to the port.",
  "The port exports little today but salt and the memory of glass.",
  "In the museum of Brede stands a telescope whose lenses bear the initials M. O.",
  "The telescope found a comet in 1811, which was seen from Hollin with bare eyes.",
  "A cutter of glass sits at a wheel of stone over which water drips.",
  "The furnace was never let out; when it cooled, the pots cracked.",
  "Pots for the furnace were built of clay, dried for half a year, and lasted a month.",
  "Salt from the port was carried inland by mules, two sacks each.",
];
const asked = [
  "For whom did the later owner of the glassworks at Hollin cut lenses?",
  "Where did the whitest sand come from?",
  "What went down the canal to the port?",
];

/**
 * A vector near the given one that is one float32 for float32, and whose length is exactly 1: n / 1024, the squares of
 * all n adding up to 1024 squared. Stores that scale to length 1, compute in float32 or write decimals change no bit of
 * it. What rounding leaves over goes into places of their own, as a sum of squares.
 */
function exactUnit(vector: ArrayLike<number>): number[] {
  const from = Array.from(vector);
  const scale = 1024 / Math.hypot(...from);
  const whole = from.map((value) => Math.trunc(value * scale));
  let rest = 1024 ** 2 - whole.reduce((sum, n) => sum + n * n, 0);
  // Taking the greatest square leaves at most twice its root: twelve times is enough for any rest.
  const extra = Array.from({ length: 12 }, () => {
    const n = Math.floor(Math.sqrt(rest));
    rest -= n * n;
    return n;
  });
  return [...whole, ...extra].map((n) => n / 1024);
}

function makeCorpus(): Corpus {
  const model = LexicalEmbedder.fit(texts, { dimensions: 64 });
  const vectors = new Map([...texts, ...asked].map((text) => [text, exactUnit(model.embed(text))]));
  const vectorOf = (text: string): number[] => {
    const vector = vectors.get(text);
    if (vector === undefined) throw new Error(`no text of the corpus: ${text}`);
    return [...vector];
  };
  const passages = texts.map((text, i) => ({
    id: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
    text,
    vector: vectorOf(text),
  }));
  const words = new MiniSearch({ fields: ["text"] });
  words.addAll(passages);
  return {
    passages,
    questions: asked.map((text) => ({ text, vector: vectorOf(text) })),
    embeddings: {
      embedDocuments: async (batch) => batch.map(vectorOf),
      embedQuery: async (text) => vectorOf(text),
    },
    byWords: (text) =>
      words.search(text).map(({ id, score }) => ({ ...passages.find((one) => one.id === id)!, score })),
    nearest: ({ vector }) =>
      [...passages].sort((a, b) => cosine(vector, b.vector) - cosine(vector, a.vector)),
  };
}

/** Of vectors of length 1, and without rounding: all products are multiples of 2 ** -20. */
export const cosine = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);

export const corpus = makeCorpus();
