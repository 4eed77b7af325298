import { beforeEach, expect, test, vi } from "vitest";
import { createOscillinkTool, OscillinkRetriever } from "../src/index.ts";
import { closedStore, documents, embedderWith, query } from "./world.ts";

const told: string[] = [];
beforeEach(() => {
  told.length = 0;
  vi.spyOn(console, "warn").mockImplementation((text) => void told.push(text));
});

const message = "embedding 20 documents failed: 429 of Bearer …";
const failing = async (fields: object = {}) =>
  new OscillinkRetriever({
    vectorStore: await closedStore(documents()),
    embeddings: embedderWith({
      embedDocuments: () => Promise.reject(new Error("429 of Bearer abcdefgh12345")),
    }),
    onError: "passthrough",
    ...fields,
  });

test("a failure that passed through reaches the console once where nobody listens", async () => {
  const retriever = await failing();
  for (let i = 0; i < 3; i++) expect(await retriever.invoke(query)).toHaveLength(5);
  expect(told).toEqual([
    expect.stringContaining(`oscillink: EmbedderError: embeddings: ${message} (shown once;`),
  ]);
});

test("whom a tool tells of receipts alone does not listen; that a store gave no vector is told as well", async () => {
  const search = createOscillinkTool({ retriever: await failing() });
  await search.invoke({ query });
  expect(told).toHaveLength(1);
  const bare = new OscillinkRetriever({ vectorStore: await closedStore(documents()) });
  for (let i = 0; i < 2; i++) await bare.invoke(query);
  expect(told).toHaveLength(2);
  expect(told[1]).toContain("came for none of 20 documents");
});

test("a listener among the callbacks hears of each in its place, and onWarning silences the console", async () => {
  const heard: unknown[] = [];
  const handleCustomEvent = (name: string, data: unknown) => void heard.push([name, data]);
  const retriever = await failing();
  for (let i = 0; i < 2; i++) {
    await retriever.invoke(query, { callbacks: [{ awaitHandlers: true, handleCustomEvent }] });
  }
  expect(heard).toEqual(
    Array(2).fill(["oscillink_warning", { name: "EmbedderError", message: `embeddings: ${message}` }]),
  );
  await (await failing({ onWarning: () => {} })).invoke(query);
  // One that hears of runs alone does not listen to this.
  expect(told).toEqual([]);
  await (await failing()).invoke(query, { callbacks: [{ handleChainStart: () => {} }] });
  expect(told).toHaveLength(1);
});
