/** A process that spends units is killed, again and again. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { openState } from "../../src/state/sqlite/open.ts";
import { temporary } from "../testing.ts";

/** The ledger and the counters say the same after so many kills, with so many settled reservations before each. */
export async function netsToZero(kills: number, least: number): Promise<void> {
  const path = join(temporary(), "state.db");
  const settled: string[] = [];
  for (let i = 0; i < kills; i++) settled.push(...(await spendUntilKilled(path, String(i), least)));
  expect(settled.length).toBeGreaterThanOrEqual(kills * least);
  const state = openState(path);
  const { limits } = state.shared;
  // What died with its process is given back.
  const later = Date.now() + 120_000;
  expect(await limits.sweep(later)).toBeGreaterThan(0);
  expect(await limits.sweep(later)).toBe(0);
  const written: string[] = [];
  for await (const { id } of state.durable.ledger.rows(0)) written.push(id);
  // What was told is written, once; of what was not told, there is one a kill at most.
  const ids = new Set(written);
  expect(settled.filter((id) => !ids.has(id))).toEqual([]);
  expect(ids.size).toBe(written.length);
  expect(written.length - settled.length).toBeLessThanOrEqual(kills);
  const all = { units: 10_000_000, window: 3600, month: 10_000_000 };
  const sums = await state.durable.ledger.sums(0, later);
  expect(sums).toHaveLength(3);
  for (const { keyId, units } of sums) {
    const remains = await limits.used(keyId, all, Date.now());
    expect(remains.map(({ limit, left }) => limit - left)).toEqual([units, units]);
  }
  await state.close();
}

/** @returns the ids that it told of, `least` of them or more. */
function spendUntilKilled(path: string, seed: string, least: number): Promise<string[]> {
  const script = fileURLToPath(new URL("./spender.ts", import.meta.url));
  const child = spawn(process.execPath, [script, path, seed]);
  let text = "";
  let lines = 0;
  child.stderr.pipe(process.stderr);
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    lines += chunk.split("\n").length - 1;
    if (lines >= least) child.kill("SIGKILL");
  });
  return new Promise((resolve) => child.on("close", () => resolve(text.split("\n").slice(0, -1))));
}
