import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import { nodeWorkers } from "@oscillink/core/node";
import type { WorkerPool } from "@oscillink/core/workers";
import { OscillinkRetriever } from "@oscillink/langchain";
import { measured, type Part } from "../facts.ts";
import { type Effort, sink, summaries } from "../measure.ts";
import type { Size } from "../plan.ts";
import { makeVectors } from "../vectors.ts";
import { writer } from "../words.ts";

const AT_ONCE = 50;
/** Pools of more candidates take seconds a round, and have fewer. */
const LARGE = 100;

/** How long a server's event loop is held while many retrievals run at once: plain ones, and ours without and with a worker. */
export const loop: Part = async function* ({ loop: sizes, effort }) {
  // Whatever it costs: the default leaves small pools in the thread.
  const workers = nodeWorkers({ size: 1, cost: 0 });
  try {
    for (const size of sizes) yield* ofSize(size, effort, workers);
  } finally {
    workers.close();
  }
};

async function* ofSize(size: Size, { runs, slowRuns }: Effort, workers: WorkerPool): ReturnType<Part> {
  const { n, k } = size;
  const { query, embeddings } = makeVectors(size);
  const write = writer(3);
  const queryText = write(10);
  const store = new MemoryVectorStore({ embedQuery: async () => query, embedDocuments: async () => [] });
  const documents = embeddings.map((_, i) => new Document({ id: `d${i}`, pageContent: write(150) }));
  await store.addVectors(embeddings, documents);
  const retrievers = {
    plain: store.asRetriever({ k }),
    ours: new OscillinkRetriever({ vectorStore: store, pool: n, k }),
    workers: new OscillinkRetriever({ vectorStore: store, pool: n, k, workers }),
  };
  const names = Object.keys(retrievers) as (keyof typeof retrievers)[];
  const round = async () => {
    const pauses = { plain: 0, ours: 0, workers: 0 };
    for (const name of names) pauses[name] = await longestPause(() => retrievers[name].invoke(queryText));
    return pauses;
  };
  // The first starts the worker, and lets the engine compile.
  await round();
  await round();
  const least = n > LARGE ? slowRuns : runs;
  const rounds = [];
  while (rounds.length < least) rounds.push(await round());
  const summary = summaries(rounds);
  yield* measured(size, summary);
  for (const name of ["ours", "workers"] as const) {
    const value = summary[name].median - summary.plain.median;
    yield { ...size, what: `${name} overhead`, unit: "ms", value };
  }
}

/**
 * The longest turn of the event loop until all of the calls that are made at once have settled, in milliseconds that the thread
 * computes: those of the clock hold what other processes take.
 */
async function longestPause(call: () => Promise<unknown>): Promise<number> {
  let [last, longest, running] = [computed(), 0, true];
  const turn = (): void => {
    const time = computed();
    longest = Math.max(longest, time - last);
    last = time;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  sink.last = await Promise.all(Array.from({ length: AT_ONCE }, call));
  running = false;
  turn();
  return longest;
}

/** How long this thread has computed, in milliseconds. */
function computed(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
