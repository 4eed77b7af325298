/** A route that ranks: from the bytes of its body to those of its answer. */
import type { FastifyInstance, FastifySchema } from "fastify";
import { answer } from "../answer.ts";
import type { ShapeName } from "../compute/shapes.ts";
import type { Problem, ProblemBody } from "../http/problem.ts";
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
      const { id, at, body, caller, left } = request;
      const call = {
        ...{ id, at, body: body ?? Buffer.alloc(0), route: url, caller: caller!, signal: left.signal },
        shape: typeof shape === "string" ? shape : shape(body),
      };
      const answered = await answer(call, services);
      reply.type("application/json").headers({ ...answered.headers });
      if (answered.digest !== null) reply.header("Oscillink-Receipt-Digest", answered.digest);
      return reply.send(answered.body);
    },
  );
}
