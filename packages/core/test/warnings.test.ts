import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  type AdapterOptions,
  type Embedder,
  type Likeness,
  rerankItems,
  resolveAdapterOptions,
} from "../src/adapter/index.ts";

interface Item {
  readonly text: string;
}
const items: Item[] = [{ text: "one" }, { text: "two" }];
const embedder: Embedder = {
  embedQuery: async () => [1, 0],
  embedDocuments: async (t) => t.map(() => [1, 0]),
};

/** Re-ranks two items of a store, whose vectors are not at hand. */
const ask = (options: AdapterOptions<Item> = {}, likeness: Partial<Likeness & { store: object }> = {}) => {
  const given = { query: [1, 0], vectors: [undefined, undefined], embedder, ...likeness } as Likeness;
  const settings = resolveAdapterOptions(options);
  return rerankItems(
    items,
    ({ text }) => ({ text }),
    "one",
    () => given,
    settings,
  );
};
const failing = (error: unknown): Likeness =>
  ({ embedder: { ...embedder, embedDocuments: () => Promise.reject(error) } }) as never;

let told: string[];
beforeEach(() => {
  told = [];
  vi.spyOn(console, "warn").mockImplementation((text) => void told.push(text));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

test("without a listener the console is told once of each kind and store, and never of what a failure holds", async () => {
  const [store, other] = [{}, {}];
  const secret = `429 for key sk-${"a1".repeat(20)}`;
  const error = Object.assign(new Error(secret, { cause: "a document's text" }), {
    body: "a document's text",
  });
  for (let i = 0; i < 3; i++) await ask({ onError: "passthrough" }, { ...failing(error), store });
  expect(told).toEqual([
    "oscillink: EmbedderError: embeddings: embedding 2 documents failed: 429 for key sk-… (shown once; give onWarning to hear of each)",
  ]);
  // Of another kind, and of another store.
  for (let i = 0; i < 3; i++) await ask({}, { store });
  for (let i = 0; i < 3; i++) await ask({ onError: "passthrough" }, { ...failing(error), store: other });
  expect(told).toHaveLength(3);
  expect(told[1]).toMatch(
    /^oscillink: CandidateError: vectors: came for none of 2 documents: all were embedded anew/,
  );
  expect(told[2]).toBe(told[0]);
});

test("which of the documents it was makes no other kind, and a long message is cut", async () => {
  const trust = (bad: number) => (item: Item) => (items.indexOf(item) === bad ? 7 : 1);
  const store = {};
  for (const bad of [0, 1, 0])
    await ask(
      { onError: "passthrough", trust: trust(bad) },
      {
        store,
        vectors: [
          [1, 0],
          [1, 0],
        ],
      },
    );
  expect(told.filter((text) => text.includes("trust"))).toHaveLength(1);
  const long = new RangeError("x".repeat(5000));
  await ask(
    {
      onError: "passthrough",
      context: () => {
        throw long;
      },
    },
    {
      store,
      vectors: [
        [1, 0],
        [1, 0],
      ],
    },
  );
  expect(told.at(-1)).toMatch(/^oscillink: RangeError: x{300} /);
});

test("stores that are made anew for each request do not fill the console", async () => {
  // One that no other test has, for the console is told once a process.
  const error = { ...failing(new Error("down")), vectors: [[1, 0], undefined] };
  for (let i = 0; i < 40; i++) await ask({ onError: "passthrough" }, { ...error, store: {} } as never);
  expect(told.length).toBeGreaterThan(0);
  expect(told.length).toBeLessThanOrEqual(10);
});

test("the console is not told that all were embedded where no store was to have the vectors", async () => {
  const heard: unknown[] = [];
  await ask();
  await ask({ onWarning: (error) => heard.push(error) });
  expect(told).toEqual([]);
  expect(heard).toEqual([expect.objectContaining({ parameter: "vectors" })]);
});

test("onWarning hears of each in its place, and silences it", async () => {
  const heard: unknown[] = [];
  const error = new EvalError("down");
  for (let i = 0; i < 2; i++) {
    await ask({ onError: "passthrough", onWarning: (e) => heard.push(e) }, { ...failing(error), store: {} });
    await ask({ onError: "passthrough", onWarning: () => {} }, { ...failing(error), store: {} });
  }
  expect(heard).toHaveLength(2);
  expect(told).toEqual([]);
});

test.each([
  ["no console", undefined],
  ["a console without warn", {}],
  [
    "one that throws",
    {
      warn: () => {
        throw new Error("no output here");
      },
    },
  ],
  ["none at all", null],
])("%s breaks nothing", async (_, console) => {
  vi.stubGlobal("console", console);
  const store = {};
  const context = () => {
    throw new URIError("down");
  };
  const { ranked, failure } = await ask(
    { onError: "passthrough", context },
    {
      store,
      vectors: [
        [1, 0],
        [1, 0],
      ],
    },
  );
  expect(ranked.map(({ item }) => item)).toEqual(items);
  expect(failure).not.toBeNull();
});
