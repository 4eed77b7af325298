/** Starts all that a server is made of. */
import { generateKeyPairSync } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { createApp } from "./app.ts";
import { startCompute } from "./compute/compute.ts";
import type { Config } from "./config/schema.ts";
import { createMetrics } from "./metrics.ts";
import { given } from "./models/given.ts";
import { serveModels } from "./models/models.ts";

export async function start(config: Config): Promise<FastifyInstance> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const compute = await startCompute({ threads: config.threads, signing: { pem, keyId: "x" } });
  const metrics = createMetrics(
    () => compute.state().waiting,
    async () => ({}),
    async () => true,
  );
  const app = await createApp(
    {
      config,
      compute,
      metrics,
      models: serveModels([given], config.models.aliases, config.models.default),
      reserve: async () => ({ headers: {}, commit: async () => {}, refund: async () => {} }),
      callerOf: async () => ({ keyId: null, tenant: "", scopes: [] }),
      jwks: { keys: [] },
      ready: async () => true,
      close: () => compute.close(),
    },
    pino({ level: config.logLevel }),
  );
  app.addHook("onClose", () => compute.close());
  await app.listen({ host: config.host, port: config.port });
  return app;
}
