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
