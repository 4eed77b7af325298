import { expect, test } from "vitest";
import { fuzz, targets } from "./fuzz/targets.ts";

/** A slice of what `pnpm fuzz` runs in full; the first seeds are the same ones. */
test.each(Object.entries(targets))("%s: no fault in a minute of seeded cases", (_, target) => {
  const { cases, answered, faults } = fuzz(target, 1, 1_000_000, 60_000);
  expect(faults).toEqual([]);
  // It says something only if most cases get through.
  expect(answered).toBeGreaterThan(cases / 10);
});
