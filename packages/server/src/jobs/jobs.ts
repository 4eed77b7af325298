/** Requests that take long: kept in a queue, worked on one at a time, and asked for later. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyBaseLogger } from "fastify";
import { type Call, type Context, rank, read } from "../answer.ts";
import type { ShapeName } from "../compute/shapes.ts";
import type { Caller } from "../http/caller.ts";
import { Problem, problemOf } from "../http/problem.ts";
import type { Job, JobStatus, Queue } from "../state/shared.ts";

/** A job is somebody else's when its worker has said nothing for so long, in milliseconds. */
const LEASE = 15_000;
/** How long units are set apart for a job that waits, in milliseconds. */
const HOLD = 7 * 24 * 3_600_000;

const ROUTE = "/v1/jobs";

export interface Jobs {
  /** @returns its id. @throws {Problem} for what cannot be ranked, 429 where too many wait. */
  submit(call: Omit<Call, "id" | "job" | "signal">): Promise<string>;
  /** @param wait how long to wait for its end, in milliseconds. @throws {Problem} 404 for none of this tenant. */
  get(id: string, tenant: string, wait: number): Promise<JobStatus>;
  /** @throws {Problem} 404 */
  cancel(id: string, tenant: string): Promise<JobStatus>;
  /** Who waits for the end of a job hears how it is now. */
  release(): void;
  close(): Promise<void>;
}

export function startJobs(queue: Queue, context: Context, log: FastifyBaseLogger): Jobs {
  const { config, meter } = context;
  const running = new Map<string, AbortController>();
  const ended = new Map<string, Set<() => void>>();
  const end = (id: string) => {
    for (const wake of [...(ended.get(id) ?? [])]) wake();
  };
  const closing = new AbortController();
  let wake = () => {};
  const never = new AbortController().signal;
  const give = (caller: Pick<Caller, "keyId" | "tenant">, id: string, at: number) =>
    meter.settle(caller, { id, route: ROUTE, n: 0, d: 0, units: 0 }, at, null, 0);

  async function work(): Promise<void> {
    while (!closing.signal.aborted) {
      const job = await next();
      if (!job) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 1000);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        continue;
      }
      const left = new AbortController();
      running.set(job.id, left);
      const beat = setInterval(async () => {
        // Cancelled by another process: its thread is ended here.
        const ours = await queue.beat(job.id, Date.now() + LEASE).catch(() => true);
        if (!ours) left.abort();
      }, LEASE / 3);
      const caller = { keyId: job.keyId, tenant: job.tenant, scopes: [] };
      const call: Call = {
        ...{
          id: job.id,
          at: job.created,
          route: ROUTE,
          shape: job.shape as ShapeName,
          body: job.body,
          caller,
        },
        ...{ signal: left.signal, job: true },
      };
      try {
        const ranked = async () => {
          const admitted = await read(call, context);
          return { ...admitted, ...(await rank(admitted, call, context)) };
        };
        const { body, digest, counted } = await (context.tracing?.stage("job", ranked) ?? ranked());
        const done = await queue.finish(job.id, "done", body, Date.now());
        await meter.settle(caller, { ...counted, id: job.id }, call.at, digest, done ? 1 : 0);
      } catch (error) {
        // A process that closes leaves the job to the next one.
        if (closing.signal.aborted && left.signal.aborted) break;
        const problem =
          error instanceof Problem ? error : new Problem(500, "The job failed; the log says why, by its id.");
        if (!(error instanceof Problem) && !left.signal.aborted)
          log.error({ err: error, job: job.id }, "a job failed");
        try {
          await queue.finish(job.id, "failed", JSON.stringify(problemOf(problem, job.id)), Date.now());
          await give(caller, job.id, call.at);
        } catch (err) {
          log.error({ err, job: job.id }, "the end of a job could not be written: it is worked on again");
        }
      } finally {
        clearInterval(beat);
        running.delete(job.id);
        end(job.id);
      }
    }
  }
  const worked = work();

  /** A store that does not answer for a while gives no job; it is asked again. */
  async function next(): Promise<Job | null> {
    try {
      await queue.purge(Date.now() - config.jobSeconds * 1000);
      return await queue.take(Date.now(), Date.now() + LEASE);
    } catch (err) {
      log.error({ err }, "the queue of jobs does not answer");
      return null;
    }
  }

  async function statusOf(id: string, tenant: string): Promise<JobStatus> {
    const status = await queue.get(id, tenant);
    if (status) return status;
    throw new Problem(404, "There is no such job: it never was, it is another's, or it ended too long ago.");
  }

  return {
    async submit(asked) {
      const id = randomUUID();
      const call: Call = { ...asked, id, signal: never, job: true };
      const { counted } = await read(call, context);
      const reservation = await meter.reserve(asked.caller, { ...counted, id }, Date.now() + HOLD);
      const { shape, body, at, caller } = call;
      const job = { id, tenant: caller.tenant, keyId: caller.keyId, shape, body, created: at };
      const added = await queue.add(job, config.jobsQueued).catch(async (error) => {
        await reservation.refund();
        throw error;
      });
      if (!added) {
        await reservation.refund();
        const detail = `${config.jobsQueued} jobs wait already, as many as there may be.`;
        throw new Problem(429, detail, { headers: { "Retry-After": "5" } });
      }
      wake();
      return id;
    },
    async get(id, tenant, wait) {
      const status = await statusOf(id, tenant);
      if (wait === 0 || status.finished !== null) return status;
      await new Promise<void>((resolve) => {
        const waiting = ended.get(id) ?? new Set();
        const done = () => {
          clearTimeout(timer);
          waiting.delete(done);
          if (waiting.size === 0) ended.delete(id);
          resolve();
        };
        const timer = setTimeout(done, wait);
        ended.set(id, waiting.add(done));
      });
      return statusOf(id, tenant);
    },
    async cancel(id, tenant) {
      await queue.cancel(id, tenant, Date.now());
      const status = await statusOf(id, tenant);
      if (status.state === "cancelled") {
        running.get(id)?.abort();
        await give({ keyId: status.keyId, tenant }, id, status.created);
      }
      end(id);
      return status;
    },
    release() {
      for (const id of [...ended.keys()]) end(id);
    },
    async close() {
      closing.abort();
      wake();
      // What is nearly done may end.
      await Promise.race([worked, sleep(config.graceSeconds * 500, undefined, { ref: false })]);
      for (const left of running.values()) left.abort();
      await worked;
    },
  };
}
