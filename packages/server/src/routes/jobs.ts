/** Requests that take long: posted now, asked for later. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { onceFor } from "../http/idempotent.ts";
import { require } from "../keys/keyring.ts";
import { writeJob } from "../published/jobs.ts";
import { PublishedJob } from "../published/schemas.ts";
import type { Services } from "../services.ts";
import type { JobStatus } from "../state/shared.ts";
import { Job, KEYED, operation, RANKS, RerankBody } from "./schemas.ts";

const AnyJob = Type.Union([Job, PublishedJob]);

/** The longest that a client may wait for the end of a job, in seconds. */
const WAIT = 30;

export function jobs(app: FastifyInstance, services: Services): void {
  app.post<{ Body: Buffer }>(
    "/v1/jobs",
    {
      config: { ranks: true },
      schema: operation({
        ...{
          summary: "Re-rank candidates later",
          tag: "jobs",
          body: RerankBody,
          status: 202,
          refusals: RANKS,
        },
        answer: ["The job, whose place is in Location", Job],
      }),
    },
    async (request, reply) => {
      const caller = request.caller!;
      require(caller, "jobs");
      const { at } = request;
      const body = request.body ?? Buffer.alloc(0);
      const scope = {
        field: request.headers["idempotency-key"],
        tenant: caller.tenant,
        route: "/v1/jobs",
        body,
      };
      const kept = await onceFor(scope, services.state.durable.idempotency, async () => {
        const id = await services.jobs.submit({ at, route: "/v1/jobs", shape: "own", body, caller });
        return {
          status: 202,
          headers: { Location: `/v1/jobs/${id}` },
          body: JSON.stringify({ id, state: "queued" }),
        };
      });
      return reply
        .code(kept.status)
        .headers({ ...kept.headers })
        .type("application/json")
        .send(kept.body);
    },
  );
  app.get<{ Params: { id: string } }>(
    "/v1/jobs/:id",
    {
      schema: operation({
        ...{ summary: "Read a job", tag: "jobs", tagged: true, refusals: [404, ...KEYED] },
        answer: ["Its state, and its answer once it is done", AnyJob],
      }),
    },
    async (request, reply) => {
      const { caller, params } = request;
      require(caller!, "jobs");
      const status = await services.jobs.get(params.id, caller!.tenant, waitOf(request) * 1000);
      const tag = `"${status.state}"`;
      reply.header("ETag", tag).header("Cache-Control", "private, no-cache");
      if (request.headers["if-none-match"] === tag) return reply.code(304).send();
      return reply.type("application/json").send(written(status));
    },
  );
  app.delete<{ Params: { id: string } }>(
    "/v1/jobs/:id",
    {
      schema: operation({
        ...{ summary: "Cancel a job", tag: "jobs", refusals: [404, ...KEYED] },
        answer: ["Its state: cancelled, unless it had ended", AnyJob],
      }),
    },
    async ({ caller, params }, reply) => {
      require(caller!, "jobs");
      const status = await services.jobs.cancel(params.id, caller!.tenant);
      return reply.type("application/json").send(written(status));
    },
  );
}

/** The answer, or the problem, as it was written. */
function written(status: JobStatus): string {
  if (status.shape === "settle-job") return writeJob(status);
  const { id, state, created, finished, answer } = status;
  const time = (at: number | null) => (at === null ? null : new Date(at).toISOString());
  const head = JSON.stringify({ id, state, created: time(created), finished: time(finished) });
  if (answer === null) return head;
  return `${head.slice(0, -1)},"${state === "failed" ? "problem" : "answer"}":${answer}}`;
}

/** `Prefer: wait=30` (RFC 7240). */
function waitOf({ headers }: FastifyRequest): number {
  const wait = /(?:^|[\s,;])wait=(\d{1,4})\b/.exec(String(headers.prefer ?? ""))?.[1];
  return Math.min(Number(wait ?? 0), WAIT);
}
