/** A route that ranks: from the bytes of its body to those of its answer. */
import type { FastifyInstance, FastifySchema } from "fastify";
import { answer } from "../answer.ts";
import type { ShapeName } from "../compute/shapes.ts";
import { onceFor } from "../http/idempotent.ts";
import type { Problem, ProblemBody } from "../http/problem.ts";
import { require } from "../keys/keyring.ts";
import type { Services } from "../services.ts";

export interface RankRoute {
  readonly url: string;
  readonly shape: ShapeName | ((body: Buffer) => ShapeName);
  readonly schema: FastifySchema;
  readonly refuse?: (problem: Problem, body: ProblemBody) => unknown;
}

export function rankRoute(
  app: FastifyInstance,
  services: Services,
  { url, shape, schema, refuse }: RankRoute,
): void {
  app.post<{ Body: Buffer }>(
    url,
    { schema, config: { ranks: true, ...(refuse && { refuse }) } },
    async (request, reply) => {
      const caller = request.caller!;
      require(caller, "rerank");
      const { id, at, left } = request;
      const body = request.body ?? Buffer.alloc(0);
      const call = {
        ...{ id, at, body, route: url, caller, signal: left.signal },
        shape: typeof shape === "string" ? shape : shape(body),
      };
      const scope = { field: request.headers["idempotency-key"], tenant: caller.tenant, route: url, body };
      const kept = await onceFor(scope, services.state.durable.idempotency, async () => {
        const answered = await answer(call, services);
        return { status: 200, headers: answered.headers, body: answered.body };
      });
      return reply
        .code(kept.status)
        .headers({ ...kept.headers })
        .type("application/json")
        .send(kept.body);
    },
  );
}
