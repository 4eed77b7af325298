/** What a thread does: it reads what came, or ranks what was read. Nothing of it reaches the event loop but plain data. */
import { createPrivateKey, sign as signBytes } from "node:crypto";
import type { MessagePort } from "node:worker_threads";
import {
  OscillinkError,
  type ProfileName,
  type RankedEntry,
  type Receipt,
  type RerankRequest,
  rerank as rerankCore,
  signReceipt,
} from "@oscillink/core";
import { checkRequest } from "@oscillink/core/adapter";
import type { Signer } from "@oscillink/core/keys";
import { move, Piscina, workerData } from "piscina";
import type { Config } from "../config/schema.ts";
import { judgeBounds } from "../http/bounded.ts";
import { type Fault, Problem } from "../http/problem.ts";
import { localModels } from "../models/local.ts";
import { alike } from "../models/texts.ts";
import type { Signing } from "../receipts/signing.ts";
import { explanationOf, pageOf, verdictOf, verifiersOf } from "../receipts/verify.ts";
import { measureRates, type Rates, type Size, sizeOf } from "./cost.ts";
import type { Asked } from "./shape.ts";
import { SHAPES, type ShapeName } from "./shapes.ts";
import { buffersOf } from "./vectors.ts";

/** What every thread is told when it starts. */
export interface ThreadData {
  /** The longest list that a request may hold. */
  readonly longest: number;
  /** What the model oscillink-order takes for the scores of the first search. */
  readonly prior: Config["models"]["prior"];
  /** Whether the server learns from feedback. */
  readonly learning: boolean;
  /** The keys of receipts. Null: they are not signed. */
  readonly signing: Signing | null;
}

/** A refusal as plain data. */
interface Refusal {
  readonly status: number;
  readonly detail: string;
  readonly faults: readonly Fault[];
}

export interface ReadTask {
  readonly shape: ShapeName;
  readonly body: Uint8Array;
}

/** A request to be read, and to be ranked as soon as the loop has said that it may. */
export interface AnswerTask extends ReadTask {
  readonly id: string;
  readonly at: number;
  /** By which the thread tells what it read, and hears what is to become of it. */
  readonly port: MessagePort;
}

/** What the loop is told of a ranking that was read. */
export interface Told extends Size {
  readonly model: string | null;
  readonly weight: number;
}

/**
 * What is to become of a request that was read: it is ranked, by these models and under this profile where it names none; or it is
 * given to the loop, for a model that asks others, or for a thread of its own; or it is judged by these models and not ranked; or
 * nothing comes of it.
 */
export type Decision =
  | {
      readonly go: readonly string[];
      readonly profile: string | null;
      readonly remaining: RankTask["remaining"];
    }
  | { readonly check: readonly string[] }
  | "give"
  | "stop";

/** What came of it. */
export type AnswerDone = { readonly ranked: readonly RankDone[] } | { readonly given: readonly Asked[] };

export interface RankTask {
  readonly shape: ShapeName;
  readonly asked: Asked;
  readonly model: string;
  /** The profile where the request names none; null: core's own. */
  readonly profile: string | null;
  readonly id: string;
  readonly at: number;
  /** The header fields that tell what remains to the key. */
  readonly remaining: Readonly<Record<string, string>>;
}

/** The answer as it goes over the wire. */
export interface RankDone {
  readonly body: string;
  /** Of the receipt; null for a form without one of ours. */
  readonly digest: string | null;
  readonly profile: string;
  /** Of the bundle, best first. */
  readonly ids: readonly string[];
  /** Of the other documents that came, where the server learns; else none. */
  readonly others: readonly string[];
}

/** What is asked of a receipt. */
export interface TellTask {
  readonly what: "verdict" | "lines" | "page";
  readonly body: Uint8Array;
}

export type Outcome<T> = { readonly done: T } | { readonly refused: Refusal };

const decoder = new TextDecoder("utf-8", { fatal: true });

function askedIn(shape: ShapeName, body: Uint8Array): readonly Asked[] {
  const parsed = parse(body);
  judgeBounds(parsed, longest);
  return [SHAPES[shape].read(parsed)].flat();
}

/** Reads a request, tells how large it is, and ranks it where it was read: what is large does not go from thread to thread. */
export async function answer({ shape, body, id, at, port }: AnswerTask): Promise<unknown> {
  const asked = outcome(() => askedIn(shape, body));
  if ("refused" in asked) return asked;
  const heard = new Promise<Decision>((resolve) => port.once("message", resolve));
  port.postMessage(
    asked.done.map(({ request, model, weight = 1 }): Told => ({ ...sizeOf(request), model, weight })),
  );
  const decision = await heard;
  port.close();
  if (decision === "stop") return { done: { ranked: [] } };
  if (typeof decision === "object" && "check" in decision) {
    const found = asked.done.map((one, i) => check(shape, one, decision.check[i]!));
    return found.find((one) => "refused" in one) ?? { done: { ranked: [] } };
  }
  if (decision === "give") {
    return moved(
      { done: { given: asked.done } },
      asked.done.flatMap(({ request }) => buffersOf(request)),
    );
  }
  const { go, profile, remaining } = decision;
  const ranked: RankDone[] = [];
  for (const [i, one] of asked.done.entries()) {
    const done = rank({ shape, asked: one, model: go[i]!, profile, id, at, remaining });
    if ("refused" in done) return done;
    ranked.push(done.done);
  }
  return { done: { ranked } };
}

