import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What the tests read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly repository?: { readonly url: string; readonly directory: string };
}

/** The folder of this workspace. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The package.json of a folder. */
export const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** Those of the packages of a workspace: of this one, or of a copy. */
export const manifestsOf = (workspace: string): Manifest[] =>
  readdirSync(join(workspace, "packages")).map((name) => manifestOf(join(workspace, "packages", name)));

/** The name of the file into which `pnpm pack` packs a package. */
export const tarballNameOf = ({ name, version }: Manifest): string =>
  `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;

/** Runs a program to its end; what it printed, or an error with it. */
export const execute = promisify(execFile);

/** Runs pnpm in a folder with this environment, and with nothing else of this process's. */
export const pnpmWith = (env: NodeJS.ProcessEnv, cwd: string, ...args: string[]) =>
  execute("npx", ["--yes", "--prefer-offline", "pnpm@12.21.0", ...args], { cwd, env, maxBuffer: 2 ** 26 });

/** Runs pnpm in a folder with the environment of this process. */
export const pnpm = (cwd: string, ...args: string[]) => pnpmWith(process.env, cwd, ...args);

/** Packs the packages of a workspace into a folder. */
export const packInto = (folder: string, workspace: string) =>
  pnpm(workspace, "--recursive", "--filter", "./packages/*", "pack", "--pack-destination", folder);
