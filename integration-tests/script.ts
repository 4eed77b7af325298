import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Whether an optional dependency is there: some are built on the machine, or are not made for every one. */
export function installed(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs a script of the repository with this Node, its output piped, from a folder that is not the repository's, and
 * with nothing of this process's environment that could colour the output.
 */
export function run(
  script: string,
  args: readonly string[] = [],
  environment: Record<string, string> = {},
): Promise<Outcome> {
  const { PATH = "", HOME = "" } = process.env;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(root, script), ...args],
      { cwd: tmpdir(), env: { PATH, HOME, ...environment }, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

/** As {@link run}, for a script that must succeed: returns what it printed. */
export async function output(
  script: string,
  args: readonly string[] = [],
  environment: Record<string, string> = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(script, args, environment);
  if (code !== 0 || stderr !== "")
    throw new Error(`${script} ${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}

const made: string[] = [];
afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true });
});

/** A new folder with these files; it is removed after the tests of the file. */
export function folder(files: Record<string, string | Uint8Array> = {}): string {
  const path = mkdtempSync(join(tmpdir(), "oscillink-"));
  made.push(path);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}
