/** A process that spends units of a store without end, until it is killed: `node spender.ts FILE SEED`. It prints each id that was settled. */
import { writeSync } from "node:fs";
import { openState } from "../../src/state/sqlite/open.ts";

const [path, seed] = process.argv.slice(2) as [string, string];
const { limits } = openState(path).shared;
const all = { units: 10_000_000, window: 3600, month: 10_000_000 };
for (let i = 0; ; i++) {
  const [id, keyId, now] = [`${seed}-${i}`, `k${i % 3}`, Date.now()];
  const units = 1 + ((i * 7919) % 97);
  const { refused } = await limits.reserve({ id, keyId, units, limits: all, now, expires: now + 60_000 });
  // Some are never spoken for: their process has other things to do when it dies.
  if (refused.length > 0 || i % 11 === 0) continue;
  const charged = i % 5 === 0 ? 0 : i % 7 === 0 ? Math.ceil(units / 10) : units;
  await limits.settle(id, {
    ...{ id, at: now, tenant: "t", keyId, route: "/r", n: 1, d: units, units: charged },
    ...{ outcome: charged > 0 ? "charged" : "refunded", durationMs: 0, digest: null },
  });
  writeSync(1, `${id}\n`);
}
