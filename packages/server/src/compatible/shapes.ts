/** The forms of other services, each on the paths where its clients look for it. */
import { isRecord, type Shape } from "../compute/shape.ts";
import type { Problem } from "../http/problem.ts";
import { cohereV2 } from "./cohereV2.ts";
import { infinity } from "./infinity.ts";
import { librechat } from "./librechat.ts";
import type { Dialect, Form } from "./pool.ts";
import { superset } from "./superset.ts";
import { tei } from "./tei.ts";
import { voyage } from "./voyage.ts";
import { weaviate } from "./weaviate.ts";

const DIALECTS: Readonly<Record<string, Dialect>> = {
  cohereV2,
  superset,
  tei,
  infinity,
  voyage,
  weaviate,
  librechat,
};

/** The shape of each path. `rerank` tells seven services apart by what is in the body. */
export const compatibleShapes = {
  rerank: shapeOf((body) => dialectOf(body)),
  "cohere-v2": shapeOf(() => cohereV2),
  infinity: shapeOf(() => infinity),
  voyage: shapeOf(() => voyage),
} as const satisfies Readonly<Record<string, Shape>>;

/** The paths that are answered, and the form of each. */
export const compatiblePaths: Readonly<Record<string, keyof typeof compatibleShapes>> = {
  "/rerank": "rerank",
  "/v1/rerank": "rerank",
  "/v1/reranking": "rerank",
  "/api/v1/rerank": "rerank",
  "/v2/rerank": "cohere-v2",
  "/infinity/rerank": "infinity",
  "/voyage/v1/rerank": "voyage",
};

/** The schemas of the bodies that a path takes, for the OpenAPI document. */
export const compatibleSchemas = {
  rerank: [superset, tei, voyage, weaviate, librechat].map(({ schema }) => schema),
  "cohere-v2": [cohereV2.schema],
  infinity: [infinity.schema],
  voyage: [voyage.schema],
} as const satisfies Readonly<Record<keyof typeof compatibleShapes, readonly object[]>>;

function shapeOf(choose: (body: unknown) => Dialect): Shape {
  return {
    texts: true,
    read: (body) => choose(body).read(body),
    write(answer, form) {
      const { dialect } = form as Form;
      return DIALECTS[dialect]!.write(answer, form as Form);
    },
  };
}

function dialectOf(body: unknown): Dialect {
  const has = (name: string) => isRecord(body) && Object.hasOwn(body, name) && body[name] !== null;
  if (has("texts") && !has("documents")) return tei;
  if (has("candidates") && !has("documents")) return librechat;
  if (has("property")) return weaviate;
  if (has("top_k") && !has("top_n")) return voyage;
  return superset;
}

/** What text-embeddings-inference calls a refusal. */
const TYPES: Readonly<Record<number, string>> = {
  400: "Empty",
  424: "Backend",
  429: "Overloaded",
  503: "Unhealthy",
};

/**
 * A refusal as clients of all these services read it: a problem, with `message` as Cohere's do, and with `error` and `error_type` as
 * those of text-embeddings-inference.
 */
export function refusalFor<T extends { readonly detail: string }>(problem: Problem, body: T) {
  const [first] = problem.faults;
  const message = first
    ? `${problem.message} ${first.pointer || "The body"}: ${first.detail}`
    : problem.message;
  const type = TYPES[problem.status] ?? (problem.status < 500 ? "Validation" : "Backend");
  return { ...body, message, error: message, error_type: type };
}
