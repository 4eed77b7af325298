import { rerank } from "@oscillink/core";
import type { Pool } from "./collection.ts";
import { optionsOf, requestOf, type Settings } from "./methods.ts";

/** How many of the default's bundles on a collection are certified: see `Receipt.certificate`. */
export interface Certified {
  readonly collection: string;
  readonly k: number;
  readonly queries: number;
  /** Shares of the queries, from 0 to 1: certified at all, and those of which it took a finer solution. */
  readonly certified: number;
  readonly finer: number;
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
    const share = (holds: (receipt: (typeof receipts)[0]) => boolean) =>
      receipts.filter(holds).length / receipts.length;
    return {
      collection,
      k,
      queries: receipts.length,
      certified: share(({ certificate }) => certificate.orderCertified),
      // The figures stay those of the first solution; the residual of a finer one is smaller by more than its digits.
      finer: share(
        ({ certificate, meta }) =>
          certificate.orderCertified && certificate.residual < 0.999 * meta.ustar_res,
      ),
    };
  });
}
