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
