import { checkObject, OptionError, refuseUnknown, show } from "../errors.ts";

/** How the turns of a conversation become one vector: see {@link QueryFocus}. */
export type FocusMode = "history" | "average" | "oscillator";

/** Options of {@link QueryFocus}. */
export interface FocusOptions {
  /** Default `"history"`. */
  readonly mode?: FocusMode;
  /** `history`: the weight of the vector of all turns joined, beside 1 for the last turn. From 0, the last turn alone, to 10. Default 0.3. */
  readonly historyWeight?: number;
  /** `average`: the last turn's share in the moving average. From 0 (the first turn for ever) to 1 (the last alone). Default 0.8. */
  readonly lastShare?: number;
  /** `oscillator`: how strongly a turn pulls the focus, 1/time². Above 0, to 1e6. Default 4. */
  readonly stiffness?: number;
  /** `oscillator`: what brakes it, 1/time. From 0 to 1e6; from 2 √stiffness on it does not swing. Default 4. */
  readonly damping?: number;
  /** `oscillator`: the time from one turn to the next. Above 0, to 1e6. Default 1. */
  readonly dt?: number;
  /**
   * A turn whose energy is above this begins a new topic: the focus forgets what was before. From 0 to 100, or null for never.
   * Default null. What energy a new topic has depends on the embedding model and the mode: see {@link FocusTurn.energy}.
   */
  readonly resetAbove?: number | null;
  /** The focus has converged where it shifts by less than this. From 0 to 2. Default 0.05. */
  readonly convergedBelow?: number;
}

const MODES: readonly string[] = ["history", "average", "oscillator"];

const DEFAULTS: Required<FocusOptions> = {
  mode: "history",
  historyWeight: 0.3,
  lastShare: 0.8,
  stiffness: 4,
  damping: 4,
  dt: 1,
  resetAbove: null,
  convergedBelow: 0.05,
};

/** The largest value of each number, and whether 0 is one. */
const RANGES: Readonly<Record<string, { readonly zero: boolean; readonly most: number }>> = {
  historyWeight: { zero: true, most: 10 },
  lastShare: { zero: true, most: 1 },
  stiffness: { zero: false, most: 1e6 },
  damping: { zero: true, most: 1e6 },
  dt: { zero: false, most: 1e6 },
  resetAbove: { zero: true, most: 100 },
  convergedBelow: { zero: true, most: 2 },
};

/** Fills in the defaults. @throws {OptionError} for an unknown option, or a value out of its range. */
export function resolveFocus(options: FocusOptions): Readonly<Required<FocusOptions>> {
  checkObject("options", options);
  const resolved: Record<string, unknown> = { ...DEFAULTS };
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(DEFAULTS, name)) refuseUnknown({ [name]: value }, Object.keys(DEFAULTS));
    if (value === undefined) continue;
    check(name, value);
    resolved[name] = value;
  }
  return Object.freeze(resolved as unknown as Required<FocusOptions>);
}

function check(name: string, value: unknown): void {
  if (name === "mode") {
    if (MODES.includes(value as string)) return;
    throw new OptionError(name, `must be one of ${MODES.map(show).join(", ")}, not ${show(value)}`);
  }
  if (name === "resetAbove" && value === null) return;
  const { zero, most } = RANGES[name]!;
  if (typeof value === "number" && value <= most && (zero ? value >= 0 : value > 0)) return;
  const wanted = zero ? `from 0 to ${most}` : `above 0 and at most ${most}`;
  throw new OptionError(name, `must be a number ${wanted}, not ${show(value)}`);
}
