import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Fact } from "./facts.ts";
import { quick } from "./plan.ts";
import type { Setting } from "./report.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const run = (...args: string[]): string =>
  execFileSync(process.execPath, [main, "--quick", ...args], { encoding: "utf8", stdio: "pipe" });

/** What each part measures at each of its sizes. */
const contents = {
  sizes: [
    ...["ours, bundle", "ours, receipt", "LangChain MMR", "LlamaIndexTS MMR", "cosine top-k"],
    ...["bundle / LangChain", "receipt / LangChain"],
  ],
  stages: [
    "pack",
    "graph",
    "rank",
    "receipt",
    "whole",
    "Gram",
    "Gram, top k",
    "whole / Gram",
    "whole / (Gram, top k)",
  ],
  cold: ["empty process", "with ours", "difference", "import", "first call"],
  memory: ["peak above the start"],
  query: ["setQuery + bundle"],
  sign: ["sign, Ed25519", "verify, Ed25519", "sign, HMAC", "verify, HMAC"],
  adapters: [
    "direct",
    "search",
    ...["reranker", "retriever", "LlamaIndex", "Pinecone", "AI SDK"],
    ...["reranker", "retriever", "LlamaIndex", "Pinecone", "AI SDK"].map((name) => `${name} overhead`),
  ],
  loop: ["plain", "ours", "workers", "ours overhead", "workers overhead"],
  text: ["without text", "with text", "words", "difference"],
};

describe("bench:perf", () => {
  test("--json prints a line for every figure of every part", () => {
    const lines = run("--json").trim().split("\n");
    const facts = lines.map((line): Fact & Setting => JSON.parse(line));
    const parts = Map.groupBy(facts, ({ part }) => part);
    expect([...parts.keys()].sort()).toEqual([...Object.keys(contents), "kernel"].sort());
    for (const [part, whats] of Object.entries(contents)) {
      for (const row of Map.groupBy(parts.get(part)!, ({ n, d, k }) => `${n} ${d} ${k}`).values()) {
        expect(row.map(({ what }) => what)).toEqual(whats);
      }
    }
    for (const part of ["sizes", "stages"] as const) {
      expect(parts.get(part)).toHaveLength(quick.sizes.length * contents[part].length);
    }
    const kernels = parts.get("kernel")!;
    expect(kernels.map(({ unit }) => unit)).toEqual(["ms", "ms", "ratio"]);
    expect(kernels[1]).toMatchObject({ what: "scalar, without WebAssembly", kernel: "scalar" });

    for (const { what, value, min, runs, machine, node, kernel, unit } of facts) {
      expect(machine).toMatch(/, \d+ cores$/);
      expect(node).toBe(process.version);
      expect(kernel).toMatch(/^\w+$/);
      // A difference of two medians of a few runs may be anything.
      if (what === "difference" || what.endsWith(" overhead")) continue;
      expect(value, what).toBeGreaterThan(0);
      if (unit === "ratio") continue;
      expect(min).toBeGreaterThan(0);
      expect(min).toBeLessThanOrEqual(value);
      expect(runs).toBeGreaterThanOrEqual(unit === "ms" ? quick.effort.runs : 1);
    }
  });

  test("prints a table for people, one part alone if asked", () => {
    const lines = run("--only", "text").trim().split("\n");
    expect(lines[0]).toMatch(/, \d+ cores, Node v[\d.]+, kernel \w+$/);
    expect(lines.at(-1)).toMatch(/^\(100, 1536, 10\) +\d+\.\d\d \(\d+\.\d\d\) /);
    expect(lines).toHaveLength(5);
  });

  test("refuses a part that it does not have", () => {
    expect(() => run("--only", "speed")).toThrow(/Allowed choices are sizes, stages/);
  });
});
