import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const readme = readFileSync(new URL("../../packages/langchain/README.md", import.meta.url), "utf8");
const fences = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text]) => ({
  language,
  text: text!,
}));
const of = (language: string) =>
  fences
    .filter((fence) => fence.language === language)
    .map(({ text }) => text)
    .join("");

test("the README's examples, one after the other, print what it says", () => {
  const folder = fileURLToPath(new URL("..", import.meta.url));
  const printed = execFileSync(process.execPath, ["--input-type=module-typescript"], {
    // Packages are looked up from here.
    cwd: folder,
    input: of("ts"),
    encoding: "utf8",
  });
  expect(of("ts")).toContain("import { oscillinkMiddleware }");
  expect(printed).toBe(of(""));
});

test("each is short: ten lines, but for the texts", () => {
  const examples = fences.filter(({ language }) => language === "ts");
  for (const { text } of examples) {
    const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith('  "'));
    expect(lines.length).toBeLessThanOrEqual(11);
  }
});

test("the main entry does not load langchain, the middleware's does", () => {
  const loads = (entry: string) => {
    const script = `
      import { registerHooks } from "node:module";
      const seen = new Set();
      registerHooks({ resolve(name, context, next) { seen.add(name); return next(name, context); } });
      await import(${JSON.stringify(entry)});
      console.log(seen.has("langchain"));`;
    return execFileSync(process.execPath, ["--input-type=module"], {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      input: script,
      encoding: "utf8",
    });
  };
  expect(loads("@oscillink/langchain")).toBe("false\n");
  expect(loads("@oscillink/langchain/middleware")).toBe("true\n");
});
