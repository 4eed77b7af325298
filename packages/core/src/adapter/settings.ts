import { checkFunction, checkObject, OptionError, OscillinkError, refuseUnknown, show } from "../errors.ts";
import { type Context, resolveContext } from "../options/calls.ts";
import { optionNames, resolveOptions } from "../options/options.ts";
import type { Options, Params } from "../options/types.ts";
import { type Signal, warnConsole } from "../platform.ts";
import type { Receipt } from "../receipt/receipt.ts";
import { type AsyncSigner, checkSigner, type Signer } from "../receipt/sign.ts";
import type { ReplayInputs } from "../verify/replay.ts";
import { checkSignal, type Waiting } from "../waiting.ts";
import { checkWorkers, type WorkerPool } from "../workers/pool.ts";
import { messageOf } from "./message.ts";

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
  /**
   * How much of the record is attached: see {@link DocumentRecord}. Default `"digest"`, as tracers and logs store what documents
   * carry; `"full"` brings the whole receipt with each.
   */
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
   * come back in the order in which they came, without a record, and `onWarning` is told. An aborted `signal` is no failure: the
   * call is rejected with its reason.
   */
  onError?: "throw" | "passthrough";
  /**
   * Told what failed, where `onError` is `"passthrough"`; and once a store (or adapter, where it knows none), that not one document
   * of a pool came with its vector. Default: the console is, once a process for each kind of them and each store; `() => {}`
   * silences it. That no vector came it is told of a store alone.
   */
  onWarning?: (error: unknown) => unknown;
  /**
   * Ends what is under way, whether or not embedder and store listen, and refuses what comes later: the call is rejected with its
   * reason. For frameworks that hand over no signal of each call; where they do, either ends it. Default: none.
   */
  signal?: Signal;
  /**
   * How long each wait for an embedder, a store or a signer may take, in milliseconds: a number > 0. One that takes longer has
   * failed, with a `TimeoutError`: see `onError`. Default: no limit.
   */
  timeout?: number;
  /**
   * Rank what costs much, so that the thread serves others meanwhile: `nodeWorkers` of `@oscillink/core/node`, or `workerPool` of
   * `@oscillink/core/workers`. Default: none; rankings then take turns in the thread.
   */
  workers?: WorkerPool;
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
  /** Null: the console is told, once. */
  readonly onWarning: ((error: unknown) => unknown) | null;
  readonly waiting: Waiting;
  readonly workers: WorkerPool | undefined;
  /** The options of `rerank`, as given. */
  readonly options: Options;
  /** The same, resolved. */
  readonly params: Params;
}

const ADAPTER_OPTIONS = [
  ...["id", "trust", "title", "metadataKey", "attach", "context"],
  ...["onReplayInputs", "signer", "onError", "onWarning", "signal", "timeout", "workers"],
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
    attach = "digest",
    signer = null,
    onError = "throw",
    onWarning = null,
    signal,
    timeout,
    workers,
    ...options
  } = checkObject("options", given);
  const known = new Set(optionNames);
  const others = Object.entries(options).filter(([name]) => !known.has(name));
  refuseUnknown(Object.fromEntries(others), [...own, ...ADAPTER_OPTIONS, ...optionNames]);
  for (const [name, value] of Object.entries({ id, trust, title })) {
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
  if (onWarning !== null) checkFunction("onWarning", onWarning);
  checkSignal(signal);
  checkTimeout(timeout);
  checkWorkers(workers);
  if (onReplayInputs !== null) checkFunction("onReplayInputs", onReplayInputs);
  // A context that is the same for all calls is judged now.
  const bound = typeof context === "function" ? undefined : (resolveContext(context) ?? undefined);
  const contextOf = typeof context === "function" ? context : () => bound;
  const params = resolveOptions(options);
  return {
    ...{ id, trust, title, context: contextOf, onReplayInputs },
    ...{ metadataKey, attach, signer, onError, onWarning, options, params },
    waiting: { signal, timeout },
    workers,
  };
}

/** A timer takes no more: 2^31 - 1 ms, some 25 days. */
const LONGEST = 2 ** 31 - 1;

function checkTimeout(timeout: number | undefined): void {
  if (timeout !== undefined && !(typeof timeout === "number" && timeout > 0 && timeout <= LONGEST)) {
    const wanted = `must be a number of milliseconds, > 0 and at most ${LONGEST}`;
    throw new OptionError("timeout", `${wanted}, not ${show(timeout)}`);
  }
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

/** What of an answer the values of candidates may take, and what a value takes as decimals, in bytes. */
const ROOM = 3 * 2 ** 20;
const VALUE = 13;

/**
 * How many candidates a search fetches by default from a store whose answers hold the vectors as decimals and end at 4 MiB, as
 * Pinecone's do: max(50, 10 k), but no more than have their values in 3 MiB (236 of 1024 values, 78 of 3072), and no fewer than k.
 *
 * @param width how many values a vector has.
 */
export function poolOfWidth(k: number, width: number): number {
  const most = width > 0 ? Math.floor(ROOM / (VALUE * width)) : Number.POSITIVE_INFINITY;
  return Math.max(k, Math.min(most, resolvePool(undefined, k)));
}

/**
 * Tells of a failure that is passed through, or of what else is worth it: `onWarning`, or else the console, once a process for each
 * kind of failure of a store.
 *
 * @param store what it is about, where that is known.
 */
export function warn(
  { onWarning }: Pick<AdapterSettings<never>, "onWarning">,
  error: unknown,
  store: object = NO_STORE,
): void {
  if (onWarning) {
    tell(() => onWarning(error));
    return;
  }
  const name = error instanceof Error ? error.name : "Error";
  // Which document it was makes no other kind.
  const kind = error instanceof OscillinkError ? `${name} ${error.parameter.replace(/\d+/g, "")}` : name;
  const kinds = consoleToldOf.get(store) ?? new Set();
  const count = (consoleTold.get(kind) ?? 0) + 1;
  if (kinds.has(kind) || count > MOST_OF_A_KIND) return;
  consoleToldOf.set(store, kinds.add(kind));
  consoleTold.set(kind, count);
  // The message alone, and not all of that: a stack or a cause may hold documents.
  const message = messageOf(error).slice(0, 300);
  warnConsole(`oscillink: ${name}: ${message} (shown once; give onWarning to hear of each)`);
}

/** Stands for the store where none is known. */
const NO_STORE = {};
const consoleToldOf = new WeakMap<object, Set<string>>();
/** Of how many stores the console is told of each kind: a store may be made anew with each request. */
const MOST_OF_A_KIND = 10;
const consoleTold = new Map<string, number>();

/** Calls a listener. What it does wrong is none of the caller's. */
export function tell(listener: () => unknown): void {
  try {
    Promise.resolve(listener()).catch(() => undefined);
  } catch {
    // The same holds for what it throws at once.
  }
}
