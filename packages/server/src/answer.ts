/** What becomes of a request that ranks: read, admitted, counted, completed by its model, ranked. */
import { randomUUID } from "node:crypto";
import type { Answers } from "./answers.ts";
import { type Compute, isLong } from "./compute/compute.ts";
import { type Size, sizeOf } from "./compute/cost.ts";
import { SHAPES, type ShapeName } from "./compute/shapes.ts";
import type { AnswerDone, RankDone, Told } from "./compute/worker.ts";
import type { Config } from "./config/schema.ts";
import type { Caller, Counted, Reservation } from "./http/caller.ts";
import { Problem } from "./http/problem.ts";
import type { Learner } from "./learn/learner.ts";
import type { Meter } from "./limits/meter.ts";
import type { Metrics } from "./metrics.ts";
import type { Model, Models } from "./models/models.ts";
import type { Tracing } from "./tracing.ts";

/** What a ranking needs of the server. */
export interface Context {
  readonly config: Config;
  readonly compute: Compute;
  readonly models: Models;
  readonly metrics: Metrics;
  readonly meter: Meter;
  readonly answers: Answers;
  readonly learner: Learner;
  /** Null: no spans are wanted. */
  readonly tracing: Tracing | null;
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

/** How a ranking is come by, and what it costs. */
interface Plan {
  readonly model: Model;
  readonly cost: number;
}

/**
 * Answers a request that ranks. Its units are spent if an answer comes of it, and given back if none does, whatever the reason.
 *
 * @throws {Problem} what the client is told.
 */
export async function answer(call: Call, context: Context): Promise<Answered> {
  const { compute, meter, answers, learner, config } = context;
  const { caller, signal } = call;
  const profile = await learner.choose(call);
  // Found by the body, whose memory goes to the thread that reads it.
  const place = answers.placeOf(call, profile);
  const { kept } = place;
  if (kept) {
    const reservation = await meter.reserve(caller, kept.counted);
    await reservation.commit(kept.answered.digest, config.cacheUnits);
    return { ...kept.answered, headers: { ...kept.answered.headers, ...reservation.headers } };
  }
  let plans: readonly Plan[] = [];
  let counted: Counted | null = null;
  let reservation: Reservation | null = null;
  try {
    const told = await timed(context, "answer", () =>
      compute.answer(call, async (sizes) => {
        plans = sizes.map((one) => planOf(one, call, context));
        counted = admit(call, sizes, plans, config);
        reservation = await meter.reserve(caller, counted);
        signal.throwIfAborted();
        if (plans.some(({ model, cost }) => model.asksOthers || isLong(cost))) return "give";
        return { go: plans.map(({ model }) => model.name), profile, remaining: reservation.headers };
      }),
    );
    const { headers, commit } = reservation!;
    const done = await rankAll(told, plans, call, context, profile, headers);
    signal.throwIfAborted();
    const answered = await answeredBy(done, call, context);
    await commit(answered.digest);
    // What a form of its own writes tells what remained to the key: it is not for another request.
    if (!("run" in SHAPES[call.shape])) place.keep({ counted: counted!, answered });
    return { ...answered, headers: { ...answered.headers, ...headers } };
  } catch (error) {
    await (reservation as Reservation | null)?.refund();
    throw error;
  }
}

/**
 * Judges a request that is to be ranked later.
 *
 * @returns what it is counted as.
 * @throws {Problem} for what cannot be read or ranked, is too large or costs too much.
 */
export async function judge(call: Call, context: Context): Promise<Counted> {
  let counted: Counted | null = null;
  // It is kept: what goes to the thread is a copy.
  const copy = { ...call, body: new Uint8Array(call.body) };
  await timed(context, "read", () =>
    context.compute.answer(copy, async (sizes) => {
      const plans = sizes.map((one) => planOf(one, call, context));
      counted = admit(call, sizes, plans, context.config);
      return { check: plans.map(({ model }) => model.name) };
    }),
  );
  return counted!;
}

/** Ranks a request that was judged before, in the thread for long work. @param counted told what it is counted as. */
export async function rankJob(
  call: Call,
  context: Context,
  counted: (counted: Counted) => void,
): Promise<Answered> {
  let plans: readonly Plan[] = [];
  const told = await timed(context, "answer", () =>
    context.compute.answer(
      call,
      async (sizes) => {
        plans = sizes.map((one) => planOf(one, call, context));
        counted(admit(call, sizes, plans, context.config));
        if (plans.some(({ model }) => model.asksOthers)) return "give";
        return { go: plans.map(({ model }) => model.name), profile: null, remaining: {} };
      },
      call.signal,
    ),
  );
  return answeredBy(await rankAll(told, plans, call, context, null, {}), call, context);
}

/** What a ranking costs at least, in milliseconds. */
const LEAST = 1;

const planOf = (told: Told, { shape }: Call, { models, compute }: Context): Plan => ({
  model: models.find(told.model, "texts" in SHAPES[shape] || (told.texts && !("run" in SHAPES[shape]))),
  // Even what ranks nothing is work.
  cost: Math.max(compute.costOf(told) * told.weight, LEAST),
});

/**
 * Ranks what the thread that read a request gave back, if it did.
 *
 * @param profile the one that holds where a request names none; null: core's own.
 * @param remaining the header fields that tell what remains to the key.
 */
async function rankAll(
  told: AnswerDone,
  plans: readonly Plan[],
  call: Call,
  context: Context,
  profile: string | null,
  remaining: Reservation["headers"],
): Promise<readonly RankDone[]> {
  if ("ranked" in told) return told.ranked;
  const { shape, id, at, signal, job } = call;
  const { compute, config } = context;
  return Promise.all(
    told.given.map(async (asked, i) => {
      const { model, cost } = plans[i]!;
      const request = model.asksOthers
        ? await timed(context, "model", async () => model.complete(asked.request, signal))
        : asked.request;
      signal.throwIfAborted();
      if (model.asksOthers)
        admit(call, [sizeOf(request)], [{ model, cost: compute.costOf(sizeOf(request)) }], config);
      const task = { shape, asked: { ...asked, request }, model: model.name, profile, id, at, remaining };
      return timed(context, "rank", () =>
        job ? compute.rankSlowly(task, signal) : compute.rank(task, cost, signal),
      );
    }),
  );
}

/** The answer of all rankings of a request. */
async function answeredBy(done: readonly RankDone[], call: Call, context: Context): Promise<Answered> {
  const { learner, metrics, config } = context;
  const { shape, id, caller } = call;
  if (config.signReceipts) metrics.receipts.inc(done.filter(({ digest }) => digest !== null).length);
  const [first] = done as readonly [RankDone, ...RankDone[]];
  const bodies = done.map((one) => one.body);
  const body = SHAPES[shape].join?.(bodies, id) ?? first.body;
  if (done.length > 1) return { body, digest: null, headers: {} };
  const { digest } = first;
  const headers = { "X-Profile-Id": first.profile };
  if (digest === null) return { body, digest, headers };
  await learner.remember(caller, { ...first, digest });
  return { body, digest, headers: { ...headers, "Oscillink-Receipt-Digest": digest } };
}

/** Some work of a request, as a stage that the metrics and the spans tell of. */
export async function timed<T>(
  { metrics, tracing }: Context,
  stage: string,
  work: () => Promise<T>,
): Promise<T> {
  const end = metrics.compute.startTimer({ stage });
  try {
    return await (tracing ? tracing.stage(stage, work) : work());
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
  sizes: readonly Size[],
  plans: readonly Plan[],
  { limits }: Config,
): Counted {
  const over = (what: string, came: number, limit: number) =>
    new Problem(413, `${what}: ${came}, and this server takes ${limit} at most.`);
  const sum = (of: (one: Size) => number) => sizes.reduce((total, one) => total + of(one), 0);
  const [n, d] = [sum((one) => one.n), Math.max(0, ...sizes.map((one) => one.d))];
  const values = sum((one) => one.n * one.d);
  if (n > limits.documents) throw over("Documents", n, limits.documents);
  if (d > limits.width) throw over("Values of a vector", d, limits.width);
  if (values > limits.values) throw over("Values of all vectors", values, limits.values);
  const cost = plans.reduce((total, plan) => total + plan.cost, 0);
  const most = job ? limits.jobMs : limits.interactiveMs;
  if (cost > most) {
    const other = job || cost > limits.jobMs ? "" : ", or POST it to /v1/jobs";
    const why = `The request would take about ${Math.ceil(cost)} ms of a processor, and this server gives it ${most}`;
    throw new Problem(413, `${why}. Send fewer documents${other}.`);
  }
  // A vector counts its values, a document without one what was configured, and a request without documents as one.
  const units = sum((one) => Math.max(1, one.vectors * one.d + (one.n - one.vectors) * limits.textUnits));
  return { id: randomUUID(), route, n, d, units };
}
