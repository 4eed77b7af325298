import { certificates } from "./certificates.ts";
import { requests } from "./requests.ts";

/** What came of one case: an answer, a refusal that says why, or a fault. */
export type Outcome =
  | { readonly kind: "answered" | "refused" }
  | { readonly kind: "fault"; readonly fault: string };

/** Makes the case of a seed, runs it and judges it. */
export type Target = (seed: number) => Outcome;

export const targets: Readonly<Record<string, Target>> = { requests, certificates };

/** What came of many cases. */
export interface Summary {
  readonly cases: number;
  readonly answered: number;
  readonly refused: number;
  /** The first faults, ten at most, with their seeds. */
  readonly faults: readonly { readonly seed: number; readonly fault: string }[];
  readonly faulty: number;
}

/**
 * Runs the cases of `count` seeds from `seed` on, or fewer if the time is over before.
 *
 * @param milliseconds when to end; default: never.
 */
export function fuzz(target: Target, seed: number, count: number, milliseconds = Infinity): Summary {
  const began = performance.now();
  const counts = { answered: 0, refused: 0, fault: 0 };
  const faults: { seed: number; fault: string }[] = [];
  let cases = 0;
  while (cases < count && performance.now() - began < milliseconds) {
    const own = seed + cases++;
    const outcome = target(own);
    counts[outcome.kind]++;
    if (outcome.kind === "fault" && faults.length < 10) faults.push({ seed: own, fault: outcome.fault });
  }
  return { cases, answered: counts.answered, refused: counts.refused, faults, faulty: counts.fault };
}
