import { type Receipt, rerank } from "@oscillink/core";
import { describe, expect, test } from "vitest";
import { cases } from "./cases.ts";
import { type Answer, compareRuntimes, judge, KERNEL_WITH_WEBASSEMBLY } from "./compare.ts";
import { EVERY_RUNTIME } from "./engines.ts";

const rows = await compareRuntimes();
const agreement = { outcome: "equal", reason: null, cases: 20, digest: rows[0]!.digest };

describe("the same 20 reranks give the same receipts, and those of another runtime are replayed", () => {
  test.each(rows.slice(0, 2))("in the Node that runs the tests, WebAssembly: $webAssembly", (row) => {
    expect(row).toMatchObject({ ...agreement, version: process.versions.node });
  });

  for (const row of rows.slice(2)) {
    const { runtime, version, webAssembly, outcome, reason } = row;
    const name = `in ${runtime}, WebAssembly: ${webAssembly}`;
    if (outcome === "not run" && !EVERY_RUNTIME) {
      test.skip(`${name} (not run: ${reason})`);
    } else {
      test(`${name} (${version})`, () => {
        expect(row).toMatchObject(agreement);
      });
    }
  }
});

describe("the comparison", () => {
  const variant = { kernel: KERNEL_WITH_WEBASSEMBLY, webAssembly: true, prelude: "" };
  const digests = cases.map(({ name }) => name);
  const replays = digests.map(() => "ok");
  const reference = { kernels: [KERNEL_WITH_WEBASSEMBLY], digests, again: digests, replays };
  const answer: Answer = {
    runtime: "Made up",
    version: "1.0.0",
    variant,
    report: reference,
    available: true,
    reason: null,
  };
  const other = digests.with(7, "another");

  test("says what differs", () => {
    expect(judge(answer, reference)).toMatchObject({ outcome: "equal", reason: null });
    const outcomes = [
      { digests: other, again: other },
      { again: other },
      { digests: digests.slice(1) },
      { replays: replays.with(7, "replay-figures: energy") },
      { kernels: ["another"] },
    ].map((change) => judge({ ...answer, report: { ...reference, ...change } }, reference));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      "different",
      "different",
      "different",
      "different",
      "failed",
    ]);
    expect(outcomes[0]!.reason).toBe(`"${digests[7]}"`);
  });

  test("tells a runtime that failed from one that is not there", () => {
    const nothing = { ...answer, report: null, reason: "why" };
    expect(judge(nothing, reference)).toMatchObject({ outcome: "failed", reason: "why" });
    expect(judge({ ...nothing, available: false }, reference)).toMatchObject({ outcome: "not run" });
  });
});

test("the cases are of every kind", () => {
  const receipts = cases.map(({ request }) => rerank(request).receipt);
  const having = (condition: (receipt: Receipt) => boolean) => receipts.filter(condition).length;
  expect(cases).toHaveLength(20);
  expect(new Set(receipts.map(({ digest }) => digest)).size).toBe(20);
  expect(new Set(receipts.map(({ profile }) => profile)).size).toBe(3);
  expect(new Set(receipts.map(({ params }) => params.diversityMethod)).size).toBe(3);
  expect(having(({ iterations }) => iterations > 5)).toBeGreaterThan(4);
  expect(having(({ inputs }) => inputs.scores !== null)).toBeGreaterThan(1);
  expect(having(({ inputs }) => inputs.texts !== null)).toBeGreaterThan(4);
  expect(having(({ inputs }) => inputs.titles !== null)).toBeGreaterThan(2);
  expect(having(({ inputs }) => inputs.missing > 0)).toBeGreaterThan(2);
  expect(having(({ inputs }) => inputs.excluded > 0)).toBeGreaterThan(2);
  expect(having(({ meta }) => meta.crowding.passed > 0)).toBeGreaterThan(1);
  expect(having(({ params }) => params.lamQ > 0)).toBeGreaterThan(2);
});
