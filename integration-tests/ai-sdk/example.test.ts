import { expect, test } from "vitest";
import { output } from "../script.ts";

test("examples/ai-sdk.ts ranks the passages that hold the answer first, without a key", async () => {
  const lines = (await output("examples/ai-sdk.ts")).trimEnd().split("\n");
  expect(lines[0]).toMatch(/^\d+\.\d\d {2}\(was \d+\) {2}The Brey Line: /);
  expect(lines.slice(0, 3).join("\n")).toContain("Lucan Brey: ");
  expect(lines[3]).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(lines).toHaveLength(4);
});
