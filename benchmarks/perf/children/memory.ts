/**
 * Prints by how many MB (10^6 bytes) the resident set rises at its peak during one `rerank` with full
 * receipt, above what it was with core imported, the vectors in place as arrays of numbers, and the garbage
 * of their making collected. Counted is all that the process holds beyond that: packed vectors, graph,
 * solver, receipt, what V8 compiles, and garbage that it has not collected yet.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { rerank } from "@oscillink/core";
import { makeVectors } from "../vectors.ts";

const size = JSON.parse(process.argv[2]!);
const { query, embeddings } = makeVectors(size);
const candidates = embeddings.map((embedding) => ({ embedding }));
globalThis.gc!();

resetPeak();
const start = process.memoryUsage.rss();
rerank({ query, candidates, k: size.k });
console.log((peak() - start) / 1e6);

/** On Linux: takes the peak back to the present. Elsewhere the peak may be that of making the vectors. */
function resetPeak(): void {
  if (existsSync("/proc/self/clear_refs")) writeFileSync("/proc/self/clear_refs", "5");
}

/** Bytes. The figure of `resourceUsage` will not do on Linux: a child's starts with its parent's. */
function peak(): number {
  if (!existsSync("/proc/self/status")) return process.resourceUsage().maxRSS * 1024;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;
}
