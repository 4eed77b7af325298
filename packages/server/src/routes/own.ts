/** Our own API. */
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import type { Services } from "../services.ts";
import { rankRoute } from "./rank.ts";
import {
  Explanation,
  KEYED,
  Models,
  operation,
  RANKS,
  ReceiptBody,
  RerankAnswer,
  RerankBody,
  Verdict,
} from "./schemas.ts";

const Many = Type.Object(
  { requests: Type.Array(RerankBody, { minItems: 1 }) },
  {
    additionalProperties: true,
    description: "Requests; what stands beside them holds for all that do not say otherwise.",
  },
);
const ManyAnswers = Type.Object({ id: Type.String(), answers: Type.Array(RerankAnswer) });

export function own(app: FastifyInstance, services: Services): void {
  rankRoute(app, services, {
    url: "/v1/oscillink/rerank",
    shape: "own",
    schema: operation({
      ...{ summary: "Re-rank candidates", tag: "rerank", body: RerankBody, refusals: RANKS },
      answer: ["The k best, best first, and the receipt", RerankAnswer],
    }),
  });
  rankRoute(app, services, {
    url: "/v1/oscillink/rerank-many",
    shape: "own-many",
    schema: operation({
      ...{ summary: "Re-rank several pools", tag: "rerank", body: Many, refusals: RANKS },
      answer: ["An answer a request, in their order", ManyAnswers],
    }),
  });
  app.post<{ Body: Buffer }>(
    "/v1/oscillink/verify",
    {
      config: { ranks: true },
      schema: operation({
        ...{
          summary: "Verify a receipt",
          tag: "receipts",
          body: ReceiptBody,
          refusals: [400, 404, 413, 415, 422, ...KEYED],
        },
        answer: ["Whether this server signed it", Verdict],
      }),
    },
    async ({ body }, reply) =>
      reply.type("application/json").send(await services.compute.tell({ what: "verdict", body })),
  );
  app.post<{ Body: Buffer }>(
    "/v1/oscillink/explain",
    {
      config: { ranks: true },
      schema: operation({
        ...{
          summary: "Explain a receipt",
          tag: "receipts",
          body: ReceiptBody,
          refusals: [400, 413, 415, 422, ...KEYED],
        },
        ...{
          answer: ["A page; for clients that accept JSON, its sentences as `lines`", Type.String()],
          type: "text/html",
          others: { "application/json": Explanation },
        },
      }),
    },
    async (request, reply) => {
      const wanted = request.headers.accept ?? "*/*";
      const what = wanted.includes("application/json") ? "lines" : "page";
      const said = await services.compute.tell({ what, body: request.body });
      return reply.type(what === "lines" ? "application/json" : "text/html; charset=utf-8").send(said);
    },
  );
  app.get(
    "/v1/models",
    {
      schema: operation({
        summary: "List models",
        tag: "rerank",
        answer: ["What is served", Models],
        refusals: KEYED,
      }),
    },
    () => ({
      object: "list",
      data: services.models.all
        .filter(({ available }) => available)
        .map(({ name, description }) => ({
          ...{ id: name, object: "model", owned_by: "oscillink" },
          description,
        })),
    }),
  );
}
