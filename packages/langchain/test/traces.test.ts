import { Document } from "@langchain/core/documents";
import { BaseTracer, type Run } from "@langchain/core/tracers/base";
import { RunCollectorCallbackHandler } from "@langchain/core/tracers/run_collector";
import type { Receipt } from "@oscillink/core";
import { expect, test } from "vitest";
import { OscillinkReranker, OscillinkRetriever } from "../src/index.ts";
import { memoryStore, model, query, texts } from "./world.ts";

/** Keeps the runs as a tracer stores them: as JSON, whole. */
class Tracer extends BaseTracer {
  override name = "tracer";
  readonly runs: Run[] = [];

  constructor() {
    super({ _awaitHandler: true } as never);
  }
  protected override async persistRun(run: Run): Promise<void> {
    this.runs.push(run);
  }
  /** In bytes, of everything that the runs hold. */
  get size(): number {
    return Buffer.byteLength(JSON.stringify(this.runs));
  }
}

/** 60 chunks of 800 characters, each beginning with another sentence. */
const chunks = Array.from({ length: 60 }, (_, i) => {
  const pageContent = `Chapter ${i}. ${texts[i % texts.length]} `.repeat(10).slice(0, 800);
  return new Document({ id: `chunk-${i}`, pageContent, metadata: { page: i, source: "railway.pdf" } });
});
const vectorStore = await memoryStore(chunks);

const traced = async (retriever: { invoke(query: string, config: object): Promise<unknown> }) => {
  const tracer = new Tracer();
  const collector = new RunCollectorCallbackHandler();
  await retriever.invoke(query, { callbacks: [tracer, collector] });
  return { tracer, collector };
};

test("a trace of five of fifty chunks holds little more than that of the store's own retriever, and no pool", async () => {
  const plain = await traced(vectorStore.asRetriever(5));
  const { tracer, collector } = await traced(new OscillinkRetriever({ vectorStore }));
  // Each holds the five chunks once: what the retriever gave back.
  expect(plain.tracer.size).toBeGreaterThan(5 * 800);
  expect(tracer.size).toBeLessThan(8192);
  expect(tracer.size - plain.tracer.size).toBeLessThan(3500);
  expect(Buffer.byteLength(JSON.stringify(collector.tracedRuns))).toBeLessThan(8192);
  const [run] = tracer.runs as [Run];
  const [step] = run.child_runs as [Run];
  expect(step.inputs).toEqual({ query, candidates: 50 });
  // What a tracer keeps of events is that a run began and ended.
  expect([run, step].map(({ events }) => events!.map((event) => Object.keys(event)))).toEqual([
    [
      ["name", "time"],
      ["name", "time"],
    ],
    [
      ["name", "time"],
      ["name", "time"],
    ],
  ]);
});

test("the receipt still comes to those who listen, whole, and to streamEvents", async () => {
  const receipts: Receipt[] = [];
  const callbacks = [
    { awaitHandlers: true, handleCustomEvent: (_: string, data: Receipt) => void receipts.push(data) },
  ];
  const retriever = new OscillinkRetriever({ vectorStore });
  const [first] = await retriever.invoke(query, { callbacks });
  expect(receipts).toHaveLength(1);
  expect(receipts[0]).toMatchObject({ digest: first!.metadata.oscillink.receipt, inputs: { n: 50 } });
  const streamed: unknown[] = [];
  for await (const { event, data } of retriever.streamEvents(query, { version: "v2" })) {
    if (event === "on_custom_event") streamed.push(data);
  }
  expect(streamed).toEqual([expect.objectContaining({ digest: receipts[0]!.digest })]);
});

test("traceCandidates has candidates and bundle in the trace; attach full adds a receipt to each document", async () => {
  const whole = await traced(new OscillinkRetriever({ vectorStore, traceCandidates: true }));
  const [run] = whole.tracer.runs as [Run];
  expect(run.child_runs[0]!.inputs.documents).toHaveLength(50);
  expect(run.child_runs[0]!.outputs!.output).toHaveLength(5);
  expect(whole.tracer.size).toBeGreaterThan(50 * 800);
  const full = await traced(new OscillinkRetriever({ vectorStore, attach: "full" }));
  expect(full.tracer.size).toBeGreaterThan(20_000);
});

test("the reranker's own run holds no document", async () => {
  const tracer = new Tracer();
  const reranker = new OscillinkReranker({ embeddings: model });
  await reranker.compressDocuments(chunks.slice(0, 50), query, [tracer]);
  expect(tracer.runs).toHaveLength(1);
  expect(tracer.size).toBeLessThan(2048);
});
