import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

/** A server in a process of its own. Disposing of it ends the process. */
export interface ChildServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:41234`. */
  readonly address: string;
}

/**
 * Starts a command that serves HTTP on the port of 127.0.0.1 that it is given, a free one, and waits until it answers.
 *
 * @param argsOf makes the command's arguments.
 * @param health is the path that answers with a status of success when the server is ready.
 * @throws {Error} with what the command wrote to stderr, if it ends before, or is silent for a minute.
 */
export async function childServer(
  command: string,
  argsOf: (port: number) => readonly string[],
  health: string,
): Promise<ChildServer> {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const child = spawn(command, argsOf(port), { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  child.once("error", ({ message }) => {
    complaint = message;
  });
  for (const end = performance.now() + 60_000; !(await answers(address + health)); ) {
    if (isRunning(child) && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    await stop(child);
    throw new Error(`no server at ${address}${health}: ${complaint}`);
  }
  return { address, [Symbol.asyncDispose]: () => stop(child) };
}

const isRunning = ({ pid, exitCode, signalCode }: ChildProcess): boolean =>
  pid !== undefined && exitCode === null && signalCode === null;

async function stop(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const ended = once(child, "exit");
  child.kill();
  await ended;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address() as { port: number };
      probe.close(() => resolve(address.port));
    });
  });
}

const answers = (address: string): Promise<boolean> =>
  fetch(address).then(
    ({ ok }) => ok,
    () => false,
  );
