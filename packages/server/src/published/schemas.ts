/** What the published routes take and answer, for OpenAPI. */
import { type TSchema, Type } from "typebox";
import { FIELDS, type Field } from "./fields.ts";

const number = Type.Number();
const integer = Type.Integer();
const flag = Type.Boolean();
const closed = { additionalProperties: false } as const;
const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()]);
const edge = Type.Array(integer, { minItems: 2, maxItems: 2 });

const schemaOf = ({ kind, value, least, above, most, description }: Field): TSchema => {
  const range = {
    ...(least !== undefined && { minimum: least }),
    ...(above !== undefined && { exclusiveMinimum: above }),
    ...(most !== undefined && { maximum: most }),
  };
  const own = { number: Type.Number(range), integer: Type.Integer(range), boolean: Type.Boolean() }[kind];
  const schema = value === null ? orNull(own) : own;
  return Type.Optional({ ...schema, description, default: value } as TSchema);
};
const level = (fields: Readonly<Record<string, Field>>) =>
  Type.Object(
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, schemaOf(field)])),
    closed,
  );

const numbers = Type.Array(number);
const encoded = {
  dtype: Type.Optional(Type.Literal("float32")),
  data: Type.String({ description: "Base64 of float32, little-endian." }),
};

export const PublishedRequest = Type.Object(
  {
    Y: Type.Union(
      [
        Type.Array(numbers),
        Type.Object({ shape: Type.Array(integer, { minItems: 2, maxItems: 2 }), ...encoded }),
      ],
      {
        description:
          "The matrix, a row a node: numbers, or base64 of float32, which is read ten times as fast.",
      },
    ),
    psi: Type.Optional(
      Type.Union([numbers, Type.Object(encoded), Type.Null()], {
        description: "The query; null: none, and nothing pulls but zero.",
      }),
    ),
    gates: Type.Optional(
      Type.Union([numbers, Type.Null()], {
        description: "How much psi pulls each row, from 0 to 1; null: wholly.",
      }),
    ),
    chain: Type.Optional(
      Type.Union([Type.Array(Type.Integer({ minimum: 0 })), Type.Null()], {
        description: "Rows that should agree, one after the other.",
      }),
    ),
    params: Type.Optional(level(FIELDS.params)),
    options: Type.Optional(level(FIELDS.options)),
  },
  closed,
);

const Receipt = Type.Object({
  version: Type.String(),
  deltaH_total: Type.Number({ description: "How much the energy has still to fall." }),
  coh_drop_sum: number,
  anchor_pen_sum: number,
  query_term_sum: number,
  cg_iters: integer,
  residual: number,
  t_ms: number,
  null_points: Type.Array(Type.Object({ edge, z: number, residual: number })),
  meta: Type.Object({
    ustar_cached: flag,
    ustar_solves: integer,
    ustar_cache_hits: integer,
    ustar_converged: flag,
    ustar_res: number,
    ustar_iters: integer,
    ustar_solve_ms: number,
    graph_build_ms: number,
    last_settle_ms: number,
    avg_degree: number,
    edge_density: number,
    gates_min: number,
    gates_max: number,
    gates_mean: number,
    gates_uniform: flag,
    state_sig: Type.String(),
    receipt_detail: Type.Literal("full"),
    null_points_summary: Type.Object({
      total_null_points: integer,
      returned_null_points: integer,
      null_cap_applied: flag,
    }),
  }),
});

const Bundle = Type.Array(Type.Object({ id: integer, score: number, align: number }));

const ChainReceipt = Type.Object({
  verdict: flag,
  weakest_link: Type.Object({ k: integer, edge, zscore: number }),
  coherence_gain: number,
  edges: Type.Array(
    Type.Object({ k: integer, edge, z_struct: number, z_path: number, r_struct: number, r_path: number }),
  ),
});

const meta = {
  N: integer,
  D: integer,
  kneighbors_requested: integer,
  kneighbors_effective: integer,
  profile_id: Type.String(),
  request_id: Type.String(),
  usage: Type.Object({
    nodes: integer,
    node_dim_units: integer,
    monthly: orNull(
      Type.Object({ limit: integer, used: integer, remaining: integer, period: Type.String() }),
    ),
  }),
  quota: orNull(Type.Object({ limit: integer, remaining: integer, reset: integer })),
};

const answer = (parts: Record<string, TSchema>, more: Record<string, TSchema> = {}) =>
  Type.Object({
    state_sig: Type.String(),
    ...parts,
    timings_ms: Type.Object({ total_settle_ms: number }),
    meta: Type.Object({ ...meta, ...more }),
  });

export const SettleAnswer = answer(
  { receipt: orNull(Receipt), bundle: orNull(Bundle) },
  { lam: Type.Object({ G: number, C: number, Q: number, P: number }) },
);
export const ReceiptAnswer = answer({ receipt: Receipt });
export const BundleAnswer = answer({ bundle: Bundle });
export const ChainReceiptAnswer = answer({ chain_receipt: ChainReceipt });

/** What a job's result holds: it says nothing of the weights. */
const SettleJobAnswer = answer({ receipt: orNull(Receipt), bundle: orNull(Bundle) });

export const PublishedJob = Type.Object({
  job_id: Type.String(),
  status: Type.Union(["queued", "done", "error", "cancelled"].map((status) => Type.Literal(status))),
  created: Type.Optional(number),
  completed: Type.Optional(number),
  result: Type.Optional(SettleJobAnswer),
  error: Type.Optional(Type.String()),
});
