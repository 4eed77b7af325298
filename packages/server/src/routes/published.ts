/**
 * The routes of the Python package's server, for its clients. Deprecated: its ranking loses relevance that plain cosine has, and its
 * receipts are not signed.
 */
import type { FastifyInstance } from "fastify";
import { require } from "../keys/keyring.ts";
import { writeSubmitted } from "../published/jobs.ts";
import { headersOf, limitsOf } from "../published/limits.ts";
import {
  BundleAnswer,
  ChainReceiptAnswer,
  PublishedJob,
  PublishedRequest,
  ReceiptAnswer,
  SettleAnswer,
} from "../published/schemas.ts";
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
    routes.post<{ Body: Buffer }>(
      "/v1/jobs/settle",
      {
        config: { ranks: true },
        schema: operation({
          ...{ summary: "Settle a matrix later", tag: "published", body: PublishedRequest, deprecated: true },
          ...{ answer: ["The job, which GET /v1/jobs/{id} tells of", PublishedJob], refusals: RANKS },
        }),
      },
      async ({ caller, at, body }, reply) => {
        require(caller!, "jobs");
        const job = { at, body, caller: caller!, route: "/v1/jobs/settle", shape: "settle-job" } as const;
        return reply.type("application/json").send(writeSubmitted(await services.jobs.submit(job)));
      },
    );
  });
}
