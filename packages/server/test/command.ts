/** The command as a person starts it: in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** What a server in a test is always told. The machine may be busy. */
export const QUIET = [
  ...["--threads", "1", "--port", "0", "--admin-port", "0", "--log-level", "silent"],
  ...["--limits-loop-delay-ms", "60000"],
] as const;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly said: string;
}

/** @param prefix a command that starts the command, such as one that takes its rights away. */
export async function run(flags: readonly string[], prefix: readonly string[] = []): Promise<Ended> {
  const [first, ...rest] = [...prefix, process.execPath, MAIN, ...flags] as [string, ...string[]];
  const child = spawn(first, rest, { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [out, said] = [textOf(child.stdout), textOf(child.stderr)];
  const [code] = await once(child, "close");
  return { code, out: out(), said: said() };
}

export interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly adminUrl: string;
  readonly key: string;
  /** What it has said so far on stderr. */
  said(): string;
}

/** A server, once it listens. It is gone when the test is. */
export async function start(
  flags: readonly string[],
  stdout: "ignore" | "pipe" | number = "ignore",
): Promise<Running> {
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ["ignore", stdout, "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const said = textOf(child.stderr!);
  await new Promise<void>((resolve, reject) => {
    child.stderr!.on("data", () => {
      if (/^Metrics are at/m.test(said())) resolve();
    });
    child.once("close", () => reject(new Error(`it ended: ${said()}`)));
  });
  const [, url = ""] = /listens at (\S+)/.exec(said()) ?? [];
  const [, adminUrl = ""] = /Metrics are at (\S+)\/metrics/.exec(said()) ?? [];
  const [, key = ""] = /first key, .*: (osk_\S+)/.exec(said()) ?? [];
  return { child, url, adminUrl, key, said };
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
