import { rerankAsync } from "@oscillink/core";
import { type WorkerLike, type WorkerPool, workerPool } from "@oscillink/core/workers";

let made = 0;
const create = (): WorkerLike => {
  made++;
  throw new Error("none is needed");
};
const workers: WorkerPool = workerPool(create, { size: 2, cost: 1 });
const candidates = [{ embedding: [0, 1] }, { embedding: [1, 0] }];
const { bundle } = await rerankAsync({ query: [1, 0.2], candidates, k: 1 }, { workers });
console.log(bundle[0]!.candidate === candidates[1], made); // true 0
workers.close();
