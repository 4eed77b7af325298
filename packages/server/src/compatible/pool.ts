/** What the services that we answer for have in common: a question and its documents come, scores in [0, 1] go. */
import {
  type Candidate,
  type Options,
  OscillinkError,
  type RankedEntry,
  type Receipt,
  type RerankRequest,
  resolveOptions,
} from "@oscillink/core";
import type { ErrorObject, ValidateFunction } from "ajv";
import { type Static, type TObject, type TProperties, Type } from "typebox";
import { createAjv } from "../ajv.ts";
import { type Answer, type Asked, isRecord } from "../compute/shape.ts";
import { VectorReader } from "../compute/vectors.ts";
import { type Fault, Problem } from "../http/problem.ts";
import { CASCADE } from "../models/cascade.ts";

/** What every answer's form depends on. */
export interface Form {
  /** The name of the dialect. */
  readonly dialect: string;
  /** Whether texts are sent back. */
  readonly documents: boolean;
  /** Whether scores are core's own, in standard deviations of the pool. */
  readonly raw: boolean;
  readonly receipt: boolean;
  /** What was not understood. */
  readonly warnings: readonly string[];
}

/** One service's form of requests and answers. */
export interface Dialect {
  /** Of the body, for AJV and for the OpenAPI document. */
  readonly schema: TObject;
  /** @throws {Problem} 422, each fault with its place. */
  read(body: unknown): Asked;
  write(answer: Answer, form: Form): unknown;
}

/** A body of a service that was judged, with our own fields. */
type Body<T extends TProperties> = Static<TObject<T>> & Extended;

/** What makes a service's form. */
export interface DialectOptions<T extends TProperties> {
  readonly name: string;
  /** The fields of its bodies. Ours are taken beside; others too, and named in a warning where the form has one. */
  readonly fields: T;
  /** The documents of a body. */
  readonly pool: (body: Body<T>) => Pooled;
  /** Whether a body asks for its texts back. Default: never. */
  readonly documents?: (body: Body<T>) => boolean;
  readonly write: Dialect["write"];
}

export function createDialect<T extends TProperties>(options: DialectOptions<T>): Dialect {
  const { name, fields, pool, documents, write } = options;
  const schema = Type.Object({ ...fields, ...extensions });
  return {
    schema,
    read(given) {
      const { body, warnings } = judge(schema, given) as Judged<Body<T>>;
      return {
        model: body.model ?? null,
        request: requestOf(body, pool(body)),
        form: {
          ...{ dialect: name, documents: documents?.(body) ?? false, warnings },
          raw: body.raw_scores ?? false,
          receipt: body.return_receipt ?? false,
        } satisfies Form,
      };
    },
    write,
  };
}

/** A document that is more than its text: ours are the fields beside `text`. */
const DocumentObject = Type.Object(
  {
    text: Type.Optional(Type.String({ description: "Its words." })),
    title: Type.Optional(Type.String({ description: "Its title, where that is apart from the text." })),
    id: Type.Optional(
      Type.Union([Type.String(), Type.Number()], {
        description: "Its name in the receipt. Default: its index.",
      }),
    ),
    embedding: Type.Optional(
      Type.Unknown({
        description:
          'Its vector: numbers, base64 of float32, or `{ "dtype": "float32", "data": base64 }`. Needs `query_embedding`.',
      }),
    ),
    score: Type.Optional(
      Type.Number({ description: "The score that the first search gave it, the higher the better." }),
    ),
    trust: Type.Optional(
      Type.Number({ description: "How far it is to be trusted; 0 excludes it.", minimum: 0, maximum: 1 }),
    ),
  },
  { description: "A document with more than its text." },
);

export const Texts = Type.Array(Type.String());
export const Documents = Type.Array(Type.Union([Type.String(), DocumentObject]));
export const Flag = (description: string) => Type.Optional(Type.Boolean({ description }));
export const Top = Type.Optional(
  Type.Integer({ minimum: 0, description: "How many come back. Default, and with 0: all." }),
);
/** A field that clients send and that changes nothing here. */
export const Ignored = Type.Optional(Type.Unknown({ description: "Taken, and of no effect here." }));

