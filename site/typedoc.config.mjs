/** The reference from the doc comments: what each entry of each package exports, as pages of the site. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Converter } from "typedoc";

const root = join(import.meta.dirname, "..");
const { homepage } = JSON.parse(readFileSync(join(root, "packages/core/package.json"), "utf8"));

/** The entries' sources, with the names under which they are imported. */
const entries = new Map(
  globSync("packages/*/package.json", { cwd: root })
    .sort()
    .flatMap((manifest) => {
      const { name, exports = {} } = JSON.parse(readFileSync(join(root, manifest), "utf8"));
      return Object.entries(exports).flatMap(([entry, files]) => {
        if (typeof files === "string") return [];
        const source = files.import.replace("./dist", "src").replace(/js$/, "ts");
        return [[join(root, manifest, "..", source), name + entry.slice(1)]];
      });
    }),
);

/** Modules are called as they are imported, not by the folders that they lie in. */
function nameModules({ converter }) {
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) {
      module.name = entries.get(module.sources[0].fullFileName) ?? module.name;
    }
  });
}

export default {
  name: "API",
  plugin: ["typedoc-plugin-markdown", nameModules],
  entryPoints: [...entries.keys()],
  tsconfig: "tsconfig.api.json",
  out: "api",
  readme: "none",
  // `tsc -b` checks them.
  skipErrorChecking: true,
  githubPages: false,
  disableGit: true,
  sourceLinkTemplate: `${homepage.replace(/\/tree\/.*/, "")}/blob/main/{path}#L{line}`,
  basePath: root,
  entryFileName: "index",
  router: "module",
  hideBreadcrumbs: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  parametersFormat: "table",
  interfacePropertiesFormat: "table",
  typeDeclarationFormat: "table",
  validation: { notExported: false, invalidLink: true, rewrittenLink: true },
};
