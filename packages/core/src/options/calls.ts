/** The options of single calls of a lattice, judged. */
import { checkObject, OptionError, refuseUnknown, show } from "../errors.ts";
import { defined, resolveOptions } from "./options.ts";
import type { Params, SolveOptions } from "./types.ts";

/** One step of {@link Lattice.settle}; what is not given is the lattice's own option. */
export interface SettleOptions extends Partial<SolveOptions> {
  /** Length of the implicit Euler step, > 0. Default 1; the longer, the nearer to the minimum. */
  readonly dt?: number;
  /** Start the solver from the present state (default), or from zero: the same step, by another way. */
  readonly warmStart?: boolean;
}

/** What {@link Lattice.receipt} is to say. */
export interface ReceiptOptions {
  /** `"full"` (default), or `"light"`: without the figures that cost a pass over the edges, which are then null. */
  readonly detail?: "full" | "light";
  /** How many null points are listed, those of the largest z. Integer >= 0, default 5; all are counted. */
  readonly nullCap?: number;
  /** From which z on an edge is a null point. Default 3. */
  readonly nullThreshold?: number;
  /** Add what the last `settle` moved. Default false. */
  readonly dynamics?: boolean;
  /** Where the vectors came from, if the caller knows. */
  readonly vectors?: VectorCounts | null;
  /** Facts to bind into the receipt. Default: none. */
  readonly context?: Context | null;
  /** Which turn of a conversation the query is the focus of. Default: none. */
  readonly focus?: FocusRecord | null;
}

/**
 * Facts of the caller's own that a receipt holds beside what was computed: a request's id, its time, the embedding model. They
 * are digested and signed, and change nothing else. At most 32; names of 1 to 64 characters, texts of at most 1,024,
 * finite numbers.
 */
export type Context = Readonly<Record<string, string | number>>;

/**
 * Which turn of a conversation a query is the focus of: what `QueryFocus.next` says of it. It is digested and signed, and changes
 * nothing else, for the vector of the focus is the query itself.
 */
export interface FocusRecord {
  /** Which turn it is, from 0. */
  readonly turn: number;
  /** How far the query has moved since the last turn: 1 - cosine, from 0 to 2, to six significant digits. 0 for the first turn. */
  readonly shift: number;
  /** Whether a topic began at this turn, and what was before was forgotten. */
  readonly reset: boolean;
}

/** Where the vectors of a pool came from. */
export interface VectorCounts {
  /** How many the store handed over. */
  readonly fromStore: number;
  /** How many were embedded anew. */
  readonly reembedded: number;
}

/** The solver's options of one call, filled in from the lattice's. */
export function resolveSolveOptions(params: Params, options: Partial<SolveOptions>): SolveOptions {
  const { tolerance, maxIterations, preconditioner, ...others } = checkObject("options", options);
  refuseUnknown(others, ["tolerance", "maxIterations", "preconditioner"]);
  const given = defined({ tolerance, maxIterations, preconditioner });
  const all = resolveOptions({ ...params, ...(given as Partial<SolveOptions>) });
  return { tolerance: all.tolerance, maxIterations: all.maxIterations, preconditioner: all.preconditioner };
}

/** Whether two ways to solve give the same solution. */
export const sameSolve = (a: SolveOptions, b: SolveOptions): boolean =>
  a.tolerance === b.tolerance && a.maxIterations === b.maxIterations && a.preconditioner === b.preconditioner;

/** @throws {OptionError} for a step that is no positive number. */
export function checkStep(dt: unknown): void {
  if (typeof dt !== "number" || !(dt > 0 && dt < Infinity)) {
    throw new OptionError("dt", `must be a number > 0, not ${show(dt)}`);
  }
}

/** @throws {OptionError} for an unknown option or a value out of range. */
export function resolveReceiptOptions(options: ReceiptOptions): Required<ReceiptOptions> {
  const {
    detail = "full",
    nullCap = 5,
    nullThreshold = 3,
    dynamics = false,
    vectors = null,
    context = null,
    focus = null,
    ...others
  } = checkObject("options", options);
  refuseUnknown(others, ["detail", "nullCap", "nullThreshold", "dynamics", "vectors", "context", "focus"]);
  if (detail !== "full" && detail !== "light") {
    throw new OptionError("detail", `must be "full" or "light", not ${show(detail)}`);
  }
  if (!(Number.isSafeInteger(nullCap) && nullCap >= 0)) {
    throw new OptionError("nullCap", `must be an integer >= 0, not ${show(nullCap)}`);
  }
  checkThreshold("nullThreshold", nullThreshold);
  // The receipt may be written later, when the counts are others.
  const counts = vectors && { ...vectors };
  const bound = { context: resolveContext(context), focus: resolveFocusRecord(focus) };
  return { detail, nullCap, nullThreshold, dynamics, vectors: counts, ...bound };
}

/**
 * What a receipt says of a focus, or null if there is none. What else is in it, such as the query of a `FocusTurn`, is left aside.
 *
 * @throws {OptionError} naming what is out of range.
 */
function resolveFocusRecord(focus: FocusRecord | null): FocusRecord | null {
  if (focus === null) return null;
  const { turn, shift, reset } = checkObject("focus", focus);
  if (!(Number.isSafeInteger(turn) && turn >= 0)) {
    throw new OptionError("focus.turn", `must be an integer >= 0, not ${show(turn)}`);
  }
  if (!(typeof shift === "number" && shift >= 0 && shift <= 2)) {
    throw new OptionError("focus.shift", `must be a number from 0 to 2, not ${show(shift)}`);
  }
  if (typeof reset !== "boolean") {
    throw new OptionError("focus.reset", `must be true or false, not ${show(reset)}`);
  }
  // Canonical JSON knows no -0.
  return { turn: turn + 0, shift: Number(shift.toPrecision(6)) + 0, reset };
}

/** A copy of the facts, or null if there are none. @throws {OptionError} naming the one that cannot be recorded. */
export function resolveContext(context: Context | null | undefined): Context | null {
  if (context === undefined || context === null) return null;
  if (typeof context !== "object" || Array.isArray(context)) {
    throw new OptionError("context", `must be an object of texts and numbers, not ${show(context)}`);
  }
  const facts = Object.entries(context).filter(([, value]) => value !== undefined);
  if (facts.length > 32) throw new OptionError("context", `has ${facts.length} entries; 32 is the most`);
  for (const [name, value] of facts) {
    if (name === "" || name.length > 64 || !name.isWellFormed()) {
      throw new OptionError("context", `has a name of ${name.length} characters; 1 to 64 are accepted`);
    }
    const text = typeof value === "string" && value.length <= 1024 && value.isWellFormed();
    if (text || (typeof value === "number" && Number.isFinite(value))) continue;
    const wanted = "must be a finite number, or a well-formed text of at most 1,024 characters";
    throw new OptionError(`context.${name}`, `${wanted}, not ${show(value)}`);
  }
  return facts.length === 0 ? null : Object.fromEntries(facts.map(([name, v]) => [name, v === 0 ? 0 : v]));
}

/** Refuses a threshold that is no number: NaN would pass nothing, or everything. */
export function checkThreshold(name: string, value: unknown): void {
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new OptionError(name, `must be a number, not ${show(value)}`);
  }
}
