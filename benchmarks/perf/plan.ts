/** What is measured, and with how much effort. */
import type { Effort } from "./measure.ts";

/** A pool of n candidates of d values, of which k are chosen. */
export interface Size {
  readonly n: number;
  readonly d: number;
  readonly k: number;
}

export interface Plan {
  readonly effort: Effort;
  /** Where all contenders run. */
  readonly sizes: readonly Size[];
  /** Where ours runs alone. */
  readonly large: readonly Size[];
  readonly kernel: Size;
  readonly cold: Size;
  readonly memory: Size;
  readonly query: Size;
  readonly text: Size;
  readonly sign: Size;
  readonly adapters: Size;
  readonly loop: readonly Size[];
  /** Pairs of child processes, one with each kernel, and of processes whose memory is read. */
  readonly children: number;
}

const size = (n: number, d: number, k: number): Size => ({ n, d, k });
const small = [size(20, 1536, 4), size(50, 1536, 5), size(100, 384, 10), size(100, 1536, 10)];

export const full: Plan = {
  effort: { runs: 15, slowRuns: 5, milliseconds: 1000 },
  sizes: [...small, size(200, 768, 10), size(400, 1024, 10), size(1200, 128, 10), size(1200, 1536, 10)],
  large: [size(5000, 384, 10), size(10000, 384, 10)],
  kernel: size(1200, 128, 10),
  cold: size(50, 1536, 5),
  memory: size(10000, 384, 10),
  query: size(1200, 1536, 10),
  text: size(100, 1536, 10),
  sign: size(50, 1536, 5),
  adapters: size(50, 1536, 5),
  loop: [size(50, 1536, 5), size(400, 1024, 10)],
  children: 3,
};

/** A few runs of small pools: whether everything works, not how fast it is. */
export const quick: Plan = {
  ...full,
  effort: { runs: 3, slowRuns: 1, milliseconds: 50 },
  sizes: small,
  large: [],
  loop: [size(50, 1536, 5)],
  kernel: size(100, 384, 10),
  memory: size(1000, 384, 10),
  query: size(100, 1536, 10),
  children: 1,
};
