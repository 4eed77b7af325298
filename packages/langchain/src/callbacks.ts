/** What a call's callbacks tell of it. */
import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { Callbacks } from "@langchain/core/callbacks/manager";
import { ensureConfig, mergeConfigs, type RunnableConfig } from "@langchain/core/runnables";

/** An AbortSignal, whose type the language's own library has not. */
export type Signal = NonNullable<RunnableConfig["signal"]>;
type Handler = Extract<NonNullable<Callbacks>, readonly unknown[]>[number];

/** Carries a call's abort signal to its searches: of a call's config, LangChain hands a retriever the callbacks alone. */
class SignalCarrier extends BaseCallbackHandler {
  override name = "oscillink_signal";
  readonly signal: Signal;

  constructor(signal: Signal) {
    super();
    this.signal = signal;
  }
}

/** A config whose callbacks carry its signal, if it has one; a `timeout` makes one. */
export function carryingSignal(config: Partial<RunnableConfig> | undefined) {
  const whole = ensureConfig(config as RunnableConfig | undefined);
  if (whole.signal === undefined) return config;
  return mergeConfigs<RunnableConfig>(whole, { callbacks: [new SignalCarrier(whole.signal)] });
}

export const handlersOf = (callbacks: Callbacks | undefined): readonly Handler[] =>
  Array.isArray(callbacks) ? callbacks : (callbacks?.handlers ?? []);

/** The signal of the call whose handlers these are, or else of the run around it, which LangChain keeps where it can. */
export function signalOf(handlers: readonly Handler[]): Signal | undefined {
  // The last is this call's own; those before it are of the calls around it.
  const carrier = handlers.findLast((handler) => handler instanceof SignalCarrier);
  return (carrier as SignalCarrier | undefined)?.signal ?? ensureConfig().signal;
}

/** The name of the handler of ours that hears receipts, and nothing else. */
export const RECEIPT_COLLECTOR = "oscillink_receipts";

/** Whether a handler listens to custom events of all kinds. */
export const hears = (handler: Handler): boolean =>
  hearsReceipts(handler) && (handler as Partial<BaseCallbackHandler>).name !== RECEIPT_COLLECTOR;

/** Whether a handler listens to receipts. */
export function hearsReceipts(handler: Handler): boolean {
  const { ignoreCustomEvent, handleCustomEvent } = handler as Partial<BaseCallbackHandler>;
  return typeof handleCustomEvent === "function" && !ignoreCustomEvent;
}

/** Whether a handler is told of what runs return, as a tracer is. */
export const hearsRuns = (handler: Handler): boolean => !(handler instanceof SignalCarrier);
