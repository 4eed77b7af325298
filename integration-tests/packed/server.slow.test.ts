/** The service as npm installs it: from the tarballs of the workspace, into an empty project. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folder } from "../script.ts";
import { execute, manifestsOf, packInto, root, tarballNameOf } from "./workspace.ts";

test("`npx oscillink-server` starts, answers, and ends", { timeout: 300_000 }, async () => {
  const [packed, project] = [folder(), folder()];
  await packInto(packed, root);
  const needed = ["core", "explain", "lexical", "openai", "server"].map((name) => `@oscillink/${name}`);
  const tarballs = manifestsOf(root)
    .filter(({ name }) => needed.includes(name))
    .map((manifest) => join(packed, tarballNameOf(manifest)));
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }');
  await execute("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", ...tarballs], {
    cwd: project,
  });

  const command = join(project, "node_modules/.bin/oscillink-server");
  const flags = [
    "--port",
    "0",
    "--admin-port",
    "0",
    "--data",
    join(project, "data"),
    "--log-level",
    "silent",
  ];
  // With the Node of the project, which the command itself would not choose.
  const child = spawn(process.execPath, [command, ...flags], { cwd: project });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  try {
    await expect.poll(() => said, { timeout: 30_000 }).toMatch(/listens at/);
    const [url, key] = [/listens at (\S+)/.exec(said)![1]!, /osk_\S+/.exec(said)![0]];
    const answer = await fetch(`${url}/v2/rerank`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: "oscillink-lexical", query: "moon", documents: ["bread", "the moon"] }),
    });
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as { results: { index: number }[] }).results[0]!.index).toBe(1);
  } finally {
    child.kill("SIGTERM");
  }
  const [code] = await once(child, "exit");
  expect(code).toBe(0);
});
