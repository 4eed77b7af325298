/** The script of a worker: a Web Worker, or one of node:worker_threads. It ranks what a pool of workers hands it. */
import { answerMessages, now } from "../platform.ts";
import type { AskedPool } from "../rerank.ts";
import { answerOf } from "../workers/message.ts";

if (!answerMessages((message) => answerOf(message as AskedPool, now()))) {
  throw new Error(
    "@oscillink/core/worker is the script of a worker: this is none, or a Node older than 20.16",
  );
}
