/** Starts the server, tells a person where it is, and ends it in order. */
import { availableParallelism, totalmem } from "node:os";
import { resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import closeWithGrace from "close-with-grace";
import type { Config } from "./config/schema.ts";
import { createServer } from "./index.ts";

/** How large the heap of a thread may be before V8 first looks for what can go, in MB. */
const HEAP = 256;

/**
 * Lets the heaps of threads grow before they are marked. Those of a few MB are marked ten times a second under load, and all code that
 * no function holds at that moment is thrown away and compiled again: a third of the processor's time went there. Of the memory that
 * the process may use they get an eighth.
 */
function growHeaps({ threads }: Config): void {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Infinity) / 2 ** 20;
  const each = Math.floor(memory / 8 / (threads || availableParallelism()));
  setFlagsFromString(`--initial-old-space-size=${Math.min(HEAP, each)}`);
}

export async function serve(config: Config): Promise<void> {
  growHeaps(config);
  const server = await createServer(config);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  // Whoever started it may be gone, and with him what reads this.
  process.stderr.on("error", () => {});
  // Before anything can fail: nobody can read it again.
  if (server.firstKey !== null) say(`The first key, which is shown this once: ${server.firstKey}`);
  try {
    await server.listen();
  } catch (error) {
    // A port that is taken: what was started ends, and with it the process.
    await server.close();
    throw error;
  }
  closeWithGrace({ delay: config.graceSeconds * 1000 + 4000, logger: false }, async ({ err }) => {
    if (err) server.log.fatal({ err }, "the process fails");
    await server.close();
  });
  say(`Oscillink listens at ${server.url}`);
  say(`Metrics are at ${server.adminUrl}/metrics, its data in ${resolve(config.data)}`);
}
