/** Answers the requests and prints a {@link Report} as one line of JSON, in any runtime. */
import { rerank } from "@oscillink/core";
import { cases } from "./cases.ts";

export interface Report {
  /** The kernels that computed, each once. */
  readonly kernels: readonly string[];
  /** The digests of the receipts, one a case. */
  readonly digests: readonly string[];
  /** The same of a second pass, in which the engine has compiled what the first one interpreted. */
  readonly again: readonly string[];
}

const receipts = () => cases.map(({ request }) => rerank(request).receipt);
const first = receipts();
const second = receipts();
const report: Report = {
  kernels: [...new Set([...first, ...second].map(({ kernel }) => kernel.name))],
  digests: first.map(({ digest }) => digest),
  again: second.map(({ digest }) => digest),
};
console.log(JSON.stringify(report));
