/** Routes of other services, so that their clients need another base URL alone. */
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { compatiblePaths, compatibleSchemas, refusalFor } from "../compatible/shapes.ts";
import type { Services } from "../services.ts";
import { rankRoute } from "./rank.ts";
import { operation, RANKS } from "./schemas.ts";

const Answer = Type.Unknown({ description: "In the form of the service whose request it was" });

export function compatible(app: FastifyInstance, services: Services): void {
  for (const [url, shape] of Object.entries(compatiblePaths)) {
    const schemas = compatibleSchemas[shape];
    rankRoute(app, services, {
      url,
      shape,
      schema: operation({
        ...{ summary: `Re-rank texts at ${url}`, tag: "compatible", refusals: RANKS },
        body: schemas.length === 1 ? schemas[0]! : Type.Union([...schemas]),
        answer: ["The documents, best first", Answer],
      }),
      refuse: refusalFor,
    });
  }
}