/** Our own fields beside those of a service. */
const extensions = {
  model: Type.Optional(
    Type.String({ description: "What tells of relevance where only texts come; GET /v1/models lists all." }),
  ),
  raw_scores: Flag("Scores in standard deviations of the pool, in place of relevance. Default false."),
  query_embedding: Type.Optional(
    Type.Unknown({ description: "The query's vector, from the model of the documents' vectors." }),
  ),
  embeddings: Type.Optional(
    Type.Unknown({
      description:
        'A vector a document: arrays, or `{ "shape": [n, d], "dtype": "float32", "data": base64 }`; null for none.',
    }),
  ),
  scores: Type.Optional(
    Type.Array(Type.Number(), { description: "The scores of the first search, one a document." }),
  ),
  trust: Type.Optional(
    Type.Array(Type.Number({ minimum: 0, maximum: 1 }), { description: "One a document; 0 excludes it." }),
  ),
  titles: Type.Optional(Type.Array(Type.String(), { description: "One a document." })),
  return_receipt: Flag("Whether the whole receipt comes back. Default false: its digest alone."),
  oscillink: Type.Optional(
    Type.Object({}, { description: "Any option of core's `rerank`, such as `profile` or `minRelevance`." }),
  ),
};

type Extended = Partial<Static<TObject<typeof extensions>>> & { readonly query: string };

const ajv = createAjv({ verbose: true });
const compiled = new WeakMap<TObject, ValidateFunction>();

/** A body that was judged, and the names that are not of its service. */
interface Judged<T> {
  readonly body: T;
  readonly warnings: readonly string[];
}

/**
 * Judges a body by its schema. A field that is null counts as left out, as several clients write it.
 *
 * @throws {Problem} 422 with the first fault and its place.
 */
function judge(schema: TObject, given: unknown): Judged<unknown> {
  if (!isRecord(given)) throw unusable([{ pointer: "", detail: "must be a JSON object" }]);
  const body = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  const validate = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, validate);
  if (!validate(body)) throw unusable([faultOf(tellingOf(validate.errors!), body)]);
  if (typeof body.query === "string" && body.query.trim() === "") {
    throw unusable([{ pointer: "/query", detail: "must not be blank" }]);
  }
  const unknown = Object.keys(body).filter((name) => !Object.hasOwn(schema.properties, name));
  return {
    body,
    warnings: unknown.slice(0, 10).map((name) => `unknown field, without effect: ${name.slice(0, 64)}`),
  };
}

const unusable = (faults: readonly Fault[]) =>
  new Problem(422, "The request cannot be read.", { faults: [...faults] });

/** Of a union the last error tells of the whole. Where an object came, the one before tells what is wrong in it. */
function tellingOf(errors: readonly ErrorObject[]): ErrorObject {
  const last = errors.at(-1)!;
  return last.keyword === "anyOf" && isRecord(last.data) ? (errors.at(-2) ?? last) : last;
}

/** What a field is called elsewhere. */
const MEANT: Readonly<Record<string, readonly string[]>> = {
  query: ["queryText", "query_text", "question", "q", "input", "text", "prompt"],
  documents: ["texts", "passages", "docs", "candidates", "inputs", "results", "document"],
  texts: ["documents", "passages", "docs", "candidates", "inputs"],
  candidates: ["documents", "texts", "passages", "docs"],
  text: ["content", "page_content", "pageContent", "body", "passage", "document", "chunk", "snippet"],
};

const meant = (wanted: string, there: object): string => {
  const other = MEANT[wanted]?.find((name) => Object.hasOwn(there, name));
  return other === undefined ? "" : `; there is \`${other}\`; did you mean \`${wanted}\`?`;
};

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  array: "an array",
  integer: "an integer",
  number: "a number",
  boolean: "true or false",
  object: "an object",
};

