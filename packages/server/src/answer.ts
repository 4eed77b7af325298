/** What becomes of a request that ranks: read, admitted, counted, completed by its model, ranked. */
import type { Compute } from "./compute/compute.ts";
import type { Size } from "./compute/cost.ts";
import { SHAPES, type ShapeName } from "./compute/shapes.ts";
import type { RankDone, Sized } from "./compute/worker.ts";
import type { Config } from "./config/schema.ts";
import type { Caller, Counted, Reservation } from "./http/caller.ts";
import { Problem } from "./http/problem.ts";
import type { Metrics } from "./metrics.ts";
import type { Model, Models } from "./models/models.ts";

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
  /** Of the receipt; null for several. */
  readonly digest: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Answers a request that ranks. Its units are spent if an answer comes of it, and given back if none does, whatever the reason.
 *
 * @throws {Problem} what the client is told.
 */
export async function answer(call: Call, context: Context): Promise<Answered> {
  const { compute, models, metrics } = context;
  const read = await timed(metrics, "read", () => compute.read(call));
  const ranked = read.map((one) => ({
    ...one,
    model: models.find(one.asked.model),
    cost: compute.costOf(one),
  }));
  const counted = admit(call, ranked, context.config);
  const reservation = await context.reserve(call.caller, counted);
  try {
    const done = await Promise.all(ranked.map((one) => rank(one, call, context)));
    const digest = done.length === 1 ? done[0]!.digest : null;
    await reservation.commit(digest);
    const bodies = done.map(({ body }) => body);
    const body = SHAPES[call.shape].join?.(bodies, call.id) ?? bodies[0]!;
    return { body, digest, headers: reservation.headers };
  } catch (error) {
    await reservation.refund();
    throw error;
  }
}

interface Ranking extends Sized {
  readonly model: Model;
  readonly cost: number;
}

async function rank(
  { asked, model, cost }: Ranking,
  call: Call,
  { compute, metrics }: Context,
): Promise<RankDone> {
  const { shape, id, at, signal } = call;
  const request = await timed(metrics, "model", async () => model.complete(asked.request, signal));
  signal.throwIfAborted();
  const task = { shape, asked: { ...asked, request }, model: model.name, id, at };
  return timed(metrics, "rank", () =>
    call.job ? compute.rankSlowly(task, signal) : compute.rank(task, cost, signal),
  );
}

async function timed<T>({ compute }: Metrics, stage: string, work: () => Promise<T>): Promise<T> {
  const end = compute.startTimer({ stage });
  try {
    return await work();
  } finally {
    end();
  }
}

/**
 * What a request is counted as, with all of its rankings.
 *
 * @throws {Problem} 413 for what is larger or costs more than is allowed, before anything is reserved.
 */
export function admit(
  { id, route, job }: Pick<Call, "id" | "route" | "job">,
  rankings: readonly (Size & { readonly cost: number })[],
  { limits }: Config,
): Counted {
  const over = (what: string, came: number, limit: number) =>
    new Problem(413, `${what}: ${came}, and this server takes ${limit} at most.`);
  const sum = (of: (one: Size & { cost: number }) => number) =>
    rankings.reduce((total, one) => total + of(one), 0);
  const [n, d] = [sum((one) => one.n), Math.max(0, ...rankings.map((one) => one.d))];
  const values = sum((one) => one.n * one.d);
  if (n > limits.documents) throw over("Documents", n, limits.documents);
  if (d > limits.width) throw over("Values of a vector", d, limits.width);
  if (values > limits.values) throw over("Values of all vectors", values, limits.values);
  const cost = sum((one) => one.cost);
  const most = job ? limits.jobMs : limits.interactiveMs;
  if (cost > most) {
    const other = job || cost > limits.jobMs ? "" : ", or POST it to /v1/jobs";
    const why = `The request would take about ${Math.ceil(cost)} ms of a processor, and this server gives it ${most}`;
    throw new Problem(413, `${why}. Send fewer documents${other}.`);
  }
  // A vector counts its values, a document without one what was configured.
  return { id, route, n, d, units: sum((one) => one.n * (one.d || limits.textUnits)) };
}
