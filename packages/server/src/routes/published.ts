/**
 * The routes of the Python package's server, for its clients. Deprecated: its ranking loses relevance that plain cosine has, and its
 * receipts are not signed.
 */
import type { FastifyInstance } from "fastify";
import { headersOf, limitsOf } from "../published/limits.ts";
import { PublishedRequest } from "../published/request.ts";
import { BundleAnswer, ChainReceiptAnswer, ReceiptAnswer, SettleAnswer } from "../published/schemas.ts";
import type { Services } from "../services.ts";
import { rankRoute } from "./rank.ts";
import { operation, RANKS } from "./schemas.ts";

const ROUTES = [
  ["/v1/settle", "settle", "Settle a matrix", "What was asked for of receipt and bundle", SettleAnswer],
  ["/v1/receipt", "receipt", "Settle a matrix for its receipt", "The receipt", ReceiptAnswer],
  ["/v1/bundle", "bundle", "Settle a matrix for its bundle", "The rows of options.bundle_k", BundleAnswer],
  ["/v1/chain/receipt", "chain-receipt", "Judge a chain of rows", "Whether it holds", ChainReceiptAnswer],
] as const;

export function published(app: FastifyInstance, services: Services): void {
  void app.register(async (routes) => {
    routes.addHook("onSend", async (request, reply) => {
      const limits = limitsOf(reply.getHeaders(), request.at);
      reply.headers(headersOf(limits, reply.statusCode >= 400));
    });
    for (const [url, shape, summary, ...answer] of ROUTES) {
      const schema = operation({
        ...{ summary, tag: "published", body: PublishedRequest, answer, refusals: RANKS, deprecated: true },
      });
      rankRoute(routes, services, { url, shape, schema });
    }
  });
}
