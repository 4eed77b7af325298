/** What becomes of a request that ranks: read, admitted, counted, completed by its model, ranked. */
import { randomUUID } from "node:crypto";
import type { ProfileName } from "@oscillink/core";
import type { Answers } from "./answers.ts";
import type { Compute } from "./compute/compute.ts";
import type { Size } from "./compute/cost.ts";
import { SHAPES, type ShapeName } from "./compute/shapes.ts";
import type { RankDone, Sized } from "./compute/worker.ts";
import type { Config } from "./config/schema.ts";
import type { Caller, Counted } from "./http/caller.ts";
import { Problem } from "./http/problem.ts";
import type { Learner } from "./learn/learner.ts";
import type { Meter } from "./limits/meter.ts";
import type { Metrics } from "./metrics.ts";
import type { Model, Models } from "./models/models.ts";

/** What a ranking needs of the server. */
export interface Context {
  readonly config: Config;
  readonly compute: Compute;
  readonly models: Models;
  readonly metrics: Metrics;
  readonly meter: Meter;
  readonly answers: Answers;
  readonly learner: Learner;
}

/** A request that ranks. */
export interface Call {
  /** The id of the HTTP request, or of the job. */
  readonly id: string;
  /** When it came, in milliseconds since 1970. */
  readonly at: number;
  readonly route: string;
  readonly shape: ShapeName;
  readonly body: Uint8Array;
  readonly caller: Caller;
  /** Aborted when its client leaves, or the job is cancelled. */
  readonly signal: AbortSignal;
  /** Whether it may take as long as a job. */
  readonly job?: boolean;
}

/** What was answered. */
export interface Answered {
  readonly body: string;
  /** Of the receipt; null for several, and for a form without one of ours. */
  readonly digest: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** A request that was read and admitted. */
export interface Admitted {
  readonly rankings: readonly Ranking[];
  readonly counted: Counted;
}

interface Ranking extends Sized {
  readonly model: Model;
  readonly cost: number;
}

/**
 * Answers a request that ranks. Its units are spent if an answer comes of it, and given back if none does, whatever the reason.
 *
 * @throws {Problem} what the client is told.
 */
export async function answer(call: Call, context: Context): Promise<Answered> {
  const { meter, answers, learner, config } = context;
  const { caller, signal } = call;
  const profile = await learner.choose(call);
  const kept = answers.find(call, profile);
  if (kept) {
    const reservation = await meter.reserve(caller, kept.counted);
    await reservation.commit(kept.answered.digest, config.cacheUnits);
    return { ...kept.answered, headers: { ...kept.answered.headers, ...reservation.headers } };
  }
  const admitted = await read(call, context);
  const reservation = await meter.reserve(caller, admitted.counted);
  try {
    const answered = await rank(admitted, call, context, profile, reservation.headers);
    signal.throwIfAborted();
    await reservation.commit(answered.digest);
    // What a form of its own writes tells what remained to the key: it is not for another request.
    if (!("run" in SHAPES[call.shape])) answers.keep(call, profile, { counted: admitted.counted, answered });
    return { ...answered, headers: { ...answered.headers, ...reservation.headers } };
  } catch (error) {
    await reservation.refund();
    throw error;
  }
}

/** Reads a request. @throws {Problem} for what cannot be read, is too large or costs too much. */
export async function read(call: Call, { compute, models, metrics, config }: Context): Promise<Admitted> {
  const sized = await timed(metrics, "read", () => compute.read(call));
  const rankings = sized.map((one) => ({
    ...one,
    model: models.find(one.asked.model, "texts" in SHAPES[call.shape]),
    cost: compute.costOf(one) * (one.asked.weight ?? 1),
  }));
  return { rankings, counted: admit(call, rankings, config) };
}

/**
 * Ranks what was read.
 *
 * @param profile the one that holds where a request names none; null: core's own.
 * @param remaining the header fields that tell what remains to the key.
 */
export async function rank(
  { rankings }: Admitted,
  call: Call,
  context: Context,
  profile: string | null = null,
  remaining: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const { compute, metrics, learner, config } = context;
  const { shape, id, at, signal, caller } = call;
  const rankOne = async ({ asked, model, cost }: Ranking): Promise<RankDone> => {
    const completed = model.computes
      ? asked.request
      : await timed(metrics, "model", async () => model.complete(asked.request, signal));
    signal.throwIfAborted();
    const request = { ...(profile !== null && { profile: profile as ProfileName }), ...completed };
    const task = { shape, asked: { ...asked, request }, model: model.name, id, at, remaining };
    return timed(metrics, "rank", () =>
      call.job ? compute.rankSlowly(task, signal) : compute.rank(task, cost, signal),
    );
  };
  const done = await Promise.all(rankings.map(rankOne));
  if (config.signReceipts) metrics.receipts.inc(done.filter(({ digest }) => digest !== null).length);
  const [first] = done as [RankDone, ...RankDone[]];
  const body =
    SHAPES[shape].join?.(
      done.map((one) => one.body),
      id,
    ) ?? first.body;
  if (done.length > 1) return { body, digest: null, headers: {} };
  const { digest } = first;
  const headers = { "X-Profile-Id": first.profile };
  if (digest === null) return { body, digest, headers };
  await learner.remember(caller, { ...first, digest });
  return { body, digest, headers: { ...headers, "Oscillink-Receipt-Digest": digest } };
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
function admit(
  { route, job }: Pick<Call, "route" | "job">,
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
  return { id: randomUUID(), route, n, d, units: sum((one) => one.n * (one.d || limits.textUnits)) };
}
