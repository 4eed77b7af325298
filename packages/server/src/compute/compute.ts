/** The threads that read and rank, so that the event loop only decides. */
import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import { Problem } from "../http/problem.ts";
import { costOf, type Rates, type Size } from "./cost.ts";
import { buffersOf } from "./vectors.ts";
import type { Outcome, RankDone, RankTask, ReadTask, Sized, TellTask, ThreadData } from "./worker.ts";

/** A ranking that costs more than this, in milliseconds, is worth ending a thread for when its client has left. */
const WORTH_ENDING = 100;

export interface ComputeOptions {
  /** Threads for requests; 0 is one a processor. */
  readonly threads: number;
  readonly signing: ThreadData["signing"];
}

/** Reads and ranks in threads. */
export interface Compute {
  read(task: ReadTask): Promise<readonly Sized[]>;
  /** What is to be said of a receipt. */
  tell(task: TellTask): Promise<string>;
  /** @param signal where it is aborted, the work ends: at once where it is long, else with its few milliseconds. */
  rank(task: RankTask, cost: number, signal: AbortSignal | undefined): Promise<RankDone>;
  /** As `rank`, in the one thread for long work, which has a lower priority. */
  rankSlowly(task: RankTask, signal: AbortSignal | undefined): Promise<RankDone>;
  costOf(size: Size): number;
  /** What waits for a thread, and how many threads there are. */
  state(): { readonly waiting: number; readonly threads: number };
  close(): Promise<void>;
}

export async function startCompute({ threads, signing }: ComputeOptions): Promise<Compute> {
  const size = threads || availableParallelism();
  const own = import.meta.url;
  const filename = new URL(`./worker${own.slice(own.lastIndexOf("."))}`, own).href;
  const workerData: ThreadData = { signing };
  const common = { filename, workerData, atomics: "disabled" } as const;
  const interactive = new Piscina({ ...common, minThreads: size, maxThreads: size });
  const heavy = new Piscina({
    ...common,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: 30_000,
    niceIncrement: 10,
  });
  const rates: Rates = await interactive.run(undefined, { name: "calibrate" });
  const run = async (pool: Piscina, task: RankTask, signal: AbortSignal | undefined): Promise<RankDone> => {
    const transferList = buffersOf(task.asked.request);
    return done(await pool.run(task, { name: "rank", transferList, signal: signal ?? null }));
  };
  return {
    read: async (task) => {
      try {
        return done<readonly Sized[]>(await interactive.run(task, { name: "read" }));
      } catch (cause) {
        // What was read is written to go from thread to thread, and this is the writer's only limit.
        if (!(cause instanceof RangeError)) throw cause;
        throw new Problem(422, "The request is nested too deeply.", { cause });
      }
    },
    tell: async (task) => done<string>(await interactive.run(task, { name: "tell" })),
    rank: (task, cost, signal) => run(interactive, task, cost > WORTH_ENDING ? signal : undefined),
    rankSlowly: (task, signal) => run(heavy, task, signal),
    costOf: (of) => costOf(of, rates),
    state: () => ({ waiting: interactive.queueSize + heavy.queueSize, threads: interactive.threads.length }),
    close: async () => {
      await Promise.all([interactive.close({ force: true }), heavy.close({ force: true })]);
    },
  };
}

function done<T>(outcome: Outcome<T>): T {
  if ("done" in outcome) return outcome.done;
  const { status, detail, faults } = outcome.refused;
  throw new Problem(status, detail, { faults });
}
