import { OptionError, show, TimeoutError } from "./errors.ts";
import { after, type Signal } from "./platform.ts";

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
 * @param work not begun where the signal is aborted already.
 * @param who what is waited for, for the message about one that took too long.
 * @throws the signal's reason as soon as it is aborted; {@link TimeoutError}; what the work throws.
 */
export async function waitFor<T>(
  work: () => PromiseLike<T> | T,
  { signal, timeout }: Waiting,
  who: string,
): Promise<T> {
  throwIfAborted(signal);
  if (signal === undefined && timeout === undefined) return work();
  let settle = () => {};
  const early = new Promise<never>((_, reject) => {
    const abort = () => reject(signal!.reason);
    const late = () => reject(new TimeoutError("timeout", `${who} gave no answer within ${timeout} ms`));
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
    return await Promise.race([work(), early]);
  } finally {
    settle();
  }
}

/** @throws the reason of a signal that is aborted. */
export function throwIfAborted(signal: Signal | undefined): void {
  if (signal?.aborted) throw signal.reason;
}

/** @throws {OptionError} for what is no AbortSignal. */
export function checkSignal(signal: Signal | undefined): void {
  if (signal === undefined || typeof signal?.addEventListener === "function") return;
  throw new OptionError("signal", `must be an AbortSignal, not ${show(signal)}`);
}
