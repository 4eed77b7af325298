import { ContextualCompressionRetriever } from "@langchain/classic/retrievers/contextual_compression";
import { DocumentCompressorPipeline } from "@langchain/classic/retrievers/document_compressors";
import { EmbeddingsFilter } from "@langchain/classic/retrievers/document_compressors/embeddings_filter";
import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { CallbackManager } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { describe, expect, test } from "vitest";
import { OscillinkReranker, OscillinkRetriever } from "../src/index.ts";
import { digestOf, documents, embedderWith, idsOf, memoryStore, model, query, recordOf } from "./world.ts";

interface Run {
  readonly id: string;
  readonly parent: string | undefined;
  readonly kind: "retriever" | "chain";
  readonly name: string | undefined;
  readonly serialized: readonly string[];
  readonly input: unknown;
  readonly tags: readonly string[];
  readonly metadata: Record<string, unknown>;
  output?: unknown;
  error?: unknown;
}

/** Keeps every run that it is told of, in the order in which they start. */
class Recorder extends BaseCallbackHandler {
  override name = "recorder";
  readonly runs: Run[] = [];

  constructor() {
    super({ _awaitHandler: true });
  }
  override handleRetrieverStart(
    ...[retriever, input, id, parent, tags = [], metadata = {}, name]: Parameters<
      NonNullable<BaseCallbackHandler["handleRetrieverStart"]>
    >
  ): void {
    const { id: serialized } = retriever;
    this.runs.push({ id, parent, kind: "retriever", name, serialized, input, tags, metadata });
  }
  override handleRetrieverEnd(output: DocumentInterface[], id: string): void {
    this.#run(id).output = output;
  }
  override handleRetrieverError(error: unknown, id: string): void {
    this.#run(id).error = error;
  }
  // As @langchain/core 1.2 calls it: parent, tags, metadata, type, name. Its declaration has them in another order.
  override handleChainStart(
    ...[chain, input, id, parent, tags = [], metadata = {}, , name]: Parameters<
      NonNullable<BaseCallbackHandler["handleChainStart"]>
    >
  ): void {
    this.runs.push({ id, parent, kind: "chain", name, serialized: chain.id, input, tags, metadata });
  }
  override handleChainEnd(output: unknown, id: string): void {
    this.#run(id).output = output;
  }
  override handleChainError(error: unknown, id: string): void {
    this.#run(id).error = error;
  }
  #run(id: string): Run {
    return this.runs.find((run) => run.id === id)!;
  }

  named(name: string): Run {
    const found = this.runs.filter((run) => run.name === name);
    expect(found).toHaveLength(1);
    return found[0]!;
  }
}

const vectorStore = await memoryStore(documents());

