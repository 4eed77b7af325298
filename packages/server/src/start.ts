/** Starts all that the routes are served by. */
import type { FastifyBaseLogger } from "fastify";
import { startCompute } from "./compute/compute.ts";
import type { Config } from "./config/schema.ts";
import { createMetrics } from "./metrics.ts";
import { given } from "./models/given.ts";
import { serveModels } from "./models/models.ts";
import { openSigning } from "./receipts/signing.ts";
import type { Services } from "./services.ts";

export interface Started {
  readonly services: Services;
  readonly firstKey: string | null;
  close(): Promise<void>;
}

export async function startServices(config: Config, _log: FastifyBaseLogger): Promise<Started> {
  const signing = config.signReceipts ? openSigning(config.data, config.signingKey) : null;
  const compute = await startCompute({ threads: config.threads, signing });
  const metrics = createMetrics(
    () => compute.state().waiting,
    async () => ({}),
    async () => true,
  );
  const services: Services = {
    ...{ config, compute, metrics },
    models: serveModels([given], config.models.aliases, config.models.default),
    reserve: async () => ({ headers: {}, commit: async () => {}, refund: async () => {} }),
    callerOf: async () => ({ keyId: null, tenant: "", scopes: [] }),
    jwks: signing?.jwks ?? { keys: [] },
    ready: async () => true,
  };
  return { services, firstKey: null, close: () => compute.close() };
}
