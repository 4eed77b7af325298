import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { EVERY_RUNTIME, type Runtime, runtimes, type Started, Unavailable } from "../runtimes/engines.ts";
import { folder } from "../script.ts";
import { digest } from "./matrix/program.ts";
import { execute, manifestsOf, packInto, pnpm, root, tarballNameOf } from "./workspace.ts";

/*
 * Where it must run: the packed tarball re-ranks once in each runtime, behind each bundler and in each test runner, and
 * gives the digest that this workspace gives. One project holds the tools of all.
 */

const TOOLS = {
  esbuild: "0.28.2",
  jest: "30.5.2",
  jsdom: "31.0.1",
  "ts-jest": "29.4.15",
  // The last that knows the resolution of Node 10.
  typescript: "5.9.3",
  vite: "8.3.8",
  vitest: "5.1.1",
  webpack: "5.113.0",
};

const program = readFileSync(join(import.meta.dirname, "matrix/program.ts"), "utf8");
const wanted = digest();
const expectation = `test("the digest", () => expect(digest()).toBe("${wanted}"));`;
const json = JSON.stringify;
const strict = { target: "es2023", lib: ["es2023", "dom"], types: [], strict: true };

const packed = folder();
const dependencies = Object.fromEntries(
  manifestsOf(root)
    .filter(({ name }) => ["@oscillink/core", "@oscillink/lexical"].includes(name))
    .map((one) => [one.name, `file:${join(packed, tarballNameOf(one))}`]),
);
const project = folder({
  "package.json": json({
    private: true,
    type: "commonjs",
    dependencies: { ...dependencies, ...TOOLS },
  }),
  "pnpm-workspace.yaml": json({ nodeLinker: "hoisted", strictDepBuilds: false }),
  "program.ts": program,
  "print.ts": 'import { digest } from "./program";\nconsole.log(digest());\n',
  "direct.mts": `${program}\nconsole.log(digest());\n`,
  "both.mjs": `import { createRequire } from "node:module";
    import * as module from "@oscillink/core";
    const required = createRequire(import.meta.url)("@oscillink/core");
    for (const [one, other] of [[module, required], [required, module]]) {
      try { one.rerank({ query: [1], candidates: [], k: 0 }); }
      catch (error) {
        console.log(error instanceof one.OptionError, error instanceof other.OptionError, one === other);
      }
    }`,
  "rerank.mjs": 'export { rerank } from "@oscillink/core";\n',
  // As NestJS sets it, and as the newer of its templates do.
  "node10.json": json({
    compilerOptions: { ...strict, module: "commonjs", moduleResolution: "node10", outDir: "node10" },
    files: ["print.ts"],
  }),
  "node16.json": json({
    compilerOptions: { ...strict, module: "node16", outDir: "node16" },
    files: ["print.ts", "direct.mts"],
  }),
  "jest/digest.test.js": `const { digest } = require("../node10/program.js");\n${expectation}`,
  "jest/jest.config.json": json({ transform: {} }),
  "ts-jest/digest.test.ts": `import { expect, test } from "@jest/globals";
    import { digest } from "../program";\n${expectation}`,
  "ts-jest/jest.config.json": json({ preset: "ts-jest" }),
  "tsconfig.json": json({ compilerOptions: { ...strict, module: "commonjs", moduleResolution: "node10" } }),
  "vitest/digest.test.ts": `import { expect, test } from "vitest";
    import { digest } from "../program";\n${expectation}
    test("a page is there", () => expect(document.createElement("p").tagName).toBe("P"));`,
  "vite.config.mjs": json({ build: { outDir: "vite", minify: true }, test: { environment: "jsdom" } })
    .replace(/^/, "export default ")
    .replace('"minify":true', '"lib":{"entry":"print.ts","formats":["es"],"fileName":"print"}'),
  "webpack.cjs": `require("webpack")({ mode: "production", target: "web", context: __dirname,
    entry: "./node16/direct.mjs", output: { path: __dirname + "/webpack", filename: "print.js" } },
    (error, stats) => { if (error || stats.hasErrors()) throw error ?? new Error(stats.toString()); });`,
});

const { PATH = "", HOME = "" } = process.env;
const run = async (command: string, ...args: string[]) =>
  (await execute(command, args, { cwd: project, env: { PATH, HOME, NO_COLOR: "1" } })).stdout.trim();
const tool = (name: string, ...args: string[]) => run(join(project, "node_modules/.bin", name), ...args);
const inNode = (path: string) => run(process.execPath, path);

beforeAll(async () => {
  await packInto(packed, root);
  await pnpm(project, "install", "--prefer-offline", "--no-frozen-lockfile");
  await tool("tsc", "--project", "node10.json");
  await tool("tsc", "--project", "node16.json");
  await tool("esbuild", "print.ts", "--bundle", "--minify", "--format=iife", "--outfile=esbuild/print.mjs");
}, 300_000);

describe.each<Runtime>(runtimes)("$name", (runtime) => {
  test("runs what esbuild made of the tarball", async (context) => {
    const started = await start(runtime, context.skip);
    try {
      expect((await started.run(join(project, "esbuild/print.mjs"))).trim()).toBe(wanted);
    } finally {
      await started.stop();
    }
  });

  if (!runtime.resolves) return;
  test("imports and requires it", async (context) => {
    const started = await start(runtime, context.skip);
    for (const path of ["node16/direct.mjs", "node16/print.js", "node10/print.js"]) {
      expect((await started.run(join(project, path))).trim(), path).toBe(wanted);
    }
  });
});

/** What cannot be had here is skipped, and says why; where everything must be there, it is a failure. */
async function start(runtime: Runtime, skip: (note: string) => never): Promise<Started> {
  try {
    return await runtime.start();
  } catch (error) {
    if (error instanceof Unavailable && !EVERY_RUNTIME) skip(error.message);
    throw error;
  }
}

test("Vite", async () => {
  await tool("vite", "build", "--logLevel", "error");
  expect(await inNode("vite/print.mjs")).toBe(wanted);
});

test("webpack", async () => {
  await inNode("webpack.cjs");
  expect(await inNode("webpack/print.js")).toBe(wanted);
});

test.each(["jest", "ts-jest"])("%s", async (name) => {
  await tool("jest", "--ci", "--config", `${name}/jest.config.json`);
});

test("vitest with jsdom", async () => {
  await tool("vitest", "run", "--dir", "vitest");
});

test("an error of one format is known by the other", async () => {
  expect(await inNode("both.mjs")).toBe("true true false\ntrue true false");
});

test("minified, what a page loads for one re-ranking stays small", async () => {
  const code = await tool("esbuild", "rerank.mjs", "--bundle", "--minify", "--format=esm");
  // A third of it serves the profile `reference`, which a page seldom asks for, and a tenth is the kernel: docs/design.md.
  expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(40 * 1024);
});
