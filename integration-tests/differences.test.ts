import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/* Findings on the Python package are named by number, `O19`, in code, tests and documents: docs/differences.md lists them. */

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** The findings that a text names. `-O3` and `L6-v2` are none, nor is the metric `"L2"`. */
const findings = (text: string) => text.match(/(?<![\w-])[OL]\d{1,2}\b(?![-"])/g) ?? [];

const page = read("docs/differences.md");
const files = Object.fromEntries(
  [...page.matchAll(/^\[(\w+)\]: \.\.\/(.*)$/gm)].map(([, name, path]) => [name!, path!]),
);
const listed = [...page.matchAll(/^\| ([OL]\d+) \|.*\| ([^|]*) \|$/gm)].map(([, finding, tests]) => ({
  finding: finding!,
  tests: [...tests!.matchAll(/\[(\w+)\]/g)].map(([, name]) => files[name!]!),
}));

/** Where findings are named, outside of that page and of this file. */
const named = [
  "packages/*/{src,test,scripts}/**/*.ts",
  "{examples,benchmarks,integration-tests}/**/*.ts",
  "*.md",
  "docs/*.md",
  "{packages,examples}/**/*.md",
]
  .flatMap((pattern) => globSync(pattern, { cwd: root, exclude: ["**/node_modules", "**/dist"] }))
  .filter((path) => !["docs/differences.md", "integration-tests/differences.test.ts"].includes(path))
  .flatMap((path) => findings(read(path)).map((finding) => ({ finding, path })));

test("every finding that anything names is listed, once", () => {
  const numbers = listed.map(({ finding }) => finding);
  expect(named.filter(({ finding }) => !numbers.includes(finding))).toEqual([]);
  expect(new Set(numbers).size).toBe(numbers.length);
  // Fewer would mean that they are overlooked.
  expect(new Set(named.map(({ finding }) => finding)).size).toBeGreaterThan(40);
});

test.each(listed)("$finding leads to tests, and to all that name it", ({ finding, tests }) => {
  expect(tests).not.toEqual([]);
  for (const path of tests) expect(existsSync(join(root, path)), path).toBe(true);
  const naming = named.filter((one) => one.finding === finding && one.path.endsWith(".test.ts"));
  // O7 and O59 are tested under other names.
  const expected = naming.length > 0 ? new Set(naming.map(({ path }) => path)) : new Set(tests);
  expect(new Set(tests)).toEqual(expected);
});

test("what is a finding's number, and what is not", () => {
  expect(findings('test("O22/O23 noise"), O1, O2. finding O50: (O39)')).toHaveLength(6);
  expect(findings('MiniLM-L6-v2, MiniLM-L-6-v2, -O3, metric_type: "L2", O365x, IOL2')).toEqual([]);
});
