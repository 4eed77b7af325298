import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { folder, installed } from "../script.ts";
import { execute, manifestOf, packInto, root, tarballNameOf } from "./workspace.ts";

/*
 * What users of the command get: its tarball alone, in an empty folder, by npm, with no registry to ask.
 */

const home = folder();
const packed = join(home, "oscillink");
const manifest = manifestOf(join(root, "packages/cli"));
const tarball = join(packed, tarballNameOf(manifest));
const readme = readFileSync(join(root, "packages/cli/README.md"), "utf8");
const NOTES = [
  { id: "bank", text: "The Vell Seed Bank keeps seeds of 900 wild plants. Its founder was Helga Ostrand." },
  { id: "terns", text: "Terns nest on the cliffs from May to August." },
];
const notes = NOTES.map((note) => `${JSON.stringify(note)}\n`).join("");

/** Runs a line in a shell, with this Node first and no registry that answers. */
const shell = (cwd: string, line: string) => {
  const PATH = `${join(process.execPath, "..")}:${process.env.PATH}`;
  const env = { PATH, HOME: home, npm_config_registry: "http://127.0.0.1:9", npm_config_fetch_retries: "0" };
  return execute("bash", ["-c", line], { cwd, env });
};

beforeAll(async () => {
  await packInto(packed, root);
}, 300_000);

test("the tarball has the command, its sources, README and licences, and no dependency", async () => {
  const { stdout } = await execute("tar", ["-xzOf", tarball, "package/package.json"]);
  const { dependencies, peerDependencies, bin } = JSON.parse(stdout);
  expect({ dependencies, peerDependencies, bin }).toEqual({ bin: { oscillink: "./dist/main.js" } });
  const { stdout: listed } = await execute("tar", ["-tzf", tarball]);
  const others = listed
    .trim()
    .split("\n")
    .filter((path) => !/^package\/(src\/.*\.ts|dist\/(main|shared\/[\w-]+)\.js)$/.test(path));
  expect(others.sort()).toEqual(
    ["LICENSE", "README.md", "dist/licenses.txt", "package.json"].map((path) => `package/${path}`),
  );
});

test("npx runs the tarball in a folder that holds nothing else", async () => {
  const cwd = folder({ "notes.jsonl": notes });
  copyFileSync(tarball, join(cwd, "oscillink.tgz"));
  const line =
    'npx --yes ./oscillink.tgz rerank notes.jsonl -q "Who founded the bank?" --lexical -k 1 --format jsonl';
  expect(JSON.parse((await shell(cwd, line)).stdout)).toMatchObject({ id: "bank", rank: 1 });
  expect(readdirSync(cwd).sort()).toEqual(["notes.jsonl", "oscillink.tgz"]);
});

test("the README leads from an empty folder to a verified receipt in at most five commands", async () => {
  const [, block] = /```sh\n(.*?)```/s.exec(readme)!;
  const commands = block!.trim().split("\n");
  expect(commands.length).toBeLessThanOrEqual(5);
  const cwd = folder();
  writeFileSync(join(cwd, "notes.jsonl"), notes);
  const outputs: string[] = [];
  for (const command of commands) outputs.push((await shell(cwd, command)).stdout);
  expect(outputs[3]).toMatch(/^valid: signed by the key [0-9a-f]{16}\n$/);
  expect(outputs[4]).toMatch(/^kept bank \(1st, was 1st/m);
});

test.skipIf(!installed("node20/package.json"))("on an older Node it says which one it needs", async () => {
  const node20 = join(root, "integration-tests/node_modules/node20/bin/node");
  const run = execute(node20, [join(root, "packages/cli/dist/main.js"), "--help"]);
  await expect(run).rejects.toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(/^oscillink needs Node 22\.13 or later; this is 20\./),
  });
});
