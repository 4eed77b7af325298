/**
 * Bundles every package into one file an entry and format, and one for what its entries share: a fresh process pays for
 * each file that it opens. ES modules have the declarations of `tsc` for types. CommonJS has bundles of these, for the name
 * of a declaration file says which of the two formats it describes.
 *
 * The command is bundled with all that it uses, other packages of the workspace too, so that its tarball alone installs it. Of
 * what the server uses npm installs most; what is of hundreds of files is bundled, for every thread would open them all.
 */
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineConfig, type Rolldown, type UserConfig } from "tsdown";

interface Manifest {
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly import: string }>>;
}

/** What the server's threads, or its start, would open hundreds of files for. */
const bundledForServer = [
  ...[/^typebox\b/, /^zod\b/, /^@modelcontextprotocol\//, /^ajv\b/],
  // Of ajv.
  ...["fast-deep-equal", "fast-uri", "json-schema-traverse", "require-from-string"],
];

/** What core imports at once: it takes as long to find and to open as all of core does. */
const bundledAlways = [/^@noble\//];
/** These are ES modules alone, which `require` and Jest do not read everywhere. */
const bundledForRequire = [...bundledAlways, "p-map"];

/** What is bundled comes with its licence, as licences ask. */
export const licenses: Rolldown.Plugin = {
  name: "licenses",
  generateBundle(_, chunks) {
    const modules = Object.values(chunks).flatMap((chunk) =>
      chunk.type === "chunk" ? chunk.moduleIds.filter((id) => chunk.modules[id]!.renderedLength > 0) : [],
    );
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

/** Packages of the workspace by their sources: what they are built into may be written at this very moment. */
const sources: Rolldown.Plugin = {
  name: "sources",
  resolveId(id) {
    const [, name, entry] = /^@oscillink\/([^/]+)(?:\/(.+))?$/.exec(id) ?? [];
    return name === undefined ? null : resolve("packages", name, "src", entry ?? "", "index.ts");
  },
};

const manifestOf = (cwd: string): Manifest => JSON.parse(readFileSync(`${cwd}/package.json`, "utf8"));

/** What runs in Node alone, and nobody requires. */
const program = {
  clean: false,
  hash: false,
  format: "esm",
  outExtensions: () => ({ js: ".js" }),
  outputOptions: { chunkFileNames: "shared/[name].js" },
  dts: false,
  platform: "node",
  target: false,
} as const satisfies UserConfig;

export default defineConfig(
  globSync("packages/*").flatMap((cwd) => {
    const { bin, exports } = manifestOf(cwd);
    if (bin === undefined) return bundles(cwd);
    return exports["."] === undefined ? [commandBundle(cwd)] : [serverBundle(cwd)];
  }),
);

function commandBundle(cwd: string): UserConfig {
  const { bin } = manifestOf(cwd);
  const names = Object.values(bin!).map((path) => path.replace(/^\.\/dist\/(.*)\.js$/, "$1"));
  return {
    ...program,
    cwd,
    entry: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
    deps: { alwaysBundle: [/^(?!node:)/] },
    // Some packages are in a format that no bundler reads, and in another beside it.
    inputOptions: { resolve: { mainFields: ["module", "main"] } },
    plugins: [sources, licenses],
  };
}

function serverBundle(cwd: string): UserConfig {
  return {
    ...program,
    cwd,
    // Threads are started by a file, which lies where what starts them does.
    entry: { main: "src/main.ts", index: "src/index.ts", "shared/worker": "src/compute/worker.ts" },
    sourcemap: true,
    deps: { alwaysBundle: bundledForServer },
    plugins: [licenses],
  };
}

function bundles(cwd: string): UserConfig[] {
  const { exports } = manifestOf(cwd);
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
    bundle("js", "src/*.ts", {
      ...code,
      format: "esm",
      deps: { alwaysBundle: bundledAlways },
      plugins: [licenses],
    }),
    bundle("cjs", "src/*.ts", {
      ...code,
      format: "cjs",
      deps: { alwaysBundle: bundledForRequire },
      plugins: [licenses],
    }),
    bundle("d.cts", "dist/*.d.ts", {
      dts: { dtsOnly: true, generator: "oxc", sourcemap: false },
      // Declarations name each other as the sources do.
      inputOptions: { resolve: { extensionAlias: { ".ts": [".ts", ".d.ts"] } } },
    }),
  ];
}
