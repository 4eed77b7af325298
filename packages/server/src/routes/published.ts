/** The routes of the Python package's server, for its clients: deprecated, as there is more in our own. */
import type { FastifyInstance } from "fastify";
import { headersOf, limitsOf } from "../published/limits.ts";
import { PublishedRequest } from "../published/request.ts";
import type { Services } from "../services.ts";
import { rankRoute } from "./rank.ts";

const ROUTES = [
  ["/v1/settle", "settle", "Settle a matrix: receipt and bundle"],
  ["/v1/receipt", "receipt", "Settle a matrix: the receipt alone"],
  ["/v1/bundle", "bundle", "Settle a matrix: the bundle alone; needs options.bundle_k"],
  ["/v1/chain/receipt", "chain-receipt", "Settle a matrix: whether a chain of its rows holds; needs chain"],
] as const;

const DESCRIPTION =
  "As in the Python package Oscillink 0.1.13, by its own ranking, which loses relevance that plain cosine has. Its receipts are " +
  "not signed. `/v1/oscillink/rerank` ranks better, and signs.";

export function published(app: FastifyInstance, services: Services): void {
  void app.register(async (routes) => {
    routes.addHook("onSend", async (request, reply) => {
      const limits = limitsOf(reply.getHeaders(), request.at);
      reply.headers(headersOf(limits, reply.statusCode >= 400));
    });
    for (const [url, shape, summary] of ROUTES) {
      const schema = {
        summary,
        description: DESCRIPTION,
        tags: ["published"],
        deprecated: true,
        body: PublishedRequest,
      };
      rankRoute(routes, services, { url, shape, schema });
    }
  });
}
