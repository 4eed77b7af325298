/** A server with a key, for the clients of other services. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, loadConfig, type Server } from "@oscillink/server";

export async function runServer(
  environment: Readonly<Record<string, string>> = {},
): Promise<Server & AsyncDisposable> {
  const data = mkdtempSync(join(tmpdir(), "oscillink-clients-"));
  const settings = {
    OSCILLINK_PORT: "0",
    OSCILLINK_ADMIN_PORT: "0",
    OSCILLINK_LOG_LEVEL: "silent",
    OSCILLINK_LIMITS_LOOP_DELAY_MS: "60000",
    OSCILLINK_DATA: data,
    OSCILLINK_MODELS_ALIASES: "rerank-v3.5=oscillink-lexical,rerank-2.5=oscillink-lexical",
  };
  const server = await createServer(loadConfig({ environment: { ...settings, ...environment } }));
  await server.listen();
  return Object.assign(server, {
    async [Symbol.asyncDispose]() {
      await server.close();
      rmSync(data, { recursive: true, force: true });
    },
  });
}
