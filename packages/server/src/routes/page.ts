/** The page at `/` for a person. */
import type { FastifyInstance } from "fastify";
import { statusPage } from "../page/status.ts";
import type { Services } from "../services.ts";

export function page(app: FastifyInstance, services: Services): void {
  app.get("/", { config: { open: true }, schema: { hide: true } }, async (_request, reply) => {
    const html = statusPage({
      config: services.config,
      models: services.models.all.filter(({ available }) => available),
      chosen: services.models.find(null, true).name,
      ready: await services.state.ready(),
    });
    return reply.type("text/html; charset=utf-8").header("Cache-Control", "no-store").send(html);
  });
}
