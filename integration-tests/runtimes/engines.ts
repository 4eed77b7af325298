/** The runtimes that are compared, and how each is found and started. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Browser, chromium as playwright } from "playwright-core";

export interface Runtime {
  readonly name: string;
  /** Whether it compiles WebAssembly that it did not load from a file. */
  readonly compiles: boolean;
  /** Whether it finds packages by itself, for `import` and for `require`. */
  readonly resolves: boolean;
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

/** Whether one that cannot be had is a failure: the checks of the project say so. */
export const EVERY_RUNTIME = process.env.EVERY_RUNTIME === "1";

/** Longer than any of them takes on a busy machine. */
const TIMEOUT = 50_000;

/** The Node that runs this comes first: the others are compared with it. */
export const runtimes: readonly Runtime[] = [
  program("Node", () => process.execPath),
  program("Node 20", () => installed("node20", binary("bin/node"))),
  program("Node 22", () => installed("node22", binary("bin/node"))),
  program("Node 26", () => installed("node26", binary("bin/node"))),
  // So called on every platform.
  program("Bun", () => installed("bun", "bin/bun.exe")),
  program("Deno", () => installed("deno", binary("deno")), "run", "--no-lock", "--allow-read"),
  chromium("Chromium", true, "script-src 'self' 'wasm-unsafe-eval'"),
  chromium("Chromium without wasm-unsafe-eval", false, "script-src 'self'"),
  chromium("Chromium's Web Worker", true, null),
  workerd("workerd of 2022", 'compatibilityDate = "2022-01-01"'),
  workerd("workerd", 'compatibilityDate = "2026-11-01"'),
  workerd(
    "workerd with Node's modules",
    'compatibilityDate = "2026-11-01", compatibilityFlags = ["nodejs_compat"]',
  ),
  {
    ...program("Edge runtime", () => process.execPath, fileURLToPath(new URL("edge.ts", import.meta.url))),
    compiles: false,
    resolves: false,
  },
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
    compiles: true,
    resolves: true,
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

/** How a page says what a module of it prints, wherever that runs. */
const WORKER_PAGE = `<script type="module">
  const worker = new Worker("/worker.js", { type: "module" });
  worker.onmessage = ({ data }) => console.log(data);
  worker.onerror = ({ message }) => reportError(new Error(message));
</script>`;
const WORKER =
  'console.log = (text) => postMessage(text); import("/script.js").catch((error) => reportError(error));';

/**
 * Chromium as the machine has it, or where CHROMIUM_PATH says: each module runs in an empty page under a content security
 * policy, or in a worker of one.
 */
function chromium(name: string, compiles: boolean, policy: string | null): Runtime {
  return { name, compiles, resolves: false, start: () => startChromium(policy) };
}

/** The browser of the machine, without a window. @throws {Unavailable} if there is none. */
export async function launchChromium(): Promise<Browser> {
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
  return playwright.launch({ executablePath, args, timeout: TIMEOUT }).catch((error) => {
    throw new Unavailable(`does not start: ${gist(error)}`);
  });
}

async function startChromium(policy: string | null): Promise<Started> {
  const browser = await launchChromium();
  return {
    version: browser.version(),
    async run(path) {
      const files: Record<string, { contentType: string; body: string }> = {
        "/": {
          contentType: "text/html",
          body: policy === null ? WORKER_PAGE : '<script type="module" src="/script.js"></script>',
        },
        "/worker.js": { contentType: "text/javascript", body: WORKER },
        "/script.js": { contentType: "text/javascript", body: await readFile(path, "utf8") },
      };
      const headers = policy === null ? {} : { "content-security-policy": policy };
      const page = await browser.newPage();
      await page.route("**/*", (route) => {
        const file = files[new URL(route.request().url()).pathname];
        return route.fulfill(file === undefined ? { status: 404 } : { ...file, headers });
      });
      const printed = page.waitForEvent("console", { timeout: TIMEOUT }).then((message) => message.text());
      const failed = page.waitForEvent("pageerror", { timeout: TIMEOUT }).then((error) => {
        throw error;
      });
      const first = Promise.race([printed, failed]);
      // What did not come first is of no interest, nor that it was cut off.
      failed.catch(() => {});
      await page.goto("http://localhost/");
      try {
        return await first;
      } finally {
        await page.close();
      }
    },
    stop: () => browser.close(),
  };
}

/** What runs the workers of Cloudflare, with the behaviour of a date: a module runs inside of a request. */
function workerd(name: string, settings: string): Runtime {
  return {
    name,
    // Nor at the start: https://developers.cloudflare.com/workers/runtime-apis/webassembly/
    compiles: false,
    resolves: false,
    async start() {
      const program = installed("workerd", "bin/workerd");
      const version = await output(program, ["--version"]).catch((error) => {
        throw new Unavailable(`does not start: ${gist(error)}`);
      });
      return {
        version: version.trim(),
        run: (script) => serve(program, settings, script),
        stop: async () => {},
      };
    },
  };
}

async function serve(program: string, settings: string, script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "oscillink-workerd-"));
  const handler = `export default {
    async fetch() {
      try {
        const lines = [];
        console.log = (line) => lines.push(line);
        await import("script");
        return new Response(lines.join(" "));
      } catch (error) {
        return new Response(String(error), { status: 500 });
      }
    },
  };`;
  const config = `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [(name = "main", worker = (
        modules = [(name = "main", esModule = embed "main.js"), (name = "script", esModule = embed "script.js")],
        ${settings},
      ))],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
    );`;
  await writeFile(join(folder, "main.js"), handler);
  await writeFile(join(folder, "script.js"), await readFile(script));
  await writeFile(join(folder, "config.capnp"), config);
  const { PATH = "", HOME = "" } = process.env;
  // It says on descriptor 3 which port it got.
  const child = spawn(program, ["serve", "--control-fd=3", join(folder, "config.capnp")], {
    env: { PATH, HOME },
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  try {
    let errors = "";
    child.stderr!.on("data", (chunk) => {
      errors += chunk;
    });
    const listening = once(child.stdio[3]!, "data").then(([chunk]) =>
      JSON.parse(String(chunk).split("\n")[0]!),
    );
    const ended = once(child, "exit").then(() => {
      throw new Error(errors);
    });
    ended.catch(() => {});
    const { port } = await Promise.race([listening, ended]);
    const signal = AbortSignal.timeout(TIMEOUT);
    const response = await Promise.race([fetch(`http://127.0.0.1:${port}/`, { signal }), ended]);
    const text = await response.text();
    if (!response.ok) throw new Error(`${text}: ${errors}`);
    return text;
  } finally {
    child.kill();
    await rm(folder, { recursive: true });
  }
}
