/** Rankings one after the other, each in a turn of the event loop of its own. */
import { nextTurn, outlivesCalls } from "./platform.ts";
import { throwIfAborted, type Waiting, waitFor } from "./waiting.ts";

/** What waits for its turn; false from one that was called off, and took no time. */
const line: (() => boolean)[] = [];

/**
 * What a task comes to, in the order of the calls: at most one task a turn of the event loop, so that timers and what comes in
 * have theirs between any two.
 *
 * @throws the signal's reason as soon as it is aborted, the task not being begun then; what the task throws.
 */
export const inTurn = <T>(task: () => T, signal: Waiting["signal"]): Promise<T> =>
  waitFor(() => queued(task, signal), { signal }, "a turn");

const queued = <T>(task: () => T, signal: Waiting["signal"]): Promise<T> =>
  new Promise((resolve, reject) => {
    const run = () => {
      try {
        throwIfAborted(signal);
        resolve(task());
      } catch (error) {
        reject(error);
      }
      return !signal?.aborted;
    };
    if (!outlivesCalls()) {
      nextTurn(run);
      return;
    }
    line.push(run);
    if (line.length === 1) nextTurn(advance);
  });

function advance(): void {
  // The first stays in the line while it runs, so that a call made meanwhile waits for the next turn.
  while (line.length > 0 && !line[0]!()) line.shift();
  line.shift();
  if (line.length > 0) nextTurn(advance);
}
