/** Workers of Node. */
import { startNodeWorker } from "../platform.ts";
import { type WorkerLike, type WorkerPool, type WorkerPoolOptions, workerPool } from "../workers/pool.ts";

/**
 * A pool of workers of `node:worker_threads` for `rerankAsync` and the adapters. They run the entry `@oscillink/core/worker` of this
 * package, and keep no process alive that waits for nothing else. A server that is bundled into one file leaves this package out of
 * the bundle, or makes its own with `workerPool`.
 *
 * Node before 20.16 has no such workers: all is ranked in the thread, as with any that cannot start.
 *
 * @example
 * const workers = nodeWorkers({ size: 2 });
 * const { bundle } = await rerankAsync({ query, candidates }, { workers });
 *
 * @throws {OptionError} for a size or a cost out of range.
 */
export const nodeWorkers = (options: WorkerPoolOptions = {}): WorkerPool => workerPool(create, options);

function create(): WorkerLike {
  // The script lies beside this file: of the same format, and in the sources as in what is built.
  const url = (import.meta as unknown as { readonly url: string }).url;
  const worker = startNodeWorker(url.replace(/node(\/index\.\w+)$/, "worker$1"));
  return {
    postMessage: (message, transfer) => worker.postMessage(message, transfer),
    addEventListener: (type: string, listener: (event: never) => void) => {
      const event = (value: unknown) => (type === "message" ? { data: value } : value);
      worker.on(type, (value) => listener(event(value) as never));
      if (type === "error")
        worker.on("exit", (code) => listener({ message: `it ended with code ${code}` } as never));
    },
    terminate: () => worker.terminate(),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
  };
}
