/** For what watches over the process: open to anyone, and counted against nobody. */
import { version } from "@oscillink/core";
import type { FastifyInstance } from "fastify";
import { Problem } from "../http/problem.ts";
import type { Services } from "../services.ts";

export function health(app: FastifyInstance, services: Services): void {
  const open = { config: { open: true } };
  app.get(
    "/livez",
    { ...open, schema: { summary: "Whether the process answers", tags: ["health"], security: [] } },
    () => ({
      status: "ok",
      version,
    }),
  );
  app.get(
    "/readyz",
    { ...open, schema: { summary: "Whether requests can be taken", tags: ["health"], security: [] } },
    async () => {
      if (await services.state.ready()) return { status: "ok", version };
      throw new Problem(503, "The store does not answer.", { headers: { "Retry-After": "1" } });
    },
  );
  // The name that the Python package's server has for it.
  app.get("/health", { ...open, schema: { summary: "As /livez", tags: ["health"], security: [] } }, () => ({
    status: "ok",
    version,
  }));
  app.get(
    "/.well-known/jwks.json",
    {
      ...open,
      schema: { summary: "The public keys that receipts are signed with", tags: ["receipts"], security: [] },
    },
    (_request, reply) => {
      reply.type("application/jwk-set+json").header("Cache-Control", "public, max-age=300");
      return JSON.stringify(services.jwks);
    },
  );
}
