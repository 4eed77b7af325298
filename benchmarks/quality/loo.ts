import type { Collection, Pool } from "./collection.ts";
import { evaluate, gain } from "./evaluate.ts";
import { cosine, gridMethods, type Settings } from "./methods.ts";
import { mean } from "./metrics.ts";

/** A setting is not picked if it loses more percent than this on a collection. */
const LOWEST = -1;

/** The gains in nDCG@10 over cosine in percent: setting -> collection -> gain. The first setting is the default. */
export type Gains = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface HeldOut {
  readonly collection: string;
  /** The setting that is best on the others. */
  readonly picked: string;
  /** Its gain on this collection, and the default's. */
  readonly gain: number;
  readonly default: number;
}

/** The gains of every setting of the grid on every collection. */
export function gridGains(
  collections: readonly (readonly [Collection, readonly Pool[]])[],
  settings: Settings,
): Gains {
  const grid = gridMethods(settings);
  const evaluations = collections.map(([collection, pools]) =>
    evaluate(collection, pools, { cosine, ...grid }, [10]),
  );
  const gainsOf = (setting: string) =>
    evaluations.map((e) => [e.collection, gain(e, setting, "nDCG@10")] as const);
  return Object.fromEntries(Object.keys(grid).map((name) => [name, Object.fromEntries(gainsOf(name))]));
}

/**
 * For each collection: the setting with the highest mean gain on the others, of those that lose at most 1 % on any of
 * them, and what it gains on the one held out. Of equal settings the first, and the default if none is eligible.
 */
export function leaveOneOut(gains: Gains): HeldOut[] {
  const settings = Object.keys(gains);
  const standard = settings[0]!;
  return Object.keys(gains[standard]!).map((collection) => {
    const others = (setting: string) =>
      Object.entries(gains[setting]!)
        .filter(([name]) => name !== collection)
        .map(([, value]) => value);
    const [picked = standard] = settings
      .filter((setting) => Math.min(...others(setting)) >= LOWEST)
      .sort((a, b) => mean(others(b)) - mean(others(a)));
    return {
      collection,
      picked,
      gain: gains[picked]![collection]!,
      default: gains[standard]![collection]!,
    };
  });
}
