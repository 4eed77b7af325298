/** The places of requests that are worked on, and the line of those that wait for one. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Problem } from "./problem.ts";

export interface PlacesOptions {
  /** How many requests are worked on at a time. */
  readonly inFlight: number;
  /** How long a request waits in line, in milliseconds. */
  readonly waitMs: number;
  /** From this delay of the event loop on, in milliseconds, no request is added to those that are worked on. */
  readonly loopDelayMs: number;
}

/**
 * A request that finds no room waits in line, for a quarter of a second by default. Refusing it at once would cost more: its client would
 * be back at once, and a server that is busy with refusals answers nobody.
 */
export interface Places {
  /**
   * Waits until there is room, and takes none of it: who sends half a body holds no place.
   *
   * @throws {Problem} 503 where none came in time; or the signal's reason.
   */
  room(signal: AbortSignal): Promise<void>;
  /** Takes a place, as soon as there is one, until `leave` is called with the same request. @throws as `room`. */
  take(request: object, signal: AbortSignal): Promise<void>;
  leave(request: object): void;
  /** Refuses those in line. */
  close(): void;
}

interface Waiting {
  readonly until: number;
  /** Null: it only waits for room. */
  readonly request: object | null;
  readonly go: () => void;
  readonly refuse: (why: unknown) => void;
}

/** How often the line is looked after, in milliseconds. */
const TICK = 25;

/** How many may wait for each that is worked on. */
const LINE = 32;

/** Over how long the delay of the event loop is measured, in milliseconds, and how finely. */
const [SAMPLE, RESOLUTION] = [250, 10];

/** @param loop what tells how late the event loop is. */
export function openPlaces(
  { inFlight, waitMs, loopDelayMs }: PlacesOptions,
  loop: LoopWatch = watchLoop(),
): Places {
  const taken = new Set<object>();
  /** In the order in which they came: those whose body is there, who go first, and those who only wait for room. */
  const [ready, line] = [new Set<Waiting>(), new Set<Waiting>()];
  const waiting = () => ready.size + line.size;
  // One for all: each would gather the trace of its stack.
  const full = new Problem(
    503,
    `The server works on ${inFlight} requests already, and more wait. Ask again in a moment.`,
    {
      type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
      title: "Temporary Reduced Capacity",
      headers: { "Retry-After": "1" },
    },
  );
  // A loop that is late with nothing to work on had a stall, which is over.
  const isRoom = () => taken.size < inFlight && (taken.size === 0 || loop.delay() < loopDelayMs);
  let timer: NodeJS.Timeout | undefined;

  function serve(most: number): void {
    // Not copied: the line may be long, and this is asked for with every answer.
    for (const queue of [ready, line]) {
      for (const one of queue) {
        if (most-- <= 0 || !isRoom()) return;
        if (one.request) taken.add(one.request);
        one.go();
      }
    }
  }

  /** One that was let through for room alone may be slow to take it: the next is not held up by it. */
  function look(): void {
    const now = Date.now();
    timer = undefined;
    for (const one of [...ready, ...line]) if (one.until <= now) one.refuse(full);
    serve(inFlight - taken.size);
    if (waiting() > 0) timer ??= setTimeout(look, TICK);
  }

  function wait(request: object | null, signal: AbortSignal): Promise<void> {
    const queue = request ? ready : line;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        queue.delete(one);
        signal.removeEventListener("abort", left);
      };
      const one: Waiting = {
        until: Date.now() + waitMs,
        request,
        go() {
          end();
          resolve();
        },
        refuse(why) {
          end();
          reject(why);
        },
      };
      const left = () => one.refuse(signal.reason);
      signal.addEventListener("abort", left);
      timer ??= setTimeout(look, TICK);
      queue.add(one);
    });
  }

  async function enter(request: object | null, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if ((request ? ready.size : waiting()) === 0 && isRoom()) {
      if (request) taken.add(request);
      return;
    }
    if (waitMs === 0 || waiting() >= inFlight * LINE) throw full;
    await wait(request, signal);
  }

  return {
    room: (signal) => enter(null, signal),
    take: (request, signal) => enter(request, signal),
    leave(request) {
      if (taken.delete(request)) serve(1);
    },
    close() {
      clearTimeout(timer);
      for (const one of [...ready, ...line]) one.refuse(full);
      loop.stop();
    },
  };
}

export interface LoopWatch {
  /** In milliseconds. */
  delay(): number;
  stop(): void;
}

/** The mean delay of the event loop, of the last quarter of a second. */
function watchLoop(): LoopWatch {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  let delay = 0;
  const timer = setInterval(() => {
    // Right after a stall nothing was measured yet.
    if (histogram.count > 0) delay = histogram.mean / 1e6 - RESOLUTION;
    histogram.reset();
  }, SAMPLE).unref();
  return {
    delay: () => delay,
    stop() {
      clearInterval(timer);
      histogram.disable();
    },
  };
}
