import { expect, test } from "vitest";
import { output } from "../script.ts";

test("examples/openai-answer.ts shows the sources that hold the answer, without a key", async () => {
  const lines = (await output("examples/openai-answer.ts")).trimEnd().split("\n");
  expect(lines[0]).toMatch(/Orrin Weather Observatory\?$/);
  expect(lines.slice(1, 5).join("\n")).toMatch(
    /\[1\] Orrin Weather Observatory: .*\n.*\n.*\n.*Adela Corrie: /,
  );
  expect(lines[5]).toContain("OPENAI_API_KEY");
  expect(lines[6]).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(lines).toHaveLength(7);
});
