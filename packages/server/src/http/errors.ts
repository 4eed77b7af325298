/** Whatever was thrown, as the client is told it. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { storeFails } from "../state/sqlite/failure.ts";
import { Problem, type ProblemBody } from "./problem.ts";

/** What the framework refuses by itself, in our words. */
const REFUSED: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "The body is longer than this server takes.",
  FST_ERR_CTP_INVALID_MEDIA_TYPE:
    "The body must be JSON, and the header field Content-Type must say so: application/json.",
  FST_ERR_CTP_EMPTY_TYPE: "The header field Content-Type is missing: application/json.",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "The header field Content-Length does not match the body.",
  FST_ERR_VALIDATION: "The address holds a parameter that cannot be used.",
};

/** Turns an error into the refusal that it stands for. What nobody foresaw is logged, and nothing of it is told. */
export function refusalOf(error: unknown, request: Pick<FastifyRequest, "log">): Problem {
  if (error instanceof Problem) {
    // What an embedder or an upstream said is for the log.
    if (error.status === 424 || (error.status === 503 && error.cause)) {
      request.log.warn({ err: error.cause }, error.message);
    }
    return error;
  }
  const { code = "", statusCode } = (error ?? {}) as Partial<FastifyError>;
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem(statusCode, REFUSED[code] ?? "The request cannot be read.");
  }
  if (storeFails(error)) {
    request.log.error({ err: error }, "the store does not answer");
    return new Problem(503, "The store does not answer. Ask again in a moment.", {
      headers: { "Retry-After": "1" },
    });
  }
  // Who has left hears nothing of it; the log counts it as 499, as proxies do.
  if ((error as { name?: string } | null)?.name === "AbortError")
    return new Problem(499, "The client has left.");
  request.log.error({ err: error }, "a request failed");
  return new Problem(500, "The server failed; its log says why, by the id of this request.");
}

/** @param instead what clients of the route read in place of the body. */
export function sendProblem(
  reply: FastifyReply,
  problem: Problem,
  body: ProblemBody,
  instead?: unknown,
): FastifyReply {
  return reply
    .code(problem.status)
    .headers({ ...problem.headers })
    .type("application/problem+json")
    .send(JSON.stringify(instead ?? body));
}

/** The key of a request, as `X-API-Key` or `Authorization: Bearer`. */
export function presentedKey({ headers }: FastifyRequest): string | null {
  const { authorization, "x-api-key": key } = headers;
  if (typeof key === "string") return key;
  return /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? null;
}
