import type { Convergence } from "./solve/cg.ts";

/** What happened in a lattice, for logs. */
export interface LatticeEvent extends Convergence {
  readonly event: "settle" | "solve";
  readonly milliseconds: number;
}

/** A listener that writes each event as one line of JSON, for `Lattice.onEvent`. */
export function jsonLinesLogger(write: (line: string) => void): (event: LatticeEvent) => void {
  return (event) => write(`${JSON.stringify(event)}\n`);
}

/** Milliseconds spent in each stage. */
export interface Timings {
  /** Judging and packing what came in. */
  readonly pack: number;
  /** The graph and the system that it makes. */
  readonly graph: number;
  readonly solve: number;
  /** What the query and the words say, the score, and the choice. */
  readonly rank: number;
  /** The figures, the digests and the record. */
  readonly receipt: number;
}
