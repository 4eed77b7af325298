/** The runtimes that are compared, and how each is found and started. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium as playwright } from "playwright-core";

export interface Runtime {
  readonly name: string;
  /** @throws {Unavailable} if it cannot be had on this machine. */
  start(): Promise<Started>;
}

export interface Started {
  readonly version: string;
  /** Runs a JavaScript module from a file; returns what it printed. */
  run(path: string): Promise<string>;
  stop(): Promise<void>;
}

/** The reason why a runtime is not compared. Whatever goes wrong after it started is a failure. */
export class Unavailable extends Error {}

/** Longer than any of them takes on a busy machine. */
const TIMEOUT = 50_000;

/** The Node that runs this comes first: the others are compared with it. */
export const runtimes: readonly Runtime[] = [
  program("Node", () => process.execPath),
  program("Node 22", () => installed("node22", binary("bin/node"))),
  program("Node 26", () => installed("node26", binary("bin/node"))),
  // So called on every platform.
  program("Bun", () => installed("bun", "bin/bun.exe")),
  program("Deno", () => installed("deno", binary("deno")), "run", "--no-config", "--no-lock"),
  { name: "Chromium", start: startChromium },
];

const binary = (path: string): string => (process.platform === "win32" ? `${path}.exe` : path);

/** A file of an optional dependency: its install script makes it where the platform is supported. */
function installed(name: string, path: string): string {
  let manifest: string;
  try {
    manifest = fileURLToPath(import.meta.resolve(`${name}/package.json`));
  } catch {
    throw new Unavailable(`the package ${name} is not installed`);
  }
  return join(dirname(manifest), path);
}

/** A runtime that is a program: it takes a script's path after `args`, and prints to standard output. */
function program(name: string, locate: () => string, ...args: string[]): Runtime {
  return {
    name,
    async start() {
      const path = locate();
      if (!existsSync(path)) throw new Unavailable("its package has no program for this platform");
      let version: string | undefined;
      try {
        version = /\d+\.\d+\.\d+\S*/.exec(await output(path, ["--version"]))?.[0];
      } catch (error) {
        throw new Unavailable(`does not start: ${gist(error)}`);
      }
      return {
        version: version ?? "unknown",
        run: (script) => output(path, [...args, script]),
        stop: async () => {},
      };
    },
  };
}

/** What a program prints, run with nothing of this process's environment that could change what it does. */
async function output(path: string, args: string[]): Promise<string> {
  const { PATH = "", HOME = "" } = process.env;
  const env = { PATH, HOME, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  return (await promisify(execFile)(path, args, { env, timeout: TIMEOUT })).stdout;
}

/** The line of an error that says most: a program's own comes after the command, and before its stack. */
export function gist(error: unknown): string {
  const lines = (error as Error).message.split("\n");
  return (lines.find((line) => /Error: /.test(line)) ?? lines[0]!).trim();
}

const CHROMIUM_PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Chromium as the machine has it, or where CHROMIUM_PATH says: each module runs in an empty page. */
async function startChromium(): Promise<Started> {
  const { CHROMIUM_PATH } = process.env;
  const executablePath = (CHROMIUM_PATH ? [CHROMIUM_PATH] : CHROMIUM_PLACES).find(existsSync);
  if (executablePath === undefined) {
    throw new Unavailable(
      CHROMIUM_PATH
        ? `CHROMIUM_PATH is no file: ${CHROMIUM_PATH}`
        : "not installed; CHROMIUM_PATH can name it",
    );
  }
  // It needs no network, and must not look for one.
  const args = ["--disable-gpu", "--disable-quic", "--disable-sync"];
  const browser = await playwright.launch({ executablePath, args, timeout: TIMEOUT }).catch((error) => {
    throw new Unavailable(`does not start: ${gist(error)}`);
  });
  return {
    version: browser.version(),
    async run(path) {
      const page = await browser.newPage();
      const printed = page.waitForEvent("console", { timeout: TIMEOUT }).then((message) => message.text());
      const failed = page.waitForEvent("pageerror", { timeout: TIMEOUT }).then((error) => {
        throw error;
      });
      const first = Promise.race([printed, failed]);
      await page.addScriptTag({ path, type: "module" });
      try {
        return await first;
      } finally {
        await page.close();
      }
    },
    stop: () => browser.close(),
  };
}
