/** Workers of any kind that rank for `rerankAsync`. */
export { type WorkerLike, type WorkerPool, type WorkerPoolOptions, workerPool } from "./pool.ts";
