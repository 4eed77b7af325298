/** The command of the server, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../packages/server/dist/main.js", import.meta.url));

export interface RunningCommand extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: string;
  /** Its first key; empty where none is asked for. */
  readonly key: string;
  /** A line of its log a request, so far. */
  requests(): readonly { readonly status: number; readonly route: string }[];
}

/** Starts a server on free ports and a folder of its own, and waits until it listens. */
export async function startCommand(flags: readonly string[]): Promise<RunningCommand> {
  const data = mkdtempSync(join(tmpdir(), "oscillink-command-"));
  const own = ["--data", data, "--port", "0", "--admin-port", "0", "--limits-loop-delay-ms", "60000"];
  const child = spawn(process.execPath, [MAIN, ...own, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  const [log, said] = [textOf(child.stdout), textOf(child.stderr)];
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", () => {
      if (/^Metrics are at/m.test(said())) resolve();
    });
    child.once("close", () => reject(new Error(`it ended: ${said()}`)));
  });
  return {
    child,
    url: /listens at (\S+)/.exec(said())![1]!,
    key: /first key, .*: (osk_\S+)/.exec(said())?.[1] ?? "",
    requests: () =>
      log()
        .split("\n")
        .filter((line) => line.includes('"msg":"request"'))
        .map((line) => JSON.parse(line)),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      rmSync(data, { recursive: true, force: true });
    },
  };
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
