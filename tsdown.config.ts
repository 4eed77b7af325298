/**
 * Bundles every package into one file an entry and format, and one for what its entries share: a fresh process pays for
 * each file that it opens. ES modules have the declarations of `tsc` for types. CommonJS has bundles of these, for the name
 * of a declaration file says which of the two formats it describes.
 */
import { globSync, readFileSync } from "node:fs";
import { defineConfig, type UserConfig } from "tsdown";

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly import: string }>>;
}

/** These are ES modules alone, which `require` and Jest do not read everywhere. */
const alwaysBundle = [/^@noble\//, "canonicalize", "p-map"];

export default defineConfig(globSync("packages/*").flatMap(bundles));

function bundles(cwd: string): UserConfig[] {
  const { exports }: Manifest = JSON.parse(readFileSync(`${cwd}/package.json`, "utf8"));
  const names = Object.values(exports)
    .filter((entry) => typeof entry === "object")
    .map((entry) => entry.import.replace(/^\.\/dist\/(.*)\.js$/, "$1"));
  const bundle = (end: string, from: string, options: UserConfig): UserConfig => ({
    cwd,
    entry: Object.fromEntries(names.map((name) => [name, from.replace("*", name)])),
    clean: false,
    hash: false,
    outExtensions: () => ({ js: `.${end}`, dts: `.${end}` }),
    outputOptions: {
      chunkFileNames: `shared/[name].${end}`,
      codeSplitting: { groups: [{ name: "shared", minShareCount: 2 }] },
    },
    platform: "neutral",
    // The sources are of the oldest runtime already.
    target: false,
    ...options,
  });
  const code = { dts: false, sourcemap: true } as const;
  return [
    bundle("js", "src/*.ts", { ...code, format: "esm" }),
    bundle("cjs", "src/*.ts", { ...code, format: "cjs", deps: { alwaysBundle } }),
    bundle("d.cts", "dist/*.d.ts", {
      dts: { dtsOnly: true, generator: "oxc", sourcemap: false },
      // Declarations name each other as the sources do.
      inputOptions: { resolve: { extensionAlias: { ".ts": [".ts", ".d.ts"] } } },
    }),
  ];
}
