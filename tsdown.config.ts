/**
 * Bundles every package into one file an entry and format, and one for what its entries share: a fresh process pays for
 * each file that it opens. ES modules have the declarations of `tsc` for types. CommonJS has bundles of these, for the name
 * of a declaration file says which of the two formats it describes.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Rolldown, type UserConfig } from "tsdown";

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly import: string }>>;
}

/** These are ES modules alone, which `require` and Jest do not read everywhere. */
const alwaysBundle = [/^@noble\//, "canonicalize", "p-map"];

/** What is bundled comes with its licence, as licences ask. */
const licenses: Rolldown.Plugin = {
  name: "licenses",
  generateBundle(_, chunks) {
    const modules = Object.values(chunks).flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
    const folders = modules.flatMap((path) => /.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
    const texts = [...new Set(folders)].sort().map((folder) => {
      const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const [path] = globSync(join(folder, "{LICENSE,license}*"));
      if (path === undefined) throw new Error(`${name} is bundled, and has no licence`);
      return `${name} ${version}\n\n${readFileSync(path, "utf8")}`;
    });
    if (texts.length > 0) {
      this.emitFile({ type: "asset", fileName: "licenses.txt", source: texts.join("\n---\n\n") });
    }
  },
};

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
    bundle("cjs", "src/*.ts", {
      ...code,
      format: "cjs",
      deps: { alwaysBundle },
      plugins: [licenses],
    }),
    bundle("d.cts", "dist/*.d.ts", {
      dts: { dtsOnly: true, generator: "oxc", sourcemap: false },
      // Declarations name each other as the sources do.
      inputOptions: { resolve: { extensionAlias: { ".ts": [".ts", ".d.ts"] } } },
    }),
  ];
}
