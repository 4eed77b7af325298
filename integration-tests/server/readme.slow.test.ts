/**
 * What the documents of the service print is what it prints. The `sh` blocks of a document run in one shell, one after the
 * other, in an empty folder, as those of a reader do; the block without a shell under one of them is what that one prints.
 * After a change, `vitest -u` on this file writes the printed blocks anew.
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { SETTINGS } from "../../packages/server/src/config/load.ts";
import { type Fence, fencesOf } from "../fences.ts";
import { folder } from "../script.ts";
import { SERVER_DOCUMENTS } from "./documents.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** Where the documents say that they were run. */
const HOME = "/srv/oscillink";

/** The ports that the documents name. Each stands for a free one. */
const PORTS = ["8080", "8081", "9000", "9001"];

/**
 * The command, as the documents write it. Where it starts a server, that runs in the background, and the shell goes on when it listens.
 * A reader has another terminal for that, and copies the key.
 */
const PRELUDE = String.raw`
set -Eeuo pipefail
trap 'echo "this failed: $BASH_COMMAND" >&2' ERR
exec 3>&1
started=()
stop() { kill "\${started[@]}" 2> /dev/null || true; wait; started=(); }
trap stop EXIT
oscillink-server() {
  if [[ $# -gt 0 && ( "$1" != --* || "$1" == --help ) ]]; then node "$MAIN" "$@"; return; fi
  # Two cannot listen on the same ports: a reader ends the one before.
  if [[ "$*" != *--port* ]]; then stop; fi
  : > said
  # Its log is shown where a block sends it to a file.
  if [ /dev/fd/1 -ef /dev/fd/3 ]; then node "$MAIN" "$@" > /dev/null 2> said &
  else node "$MAIN" "$@" 2> said & fi
  started+=($!)
  until grep -q 'its data in' said; do kill -0 $!; sleep 0.05; done
  cat said >&3
  if grep -q 'shown this once' said; then KEY=$(sed -n 's/.*shown this once: //p' said); fi
}
`.replaceAll("\\$", "$");

/** What each of the blocks prints. */
async function printed(blocks: readonly string[]): Promise<string[]> {
  const cwd = folder();
  const free = await freePorts(PORTS.length);
  const swap = (text: string, from: readonly string[], to: readonly string[]) =>
    from.reduce((all, one, i) => all.replaceAll(new RegExp(`\\b${one}\\b`, "g"), to[i]!), text);
  const commands = blocks.map((text) =>
    swap(text.replaceAll(/npx --yes pnpm@\S+( --silent)? serve/g, "oscillink-server"), PORTS, free),
  );
  const { PATH = "" } = process.env;
  const script = [PRELUDE, ...commands.map((text) => `${text}printf '\\0' >&3\n`)].join("");
  writeFileSync(join(cwd, "script"), script);
  const { stdout } = await promisify(execFile)("bash", ["script"], {
    cwd,
    maxBuffer: 2 ** 26,
    env: {
      PATH: `${dirname(process.execPath)}:${PATH}`,
      HOME: cwd,
      MAIN: join(root, "packages/server/dist/main.js"),
      OSCILLINK_PORT: free[0],
      OSCILLINK_ADMIN_PORT: free[1],
      OSCILLINK_THREADS: "1",
      // The machine that runs the tests may be busy.
      OSCILLINK_LIMITS_LOOP_DELAY_MS: "60000",
    },
  });
  return swap(stdout, free, PORTS).replaceAll(cwd, HOME).split("\0").slice(0, -1);
}

async function freePorts(count: number): Promise<string[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve))));
  const ports = servers.map((server) => String((server.address() as { port: number }).port));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** What is printed, as a document shows it: JSON with line breaks, and every block with one at its end. */
function shown({ language }: Fence, text: string): string {
  const broken = language === "json" && text !== "" ? JSON.stringify(JSON.parse(text), null, 2) : text;
  return broken === "" || broken.endsWith("\n") ? broken : `${broken}\n`;
}

/** What is another with every run, and what stands for it. */
const CHANGING: readonly [RegExp, string][] = [
  [/osk_live_[\w-]{72}/g, "(key)"],
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "(request)"],
  [/\b(?=\w*[A-Z])[A-Za-z0-9]{22}\b/g, "(key's id)"],
  [/"sig": ".{88}"/g, "(signature)"],
  [/("key[iI]d": "|with( the key)? |kid": ")[0-9a-f]{16}/g, "$1(signing key)"],
  [/\b\d{4}-\d\d-\d\dT[\d:.]{8,12}Z/g, "(time)"],
  [/("?(time|created|at)"?: ?)\d{13}/g, "$1(time)"],
  [/("?(ms|durationMs|pid|reset)"?: ?)[\d.]+/g, "$1(n)"],
  [/"hostname": ?"[^"]*"/g, "(host)"],
  [/\bt=\d+/g, "t=(seconds)"],
  [/[\d.]+ ms\b/g, "(n) ms"],
  [/^threads +\d+/gm, "threads (n)"],
];
const steady = (text: string): string =>
  CHANGING.reduce((all, [what, instead]) => all.replaceAll(what, instead), text);

describe.each(SERVER_DOCUMENTS)("%s", (path) => {
  test("its commands, one block after the other, print what it says", { timeout: 180_000 }, async () => {
    const markdown = read(path);
    const fences = fencesOf(markdown);
    const blocks = fences.flatMap((fence, i) =>
      fence.language === "sh" ? [{ ...fence, below: fences[i + 1] }] : [],
    );
    expect(blocks.length).toBeGreaterThan(0);
    const outputs = await printed(blocks.map(({ text }) => text));
    let [result, same] = [markdown, true];
    // From the end, so that what stands before keeps its place.
    for (const [i, { below, text }] of [...blocks.entries()].reverse()) {
      if (below?.language !== "json" && below?.language !== "text") {
        expect(outputs[i], `what is printed by:\n${text}`).toBe("");
        continue;
      }
      const output = shown(below, outputs[i]!);
      same &&= steady(output) === steady(shown(below, below.text));
      result = result.slice(0, below.at) + output + result.slice(below.at + below.text.length);
    }
    // All blocks are of one run, so that an id is the same in each.
    if (same) result = markdown;
    await expect(result).toMatchFileSnapshot(join(root, path));
  });
});

test("the README is a page of at most 170 lines", () => {
  expect(read("packages/server/README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(170);
});

test("docs/server-operation.md lists every setting as it is", () => {
  const rows = SETTINGS.map(({ variable, schema }) => {
    const value =
      typeof schema.default === "object" ? JSON.stringify(schema.default) : String(schema.default);
    return `| \`${variable}\` | ${value === "" ? "" : `\`${value}\``} | ${schema.description} |`;
  });
  const found = read("docs/server-operation.md")
    .split("\n")
    .filter((line) => line.startsWith("| `OSCILLINK_"));
  expect(found).toEqual(rows);
});