function faultOf({ instancePath, keyword, params, data }: ErrorObject, body: object): Fault {
  const came =
    typeof data === "object" && data !== null
      ? Array.isArray(data)
        ? "an array"
        : "an object"
      : shown(data);
  if (keyword === "required") {
    const name = String(params.missingProperty);
    return {
      pointer: `${instancePath}/${name}`,
      detail: `is missing${meant(name, instancePath === "" ? body : (data as object))}`,
    };
  }
  if (keyword === "anyOf")
    return {
      pointer: instancePath,
      detail: `must be a text, or an object with a \`text\` whose fields are of their kinds, not ${came}`,
    };
  if (keyword === "type")
    return { pointer: instancePath, detail: `must be ${KINDS[params.type] ?? params.type}, not ${came}` };
  const bound = keyword === "minimum" ? "at least" : keyword === "maximum" ? "at most" : null;
  return {
    pointer: instancePath,
    detail: bound ? `must be ${bound} ${params.limit}, not ${came}` : "cannot be used",
  };
}

const shown = (value: unknown): string =>
  JSON.stringify(typeof value === "string" && value.length > 40 ? `${value.slice(0, 40)}…` : value);

/** A document as it came. */
type Given = string | (Static<typeof DocumentObject> & Readonly<Record<string, unknown>>);

/** What a service's body says, read. */
interface Pooled {
  /** Where the documents stand, such as `/documents`. */
  readonly at: string;
  readonly documents: readonly Given[];
  readonly top: number | undefined;
  /** The fields of an object that make its text. Default: `text`. */
  readonly fields?: readonly string[] | undefined;
}

/**
 * The request for core of a body that was judged. Without `top` every document comes back, and what the query cannot be compared
 * with comes last.
 *
 * @throws {Problem} 422, each fault with its place.
 */
function requestOf(body: Extended, { at, documents, top, fields }: Pooled): RerankRequest {
  const n = documents.length;
  const vectors = new VectorReader(1 + n);
  for (const name of ["scores", "trust", "titles"] as const) {
    const list = body[name];
    if (list && list.length !== n)
      vectors.fault(`/${name}`, `must be one a document, ${n} in all, not ${list.length}`);
  }
  const query =
    body.query_embedding === undefined ? null : vectors.read(body.query_embedding, "/query_embedding");
  if (query?.every((value) => value === 0))
    vectors.fault("/query_embedding", "is zero; it has no direction to rank by");
  const rows = body.embeddings === undefined ? null : vectors.readAll(body.embeddings, "/embeddings");
  if (rows && rows.length !== n && rows.length > 0)
    vectors.fault("/embeddings", `must be one a document, ${n} in all, not ${rows.length}`);
  const ids = new Map<string, number>();
  const candidates = documents.map((given, i): Candidate => {
    const pointer = `${at}/${i}`;
    const one = typeof given === "string" ? { text: given } : given;
    const own = one.embedding ?? null;
    const embedding = own === null ? (rows?.[i] ?? null) : vectors.read(own, `${pointer}/embedding`);
    if (embedding && query && embedding.length !== query.length) {
      const where = own === null ? `/embeddings/${i}` : `${pointer}/embedding`;
      vectors.fault(where, `holds ${embedding.length} values, and the query's vector ${query.length}`);
    }
    const id = one.id === undefined ? undefined : String(one.id);
    if (id !== undefined) {
      const first = ids.get(id);
      if (first !== undefined) vectors.fault(`${pointer}/id`, `is also the id of document ${first}`);
      if (!id.isWellFormed()) vectors.fault(`${pointer}/id`, "holds half of a surrogate pair");
      ids.set(id, i);
    }
    const text = textOf(one, fields);
    if (text === null) {
      const wanted = fields ? `no field of ${fields.slice(0, 5).join(", ")} that is a text` : "no `text`";
      vectors.fault(pointer, `has ${wanted}${fields ? "" : meant("text", given as object)}`);
    }
    const title = one.title ?? body.titles?.[i];
    const score = one.score ?? body.scores?.[i];
    const trust = one.trust ?? body.trust?.[i];
    return {
      text: text ?? "",
      ...(id !== undefined && { id }),
      ...(title !== undefined && { title }),
      ...(embedding && { embedding }),
      ...(score !== undefined && { score }),
      ...(trust !== undefined && { trust }),
    };
  });
  vectors.judge();
  return {
    ...optionsOf({ ...body.oscillink }),
    ...(top !== undefined && top > 0 && { k: Math.min(top, Math.max(1, n)) }),
    queryText: body.query,
    ...(query && { query }),
    candidates,
  };

  /** Without a number of documents all come back. */
  function optionsOf(options: Readonly<Record<string, unknown>>): Options {
    try {
      resolveOptions(options as Options);
    } catch (error) {
      if (!(error instanceof OscillinkError)) throw error;
      const detail = error.message.slice(error.parameter.length + 2);
      throw unusable([{ pointer: `/oscillink/${error.parameter.replaceAll(".", "/")}`, detail }]);
    }
    return { k: Math.max(1, n), ...options };
  }
}

