import type { Summary } from "./measure.ts";
import type { Plan, Size } from "./plan.ts";

/** One thing measured: a line of the output. */
export interface Fact extends Size {
  readonly part: string;
  readonly what: string;
  readonly unit: "ms" | "MB" | "ratio";
  /** The median, or what was computed from medians. */
  readonly value: number;
  readonly min?: number;
  readonly runs?: number;
  /** The kernel, where it is another than this process's. */
  readonly kernel?: string;
}

/** A part of the benchmark: measures, and yields facts as they come. */
export type Part = (plan: Plan) => Generator<Omit<Fact, "part">> | AsyncGenerator<Omit<Fact, "part">>;

/** The facts of a number of summaries. */
export function* measured(
  size: Size,
  summaries: Readonly<Record<string, Summary>>,
  unit: "ms" | "MB" = "ms",
): Generator<Omit<Fact, "part">> {
  for (const [what, { median, min, runs }] of Object.entries(summaries)) {
    yield { ...size, what, unit, value: median, min, runs };
  }
}
