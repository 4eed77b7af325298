/** The site as it is built, served to headless Chromium out of its folder: nothing else can be reached. */
import { execFile } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

const folder = fileURLToPath(new URL("../../site", import.meta.url));
const dist = join(folder, ".vitepress/dist");
const screenshots = fileURLToPath(new URL("screenshots", import.meta.url));
const ORIGIN = "http://localhost";

/** Builds the site anew. A dead link makes it fail. */
export async function build(): Promise<void> {
  rmSync(screenshots, { recursive: true, force: true });
  mkdirSync(screenshots, { recursive: true });
  const run = (program: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, [join(folder, "node_modules", program), ...args], { cwd: folder });
  await run("typedoc/bin/typedoc", "--logLevel", "Error");
  await run("vitepress/bin/vitepress.js", "build");
}

/** The addresses of all pages, without the one that says that there is none. */
export const pages = (): string[] =>
  globSync("**/*.html", { cwd: dist })
    .sort()
    .filter((file) => file !== "404.html")
    .map((file) => `/${file.replace(/(^|\/)index\.html$/, "$1").replace(/\.html$/, "")}`);

/** The file of an address, as a server of static files finds it; null where there is none. */
export function fileOf(path: string): string | null {
  const file = join(dist, decodeURI(path));
  return (
    [file, `${file}.html`, join(file, "index.html")].find(
      (name) => extname(name) !== "" && existsSync(name),
    ) ?? null
  );
}

const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** Errors of the console and of scripts, and requests to any other place: none are expected. */
  readonly troubles: string[];
  open(path: string): Promise<void>;
  screenshot(name: string): Promise<void>;
}

/** A window of its own, with nothing remembered. */
export async function visit(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) troubles.push(message.text());
  });
  await context.route("**/*", (route) => {
    const { origin, pathname } = new URL(route.request().url());
    const file = origin === ORIGIN ? fileOf(pathname) : null;
    if (file === null) {
      troubles.push(`a request for ${route.request().url()}`);
      return route.fulfill({ status: 404 });
    }
    const contentType = TYPES[extname(file)] ?? "application/octet-stream";
    return route.fulfill({ contentType, body: readFileSync(file) });
  });
  return {
    page,
    troubles,
    async open(path) {
      await page.goto(ORIGIN + path);
      // The page is there before its scripts are: what they do begins when Vue has taken it over.
      await page.waitForFunction("document.querySelector('#app').__vue_app__ !== undefined");
    },
    async screenshot(name) {
      await page.screenshot({ path: join(screenshots, `${name}.png`) });
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}