function textOf(document: object, fields: readonly string[] | undefined): string | null {
  const parts = (fields ?? ["text"]).flatMap((name) => {
    const value = Object.hasOwn(document, name) ? document[name as never] : undefined;
    return typeof value === "string" ? [value] : [];
  });
  return parts.length > 0 ? parts.join("\n") : null;
}

/** A document of an answer. */
export interface Scored {
  readonly index: number;
  readonly score: number;
  readonly text: string;
}

/** By how much a score is below one that it would be equal to: enough for float32. */
const STEP = 1e-6;

/**
 * The documents of an answer, best first, with their scores: core's `relevance`, in [0, 1]. Of a cascade it is what the other
 * server's model says, if that lies in [0, 1], for that tells more of relevance than words do. Where nothing tells how relevant they
 * are on an absolute scale, it is the logistic function of the score, which says how they stand in their pool alone. What could not
 * be ranked has 0, or with `raw` less than all others.
 *
 * Scores fall with each document, by a millionth where they would be equal: several clients sort by them again, and would put
 * equal ones in another order.
 */
export function scoredOf({ bundle, request, model }: Answer, raw: boolean): Scored[] {
  const known = bundle.some(({ relevance }) => relevance !== null);
  const upstream = ({ index }: RankedEntry) => request.candidates![index]!.score ?? Number.NaN;
  const asked = model === CASCADE && bundle.every((entry) => upstream(entry) >= 0 && upstream(entry) <= 1);
  const scoreOf = (entry: RankedEntry): number => {
    const { relevance, score } = entry;
    if (asked && !raw) return upstream(entry);
    if (score === null) return raw ? Infinity : 0;
    return raw ? score : known ? relevance! : 1 / (1 + Math.exp(-score));
  };
  let last: number | null = null;
  return bundle.map((entry) => {
    const below: number = last === null ? Infinity : last - STEP * (raw ? Math.max(1, Math.abs(last)) : last);
    const score = Math.min(scoreOf(entry), below);
    last = score === Infinity ? 0 : score;
    return { index: entry.index, score: last, text: request.candidates![entry.index]!.text ?? "" };
  });
}

/** An estimate, said to be one: a token is four bytes of UTF-8. */
export function tokensOf({ queryText, candidates }: RerankRequest): number {
  const bytes = (candidates ?? []).reduce(
    (sum, { text = "", title = "" }) => sum + Buffer.byteLength(text) + Buffer.byteLength(title),
    Buffer.byteLength(queryText ?? ""),
  );
  return Math.ceil(bytes / 4);
}

/** What Cohere bills: a hundred documents a unit. */
export const searchUnitsOf = ({ candidates }: RerankRequest): number =>
  Math.ceil((candidates?.length ?? 0) / 100);

/** What we say beside: the receipt, by its digest or in full. */
export function oursOf(
  { receipt, signatures }: Answer,
  full: boolean,
): { digest: string; receipt?: Receipt; signatures?: ReturnType<Answer["signatures"]> } {
  const written = receipt();
  return full
    ? { digest: written.digest, receipt: written, signatures: signatures() }
    : { digest: written.digest };
}
