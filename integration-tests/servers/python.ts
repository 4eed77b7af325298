import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const cache = fileURLToPath(new URL("../../node_modules/.cache", import.meta.url));
const execute = promisify(execFile);

/**
 * An environment of Python with packages, in a folder of node_modules. It gets its name when it is whole: test files may install side
 * by side.
 *
 * @param name of the folder. @param packages as pip takes them, each with its version. @param module one of them, to be imported.
 * @returns the path of its Python.
 * @throws {Error} with the reason where it cannot be made, such as on a machine without Python or network.
 */
export async function pythonWith(name: string, packages: readonly string[], module: string): Promise<string> {
  const home = join(cache, name);
  const python = join(home, "bin", "python");
  if (await works(python, module)) return python;
  await rm(home, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  const made = await mkdtemp(`${home}-`);
  try {
    await execute("python3", ["-m", "venv", made]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages];
    await execute(join(made, "bin", "python"), pip);
    await rename(made, home).catch((error) => {
      // Another test file was first.
      if (!existsSync(home)) throw error;
    });
    return python;
  } catch (error) {
    const { message, stdout = "", stderr = "" } = error as Error & { stdout?: string; stderr?: string };
    // `python3 -m venv` explains itself on stdout; the errors of pip stand below its warnings.
    const said = stderr.match(/^ERROR: .*/gm)?.at(-1) ?? (stderr || stdout || message);
    const reason = `${packages[0]} cannot be installed: ${said.trim().replace(/\s+/g, " ").slice(0, 200)}`;
    throw new Error(reason, { cause: error });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

/** Whether the environment is there, and the Python that it was made for still is. */
const works = (python: string, module: string): Promise<boolean> =>
  execute(python, ["-c", `import ${module}`]).then(
    () => true,
    () => false,
  );
