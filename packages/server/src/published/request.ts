/** The requests of the Python package's server: one form for all of its routes. */
import { refuseUnknown, show } from "@oscillink/core/adapter";
import { Ajv, type ErrorObject } from "ajv";
import { type Static, Type } from "typebox";
import type { Asked } from "../compute/shape.ts";
import { isRecord } from "../compute/shape.ts";
import { VectorReader } from "../compute/vectors.ts";
import { Problem } from "../http/problem.ts";
import { given } from "../models/given.ts";

const LARGEST = 1e6;
const closed = { additionalProperties: false } as const;
const numbers = Type.Array(Type.Number());
const encoded = {
  dtype: Type.Literal("float32"),
  data: Type.String({ description: "Base64 of float32, little-endian." }),
};
const weight = (description: string, value: number) =>
  Type.Number({ description, default: value, minimum: 0, maximum: LARGEST });
const orNull = <T extends ReturnType<typeof Type.Integer> | ReturnType<typeof Type.Array>>(
  schema: T,
  description: string,
) => Type.Union([schema, Type.Null()], { description, default: null });

const params = Type.Object(
  {
    lamG: Type.Number({
      ...{ description: "How much the rows hold on to what they were.", default: 1 },
      ...{ minimum: 1 / LARGEST, maximum: LARGEST },
    }),
    lamC: weight("How much neighbours agree.", 0.5),
    lamQ: weight("How much `psi` pulls.", 4),
    lamP: weight("How much the links of the chain agree.", 0),
    kneighbors: Type.Integer({
      description: "Neighbours a row; at most all others are taken.",
      default: 6,
      minimum: 1,
    }),
    deterministic_k: Type.Boolean({
      description: "Ties among neighbours go to the lower index in any case; part of `state_sig`.",
      default: false,
    }),
    neighbor_seed: orNull(
      Type.Integer(),
      "Taken for the sake of clients that send it: it broke ties, which go to the lower index here.",
    ),
  },
  { ...closed, default: {} },
);

const options = Type.Object(
  {
    max_iters: Type.Integer({
      description: "The most iterations of a step.",
      default: 12,
      minimum: 1,
      maximum: 1e5,
    }),
    tol: Type.Number({ description: "The residual at which a step ends.", default: 1e-3, minimum: 0 }),
    dt: Type.Number({ description: "The length of the step.", default: 1, exclusiveMinimum: 0 }),
    bundle_k: orNull(
      Type.Integer({ minimum: 0 }),
      "How many rows the bundle holds; null or 0: there is none.",
    ),
    include_receipt: Type.Boolean({
      description: "Whether /v1/settle answers with a receipt.",
      default: true,
    }),
  },
  { ...closed, default: {} },
);

/** How exactly a receipt of the package solves: the largest residual of a column, and the most iterations. */
export const RECEIPT = { tol: 1e-4, max_iters: 64 } as const;

/** The request, for the document of the API. */
export const PublishedRequest = Type.Object(
  {
    Y: Type.Union(
      [
        Type.Array(numbers),
        Type.Object({ shape: Type.Array(Type.Integer(), { minItems: 2, maxItems: 2 }), ...encoded }),
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
        description: "How much `psi` pulls each row, from 0 to 1; null: wholly.",
      }),
    ),
    chain: Type.Optional(
      orNull(Type.Array(Type.Integer({ minimum: 0 })), "Rows that should agree, one after the other."),
    ),
    params: Type.Optional(params),
    options: Type.Optional(options),
  },
  closed,
);

/** What is asked for beside the vectors. Plain data. */
export interface PublishedForm {
  readonly gates: Float32Array | null;
  readonly chain: readonly number[] | null;
  readonly params: Static<typeof params>;
  readonly options: Static<typeof options>;
}

// Matrices are read, and judged, by a reader of their own: it is much faster, and gives the block of memory that threads hand over.
const rest = { ...PublishedRequest.properties, Y: {}, psi: {}, gates: {} };
const judge = new Ajv({ strict: false, allErrors: true, useDefaults: true, verbose: true }).compile<{
  readonly Y: unknown;
  readonly psi?: unknown;
  readonly gates?: unknown;
  readonly chain: readonly number[] | null;
  readonly params: PublishedForm["params"];
  readonly options: PublishedForm["options"];
}>({ ...PublishedRequest, required: ["Y"], properties: rest });

/**
 * Reads one request.
 *
 * @param needs the field that the route cannot do without.
 * @throws {Problem} 422 with the place of each fault.
 */
export function readPublished(body: unknown, needs?: "bundle_k" | "chain"): Asked {
  if (!isRecord(body)) {
    throw new Problem(422, "A request is a JSON object.", {
      faults: [{ pointer: "", detail: "must be an object" }],
    });
  }
  refuseOthers(body);
  const fits = judge(body);
  const count = Array.isArray(body.Y) ? body.Y.length : 1;
  const vectors = new VectorReader(count + 2);
  if (!fits) for (const error of judge.errors ?? []) noteFault(vectors, error);
  const rows = "Y" in body ? readMatrix(vectors, body.Y) : [];
  const d = rows[0]?.length ?? 0;
  const psi = isGiven(body.psi) ? vectors.read(body.psi, "/psi") : null;
  if (psi && d > 0 && psi.length !== d)
    vectors.fault("/psi", `must be of ${d} values, as the rows of Y are, not ${psi.length}`);
  const gates = isGiven(body.gates) ? vectors.read(body.gates, "/gates") : null;
  if (gates) judgeGates(vectors, gates, rows.length);
  vectors.judge();
  const { chain, params, options } = body as unknown as PublishedForm;
  const form = { gates, chain: chain && chain.length > 0 ? chain : null, params, options };
  judgeChain(vectors, form.chain, rows.length);
  if (needs === "bundle_k" && !options.bundle_k)
    vectors.fault("/options/bundle_k", "must be set here: an integer of at least 1");
  if (needs === "chain" && !form.chain) vectors.fault("/chain", "must be given here: two rows or more");
  vectors.judge();
  // Without a query zero pulls, as there.
  const request = { query: psi ?? new Float32Array(d), candidates: rows.map((embedding) => ({ embedding })) };
  return { model: given.name, request, form, weight: weightOf(form) };
}

