/** What a call's callbacks tell of it. */
import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { Callbacks } from "@langchain/core/callbacks/manager";
import { ensureConfig, mergeConfigs, type RunnableConfig } from "@langchain/core/runnables";

/** An AbortSignal, whose type the language's own library has not. */
export type Signal = NonNullable<RunnableConfig["signal"]>;
type Handler = Extract<NonNullable<Callbacks>, readonly unknown[]>[number];

/**
 * Carries a call's abort signal and the id of its thread to its searches: of a call's config, LangChain hands a retriever the callbacks
 * alone.
 */
class CallCarrier extends BaseCallbackHandler {
  override name = "oscillink_call";
  readonly signal: Signal | undefined;
  readonly thread: unknown;

  constructor(signal: Signal | undefined, thread: unknown) {
    super();
    this.signal = signal;
    this.thread = thread;
  }
}

/** A config whose callbacks carry its signal and the id of its thread, if it has one; a `timeout` makes a signal. */
export function carryingCall(config: Partial<RunnableConfig> | undefined) {
  const whole = ensureConfig(config as RunnableConfig | undefined);
  const { signal, configurable } = whole;
  const thread: unknown = configurable?.thread_id;
  if (signal === undefined && thread === undefined) return config;
  return mergeConfigs<RunnableConfig>(whole, { callbacks: [new CallCarrier(signal, thread)] });
}

export const handlersOf = (callbacks: Callbacks | undefined): readonly Handler[] =>
  Array.isArray(callbacks) ? callbacks : (callbacks?.handlers ?? []);

/** The signal of the call whose handlers these are, or else of the run around it, which LangChain keeps where it can. */
export const signalOf = (handlers: readonly Handler[]): Signal | undefined =>
  carriedBy(handlers, "signal") ?? ensureConfig().signal;

/** The `configurable.thread_id` of the call whose handlers these are, or else of the run around it. */
export const threadOf = (handlers: readonly Handler[]): unknown =>
  carriedBy(handlers, "thread") ?? ensureConfig().configurable?.thread_id;

/** The last is this call's own; those before it are of the calls around it. */
function carriedBy<Name extends "signal" | "thread">(
  handlers: readonly Handler[],
  name: Name,
): CallCarrier[Name] | undefined {
  const carriers = handlers.filter((handler) => handler instanceof CallCarrier);
  return carriers.findLast((carrier) => carrier[name] !== undefined)?.[name];
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
export const hearsRuns = (handler: Handler): boolean => !(handler instanceof CallCarrier);
