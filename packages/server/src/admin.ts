/** The second port, for whoever runs the server: metrics. It listens at this machine alone, unless it is told otherwise. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { refusalOf, sendProblem } from "./http/errors.ts";
import { Problem, problemOf } from "./http/problem.ts";
import { requestId } from "./http/requestId.ts";
import type { Services } from "./services.ts";

export function createAdmin({ metrics }: Services, logger: FastifyBaseLogger): FastifyInstance {
  const admin = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    requestIdHeader: false,
    forceCloseConnections: true,
  });
  admin.setErrorHandler((error, request, reply) => {
    const problem = refusalOf(error, request);
    return sendProblem(reply, problem, problemOf(problem, request.id));
  });
  admin.setNotFoundHandler((request, reply) => {
    const problem = new Problem(404, "There is no such address on this port.");
    return sendProblem(reply, problem, problemOf(problem, request.id));
  });
  admin.get("/metrics", async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  return admin;
}
