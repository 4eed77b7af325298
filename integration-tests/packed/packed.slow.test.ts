import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folder } from "../script.ts";
import { openaiServer } from "../servers/openai.ts";
import { startPinecone } from "../servers/pinecone.ts";
import {
  execute,
  type Manifest,
  manifestOf,
  manifestsOf,
  packInto,
  pnpm,
  root,
  tarballNameOf,
} from "./workspace.ts";

/*
 * What users get: each package's tarball, and each of its entries installed from it into an empty project with nothing
 * but the peers that the entry needs. The consumer of `@oscillink/NAME/ENTRY` is `NAME/ENTRY.ts` in this folder; at the
 * end of a line stands what that line prints.
 */

const read = (path: string) => readFileSync(join(root, path), "utf8");
/** Those that are imported; the command has a test of its own: command.slow.test.ts. */
const manifests = manifestsOf(root).filter(({ bin }) => bin === undefined);
const { typescript } = manifestOf(root).devDependencies!;

/** Older versions of peers that a package runs with as well. */
const OLDER: Readonly<Record<string, readonly Record<string, string>[]>> = { "ai-sdk": [{ ai: "6.0.326" }] };

const packed = folder();
const tarballOf = (manifest: Manifest) => join(packed, tarballNameOf(manifest));

/** The local servers, as the clients of the services find them. */
let environment: Record<string, string>;
const openai = await openaiServer();
const pinecone = await startPinecone({ dimension: 2 });

beforeAll(async () => {
  const { PATH = "", HOME = "" } = process.env;
  environment = {
    PATH,
    HOME,
    OPENAI_API_KEY: "none",
    OPENAI_BASE_URL: openai.url,
    PINECONE_API_KEY: "local",
    PINECONE_CONTROLLER_HOST: pinecone.url,
  };
  await packInto(packed, root);
});

afterAll(async () => {
  await pinecone.close();
  await openai[Symbol.asyncDispose]();
});

describe.concurrent.for(manifests)("$name", (manifest) => {
  const short = manifest.name.replace("@oscillink/", "");
  const entries = Object.keys(manifest.exports).filter((path) => !path.endsWith(".json"));

  test("packs its sources, what is built from them, README and licence, and nothing else", async ({
    expect,
  }) => {
    const { stdout } = await execute("tar", ["-tzf", tarballOf(manifest)]);
    const files = stdout
      .trim()
      .split("\n")
      .map((path) => path.replace("package/", ""));
    const sources = files.filter((path) => /^src\/[\w/]+\.ts$/.test(path));
    const built = new Set([
      ...sources.flatMap((path) => {
        const base = path.replace(/^src(.*)\.ts$/, "dist$1");
        return [".d.ts", ".d.ts.map"].map((end) => base + end);
      }),
      ...entries.flatMap((entry) => {
        const paths = Object.values(manifest.exports[entry]!).map((path) => join(path));
        return [...paths, ...paths.map((path) => `${path}.map`), paths[0]!.replace(/\.js$/, ".d.cts")];
      }),
      "dist/licenses.txt",
    ]);
    // Another file in dist is left over from a source that is gone: `pnpm clean` removes it.
    const shared = /^dist\/shared\/\w+\.(c?js(\.map)?|d\.cts)$/;
    const others = files.filter((path) => !sources.includes(path) && !built.has(path) && !shared.test(path));
    const schemas = Object.values(manifest.exports).filter((path) => /schema.*json$/.test(String(path)));
    const expected = ["LICENSE", "README.md", "package.json", ...schemas.map((path) => join(String(path)))];
    expect(others.sort()).toEqual(expected.sort());

    const target = folder();
    await execute("tar", ["-xzf", tarballOf(manifest), "-C", target]);
    const content = (path: string) => readFileSync(join(target, "package", path), "utf8");
    expect(content("LICENSE")).toBe(read("LICENSE"));
    expect(content("README.md")).toBe(read(`packages/${short}/README.md`));
    expect(content("package.json")).not.toContain("workspace:");
    for (const entry of entries) {
      for (const path of Object.values(manifest.exports[entry]!)) expect(files).toContain(join(path));
    }
  });

  for (const entry of entries) {
    const name = entry === "." ? "index" : entry.slice(2);
    const pinned = peersOf(manifest, entry);
    for (const peers of [pinned, ...(OLDER[short] ?? [])]) {
      const title = peers === pinned ? "" : `, with ${JSON.stringify(peers)}`;
      test(`${entry} runs and type-checks in an empty project${title}`, async ({ expect }) => {
        const consumer = read(`integration-tests/packed/${short}/${name}.ts`);
        const project = folder({
          "package.json": JSON.stringify({
            private: true,
            type: "module",
            dependencies: {
              [manifest.name]: `file:${tarballOf(manifest)}`,
              typescript,
              typescript5: "npm:typescript@5.9.3",
              ...peers,
            },
          }),
          // What one package asks of the others is not published yet.
          "pnpm-workspace.yaml": JSON.stringify({
            overrides: Object.fromEntries(manifests.map((one) => [one.name, `file:${tarballOf(one)}`])),
          }),
          "consumer.ts": consumer,
          "commonjs/package.json": "{}",
          "commonjs/consumer.ts": inFunction(consumer),
        });
        await pnpm(project, "install", "--prefer-offline", "--no-frozen-lockfile");

        const run = await execute(process.execPath, ["consumer.ts"], { cwd: project, env: environment });
        expect(run.stderr).toBe("");
        expect(run.stdout).toBe(printsOf(consumer));
        const check = typeErrors.bind(null, project, "typescript", "consumer.ts", "--noEmit");
        expect(await check("--module", "nodenext")).toEqual([]);
        expect(await check("--module", "esnext", "--moduleResolution", "bundler")).toEqual([]);

        if ("ai" in peers && peers === pinned) return; // ai 7 has no CommonJS.
        const emit = typeErrors.bind(null, project, "typescript5", "commonjs/consumer.ts");
        for (const options of [
          ["--module", "node16"],
          ["--module", "commonjs", "--moduleResolution", "node10"],
        ]) {
          expect(await emit("--esModuleInterop", ...options)).toEqual([]);
          const required = await execute(process.execPath, ["commonjs/consumer.js"], {
            cwd: project,
            env: environment,
          });
          expect(required.stderr).toBe("");
          expect(required.stdout).toBe(printsOf(consumer));
        }
      });
    }
  }
});

