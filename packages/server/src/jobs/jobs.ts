/** Requests that take long: kept in a queue, worked on one at a time, and asked for later. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyBaseLogger } from "fastify";
import { type Call, type Context, judge, rankJob } from "../answer.ts";
import type { ShapeName } from "../compute/shapes.ts";
import type { Counted } from "../http/caller.ts";
import { Problem, problemOf } from "../http/problem.ts";
import { ledgerRow } from "../limits/meter.ts";
import type { JobStatus, Queue, TakenJob } from "../state/shared.ts";

/** A job is somebody else's when its worker has said nothing for so long, in milliseconds. */
const LEASE = 15_000;
/** How long units are set apart for a job that waits, in milliseconds. */
const HOLD = 7 * 24 * 3_600_000;

/** How often a job is begun that ends its thread or its process. */
const ATTEMPTS = 3;
const BROKEN = "The job ended what worked on it";

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
        if (await done(job, call, left.signal)) end(job.id);
      } catch (err) {
        log.error({ err, job: job.id }, "the end of a job could not be written: it is worked on again");
      } finally {
        clearInterval(beat);
        running.delete(job.id);
      }
    }
  }

  /** Works on a job. @returns whether it has ended; else it was put back. @throws where the store does not answer. */
  async function done({ id, attempt }: TakenJob, call: Call, left: AbortSignal): Promise<boolean> {
    const { caller, at } = call;
    let counted: Counted = { id, route: ROUTE, n: 0, d: 0, units: 0 };
    const finish = async (state: "done" | "failed", answer: string, digest: string | null, share: number) => {
      const row = ledgerRow(caller, counted, at, digest, share);
      if (await queue.finish(id, state, answer, Date.now(), row)) meter.settled(row, counted.units);
    };
    const fail = (problem: Problem) => finish("failed", JSON.stringify(problemOf(problem, id)), null, 0);
    try {
      if (attempt > ATTEMPTS) throw new Problem(500, `${BROKEN} ${ATTEMPTS} times: it is not tried again.`);
      const ranked = () =>
        rankJob(call, context, (admitted) => {
          counted = { ...admitted, id };
        });
      const { body, digest } = await (context.tracing?.stage("job", ranked) ?? ranked());
      await finish("done", body, digest, 1);
    } catch (error) {
      // A process that closes leaves the job to the next one.
      const closes = closing.signal.aborted && left.aborted;
      if (error instanceof Problem && !closes) await fail(error);
      else {
        if (!left.aborted) log.error({ err: error, job: id, attempt }, "a job broke off");
        if (closes || (!left.aborted && attempt < ATTEMPTS)) {
          await queue.putBack(id, !closes);
          return false;
        }
        await fail(new Problem(500, "The job failed; the log says why, by its id."));
      }
    }
    return true;
  }
  const worked = work();

  /** A store that does not answer for a while gives no job; it is asked again. */
  async function next(): Promise<TakenJob | null> {
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
      const counted = await judge(call, context);
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
      if (wait === 0 || status.finished !== null || closing.signal.aborted) return status;
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
      const { keyId, created } = await statusOf(id, tenant);
      const nothing = { id, route: ROUTE, n: 0, d: 0, units: 0 };
      await queue.cancel(id, tenant, Date.now(), ledgerRow({ keyId, tenant }, nothing, created, null, 0));
      const status = await statusOf(id, tenant);
      if (status.state === "cancelled") running.get(id)?.abort();
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
