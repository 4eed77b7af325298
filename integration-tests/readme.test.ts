import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(`${root}/README.md`, "utf8");
const blocks = [...readme.matchAll(/```(\w*)\n(.*?)```/gs)].map(([, language, text]) => ({ language, text }));

test("the README's example is examples/quickstart.ts, and prints what the README says", () => {
  expect(blocks[0]).toEqual({ language: "ts", text: readFileSync(`${root}/examples/quickstart.ts`, "utf8") });
  const output = execFileSync(process.execPath, ["examples/quickstart.ts"], { cwd: root, encoding: "utf8" });
  expect(blocks[1]).toEqual({ language: "", text: output });
});
