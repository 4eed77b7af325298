/** The threads that read and rank, so that the event loop only decides. */
import { availableParallelism } from "node:os";
import { MessageChannel, type Transferable } from "node:worker_threads";
import { Piscina } from "piscina";
import { Problem } from "../http/problem.ts";
import { costOf, type Rates, type Size } from "./cost.ts";
import { buffersOf } from "./vectors.ts";
import type {
  AnswerDone,
  AnswerTask,
  Decision,
  Outcome,
  RankDone,
  RankTask,
  TellTask,
  ThreadData,
  Told,
} from "./worker.ts";

/** A ranking that costs more than this, in milliseconds, is worth ending a thread for when its client has left. */
const WORTH_ENDING = 100;

/** A body of more bytes than this takes long to read alone: others do not wait behind it. */
const LARGE = 2 ** 21;

export const isLong = (cost: number): boolean => cost > WORTH_ENDING;

export interface ComputeOptions extends ThreadData {
  /** Threads for requests; 0 is one a processor. */
  readonly threads: number;
  /** How many requests are worked on at a time. */
  readonly most: number;
}

/** Reads and ranks in threads. */
export interface Compute {
  /**
   * Reads a request and ranks it in the same thread, once it was decided that it may.
   *
   * @param task whose body is empty after it: its memory goes to the thread.
   * @param decide told what was read; what it throws, the call throws, and nothing is ranked.
   * @param slowly in the one thread for long work, which has a lower priority, and ends when the signal is aborted.
   */
  answer(
    task: Omit<AnswerTask, "port">,
    decide: (told: readonly Told[]) => Promise<Decision>,
    slowly?: AbortSignal,
  ): Promise<AnswerDone>;
  /** What is to be said of a receipt. */
  tell(task: TellTask): Promise<string>;
  /** @param signal where it is aborted, the work ends: at once where it is long, else with its few milliseconds. */
  rank(task: RankTask, cost: number, signal: AbortSignal | undefined): Promise<RankDone>;
  /** As `rank`, in the one thread for long work, which has a lower priority. */
  rankSlowly(task: RankTask, signal: AbortSignal | undefined): Promise<RankDone>;
  costOf(size: Pick<Size, "n" | "d" | "characters">): number;
  /** What waits for a thread, and how many threads there are. */
  state(): { readonly waiting: number; readonly threads: number };
  close(): Promise<void>;
}

export async function startCompute({ threads, most, ...workerData }: ComputeOptions): Promise<Compute> {
  const size = threads || availableParallelism();
  const own = import.meta.url;
  const filename = new URL(`./worker${own.slice(own.lastIndexOf("."))}`, own).href;
  const common = { filename, workerData, atomics: "disabled" } as const;
  // Requests wait in a thread for what the loop decides, and others are read meanwhile.
  const interactive = new Piscina({
    ...common,
    ...{ minThreads: size, maxThreads: size, concurrentTasksPerWorker: Math.ceil(most / size) + 1 },
  });
  // What takes long has a thread to itself, which ends when its client leaves.
  const long = new Piscina({ ...common, minThreads: 0, maxThreads: size, idleTimeout: 30_000 });
  const heavy = new Piscina({
    ...common,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: 30_000,
    niceIncrement: 10,
  });
  const rates: Rates = await interactive.run(undefined, { name: "calibrate" });
  /** What was read is written to go from thread to thread, and this is the writer's only limit. */
  const read = async <T>(work: Promise<Outcome<T>>): Promise<T> => {
    try {
      return done(await work);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new Problem(422, "The request is nested too deeply.", { cause });
    }
  };
  const run = async (pool: Piscina, task: RankTask, signal: AbortSignal | undefined): Promise<RankDone> => {
    const transferList = buffersOf(task.asked.request);
    return done(await pool.run(task, { name: "rank", transferList, signal: signal ?? null }));
  };
  return {
    async answer({ shape, body, id, at }, decide, slowly) {
      const { port1, port2 } = new MessageChannel();
      let failure: { readonly error: unknown } | null = null;
      port1.once("message", async (told: readonly Told[]) => {
        let decision: Decision = "stop";
        try {
          decision = await decide(told);
        } catch (error) {
          failure = { error };
        }
        port1.postMessage(decision);
      });
      try {
        const transferList: Transferable[] = [port2];
        // What is short lies in memory that it shares with others.
        if (body.byteLength > 0 && body.byteLength === body.buffer.byteLength)
          transferList.push(body.buffer as ArrayBuffer);
        const options = { name: "answer", transferList, signal: slowly ?? null };
        const pool = slowly ? heavy : body.byteLength > LARGE ? long : interactive;
        const running = pool.run({ shape, body, id, at, port: port2 }, options);
        const answered = await read<AnswerDone>(running);
        if (failure) throw (failure as { error: unknown }).error;
        return answered;
      } finally {
        port1.close();
      }
    },
    tell: async (task) => done<string>(await interactive.run(task, { name: "tell" })),
    rank: (task, cost, signal) =>
      isLong(cost) ? run(long, task, signal) : run(interactive, task, undefined),
    rankSlowly: (task, signal) => run(heavy, task, signal),
    costOf: (of) => costOf(of, rates),
    state: () => ({
      waiting: interactive.queueSize + long.queueSize + heavy.queueSize,
      threads: interactive.threads.length,
    }),
    close: async () => {
      await Promise.all([interactive, long, heavy].map((pool) => pool.close({ force: true })));
    },
  };
}

function done<T>(outcome: Outcome<T>): T {
  if ("done" in outcome) return outcome.done;
  const { status, detail, faults } = outcome.refused;
  throw new Problem(status, detail, { faults });
}
