import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, vi } from "vitest";

// Every step starts a process.
vi.setConfig({ testTimeout: 60_000 });

/** The built command. */
export const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Setting {
  readonly cwd?: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the built command with its output piped, and with nothing of this process's environment. */
export function oscillink(
  args: readonly string[],
  { cwd = tmpdir(), stdin = "", env = {} }: Setting = {},
): Promise<Outcome> {
  const { PATH = "", HOME = "" } = process.env;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { cwd, env: { PATH, HOME, ...env }, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin!.on("error", () => {}).end(stdin);
  });
}

/** As {@link oscillink}, for a command that must succeed: what it printed. */
export async function printed(args: readonly string[], setting: Setting = {}): Promise<string> {
  const { code, stdout, stderr } = await oscillink(args, setting);
  if (code !== 0) throw new Error(`oscillink ${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}

/** Runs the command in a shell, as part of a pipe. */
export const shell = (line: string, cwd: string): Promise<Outcome> =>
  new Promise((resolve) => {
    const child = spawn(
      "bash",
      ["-c", `set -o pipefail; oscillink() { "${process.execPath}" "${MAIN}" "$@"; }; ${line}`],
      { cwd },
    );
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (part) => {
      stdout += part;
    });
    child.stderr.on("data", (part) => {
      stderr += part;
    });
    child.on("close", (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });

/** The objects of JSON lines. */
export const lines = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

export const jsonl = (rows: readonly object[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join("");

const made: string[] = [];
afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true });
});

/** A new folder with these files; it is removed after the tests of the file. */
export function folder(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), "oscillink-cli-"));
  made.push(path);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

/** Passages about a seed bank, of which `bank` and `ostrand` answer {@link QUESTION}. */
export const NOTES = [
  { id: "bank", text: "The Vell Seed Bank keeps seeds of 900 wild plants. Its founder was Helga Ostrand." },
  { id: "ostrand", text: "Helga Ostrand came to the cliffs every spring, for her survey of the sea kale." },
  { id: "terns", text: "Terns nest on the cliffs from May to August." },
  { id: "ferry", text: "The ferry to Vell leaves at noon and at six." },
];
export const QUESTION = "Who was the founder of the Vell Seed Bank?";
