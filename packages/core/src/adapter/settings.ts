import { checkFunction, checkObject, OptionError, refuseUnknown, show } from "../errors.ts";
import { type Context, resolveContext } from "../options/calls.ts";
import { optionNames, resolveOptions } from "../options/options.ts";
import type { Options, Params } from "../options/types.ts";
import type { Receipt } from "../receipt/receipt.ts";
import { type AsyncSigner, checkSigner, type Signer } from "../receipt/sign.ts";
import type { ReplayInputs } from "../verify/replay.ts";

/** How much of the record each document carries: the whole receipt, its digest, or nothing but its score. */
export type Attach = "full" | "digest" | "none";

/** What all adapters take, besides the options of `rerank` (`k`, `profile`, …). */
export interface AdapterOptions<Item> extends Options {
  /**
   * An item's name in receipts, so that a receipt names documents that a person knows. Default: what the adapter says, else its
   * place. A second item of one id is told apart by its place.
   */
  id?: (item: Item) => string | undefined;
  /** How far an item is to be trusted, in [0, 1]. Default: 1 for all. */
  trust?: (item: Item) => number | undefined;
  /** An item's title, if it is not part of its text. Default: what the adapter says. */
  title?: (item: Item) => string | undefined;
  /** Where in an item's metadata the record goes. Default `"oscillink"`. */
  metadataKey?: string;
  /** How much of the record is attached. Default `"full"`; tracers see it too, so prefer `"digest"` in production. */
  attach?: Attach;
  /** Facts to bind into every receipt, such as a request's id, or what gives them for each call. Default: none. */
  context?: Context | (() => Context | undefined);
  /**
   * Told after each ranking what its receipt can be replayed on, as plain data: store it beside the receipt, and
   * `replayReceipt(receipt, inputs)` computes it again anywhere. Default: nobody is told.
   */
  onReplayInputs?: (inputs: ReplayInputs, receipt: Receipt) => unknown;
  /** Signs every receipt: see `@oscillink/core/keys`. Default: none. */
  signer?: Signer | AsyncSigner;
  /**
   * What becomes of a failure (a store, an embedder, bad vectors): `"throw"` (default), or `"passthrough"`: the first k
   * come back in the order in which they came, without a record, and `onWarning` is told.
   */
  onError?: "throw" | "passthrough";
  /**
   * Told what failed, where `onError` is `"passthrough"`; and once a store (or adapter, where it knows none), that not one document
   * of a pool came with its vector.
   */
  onWarning?: (error: unknown) => unknown;
}

/** The options of an adapter, judged and resolved. */
export interface AdapterSettings<Item> {
  readonly id: (item: Item) => string | undefined;
  readonly context: () => Context | undefined;
  readonly onReplayInputs: ((inputs: ReplayInputs, receipt: Receipt) => unknown) | null;
  readonly trust: (item: Item) => number | undefined;
  readonly title: (item: Item) => string | undefined;
  readonly metadataKey: string;
  readonly attach: Attach;
  readonly signer: Signer | AsyncSigner | null;
  readonly onError: "throw" | "passthrough";
  readonly onWarning: (error: unknown) => unknown;
  /** The options of `rerank`, as given. */
  readonly options: Options;
  /** The same, resolved. */
  readonly params: Params;
}

const ADAPTER_OPTIONS = [
  ...["id", "trust", "title", "metadataKey", "attach", "context"],
  ...["onReplayInputs", "signer", "onError", "onWarning"],
];

/**
 * Judges all options when an adapter is made, not when its first query comes.
 *
 * @param title the adapter's default.
 * @param own the names of the adapter's own options, for the message about one that is unknown.
 * @throws {OptionError} for an option that is unknown or out of range.
 */
export function resolveAdapterOptions<Item>(
  given: AdapterOptions<Item>,
  defaultTitle: (item: Item) => string | undefined = () => undefined,
  own: readonly string[] = [],
): AdapterSettings<Item> {
  const {
    id = () => undefined,
    context,
    onReplayInputs = null,
    trust = () => undefined,
    title = defaultTitle,
    metadataKey = "oscillink",
    attach = "full",
    signer = null,
    onError = "throw",
    onWarning = () => undefined,
    ...options
  } = checkObject("options", given);
  const known = new Set(optionNames);
  const others = Object.entries(options).filter(([name]) => !known.has(name));
  refuseUnknown(Object.fromEntries(others), [...own, ...ADAPTER_OPTIONS, ...optionNames]);
  for (const [name, value] of Object.entries({ id, trust, title, onWarning })) {
    checkFunction(name, value);
  }
  if (typeof metadataKey !== "string" || metadataKey === "") {
    throw new OptionError("metadataKey", `must be a string that is not empty, not ${show(metadataKey)}`);
  }
  if (!["full", "digest", "none"].includes(attach)) {
    throw new OptionError("attach", `must be "full", "digest" or "none", not ${show(attach)}`);
  }
  if (!["throw", "passthrough"].includes(onError)) {
    throw new OptionError("onError", `must be "throw" or "passthrough", not ${show(onError)}`);
  }
  if (signer !== null) checkSigner(signer);
  if (onReplayInputs !== null) checkFunction("onReplayInputs", onReplayInputs);
  // A context that is the same for all calls is judged now.
  const bound = typeof context === "function" ? undefined : (resolveContext(context) ?? undefined);
  const contextOf = typeof context === "function" ? context : () => bound;
  const params = resolveOptions(options);
  return {
    ...{ id, trust, title, context: contextOf, onReplayInputs },
    ...{ metadataKey, attach, signer, onError, onWarning, options, params },
  };
}

/**
 * How many candidates a retriever fetches to choose k from.
 *
 * @param pool integer >= k; default max(50, 10 k).
 * @throws {OptionError} for another.
 */
export function resolvePool(pool: number | undefined, k: number): number {
  const size = pool ?? Math.max(50, 10 * k);
  if (Number.isSafeInteger(size) && size >= k) return size;
  throw new OptionError("pool", `must be an integer of at least k = ${k}, not ${show(pool)}`);
}

/**
 * How many vectors of texts that were embedded again an adapter keeps; see {@link cachedEmbedder}.
 *
 * @param cache integer >= 0, default 1000; 0 for none.
 * @throws {OptionError} for another.
 */
export function resolveCache(cache = 1000): number {
  if (Number.isSafeInteger(cache) && cache >= 0) return cache;
  throw new OptionError("cache", `must be an integer of at least 0, not ${show(cache)}`);
}

/** Tells of a failure that is passed through. */
export const warn = ({ onWarning }: Pick<AdapterSettings<never>, "onWarning">, error: unknown): void =>
  tell(() => onWarning(error));

/** Calls a listener. What it does wrong is none of the caller's. */
export function tell(listener: () => unknown): void {
  try {
    Promise.resolve(listener()).catch(() => undefined);
  } catch {
    // The same holds for what it throws at once.
  }
}
