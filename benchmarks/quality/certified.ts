import { rerank } from "@oscillink/core";
import type { Pool } from "./collection.ts";
import { optionsOf, requestOf, type Settings } from "./methods.ts";

/** How many of the default's bundles on a collection are certified: see `Receipt.certificate`. */
export interface Certified {
  readonly collection: string;
  readonly k: number;
  readonly queries: number;
  /** The share of the queries whose bundle is certified, from 0 to 1. */
  readonly certified: number;
  /** Why the others are not: the share of the queries for each reason. */
  readonly open: Readonly<Record<string, number>>;
}

export function certified(
  collection: string,
  pools: readonly Pool[],
  cuts: readonly number[],
  settings: Settings,
): Certified[] {
  return cuts.map((k) => {
    const receipts = pools.map(
      (pool) => rerank({ ...optionsOf(settings), ...requestOf(pool, true), k }).receipt,
    );
    const reasons = Map.groupBy(receipts, ({ certificate }) => certificate.open);
    const share = (some: readonly unknown[] = []) => some.length / receipts.length;
    return {
      collection,
      k,
      queries: receipts.length,
      certified: share(reasons.get(null)),
      open: Object.fromEntries(
        Array.from(reasons, ([reason, some]) => [String(reason), share(some)] as const).filter(
          ([reason]) => reason !== "null",
        ),
      ),
    };
  });
}
