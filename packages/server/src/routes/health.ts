/** For what watches over the process: open to anyone, and counted against nobody. */
import { version } from "@oscillink/core";
import type { FastifyInstance } from "fastify";
import { Problem } from "../http/problem.ts";
import type { Services } from "../services.ts";
import { Health, Jwks, operation } from "./schemas.ts";

const health200 = (summary: string, refusals: readonly number[] = []) =>
  operation({ summary, tag: "health", answer: ["It does", Health], refusals, open: true });

export function health(app: FastifyInstance, services: Services): void {
  const config = { open: true };
  const alive = () => ({ status: "ok", version });
  app.get("/livez", { config, schema: health200("Whether the process answers") }, alive);
  // The name that the Python package's server has for it.
  app.get("/health", { config, schema: health200("Whether the process answers as in Python") }, alive);
  app.get("/readyz", { config, schema: health200("Whether requests can be taken", [503]) }, async () => {
    if (await services.state.ready()) return alive();
    throw new Problem(503, "The store does not answer.", { headers: { "Retry-After": "1" } });
  });
  app.get(
    "/.well-known/jwks.json",
    {
      config,
      schema: operation({
        ...{
          summary: "List public keys of receipts",
          tag: "receipts",
          type: "application/jwk-set+json",
          open: true,
        },
        ...{ answer: ["The present key, and those before", Jwks], refusals: [500] },
      }),
    },
    (_request, reply) => {
      reply.type("application/jwk-set+json").header("Cache-Control", "public, max-age=300");
      return JSON.stringify(services.jwks);
    },
  );
}
