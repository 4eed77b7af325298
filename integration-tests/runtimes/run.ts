/** Answers the requests and prints a {@link Report} as one line of JSON, in any runtime. */
import { type Receipt, replayReceipt, rerank } from "@oscillink/core";
import { cases } from "./cases.ts";

export interface Report {
  /** The kernels that computed, each once. */
  readonly kernels: readonly string[];
  /** The digests of the receipts, one a case. */
  readonly digests: readonly string[];
  /** The same of a second pass, in which the engine has compiled what the first one interpreted. */
  readonly again: readonly string[];
  /** What a replay says of the receipts that another runtime made of the cases: "ok", or what differs. */
  readonly replays: readonly string[];
}

/** The receipts of another runtime, one a case; written before this module. */
declare const RECEIPTS: readonly Receipt[];

const receipts = () => cases.map(({ request }) => rerank(request).receipt);
const first = receipts();
const second = receipts();
const report: Report = {
  kernels: [...new Set([...first, ...second].map(({ kernel }) => kernel.name))],
  digests: first.map(({ digest }) => digest),
  again: second.map(({ digest }) => digest),
  replays: RECEIPTS.map((receipt, i) => {
    const { query, queryText, candidates } = cases[i]!.request;
    const replay = replayReceipt(receipt, {
      candidates: candidates!,
      ...(query !== undefined && { query }),
      ...(queryText !== undefined && { queryText }),
    });
    return replay.ok ? "ok" : `${replay.reason}: ${replay.differences.join(", ")}`;
  }),
};
console.log(JSON.stringify(report));
