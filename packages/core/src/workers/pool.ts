import { checkFunction, checkObject, OptionError, refuseUnknown, show } from "../errors.ts";
import { READY, type Signal, warnConsole } from "../platform.ts";
import { inTurn } from "../turns.ts";
import { waitFor } from "../waiting.ts";
import type { Answer, Message } from "./message.ts";

/** What is used of a worker. A `Worker` of the web is one as it is. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "error" | "messageerror", listener: (event: object) => void): void;
  terminate(): unknown;
  /** Where there are these: an idle worker keeps no process alive. */
  ref?(): void;
  unref?(): void;
}

/** How many workers there are, and what they are for. */
export interface WorkerPoolOptions {
  /** How many workers there are at most, each made when it is needed first. Integer >= 1, default 1. */
  readonly size?: number;
  /**
   * Requests that cost more go to a worker, the others stay in the thread. A number >= 0, default 40, which took about 5 ms where it
   * was measured. The unit is a million multiplications: `(n² d / 2 + 300 c) / 10⁶` for n candidates of d values whose texts and
   * titles have c characters together; 2000 c where scores stand in for vectors.
   */
  readonly cost?: number;
}

/** Workers that rank for {@link rerankAsync}. */
export interface WorkerPool {
  readonly cost: number;
  /** @internal What a worker answers; null where none does, for it failed or the pool is closed. */
  ask(message: () => Message, signal: Signal | undefined): Promise<Answer>;
  /** Ends the workers. What they were at, and what comes later, is ranked in the thread. */
  close(): void;
}

/** A ranking that waits for a worker. */
interface Job {
  readonly message: () => Message;
  readonly signal: Signal | undefined;
  readonly resolve: (answer: Answer) => void;
}

/** A worker, and what it is at. */
interface Hand {
  readonly worker: WorkerLike;
  started: boolean;
  job: Job | null;
}

/** So many that die one after the other without having started: there will be none here, for a policy forbids it, say. */
const ATTEMPTS = 3;

/**
 * A pool of workers, whose script is the entry `@oscillink/core/worker`. One that dies is replaced, and what it was at is ranked in
 * the thread; the console is told of the first. Where none can start, all is ranked in the thread.
 *
 * @param create makes a worker, such as `() => new Worker(new URL("./ranking.js", import.meta.url), { type: "module" })` where
 * `ranking.js` imports that entry. For Node, `nodeWorkers` of `@oscillink/core/node` does all of this.
 * @throws {OptionError} for a size or a cost out of range.
 */
export function workerPool(create: () => WorkerLike, options: WorkerPoolOptions = {}): WorkerPool {
  checkFunction("create", create);
  const { size = 1, cost = 40, ...others } = checkObject("options", options);
  refuseUnknown(others, ["size", "cost"]);
  if (!(Number.isSafeInteger(size) && size >= 1)) {
    throw new OptionError("size", `must be an integer of at least 1, not ${show(size)}`);
  }
  if (!(typeof cost === "number" && cost >= 0)) {
    throw new OptionError("cost", `must be a number >= 0, not ${show(cost)}`);
  }
  return new Workers(create, size, cost);
}

/** @throws {OptionError} for what is no pool of workers. */
export function checkWorkers(workers: WorkerPool | undefined): void {
  if (workers === undefined || typeof workers?.ask === "function") return;
  throw new OptionError("workers", `must be what workerPool or nodeWorkers makes, not ${show(workers)}`);
}

class Workers implements WorkerPool {
  readonly cost: number;
  readonly #size: number;
  readonly #create: () => WorkerLike;
  readonly #hands = new Set<Hand>();
  readonly #waiting: Job[] = [];
  #failed = 0;
  #told = false;
  #closed = false;

  constructor(create: () => WorkerLike, size: number, cost: number) {
    this.#create = create;
    this.#size = size;
    this.cost = cost;
  }

  ask(message: () => Message, signal: Signal | undefined): Promise<Answer> {
    const answered = () =>
      new Promise<Answer>((resolve) => {
        this.#waiting.push({ message, signal, resolve });
        this.#serve();
      });
    return waitFor(answered, { signal }, "a worker");
  }

  close(): void {
    this.#closed = true;
    for (const hand of this.#hands) this.#dismiss(hand);
    this.#serve();
  }

  /** Gives those that wait to workers that are free, or back to the thread where there will be none. */
  #serve(): void {
    while (this.#waiting.length > 0) {
      if (this.#closed || this.#failed >= ATTEMPTS) {
        this.#waiting.shift()!.resolve(null);
        continue;
      }
      if (this.#waiting[0]!.signal?.aborted) {
        this.#waiting.shift();
        continue;
      }
      const free = [...this.#hands].find(({ job }) => job === null);
      if (!free && this.#hands.size >= this.#size) return;
      const hand = free ?? this.#hire();
      if (hand) void this.#give(hand, this.#waiting.shift()!);
    }
  }

  #hire(): Hand | null {
    let worker: WorkerLike | undefined;
    try {
      worker = this.#create();
      const hand: Hand = { worker, started: false, job: null };
      const lost = (event: object) => this.#lost(hand, event);
      worker.addEventListener("message", ({ data }) => this.#heard(hand, data));
      worker.addEventListener("error", lost);
      worker.addEventListener("messageerror", lost);
      this.#hands.add(hand);
      return hand;
    } catch (error) {
      this.#failed++;
      this.#tell(error);
      worker?.terminate?.();
      return null;
    }
  }

  /** Hands a job over, in a turn of its own: to copy the vectors takes time too. */
  async #give(hand: Hand, job: Job): Promise<void> {
    hand.job = job;
    hand.worker.ref?.();
    try {
      const { asked, transfer } = await inTurn(job.message, job.signal);
      if (hand.job !== job) return;
      hand.worker.postMessage(asked, [...transfer]);
    } catch {
      // It was called off, or is refused, which the thread does in the names that the caller knows.
      if (hand.job === job) this.#done(hand, null);
    }
  }

  #heard(hand: Hand, data: unknown): void {
    hand.started = true;
    this.#failed = 0;
    if (data !== READY && hand.job) this.#done(hand, data as Answer);
  }

  #done(hand: Hand, answer: Answer): void {
    hand.job?.resolve(answer);
    hand.job = null;
    hand.worker.unref?.();
    this.#serve();
  }

  #lost(hand: Hand, event: object): void {
    if (!this.#hands.has(hand)) return;
    if (!hand.started) this.#failed++;
    this.#tell(event);
    this.#dismiss(hand);
    this.#serve();
  }

  #dismiss(hand: Hand): void {
    this.#hands.delete(hand);
    hand.job?.resolve(null);
    hand.job = null;
    hand.worker.terminate();
  }

  #tell(event: unknown): void {
    if (this.#told) return;
    this.#told = true;
    const { message = "it ended" } = (event ?? {}) as { readonly message?: string };
    const what = `a worker failed: ${String(message).slice(0, 300)}; what it was at is ranked in this thread`;
    warnConsole(`oscillink: ${what} (shown once)`);
  }
}
