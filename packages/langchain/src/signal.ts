import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { CallbackManagerForRetrieverRun } from "@langchain/core/callbacks/manager";
import { ensureConfig, mergeConfigs, type RunnableConfig } from "@langchain/core/runnables";

type Signal = NonNullable<RunnableConfig["signal"]>;

/** Carries a call's abort signal to its searches: of a call's config, LangChain hands a retriever the callbacks alone. */
class SignalCarrier extends BaseCallbackHandler {
  override name = "oscillink_signal";
  readonly signal: Signal;

  constructor(signal: Signal) {
    super();
    this.signal = signal;
  }
}

/** A config whose callbacks carry its signal, if it has one. */
export function carryingSignal(config: Partial<RunnableConfig> | undefined) {
  const whole = ensureConfig(config as RunnableConfig | undefined);
  if (whole.signal === undefined) return config;
  return mergeConfigs<RunnableConfig>(whole, { callbacks: [new SignalCarrier(whole.signal)] });
}

/** The signal of the call that a run is of. */
export function signalOf(run: CallbackManagerForRetrieverRun | undefined): Signal | undefined {
  // The last is this call's own; those before it are of the calls around it.
  return run?.handlers.findLast((handler) => handler instanceof SignalCarrier)?.signal;
}
