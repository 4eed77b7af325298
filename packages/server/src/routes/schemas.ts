/** What goes over the wire, for OpenAPI. Requests are judged where they are read: see own/, compatible/ and published/. */
import type { FastifySchema } from "fastify";
import { type TSchema, Type } from "typebox";

const open = { additionalProperties: true } as const;
const nullable = (schema: TSchema) => Type.Union([schema, Type.Null()]);

const Vector = Type.Union(
  [
    Type.Array(Type.Number()),
    Type.String({ description: "float32, little-endian, in base64" }),
    Type.Object({ dtype: Type.Optional(Type.Literal("float32")), data: Type.String() }),
  ],
  { description: "Numbers, or float32 in base64: a quarter as long, and read ten times as fast." },
);

const Id = Type.Union([Type.String(), Type.Number()]);

const Candidate = Type.Object(
  {
    id: Type.Optional(Id),
    embedding: Type.Optional(nullable(Vector)),
    text: Type.Optional(Type.String()),
    title: Type.Optional(Type.String()),
    score: Type.Optional(
      Type.Number({ description: "of the first search; used where the request has no query vector" }),
    ),
    trust: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    links: Type.Optional(Type.Array(Id)),
  },
  open,
);

export const RerankBody = Type.Object(
  {
    query: Type.Optional(Vector),
    queryText: Type.Optional(Type.String()),
    candidates: Type.Optional(Type.Array(Candidate)),
    embeddings: Type.Optional(
      Type.Union([
        Type.Array(nullable(Vector)),
        Type.Object({
          shape: Type.Array(Type.Integer({ minimum: 1 }), { minItems: 2, maxItems: 2 }),
          dtype: Type.Optional(Type.Literal("float32")),
          data: Type.String(),
        }),
      ]),
    ),
    lists: Type.Optional(
      Type.Array(
        Type.Object({
          name: Type.String(),
          items: Type.Array(Candidate),
          similarity: Type.Optional(Type.Boolean()),
        }),
      ),
    ),
    k: Type.Optional(Type.Integer({ minimum: 1, default: 5 })),
    model: Type.Optional(
      Type.String({ description: "one of /v1/models; default: the vectors or scores of the candidates" }),
    ),
    profile: Type.Optional(Type.String()),
    receipt: Type.Optional(Type.Union([Type.Literal("full"), Type.Literal("digest")])),
  },
  { ...open, description: "What `rerank` of @oscillink/core takes, with any of its options." },
);

const Result = Type.Object(
  {
    id: Type.String(),
    index: Type.Integer({ description: "its place among the candidates, from 0" }),
    rank: Type.Integer({ minimum: 1 }),
    score: nullable(Type.Number()),
    relevance: nullable(Type.Number({ minimum: 0, maximum: 1 })),
  },
  open,
);

const Receipt = Type.Object(
  { digest: Type.String() },
  { ...open, description: "see receipt.v3.json of @oscillink/core" },
);

export const RerankAnswer = Type.Object({
  id: Type.String(),
  model: Type.String(),
  results: Type.Array(Result),
  receipt: Receipt,
  signatures: Type.Optional(
    Type.Array(Type.Object({ keyid: Type.Optional(Type.String()), sig: Type.String() })),
  ),
  usage: Type.Object({ documents: Type.Integer() }),
});

const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    instance: Type.String({ description: "the id of the request" }),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }))),
  },
  open,
);

/** What may be refused to any request that ranks. */
export const RANKS = [400, 401, 403, 404, 409, 413, 415, 422, 424, 429, 500, 503] as const;
/** What may be refused to any request with a key. */
export const KEYED = [401, 403, 429, 500, 503] as const;

export interface Operation {
  readonly summary: string;
  readonly tag: string;
  readonly body?: TSchema;
  /** What a good answer holds, and its schema; none for an answer without a body. */
  readonly answer: readonly [description: string, schema?: TSchema];
  /** The status of a good answer. Default: 200. */
  readonly status?: number;
  /** The type of a good answer. Default: JSON. */
  readonly type?: string;
  /** The schemas of its other types, for clients that accept those. */
  readonly others?: Readonly<Record<string, TSchema>>;
  readonly refusals: readonly number[];
  /** Whether a client may hold what it asks for already (304). */
  readonly tagged?: boolean;
  readonly open?: boolean;
  /** Refusals are in another form of JSON, at times. */
  readonly ownRefusals?: true;
  readonly deprecated?: boolean;
}

