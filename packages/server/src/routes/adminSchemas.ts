/** What goes over the wire on the second port. */
import { Type } from "typebox";
import { SCOPES } from "../state/durable.ts";
import { type Operation, operation } from "./schemas.ts";

const closed = { additionalProperties: false } as const;
const limit = Type.Optional(
  Type.Union([Type.Integer({ minimum: 0, maximum: 999_999_999_999_999 }), Type.Null()]),
);
const Limits = Type.Object({ units: limit, unitsMonth: limit, burst: limit }, closed);
const Time = Type.Union([Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 }), Type.Null()], {
  description: "milliseconds since 1970; null: never",
});
const Scopes = Type.Array(Type.Union(SCOPES.map((scope) => Type.Literal(scope))));
const Status = Type.Union(["active", "suspended", "revoked"].map((status) => Type.Literal(status)));
const Pinned = Type.Union([Type.Literal("evidence"), Type.Literal("cosine"), Type.Null()], {
  description: "a profile that every answer of the key is ranked by; null: none",
});
const Secret = Type.String({ description: "the key, which is shown this once" });

export const NewKey = Type.Object(
  {
    tenant: Type.String({ minLength: 1, maxLength: 64, default: "default" }),
    name: Type.String({ maxLength: 200, default: "" }),
    scopes: { ...Scopes, default: ["rerank", "jobs", "feedback"] } as typeof Scopes,
    expires: Type.Optional(Time),
    limits: Type.Optional(Limits),
  },
  closed,
);

export const Change = Type.Partial(
  Type.Object({
    status: Status,
    name: Type.String({ maxLength: 200 }),
    expires: Time,
    limits: Limits,
    pinned: Pinned,
  }),
  closed,
);

const shown = {
  id: Type.String(),
  tenant: Type.String(),
  name: Type.String(),
  scopes: Scopes,
  status: Status,
  created: Type.Integer({ description: "milliseconds since 1970" }),
  expires: Time,
  limits: Limits,
  secrets: Type.Integer({ description: "how many are good: two while one takes the place of the other" }),
};
const Key = Type.Object(shown, closed);

const Left = Type.Object(
  {
    name: Type.String(),
    limit: Type.Integer(),
    left: Type.Integer(),
    reset: Type.Integer({ description: "seconds until it begins anew" }),
    window: Type.Union([Type.Integer(), Type.Null()], { description: "in seconds; null: a calendar month" }),
  },
  closed,
);

const AuditRow = Type.Object(
  {
    at: Type.Integer({ description: "milliseconds since 1970" }),
    who: Type.String({ description: "the id of a key; start, command or nobody" }),
    what: Type.String(),
    about: Type.String(),
    count: Type.Integer({
      minimum: 1,
      description: "how often within an hour; more than 1 for refusals alone",
    }),
  },
  closed,
);

const Learned = Type.Object(
  {
    pinned: Pinned,
    profiles: Type.Array(
      Type.Object({ profile: Type.String(), labels: Type.Integer(), mean: Type.Number() }, closed),
    ),
  },
  closed,
);

/** What may be refused to whoever administers. */
const REFUSALS = [401, 403, 429, 500, 503] as const;
const WRITES = [400, 413, 415, 422] as const;

const administration = (asked: Omit<Operation, "tag" | "refusals">, ...refusals: readonly number[]) =>
  operation({ ...asked, tag: "administration", refusals: [...REFUSALS, ...refusals] });

/** The routes, as its document has them. */
export const ADMIN = {
  metrics: operation({
    ...{ summary: "Read the metrics", tag: "metrics", type: "text/plain", open: true, refusals: [500] },
    answer: ["Counters, gauges and histograms, as Prometheus reads them", Type.String()],
  }),
  list: administration({
    summary: "List keys",
    answer: ["Every key, without its secrets", Type.Object({ keys: Type.Array(Key) }, closed)],
  }),
  create: administration(
    {
      ...{ summary: "Make a key", body: NewKey, status: 201 },
      answer: ["The key", Type.Object({ key: Secret, ...shown }, closed)],
    },
    ...WRITES,
  ),
  change: administration(
    { summary: "Change a key", body: Change, answer: ["The key as it is then", Key] },
    ...[...WRITES, 404, 409],
  ),
  rotate: administration(
    {
      summary: "Make a second secret for a key",
      answer: ["The key with it; the first holds for a day more", Type.Object({ key: Secret }, closed)],
    },
    ...[400, 413, 415, 404, 409],
  ),
  usage: administration(
    {
      summary: "Read what remains to a key",
      answer: ["Its limits, as the limiter reads them", Type.Object({ limits: Type.Array(Left) }, closed)],
    },
    404,
  ),
  profiles: administration({
    summary: "Read what was learned for a key",
    answer: ["Its profiles by their labels", Learned],
  }),
  forget: administration({
    ...{ summary: "Forget what was learned for a key", status: 204, answer: ["It is forgotten"] },
  }),
  ledger: administration({
    ...{ summary: "Read the ledger", type: "application/jsonl" },
    answer: ["A line a request that was counted, oldest first", Type.String()],
  }),
  audit: administration({
    summary: "Read the audit",
    answer: [
      "Who changed what, and who was refused, the latest first",
      Type.Object({ rows: Type.Array(AuditRow) }, closed),
    ],
  }),
} as const;
