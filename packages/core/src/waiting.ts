import { OptionError, show, TimeoutError } from "./errors.ts";
import { after, newSignal, type Signal } from "./platform.ts";

export { eitherSignal, type Signal } from "./platform.ts";

/** How long a call waits for what is not its own: an embedder, a store, a signer. */
export interface Waiting {
  /** Ends the call at once, whether or not what it waits for listens. */
  readonly signal?: Signal | undefined;
  /** How long it waits each time, in milliseconds. */
  readonly timeout?: number | undefined;
}

/**
 * What some work comes to, if that is in time. What comes later, also an error, is dropped.
 *
 * @param work not begun where the signal is aborted already. It is told of a signal that ends with the call, by a timeout too;
 *   none where there is neither.
 * @param who what is waited for, for the message about one that took too long.
 * @throws the signal's reason as soon as it is aborted; {@link TimeoutError}; what the work throws.
 */
export async function waitFor<T>(
  work: (ended?: Signal) => PromiseLike<T> | T,
  { signal, timeout }: Waiting,
  who: string,
): Promise<T> {
  throwIfAborted(signal);
  if (signal === undefined && timeout === undefined) return work();
  const ended = newSignal();
  let settle = () => {};
  const early = new Promise<never>((_, reject) => {
    const end = (reason: unknown) => {
      reject(reason);
      ended.abort(reason);
    };
    const abort = () => end(reasonOf(signal!));
    const late = () => end(new TimeoutError("timeout", `${who} gave no answer within ${timeout} ms`));
    const callOff = timeout === undefined ? () => {} : after(timeout, late);
    signal?.addEventListener("abort", abort);
    settle = () => {
      callOff();
      signal?.removeEventListener("abort", abort);
    };
  });
  // The work may abort the signal and throw before anybody waits for this.
  early.catch(() => undefined);
  try {
    return await Promise.race([work(ended.signal), early]);
  } finally {
    settle();
  }
}

/** @throws the reason of a signal that is aborted. */
export function throwIfAborted(signal: Signal | undefined): void {
  if (signal?.aborted) throw reasonOf(signal);
}

/** Why a signal was aborted. One that is not the platform's own may not say. */
function reasonOf({ reason }: Signal): unknown {
  if (reason !== undefined) return reason;
  const error = new Error("the call was aborted");
  error.name = "AbortError";
  return error;
}

/** @throws {OptionError} for what is no AbortSignal. */
export function checkSignal(signal: Signal | undefined): void {
  const { aborted, addEventListener, removeEventListener } = (signal ?? {}) as Partial<Signal>;
  const listens = typeof addEventListener === "function" && typeof removeEventListener === "function";
  if (signal === undefined || (typeof aborted === "boolean" && listens)) return;
  throw new OptionError("signal", `must be an AbortSignal, not ${show(signal)}`);
}