test("npm refuses the AI SDK 5, which has no rerank", async () => {
  const files = Object.fromEntries(manifests.map((one) => [one.name, `file:${tarballOf(one)}`]));
  const { "@oscillink/ai-sdk": adapter, ...overrides } = files;
  const dependencies = { "@oscillink/ai-sdk": adapter, ai: "5.0.277" };
  const project = folder({ "package.json": JSON.stringify({ private: true, dependencies, overrides }) });
  const install = execute("npm", ["install", "--package-lock-only", "--prefer-offline"], { cwd: project });
  await expect(install).rejects.toMatchObject({ stderr: expect.stringMatching(/ERESOLVE.*ai@">=6 <8"/s) });
});

/** The consumer for CommonJS, which knows no `await` outside of a function. */
function inFunction(consumer: string): string {
  const [imports, body] = [
    consumer.match(/^import [^;]*;$/gm)!,
    consumer.replaceAll(/^import [^;]*;$/gm, ""),
  ];
  return `${imports.join("\n")}\nvoid (async () => {${body}})();\n`;
}

/** The peers of an entry, as this workspace pins them; the optional ones only for an entry beside the main one. */
function peersOf(manifest: Manifest, entry: string): Record<string, string> {
  const { peerDependencies = {}, peerDependenciesMeta = {}, devDependencies = {} } = manifest;
  const needed = Object.keys(peerDependencies).filter(
    (peer) => entry !== "." || !peerDependenciesMeta[peer]?.optional,
  );
  return Object.fromEntries(needed.map((peer) => [peer, devDependencies[peer]!]));
}

/** What a consumer has to print: the comments behind its calls of `console.log`. */
function printsOf(consumer: string): string {
  const lines = [...consumer.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => `${text}\n`);
  if (lines.length === 0) throw new Error("the consumer says nowhere what it prints");
  return lines.join("");
}

/**
 * What `tsc --strict` finds in a file of the project, declarations included, but for those of other packages: those of
 * langchain's newest dependencies, for one, name types that the latest @langchain/core does not have.
 */
async function typeErrors(
  project: string,
  compiler: string,
  file: string,
  ...options: string[]
): Promise<string[]> {
  const command = join(project, "node_modules", compiler, "bin/tsc");
  const args = ["--strict", "--pretty", "false", "--target", "esnext", ...options, file];
  const { stdout } = await execute(command, args, { cwd: project }).catch((failure) => {
    if (!failure.stdout) throw failure;
    return failure;
  });
  const errors = stdout.split("\n").filter((line: string) => /error TS/.test(line));
  return errors.filter((line: string) => !/\/node_modules\/(?!@oscillink\/|\.pnpm\/)/.test(line));
}