/** Iterations of both solves where the weights are the usual ones. */
const USUAL = 20;

/**
 * How many times the usual iterations a request may take. Conjugate gradients need at most ½ √κ ln(2/ε), and κ is at most what all terms
 * together weigh by what holds every row.
 */
function weightOf({ gates, params, options }: PublishedForm): number {
  const { lamG, lamC, lamQ, lamP } = params;
  const least = lamG + lamQ * (gates?.reduce((a, b) => Math.min(a, b)) ?? 1);
  const iterations = 0.5 * Math.sqrt((lamG + lamQ + 2 * (lamC + lamP)) / least) * Math.log(2e7);
  return Math.max(
    1,
    (Math.min(iterations, options.max_iters) + Math.min(iterations, RECEIPT.max_iters)) / USUAL,
  );
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

/** @throws {OptionError} for a field that there is not, with the one that was probably meant. */
function refuseOthers(body: Readonly<Record<string, unknown>>): void {
  const levels = [
    [body, PublishedRequest, undefined],
    [body.params, params, "params"],
    [body.options, options, "options"],
  ] as const;
  for (const [value, schema, whole] of levels) {
    if (!isRecord(value)) continue;
    const known = Object.keys(schema.properties);
    const others = Object.keys(value).filter((name) => !known.includes(name));
    const name = others[0];
    if (name === undefined) continue;
    const home = levels.find(([, own, at]) => at !== whole && Object.hasOwn(own.properties, name));
    if (home) {
      const detail = `belongs in ${home[2] ?? "the request itself"}`;
      const pointer = `${whole === undefined ? "" : `/${whole}`}/${name}`;
      throw new Problem(422, "The request has a field in the wrong place.", {
        faults: [{ pointer, detail }],
      });
    }
    refuseUnknown({ [name]: null }, known, whole);
  }
}

function readMatrix(vectors: VectorReader, value: unknown): Float32Array[] {
  if (Array.isArray(value) && value.length === 0) vectors.fault("/Y", "must hold one row at least");
  if (!Array.isArray(value) && !isRecord(value)) {
    vectors.fault("/Y", `must be a matrix of numbers, or { shape, dtype, data }, not ${show(value)}`);
    return [];
  }
  const rows = vectors.readAll(value, "/Y");
  rows.forEach((row, i) => {
    if (row === null) {
      if (Array.isArray(value) && value[i] === null)
        vectors.fault(`/Y/${i}`, "must be a row of numbers, not null");
    } else if (rows[0] && row.length !== rows[0].length) {
      vectors.fault(`/Y/${i}`, `must be of ${rows[0].length} values, as the first row is, not ${row.length}`);
    }
  });
  return rows.filter((row) => row !== null);
}

function judgeGates(vectors: VectorReader, gates: Float32Array, n: number): void {
  if (n > 0 && gates.length !== n) {
    vectors.fault("/gates", `must be one a row, ${n} in all, not ${gates.length}`);
  }
  gates.forEach((gate, i) => {
    if (gate < 0 || gate > 1) vectors.fault(`/gates/${i}`, `must be a number from 0 to 1, not ${gate}`);
  });
}

function judgeChain(vectors: VectorReader, chain: PublishedForm["chain"], n: number): void {
  if (!chain) return;
  if (chain.length < 2) vectors.fault("/chain", "must be of two rows or more");
  chain.forEach((row, i) => {
    if (row >= n) vectors.fault(`/chain/${i}`, `must be a row, from 0 to ${n - 1}, not ${row}`);
    else if (row === chain[i - 1]) vectors.fault(`/chain/${i}`, `is row ${row} again; a link needs two`);
  });
}

const KINDS: Readonly<Record<string, string>> = {
  integer: "an integer",
  number: "a number",
  boolean: "true or false",
  array: "an array",
  object: "an object",
};

function noteFault(
  vectors: VectorReader,
  { instancePath, keyword, params, data, parentSchema, schemaPath }: ErrorObject,
): void {
  if (keyword === "required") {
    vectors.fault(`${instancePath}/${params.missingProperty}`, "is missing");
    return;
  }
  // Where null will do as well, what the value itself must be has been said.
  if (keyword === "anyOf" || schemaPath.endsWith("/anyOf/1/type")) return;
  const { type = "", minimum, exclusiveMinimum, maximum } = (parentSchema ?? {}) as Record<string, unknown>;
  const kind = KINDS[type as string] ?? "a value of its kind";
  const range = [
    minimum !== undefined && `of at least ${minimum}`,
    exclusiveMinimum !== undefined && `above ${exclusiveMinimum}`,
    maximum !== undefined && `of at most ${maximum}`,
  ].filter(Boolean);
  vectors.fault(
    instancePath,
    `must be ${[kind, range.join(" and ")].filter(Boolean).join(" ")}, not ${show(data)}`,
  );
}
