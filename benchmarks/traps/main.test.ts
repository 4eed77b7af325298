import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { methods } from "./study.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const run = (...args: string[]): string =>
  execFileSync(process.execPath, [main, ...args], { encoding: "utf8", stdio: "pipe" });

describe("bench:traps", () => {
  test("--json prints a line for each method, the bar, each lamC and each trust", () => {
    const lines = run("--json").trim().split("\n");
    const records = lines.map((line): Record<string, unknown> => JSON.parse(line));
    expect(records.flatMap(({ method }) => method ?? [])).toEqual(Object.keys(methods));
    expect(records.filter(({ lamC }) => lamC !== undefined)).toHaveLength(6);
    expect(records.filter(({ meanRank }) => meanRank !== undefined)).toHaveLength(10);
    expect(records).toContainEqual({
      bar: { trapRate: 0, f1: 0.97 },
      trust: 0.01,
      reached: ["cosine + trust", "default + trust"],
    });
    expect(records).toContainEqual(
      expect.objectContaining({ method: "cosine + trust", trials: 40, trapRate: [0, 0], f1: [1, 0] }),
    );
    expect(records.at(-1)).toEqual({
      trust: 0,
      trials: 40,
      trapRate: [0, 0],
      meanRank: null,
      bestRank: null,
    });
  });

  test("prints the same in a second run, each method beside the published figures", () => {
    const text = run("--trials", "5");
    expect(run("--trials", "5")).toBe(text);
    expect(text).toMatch(
      /^reference \+ gates .*0\.000 ± 0\.000, 0\.875 ± 0\.123 +0\.000 ± 0\.000, 0\.880 ± 0\.133$/m,
    );
    expect(text).toMatch(/^trust 0 .*excluded/m);
  });

  test.each(["0", "-1", "1.5", "many"])("refuses --trials %s", (count) => {
    expect(() => run("--trials", count)).toThrow(/whole number/);
  });
});