/** A route as Fastify and its OpenAPI document have it. */
export function operation({
  summary,
  tag,
  body,
  answer,
  refusals,
  tagged,
  open,
  ownRefusals,
  deprecated,
  ...how
}: Operation): FastifySchema {
  const { status = 200, type = "application/json", others = {} } = how;
  const [description, schema] = answer;
  const content = Object.entries({ ...(schema && { [type]: schema }), ...others });
  const good =
    content.length > 0
      ? { description, content: Object.fromEntries(content.map(([name, schema]) => [name, { schema }])) }
      : { description, type: "null" };
  const refused = {
    description: "A problem (RFC 9457)",
    content: {
      "application/problem+json": { schema: Problem },
      ...(ownRefusals && { "application/json": { schema: {} } }),
    },
  };
  return {
    ...{ summary, tags: [tag], operationId: operationId(summary) },
    ...(body && { body }),
    response: {
      [status]: good,
      ...(tagged && { 304: { description: "It is what the client has", type: "null" } }),
      ...Object.fromEntries(refusals.map((one) => [one, refused])),
    },
    ...(open && { security: [] }),
    ...(deprecated && { deprecated }),
  };
}

/** A name for generated clients: the words of the summary. */
const operationId = (summary: string): string =>
  summary
    .replace(/[^A-Za-z0-9 ]/g, "")
    .split(" ")
    .map((word, i) => (i === 0 ? word.toLowerCase() : word[0]!.toUpperCase() + word.slice(1)))
    .join("");

export const ReceiptBody = Type.Object(
  {
    receipt: Type.Optional(Receipt),
    signatures: Type.Optional(Type.Array(Type.Object({ sig: Type.String() }, open))),
    envelope: Type.Optional(Type.Object({}, { ...open, description: "DSSE" })),
  },
  { ...open, description: "An answer as it came, or its receipt and signatures, or an envelope." },
);

const Digest = Type.String({ pattern: "^sha256:[0-9a-f]{64}$" });

export const Verdict = Type.Object(
  {
    ok: Type.Boolean({ description: "whether this server signed it, and nothing of it was changed since" }),
    covers: Type.Optional(
      Type.Union([Type.Literal("receipt"), Type.Literal("payload")], {
        description: "what was signed: the receipt, or the few figures that the Python package signs",
      }),
    ),
    keyId: Type.Optional(nullable(Type.String({ description: "the key, by its id in jwks.json" }))),
    digest: Type.Optional(nullable(Digest)),
    reason: Type.Optional(Type.String({ description: "why it is not valid" })),
    said: Type.String({ description: "the verdict as a sentence" }),
  },
  {
    ...open,
    examples: [
      {
        ok: true,
        covers: "receipt",
        keyId: "6f2ab85fb311ff49",
        digest: "sha256:4765bd1f7d42af8bac1f91f19832eabceace043c082f23e86a0009860d7ea295",
        said: "valid: signed by this server with the key 6f2ab85fb311ff49",
      },
      { ok: false, reason: "digest", said: "not valid: what the receipt says is not what its digest says" },
    ],
  },
);

export const Explanation = Type.Object(
  {
    said: Type.String({ description: "whether this server signed the receipt, as a sentence" }),
    lines: Type.Array(Type.String()),
  },
  {
    examples: [
      {
        said: "valid: signed by this server with the key 8789e796660865b1",
        lines: [
          "asked for the best 1 of 2 candidates (by vectors and words, profile evidence)",
          "kept terns (1st, was 2nd, relevance 0.16): by its own evidence 1st, at +1.40: its cosine of 0.969 with the query +1.00, words of the query +0.40; documents like it lowered it by 0.70, most of all ferry -0.70",
          "left out ferry (was 1st): 2nd by score",
          "relevance by words alone, not calibrated",
          "order certified: exact arithmetic gives the same bundle in the same order, by a margin of 1.4 standard deviations",
          "digest sha256:4765bd1f7d42af8bac1f91f19832eabceace043c082f23e86a0009860d7ea295",
        ],
      },
    ],
  },
);

export const Models = Type.Object({
  object: Type.Literal("list"),
  data: Type.Array(
    Type.Object({
      id: Type.String(),
      object: Type.Literal("model"),
      owned_by: Type.String(),
      description: Type.String(),
    }),
  ),
});

export const Health = Type.Object({ status: Type.Literal("ok"), version: Type.String() });

export const Job = Type.Object({
  id: Type.String(),
  state: Type.Union(["queued", "running", "done", "failed", "cancelled"].map((state) => Type.Literal(state))),
  created: Type.Optional(Type.String()),
  finished: Type.Optional(nullable(Type.String())),
  answer: Type.Optional(
    Type.Unknown({ description: "of a job that is done: what the route would have answered" }),
  ),
  problem: Type.Optional(Problem),
});

export const Jwks = Type.Object({
  keys: Type.Array(Type.Object({ kid: Type.String(), kty: Type.String() }, open)),
});