export function rank({
  shape,
  asked,
  model,
  profile: chosen,
  id,
  at,
  remaining,
}: RankTask): Outcome<RankDone> {
  return outcome<RankDone>(() => {
    const form = SHAPES[shape];
    if ("run" in form) {
      const body = JSON.stringify(form.run(asked, { id, at, remaining }));
      return { body, digest: null, profile: form.profile, ids: [], others: [] };
    }
    const completed = LOCAL.get(model)?.complete(asked.request) ?? asked.request;
    const request = chosen === null ? completed : { profile: chosen as ProfileName, ...completed };
    const { bundle, receipt } = ranked(request);
    const answer = {
      ...{ bundle, request, model, id, at, receipt },
      signatures: () => (signer ? signReceipt(receipt(), signer).signatures : []),
    };
    const body = JSON.stringify(form.write(answer, asked.form));
    const { digest, profile } = receipt();
    const ids = bundle.map((entry) => entry.id);
    return { body, digest, profile, ids, others: learning ? othersOf(request, ids) : [] };
  });
}

/** Refuses what could not be ranked, and ranks nothing. A model that asks others is taken to find all documents alike. */
const check = (shape: ShapeName, { request }: Asked, model: string): Outcome<null> =>
  outcome(() => {
    if (!("run" in SHAPES[shape])) checkRequest((LOCAL.get(model) ?? alike(model)).complete(request));
    return null;
  });

export async function tell({ what, body }: TellTask): Promise<Outcome<string>> {
  // Few ask for a page, and every thread would take longer to start.
  const explain = what === "page" ? await import("@oscillink/explain") : null;
  return outcome(() => {
    const parsed = parse(body);
    judgeBounds(parsed, longest);
    if (what === "verdict") return JSON.stringify(verdictOf(parsed, verifiers));
    if (!explain) return explanationOf(parsed, verifiers);
    return pageOf(parsed, explain.explainPage, signing?.publicPems[signing.keyId]);
  });
}

/** Of this machine, for the admission of requests. */
export const calibrate = (): Rates => measureRates();

/** The ids of documents that the bundle lacks. */
function othersOf({ candidates, lists = [] }: RerankRequest, bundle: readonly string[]): string[] {
  const all = candidates
    ? candidates.map(({ id }, i) => String(id ?? i))
    : lists.flatMap(({ items }) => items.map(({ id }) => String(id)));
  const chosen = new Set(bundle);
  return all.filter((id) => !chosen.has(id));
}

function ranked(request: RerankRequest): { bundle: RankedEntry[]; receipt: () => Receipt } {
  const result = rerankCore(request);
  const bundle = result.bundle.map(({ candidate: _, ...entry }) => ({
    ...entry,
    index: entry.inputRank - 1,
  }));
  return { bundle, receipt: () => result.receipt };
}

const {
  signing = null,
  prior = "order",
  longest = 0,
  learning = false,
} = (workerData ?? {}) as Partial<ThreadData>;
/** The models that ask nobody else. */
const LOCAL = new Map(localModels(prior).map((model) => [model.name, model]));
const signer = signerOf(signing);
const verifiers = verifiersOf(signing?.publicPems ?? {});

/** Signs by Node itself, which is twenty times as fast as core's own, and gives the same bytes: Ed25519 has no random part. */
function signerOf(signing: ThreadData["signing"]): Signer | null {
  if (!signing) return null;
  const key = createPrivateKey(signing.pem);
  return { algorithm: "Ed25519", keyId: signing.keyId, sign: (message) => signBytes(null, message, key) };
}

function parse(body: Uint8Array): unknown {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch (cause) {
    throw new Problem(400, "The body is not UTF-8.", { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem(400, "The body is not JSON.", { cause });
  }
}

function outcome<T>(work: () => T, buffers: (done: T) => ArrayBuffer[] = () => []): Outcome<T> {
  try {
    const done = work();
    return moved({ done }, buffers(done));
  } catch (error) {
    return { refused: refusalOf(error) };
  }
}

/** What piscina hands over without a copy. */
function moved<T extends object>(value: T, buffers: ArrayBuffer[]): T {
  if (buffers.length === 0) return value;
  return move({
    [Piscina.transferableSymbol]: buffers,
    [Piscina.valueSymbol]: value,
  } as never) as unknown as T;
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Problem) return { status: error.status, detail: error.message, faults: error.faults };
  if (error instanceof OscillinkError) {
    const detail = error.message.slice(error.parameter.length + 2);
    return {
      status: 422,
      detail: "The request cannot be ranked.",
      faults: [{ pointer: pointerOf(error.parameter), detail }],
    };
  }
  throw error;
}

/** The place that core names, such as `candidates[3].text`, as a JSON pointer: `/candidates/3/text`. */
const pointerOf = (parameter: string): string =>
  `/${parameter
    .replaceAll("~", "~0")
    .replaceAll("/", "~1")
    .replace(/\[(\d+)\]/g, ".$1")
    .split(".")
    .join("/")}`;
