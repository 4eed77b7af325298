import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { folder } from "../script.ts";
import { startRegistry } from "../servers/registry.ts";
import {
  execute,
  type Manifest,
  manifestOf,
  manifestsOf,
  pnpm,
  pnpmWith,
  root,
  tarballNameOf,
} from "./workspace.ts";

/*
 * A release, as CONTRIBUTING.md describes it, in a copy of the workspace: `changeset version`, the check of the tag, and
 * `release`, which publishes to a registry on this machine. What arrives there is installed into an empty folder.
 */

const copy = folder();
const tarballs = folder();
const registry = await startRegistry(tarballs);
const before = manifestsOf(root);
const [major, minor] = before[0]!.version.split(".").map(Number);
const next = `${major}.${minor! + 1}.0`;

const { PATH = "", HOME = "" } = process.env;
/** Without the credentials of whoever runs this, and with those of the registry on this machine. */
const environment = { PATH, HOME, PNPM_CONFIG_NPMRC_AUTH_FILE: join(folder({ auth: "" }), "auth") };
const git = (...args: string[]) =>
  execute("git", ["-c", "user.name=test", "-c", "user.email=test@localhost", ...args], { cwd: copy });
const publish = (env: Record<string, string>, ...args: string[]) =>
  pnpmWith({ ...environment, ...env }, copy, ...args);

let manifests: readonly Manifest[];

beforeAll(async () => {
  const listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = await execute("git", listed, { cwd: root, maxBuffer: 2 ** 26 });
  for (const path of stdout.split("\0")) {
    if (path !== "" && existsSync(join(root, path))) cpSync(join(root, path), join(copy, path));
  }
  for (const file of readdirSync(join(copy, ".changeset"))) {
    if (file.endsWith(".md")) rmSync(join(copy, ".changeset", file));
  }
  writeFileSync(
    join(copy, ".changeset/one.md"),
    '---\n"@oscillink/core": minor\n---\n\nA change of one package.\n',
  );
  writeFileSync(join(copy, ".npmrc"), `@oscillink:registry=${registry.url}\n`);
  // Of a package without a scope only its own file can say to which registry it goes.
  const path = join(copy, "packages/cli/package.json");
  const { publishConfig, ...manifest } = JSON.parse(readFileSync(path, "utf8"));
  const local = { ...manifest, publishConfig: { ...publishConfig, registry: registry.url } };
  writeFileSync(path, `${JSON.stringify(local, null, 2)}\n`);
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "The copy");
  await pnpm(copy, "install", "--offline", "--frozen-lockfile");
  await pnpm(copy, "changeset", "version");
  manifests = manifestsOf(copy);
}, 300_000);

afterAll(() => registry[Symbol.asyncDispose]());

test("the version of every package is the next one, and nothing but that and the changelogs has changed", async () => {
  expect(new Set(before.map(({ version }) => version)).size).toBe(1);
  for (const { name, version } of manifests) expect(version, name).toBe(next);
  const { stdout } = await git("status", "--porcelain", "--untracked-files=all");
  const changed = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.slice(3))
    .sort();
  const files = manifests.flatMap(({ repository }) => {
    const { directory } = repository!;
    return [`${directory}/CHANGELOG.md`, `${directory}/package.json`];
  });
  expect(changed).toEqual([".changeset/one.md", ...files].sort());
});

test("a tag of another version, and another repository, are refused", async () => {
  const { repository } = manifestOf(join(copy, "packages/core"));
  const slug = /github\.com\/(.*)\.git$/.exec(repository!.url)![1]!;
  const check = (tag: string, name: string) =>
    execute(join(copy, ".github/check-tag.sh"), {
      cwd: copy,
      env: { PATH, GITHUB_REF_NAME: tag, GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: name },
    });
  expect((await check(`v${next}`, slug)).stdout).toBe("");
  await expect(check("v0.0.0-other", slug)).rejects.toMatchObject({
    stdout: expect.stringContaining(`packages/core/package.json: its version asks for the tag v${next}`),
  });
  await expect(check(`v${next}`, "someone/else")).rejects.toMatchObject({
    stdout: expect.stringContaining("packages/core/package.json: names the repository"),
  });
});

test("what is published runs, and its receipts name the new version", async () => {
  // The real registry is never written to: both of these say so before anything is published.
  const { stdout: target } = await publish({}, "config", "get", "@oscillink:registry");
  expect(target.trim()).toBe(registry.url);
  const { publishConfig } = JSON.parse(readFileSync(join(copy, "packages/cli/package.json"), "utf8"));
  expect(publishConfig.registry).toBe(registry.url);

  // Here nobody can sign the provenance, so it is refused, until it is asked for without.
  const refused = publish({}, "exec", "changeset", "publish", "--no-git-tag");
  await expect(refused).rejects.toMatchObject({ stdout: expect.stringContaining("PROVENANCE") });
  expect(registry.published).toEqual([]);
  await publish({ PNPM_CONFIG_PROVENANCE: "false" }, "release");

  const { published } = registry;
  expect(published.map(({ name }) => name).sort()).toEqual(manifests.map(({ name }) => name).sort());
  for (const { name, version, dependencies = {}, repository } of published) {
    expect(version, name).toBe(next);
    expect(repository?.directory).toBe(
      name.replace("@oscillink", "packages").replace(/^oscillink$/, "packages/cli"),
    );
    for (const [other, range] of Object.entries(dependencies)) {
      if (other.startsWith("@oscillink/")) expect(range, `${name} on ${other}`).toBe(`^${next}`);
    }
  }
  const { stdout: tags } = await git("tag");
  expect(tags).toBe("");

  const files = Object.fromEntries(
    manifests.map((one) => [one.name, `file:${join(tarballs, tarballNameOf(one))}`]),
  );
  const { "@oscillink/core": core, "@oscillink/lexical": lexical } = files;
  const project = folder({
    "package.json": JSON.stringify({
      private: true,
      type: "module",
      dependencies: { "@oscillink/core": core, "@oscillink/lexical": lexical },
    }),
    "consumer.ts": readFileSync(join(root, "integration-tests/packed/release/consumer.ts")),
  });
  await pnpm(project, "install", "--prefer-offline", "--no-frozen-lockfile");
  const run = await execute(process.execPath, ["consumer.ts"], { cwd: project, env: { PATH, HOME } });
  expect(run.stderr).toBe("");
  expect(JSON.parse(run.stdout)).toEqual({
    version: next,
    named: next,
    verified: true,
    replayed: { ok: true },
  });
});
