import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

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
