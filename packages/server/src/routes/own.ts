/** Our own API. */
import type { FastifyInstance } from "fastify";
import type { Services } from "../services.ts";
import { rankRoute } from "./rank.ts";

export function own(app: FastifyInstance, services: Services): void {
  rankRoute(app, services, {
    url: "/v1/oscillink/rerank",
    shape: "own",
    schema: { summary: "Re-rank candidates", tags: ["rerank"] },
  });
  rankRoute(app, services, {
    url: "/v1/oscillink/rerank-many",
    shape: "own-many",
    schema: { summary: "Re-rank several pools, each for its own query", tags: ["rerank"] },
  });
  app.post<{ Body: Buffer }>(
    "/v1/oscillink/verify",
    { schema: { summary: "Whether this server signed a receipt", tags: ["receipts"] } },
    async ({ body }, reply) =>
      reply.type("application/json").send(await services.compute.tell({ what: "verdict", body })),
  );
  app.post<{ Body: Buffer }>(
    "/v1/oscillink/explain",
    {
      schema: {
        summary: "A receipt as a page of HTML, or as sentences for who accepts JSON",
        tags: ["receipts"],
      },
    },
    async (request, reply) => {
      const wanted = request.headers.accept ?? "*/*";
      const what = wanted.includes("application/json") ? "lines" : "page";
      const said = await services.compute.tell({ what, body: request.body });
      return reply.type(what === "lines" ? "application/json" : "text/html; charset=utf-8").send(said);
    },
  );
  app.get("/v1/models", { schema: { summary: "The models that are served", tags: ["rerank"] } }, () => ({
    object: "list",
    data: services.models.all.map(({ name, description }) => ({
      id: name,
      object: "model",
      owned_by: "oscillink",
      description,
    })),
  }));
}