describe("the runs of OscillinkRetriever", () => {
  test("are itself, and one step inside it", async () => {
    const recorder = new Recorder();
    const bundle = await new OscillinkRetriever({ vectorStore }).invoke(query, { callbacks: [recorder] });
    const [outer, inner] = recorder.runs;
    expect(recorder.runs).toHaveLength(2);
    expect(outer).toMatchObject({
      kind: "retriever",
      parent: undefined,
      input: query,
      serialized: ["oscillink", "retrievers", "OscillinkRetriever"],
    });
    expect(inner).toMatchObject({ kind: "chain", name: "oscillink_rerank", parent: outer!.id });
    expect(outer!.output).toBe(bundle);
    expect(outer!.error).toBeUndefined();
  });

  test("of the step has the candidates and the query as its input, the bundle as its output, with traceCandidates", async () => {
    const recorder = new Recorder();
    const bundle = await new OscillinkRetriever({ vectorStore, traceCandidates: true }).invoke(query, {
      callbacks: [recorder],
    });
    const step = recorder.named("oscillink_rerank");
    const input = step.input as { query: string; documents: DocumentInterface[] };
    expect(input.query).toBe(query);
    expect(input.documents).toHaveLength(20);
    expect(step.output).toMatchObject({ output: bundle });
  });

  test("of the step hold the count of candidates, the ids and the digest, unless more is asked for", async () => {
    const recorder = new Recorder();
    const bundle = await new OscillinkRetriever({ vectorStore }).invoke(query, { callbacks: [recorder] });
    const step = recorder.named("oscillink_rerank");
    expect(step.input).toEqual({ query, candidates: 20 });
    expect(step.output).toEqual({ ids: idsOf(bundle), receipt: digestOf(bundle) });
  });

  test("have the tags and metadata of the retriever, the call's reach the step", async () => {
    const recorder = new Recorder();
    const retriever = new OscillinkRetriever({
      vectorStore,
      tags: ["wired"],
      metadata: { team: "search" },
      callbacks: [recorder],
    });
    expect(retriever).toMatchObject({ tags: ["wired"], metadata: { team: "search" }, verbose: false });
    await retriever.invoke(query, { tags: ["call"], metadata: { user: 7 }, callbacks: [] });
    const [outer] = recorder.runs;
    expect(outer!.tags).toEqual(expect.arrayContaining(["wired", "call"]));
    expect(outer!.metadata).toMatchObject({ team: "search", user: 7 });

    const caller = new Recorder();
    await retriever.invoke(query, { tags: ["call"], metadata: { user: 7 }, callbacks: [caller] });
    const step = caller.named("oscillink_rerank");
    expect(step.tags).toEqual(expect.arrayContaining(["call"]));
    expect(step.metadata).toMatchObject({ user: 7 });
  });

  test("are one alone if the store finds nothing", async () => {
    const recorder = new Recorder();
    const retriever = new OscillinkRetriever({ vectorStore, filter: () => false });
    await retriever.invoke(query, { callbacks: [recorder] });
    expect(recorder.runs.map(({ kind, output }) => [kind, output])).toEqual([["retriever", []]]);
  });

  test("are printed if the retriever is verbose", () => {
    expect(new OscillinkRetriever({ vectorStore, verbose: true }).verbose).toBe(true);
  });

  test("carry the name and id that a call gives them", async () => {
    const recorder = new Recorder();
    const runId = "0190a8a4-7d3c-7b6e-8f00-1d2e3f405162";
    const config = { callbacks: [recorder], runName: "find passages", runId };
    await new OscillinkRetriever({ vectorStore }).invoke(query, config);
    expect(recorder.runs[0]).toMatchObject({ id: runId, name: "find passages" });
    expect(recorder.runs[1]!.parent).toBe(runId);
  });

  test("of twenty at once are not mixed up", async () => {
    const recorder = new Recorder();
    const retriever = new OscillinkRetriever({ vectorStore, callbacks: [recorder] });
    await Promise.all(Array.from({ length: 20 }, () => retriever.invoke(query, { callbacks: [recorder] })));
    const steps = recorder.runs.filter(({ name }) => name === "oscillink_rerank");
    expect(steps).toHaveLength(20);
    expect(new Set(steps.map(({ parent }) => parent)).size).toBe(20);
  });

  test("are told of an error, the step and the retriever both", async () => {
    const recorder = new Recorder();
    const retriever = new OscillinkRetriever({ vectorStore, trust: () => 2 });
    const fault = await retriever.invoke(query, { callbacks: [recorder] }).catch((error) => error);
    expect(fault).toMatchObject({ name: "CandidateError", parameter: "candidates[0].trust" });
    expect(recorder.runs[0]!.error).toBe(fault);
    expect(recorder.named("oscillink_rerank").error).toBe(fault);
    expect(recorder.runs.every(({ output }) => output === undefined)).toBe(true);
  });

  test("are told of an error before the step, too", async () => {
    const recorder = new Recorder();
    const embeddings = embedderWith({ embedQuery: () => Promise.reject(new Error("429")) });
    const retriever = new OscillinkRetriever({ vectorStore, embeddings });
    const fault = await retriever.invoke(query, { callbacks: [recorder] }).catch((error) => error);
    expect(fault.message).toContain("429");
    expect(recorder.runs).toHaveLength(1);
    expect(recorder.runs[0]!.error).toBe(fault);
  });

  test("stream as events: start, step, receipt, end with the bundle", async () => {
    const retriever = new OscillinkRetriever({ vectorStore, tags: ["wired"] });
    const events = [];
    for await (const event of retriever.streamEvents(query, { version: "v2" })) events.push(event);
    expect(events.map(({ event, name }) => [event, name])).toEqual([
      ["on_retriever_start", "OscillinkRetriever"],
      ["on_chain_start", "oscillink_rerank"],
      ["on_custom_event", "oscillink_receipt"],
      ["on_chain_end", "oscillink_rerank"],
      ["on_retriever_end", "OscillinkRetriever"],
    ]);
    expect(events[0]!.tags).toContain("wired");
    const { output } = events.at(-1)!.data as { output: DocumentInterface[] };
    expect(output).toHaveLength(5);
    expect(recordOf(output[0]!)).toHaveProperty("receipt", digestOf(output));
  });
});

