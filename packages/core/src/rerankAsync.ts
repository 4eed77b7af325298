import { checkObject, refuseUnknown } from "./errors.ts";
import type { Signal } from "./platform.ts";
import type { Candidate } from "./pool/candidates.ts";
import type { LatticeReceipt } from "./python/latticeReceipt.ts";
import type { AnyReceipt } from "./receipt/receipt.ts";
import { entryOf, type RerankRequest, type RerankResult, rerank } from "./rerank.ts";
import { inTurn } from "./turns.ts";
import { checkSignal, throwIfAborted } from "./waiting.ts";
import { costOf } from "./workers/cost.ts";
import { messageOf } from "./workers/message.ts";
import { checkWorkers, type WorkerPool } from "./workers/pool.ts";

/** Where and how long {@link rerankAsync} works. */
export interface RerankAsyncOptions {
  /** Ends the call with its reason, while it waits and while a worker computes. Default: none. */
  readonly signal?: Signal | undefined;
  /** Rank what costs much: see `workerPool` of `@oscillink/core/workers`. Default: none, and all is ranked in the thread. */
  readonly workers?: WorkerPool | undefined;
}

/**
 * What {@link rerank} gives, byte for byte, for a server that has others to serve meanwhile: at most one ranking a turn of the event
 * loop, in the order of the calls, so that timers and requests have their turns between any two. A worker takes what costs more
 * than its pool's `cost`; it writes the receipt too, while the thread writes one when it is read.
 *
 * Nothing that came in is changed, and nothing is copied before its turn has come: vectors and candidates must stay as they are until
 * the call has settled.
 *
 * @example
 * const { bundle } = await rerankAsync({ query, candidates }, { signal: request.signal });
 *
 * @throws what {@link rerank} throws; the reason of an aborted signal.
 */
export async function rerankAsync<C extends Candidate>(
  request: RerankRequest<C> & { readonly profile: "reference" },
  options?: RerankAsyncOptions,
): Promise<RerankResult<C, LatticeReceipt>>;
export async function rerankAsync<C extends Candidate>(
  request: RerankRequest<C>,
  options?: RerankAsyncOptions,
): Promise<RerankResult<C>>;
export async function rerankAsync<C extends Candidate>(
  request: RerankRequest<C>,
  options: RerankAsyncOptions = {},
): Promise<RerankResult<C, AnyReceipt>> {
  const { signal, workers, ...others } = checkObject("options", options);
  refuseUnknown(others, ["signal", "workers"]);
  checkSignal(signal);
  checkWorkers(workers);
  throwIfAborted(signal);
  if (workers && costOf(request) > workers.cost) {
    let candidates: readonly C[] = [];
    const message = () => {
      const { candidates: own, ...rest } = messageOf(request);
      candidates = own;
      return rest;
    };
    const answer = await workers.ask(message, signal);
    if (answer) {
      return { bundle: answer.entries.map(entryOf(candidates)), receipt: answer.receipt };
    }
  }
  return inTurn(() => rerank<C>(request), signal);
}
