/** Starts the server, tells a person where it is, and ends it in order. */
import { resolve } from "node:path";
import closeWithGrace from "close-with-grace";
import type { Config } from "./config/schema.ts";
import { createServer } from "./index.ts";

export async function serve(config: Config): Promise<void> {
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
