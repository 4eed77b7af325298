/** Has a Web Worker answer the requests, and prints an {@link InWorker} as one line of JSON, in any runtime that has such workers. */
import { rerankAsync } from "@oscillink/core";
import { type WorkerLike, workerPool } from "@oscillink/core/workers";
import { cases } from "./cases.ts";

export interface InWorker {
  /** The digests of the receipts, one a case. */
  readonly digests: readonly string[];
  /** How many of them a worker made. */
  readonly answered: number;
}

/** The bundled script of the worker; written before this module. */
declare const SCRIPT: string;
declare const Worker: new (url: string, options: { type: "module" }) => WorkerLike;

// Where no worker can be made, the console is told of it: that is no part of the report.
console.warn = () => {};
let answered = 0;
const workers = workerPool(
  () => {
    const url = URL.createObjectURL(new Blob([SCRIPT], { type: "text/javascript" }));
    const worker = new Worker(url, { type: "module" });
    worker.addEventListener("message", ({ data }) => {
      if (typeof data === "object") answered++;
    });
    return worker;
  },
  { size: 2, cost: 0 },
);
const results = await Promise.all(cases.map(({ request }) => rerankAsync(request, { workers })));
workers.close();
const report: InWorker = { digests: results.map(({ receipt }) => receipt.digest), answered };
console.log(JSON.stringify(report));
