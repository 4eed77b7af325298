/** What becomes of a request that ranks: read, admitted, counted, completed by its model, ranked. */
import type { Compute } from "./compute/compute.ts";
import type { Size } from "./compute/cost.ts";
import type { ShapeName } from "./compute/shapes.ts";
import type { ReadDone } from "./compute/worker.ts";
import type { Config } from "./config/schema.ts";
import type { Caller, Counted, Reservation } from "./http/caller.ts";
import { Problem } from "./http/problem.ts";
import type { Metrics } from "./metrics.ts";
import type { Models } from "./models/models.ts";

/** What a ranking needs of the server. */
export interface Context {
  readonly config: Config;
  readonly compute: Compute;
  readonly models: Models;
  readonly metrics: Metrics;
  reserve(caller: Caller, counted: Counted): Promise<Reservation>;
}

/** A request that ranks. */
export interface Call {
  /** The id of the HTTP request. */
  readonly id: string;
  /** When it came, in milliseconds since 1970. */
  readonly at: number;
  readonly route: string;
  readonly shape: ShapeName;
  readonly body: Uint8Array;
  readonly caller: Caller;
  /** Aborted when its client leaves. */
  readonly signal: AbortSignal;
  /** Whether it may take as long as a job. */
  readonly job?: boolean;
}

export interface Answered {
  readonly body: string;
  readonly digest: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Answers a request that ranks. Its units are spent if an answer comes of it, and given back if none does, whatever the reason.
 *
 * @throws {Problem} what the client is told.
 */
export async function answer(call: Call, context: Context): Promise<Answered> {
  const { compute, models, metrics, config } = context;
  const read = await timed(metrics, "read", () => compute.read(call));
  const model = models.find(read.asked.model);
  const cost = compute.costOf(read);
  admit(read, cost, config, call.job === true);
  const units = unitsOf(read, config);
  const counted = { id: call.id, route: call.route, n: read.n, d: read.d, units };
  const reservation = await context.reserve(call.caller, counted);
  try {
    const asked = await completed(read, model, call.signal);
    call.signal.throwIfAborted();
    const { shape, id, at } = call;
    const task = { shape, asked, model: model.name, id, at };
    const done = await timed(metrics, "rank", () =>
      call.job ? compute.rankSlowly(task, call.signal) : compute.rank(task, cost, call.signal),
    );
    await reservation.commit(done.digest);
    return { body: done.body, digest: done.digest, headers: reservation.headers };
  } catch (error) {
    await reservation.refund();
    throw error;
  }
}

const completed = async ({ asked }: ReadDone, model: ReturnType<Models["find"]>, signal: AbortSignal) => ({
  ...asked,
  request: await model.complete(asked.request, signal),
});

async function timed<T>({ compute }: Metrics, stage: string, work: () => Promise<T>): Promise<T> {
  const end = compute.startTimer({ stage });
  try {
    return await work();
  } finally {
    end();
  }
}

/** A vector counts its values, a document without one what was configured. */
const unitsOf = ({ n, d }: Size, { limits }: Config): number => n * (d || limits.textUnits);

/** @throws {Problem} 413 for what is larger or costs more than is allowed, before anything is reserved. */
function admit(size: Size, cost: number, { limits }: Config, job: boolean): void {
  const { n, d } = size;
  const over = (what: string, came: number, limit: number) =>
    new Problem(413, `${what}: ${came}, and this server takes ${limit} at most.`);
  if (n > limits.documents) throw over("Documents", n, limits.documents);
  if (d > limits.width) throw over("Values of a vector", d, limits.width);
  if (n * d > limits.values) throw over("Values of all vectors", n * d, limits.values);
  const most = job ? limits.jobMs : limits.interactiveMs;
  if (cost <= most) return;
  const instead =
    job || cost > limits.jobMs ? "Send fewer documents." : "Send fewer documents, or POST it to /v1/jobs.";
  throw new Problem(
    413,
    `The request would take about ${Math.ceil(cost)} ms of a processor, and this server gives it ${most}. ${instead}`,
  );
}
