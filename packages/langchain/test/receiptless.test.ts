import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { afterEach, expect, test, vi } from "vitest";
import { OscillinkReranker, OscillinkRetriever } from "../src/index.ts";
import { documents, idsOf, memoryStore, model, query } from "./world.ts";

/* A receipt is written when somebody wants it: its digests are counted where the platform makes them. */
const digests = vi.spyOn(process.getBuiltinModule("node:crypto"), "createHash");
afterEach(() => {
  digests.mockClear();
});

class Listener extends BaseCallbackHandler {
  override name = "listener";
  readonly heard: string[] = [];
  override handleCustomEvent(event: string): void {
    this.heard.push(event);
  }
}

class Tracer extends BaseCallbackHandler {
  override name = "tracer";
  readonly outputs: unknown[] = [];
  override awaitHandlers = true;
  override handleChainEnd(output: unknown): void {
    this.outputs.push(output);
  }
}

test("no receipt is made that nobody attaches or hears of", async () => {
  const vectorStore = await memoryStore(documents());
  const retriever = new OscillinkRetriever({ vectorStore, attach: "none" });
  const found = await retriever.invoke(query);
  const { signal } = new AbortController();
  expect(idsOf(await retriever.invoke(query, { signal }))).toEqual(idsOf(found));
  const reranker = new OscillinkReranker({ embeddings: model, attach: "none" });
  await reranker.compressDocuments(documents(), query);
  expect(found.every(({ metadata }) => !("oscillink" in metadata))).toBe(true);
  expect(digests).not.toHaveBeenCalled();
});

test("one is made for documents that carry its digest, for a listener, and for a tracer", async () => {
  const vectorStore = await memoryStore(documents());
  await new OscillinkRetriever({ vectorStore }).invoke(query);
  expect(digests).toHaveBeenCalled();

  for (const handler of [new Listener(), new Tracer()]) {
    digests.mockClear();
    const retriever = new OscillinkRetriever({ vectorStore, attach: "none" });
    await retriever.invoke(query, { callbacks: [handler] });
    expect(digests, handler.name).toHaveBeenCalled();
    const told = handler instanceof Listener ? handler.heard : handler.outputs;
    expect(told).toEqual([
      handler instanceof Listener
        ? "oscillink_receipt"
        : { ids: expect.any(Array), receipt: expect.stringMatching(/^sha256:/) },
    ]);
  }
});
