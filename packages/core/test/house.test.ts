import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const src = fileURLToPath(new URL("../src", import.meta.url));
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.includes("assembly"))
  .map((name) => join(src, name));
const textOf = new Map(files.map((file) => [file, readFileSync(file, "utf8")]));
const name = (file: string) => relative(src, file);

/** What each file imports of the others, types included. */
const imports = new Map(
  Array.from(textOf, ([file, text]) => [
    file,
    Array.from(text.matchAll(/^(?:import|export)\b[^;]*?from "(\.[^"]+)"/gms), ([, path]) =>
      resolve(dirname(file), path!),
    ),
  ]),
);

describe("the sources of core", () => {
  test("form no circle", () => {
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, way: readonly string[]): void => {
      if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].map(name).join(" -> "));
      if (way.includes(file) || done.has(file)) return;
      for (const other of imports.get(file) ?? []) visit(other, [...way, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  test("import nothing of Node, and of packages only the dependencies", () => {
    const { dependencies } = JSON.parse(readFileSync(join(src, "../package.json"), "utf8"));
    for (const [file, text] of textOf) {
      for (const [, path] of text.matchAll(/^(?:import|export)\b[^;]*?from "([^."][^"]*)"/gms)) {
        const known = Object.keys(dependencies).some((own) => path === own || path!.startsWith(`${own}/`));
        expect(known, `${name(file)} imports ${path}`).toBe(true);
      }
    }
  });

  test("declare what they use of the platform in one file", () => {
    const declaring = files.filter((file) => /^declare /m.test(textOf.get(file)!)).map(name);
    expect(declaring).toEqual(["platform.ts"]);
  });

  test("keep the facade small", () => {
    expect(textOf.get(join(src, "lattice.ts"))!.split("\n").length).toBeLessThanOrEqual(351);
  });

  test("offer at most forty names from the main entry", () => {
    const text = textOf.get(join(src, "index.ts"))!;
    const names = Array.from(text.matchAll(/\{([^}]*)\}/g), ([, list]) => list!.split(","))
      .flat()
      .filter((entry) => entry.trim() !== "");
    expect(names.length).toBeGreaterThan(20);
    expect(names.length).toBeLessThanOrEqual(40);
  });
});
