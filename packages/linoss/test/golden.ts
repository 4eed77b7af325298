import { readFileSync } from "node:fs";
import { expect } from "vitest";

/** A file of the vectors that the Python package linoss_dynamics 0.2.0 gave; NaN stands there as a text. */
export const golden = (name: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8"), (_, value) =>
    value === "NaN" ? Number.NaN : value,
  );

type Nested = number | Float64Array | readonly Nested[];

/** Numbers, or nested arrays of them, within a tolerance relative to the larger of 1 and their size. */
export function expectNear(actual: Nested, wanted: Nested, tolerance = 1e-12, path = ""): void {
  if (typeof wanted === "number") {
    const difference = Math.abs((actual as number) - wanted) / Math.max(1, Math.abs(wanted));
    expect(difference, `${path}: ${actual} for ${wanted}`).toBeLessThanOrEqual(tolerance);
    return;
  }
  const entries = actual as readonly Nested[];
  expect(entries.length, path).toBe(wanted.length);
  wanted.forEach((value: Nested, i: number) => {
    expectNear(entries[i]!, value, tolerance, `${path}[${i}]`);
  });
}