describe("the runs of OscillinkReranker", () => {
  test("are one step under its ContextualCompressionRetriever, beside the base retriever", async () => {
    const recorder = new Recorder();
    const retriever = new ContextualCompressionRetriever({
      baseRetriever: vectorStore.asRetriever(12),
      baseCompressor: new OscillinkReranker({ embeddings: model, k: 4 }),
    });
    const bundle = await retriever.invoke(query, { callbacks: [recorder] });
    const [outer, base, step] = recorder.runs;
    expect(recorder.runs).toHaveLength(3);
    expect(outer!.serialized.at(-1)).toBe("ContextualCompressionRetriever");
    expect(base).toMatchObject({ kind: "retriever", parent: outer!.id });
    expect(step).toMatchObject({ kind: "chain", name: "oscillink_rerank", parent: outer!.id });
    expect(step!.tags).toContain("base_compressor");
    expect(base!.output).toHaveLength(12);
    expect(bundle).toHaveLength(4);
    expect(outer!.output).toBe(bundle);
  });

  test("in a pipeline come after the stage that drops what is far off", async () => {
    const recorder = new Recorder();
    const filter = new EmbeddingsFilter({ embeddings: model as never, k: 9 });
    const pipeline = new DocumentCompressorPipeline({
      transformers: [filter, new OscillinkReranker({ embeddings: model, k: 4, traceCandidates: true })],
    });
    const kept = await filter.compressDocuments(documents(), query);
    const callbacks = CallbackManager.fromHandlers({});
    callbacks.addHandler(recorder);
    const bundle = await pipeline.compressDocuments(documents(), query, callbacks);
    expect(kept).toHaveLength(9);
    expect(idsOf(kept)).toEqual(expect.arrayContaining(idsOf(bundle)));
    const step = recorder.named("oscillink_rerank");
    expect(idsOf((step.input as { documents: DocumentInterface[] }).documents)).toEqual(idsOf(kept));
    expect(bundle.map((document) => recordOf(document).rank)).toEqual([1, 2, 3, 4]);
  });

  test("are none without documents", async () => {
    const recorder = new Recorder();
    await new OscillinkReranker({ embeddings: model }).compressDocuments([], query, [recorder]);
    expect(recorder.runs).toEqual([]);
  });

  test("are told of an error, and so is the retriever around it", async () => {
    const recorder = new Recorder();
    const retriever = new ContextualCompressionRetriever({
      baseRetriever: vectorStore.asRetriever(12),
      baseCompressor: new OscillinkReranker({
        embeddings: embedderWith({ embedDocuments: async () => [] }),
      }),
    });
    const fault = await retriever.invoke(query, { callbacks: [recorder] }).catch((error) => error);
    expect(fault).toMatchObject({ name: "EmbedderError" });
    expect(recorder.named("oscillink_rerank").error).toBe(fault);
    expect(recorder.runs[0]!.error).toBe(fault);
  });
});
