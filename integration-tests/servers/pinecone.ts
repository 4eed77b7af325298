import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/*
 * A Pinecone index on this machine, as far as its published wire format (2026-07) goes that is needed here: upsert, query,
 * fetch and update of records, upsert and search of texts with a hosted model, embed, statistics. It really searches, and
 * refuses whatever the format does not allow.
 */

export interface PineconeServerOptions {
  dimension: number;
  /** Default `"cosine"`. */
  metric?: "cosine" | "dotproduct" | "euclidean";
  /** For an index with integrated embedding: the hosted model. */
  embed?: (text: string) => readonly number[];
}

/** What every request must say. */
const KEY = "local";
const VERSION = "2026-07";
/** The field that the hosted model embeds. */
const TEXT_FIELD = "chunk_text";

/** What goes wrong with the next request to a path: a status, no answer, a cut connection, or another answer. */
type Fault = number | "hang" | "cut" | ((answer: Json) => unknown);

// biome-ignore lint/suspicious/noExplicitAny: whatever a request or an answer holds.
type Json = any;

export interface PineconeServer {
  readonly url: string;
  /** All requests so far that were well-formed. */
  readonly requests: { readonly path: string; readonly body: Json }[];
  /** Lets the next request to a path go wrong. */
  fail(path: string, fault: Fault): void;
  close(): Promise<void>;
}

interface Stored {
  readonly id: string;
  readonly values: readonly number[];
  readonly sparseValues?: Sparse;
  readonly metadata?: Record<string, Json>;
}

interface Sparse {
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

/** A request that the format does not allow. */
class Refused extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

function demand(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Refused(message);
}

type Kind = "string" | "number" | "boolean" | "object" | "array";

const isA: Record<Kind, (value: unknown) => boolean> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number" && Number.isFinite(value),
  boolean: (value) => typeof value === "boolean",
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  array: Array.isArray,
};

/** Refuses fields that the format does not know, and values of the wrong kind. */
function demandFields(body: Json, known: Record<string, Kind>, required: readonly string[] = []): void {
  demand(isA.object(body), "the body must be an object");
  for (const [name, value] of Object.entries(body)) {
    demand(Object.hasOwn(known, name), `unknown field ${name}`);
    demand(isA[known[name]!](value), `${name} must be: ${known[name]}`);
  }
  for (const name of required) demand(name in body, `${name} is missing`);
}

function demandTopK(topK: unknown): void {
  demand(Number.isInteger(topK) && (topK as number) >= 1, "topK must be an integer of at least 1");
  demand((topK as number) <= 10_000, "topK must not be above 10000");
}

function demandMetadata(metadata: Json): void {
  for (const [name, value] of Object.entries(metadata)) {
    const strings = Array.isArray(value) && value.every(isA.string);
    const plain = isA.string(value) || isA.number(value) || isA.boolean(value);
    demand(!name.startsWith("$"), `metadata field ${name} begins with $`);
    demand(
      plain || strings,
      `Metadata value must be a string, number, boolean or list of strings, got ${name}`,
    );
  }
}

/** A metadata filter: $eq, $ne, $in, $nin, $gt, $gte, $lt, $lte, $and, $or, and the short form of $eq. */
function accepts(filter: Json, metadata: Json): boolean {
  return Object.entries(filter as Record<string, Json>).every(([field, wanted]) => {
    if (field === "$and") return wanted.every((part: Json) => accepts(part, metadata));
    if (field === "$or") return wanted.some((part: Json) => accepts(part, metadata));
    const value = metadata[field];
    const values = Array.isArray(value) ? value : [value];
    const tests = isA.object(wanted) ? wanted : { $eq: wanted };
    return Object.entries(tests as Record<string, Json>).every(([operator, operand]) => {
      if (operator === "$eq") return values.includes(operand);
      if (operator === "$ne") return !values.includes(operand);
      if (operator === "$in") return operand.some((one: Json) => values.includes(one));
      if (operator === "$nin") return !operand.some((one: Json) => values.includes(one));
      if (operator === "$gt") return value > operand;
      if (operator === "$gte") return value >= operand;
      if (operator === "$lt") return value < operand;
      if (operator === "$lte") return value <= operand;
      throw new Refused(`unknown operator ${operator}`);
    });
  });
}

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

const metrics = {
  cosine: (a: readonly number[], b: readonly number[]) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b) || 1),
  dotproduct: dot,
  euclidean: (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0),
};

function sparseDot(a: Sparse | undefined, b: Sparse | undefined): number {
  const weights = new Map(b?.indices.map((index, i) => [index, b.values[i]!]));
  return (a?.indices ?? []).reduce((sum, index, i) => sum + a!.values[i]! * (weights.get(index) ?? 0), 0);
}

/** What is searched for. */
interface Query {
  readonly values: readonly number[] | undefined;
  readonly sparse: Sparse | undefined;
  readonly topK: number;
  readonly filter: Json;
}

/** Starts an index on a free port. */
export async function startPinecone({
  dimension,
  metric = "cosine",
  embed,
}: PineconeServerOptions): Promise<PineconeServer> {
  const namespaces = new Map<string, Map<string, Stored>>();
  const requests: PineconeServer["requests"] = [];
  const faults: { path: string; fault: Fault }[] = [];
  const usage = { readUnits: 1 };

  const named = (namespace: string | undefined) => {
    const name = namespace || "__default__";
    if (!namespaces.has(name)) namespaces.set(name, new Map());
    return { name, records: namespaces.get(name)! };
  };

  function demandDense(values: Json): void {
    demand(Array.isArray(values) && values.every(isA.number), "values must be numbers");
    const both = `Vector dimension ${values.length} does not match the dimension of the index ${dimension}`;
    demand(values.length === dimension, both);
    demand(
      values.some((value: number) => Math.abs(value) >= 1e-8),
      "Dense vectors must contain at least one non-zero value",
    );
  }

  function search(records: Map<string, Stored>, { values, sparse, topK, filter }: Query) {
    demand(!sparse || metric === "dotproduct", "sparse values need the metric dotproduct");
    const scored = [...records.values()]
      .filter((record) => !filter || accepts(filter, record.metadata ?? {}))
      .filter((record) => values || record.sparseValues)
      .map((record) => {
        const dense = values ? metrics[metric](values, record.values) : 0;
        return { record, score: Math.fround(dense + sparseDot(sparse, record.sparseValues)) };
      });
    scored.sort((a, b) => (metric === "euclidean" ? a.score - b.score : b.score - a.score));
    return scored.slice(0, topK);
  }

  const stats = () => ({
    namespaces: Object.fromEntries([...namespaces].map(([name, { size }]) => [name, { vectorCount: size }])),
    dimension,
    indexFullness: 0,
    totalVectorCount: [...namespaces.values()].reduce((sum, { size }) => sum + size, 0),
  });

  function upsert(body: Json) {
    demandFields(body, { vectors: "array", namespace: "string" }, ["vectors"]);
    const { vectors, namespace } = body;
    demand(vectors.length >= 1 && vectors.length <= 1000, "vectors must be 1 to 1000");
    const { records } = named(namespace);
    for (const vector of vectors) {
      demandFields(vector, { id: "string", values: "array", sparseValues: "object", metadata: "object" }, [
        "id",
      ]);
      demand(/^[ -~]{1,512}$/.test(vector.id), "ids must be ASCII, 1 to 512 characters");
      if (vector.sparseValues) demandFields(vector.sparseValues, { indices: "array", values: "array" });
      else demandDense(vector.values);
      demandMetadata(vector.metadata ?? {});
      records.set(vector.id, { ...vector, values: (vector.values ?? []).map(Math.fround) });
    }
    return { upsertedCount: vectors.length };
  }

  function update(body: Json) {
    demandFields(body, { id: "string", setMetadata: "object", namespace: "string" }, ["id"]);
    demandMetadata(body.setMetadata ?? {});
    const { records } = named(body.namespace);
    const record = records.get(body.id);
    if (record) records.set(body.id, { ...record, metadata: { ...record.metadata, ...body.setMetadata } });
    return {};
  }

  function query(body: Json) {
    demandFields(
      body,
      {
        namespace: "string",
        topK: "number",
        filter: "object",
        includeValues: "boolean",
        includeMetadata: "boolean",
        vector: "array",
        sparseVector: "object",
        id: "string",
        scanFactor: "number",
        maxCandidates: "number",
      },
      ["topK"],
    );
    demandTopK(body.topK);
    demand(!(body.id && body.vector), "Cannot provide both ID and vector at the same time");
    const { name, records } = named(body.namespace);
    const self = body.id === undefined ? undefined : records.get(body.id);
    const values = self?.values ?? body.vector;
    const sparse = self?.sparseValues ?? body.sparseVector;
    if (body.id !== undefined && !self) return { matches: [], namespace: name, usage };
    demand(values || sparse, "a query needs a vector, a sparse vector or an id");
    if (values?.length || !sparse) demandDense(values);
    const found = search(records, {
      values: values?.length ? values : undefined,
      sparse,
      topK: body.topK,
      filter: body.filter,
    });
    const matches = found.map(({ record, score }) => ({
      id: record.id,
      score,
      values: body.includeValues ? record.values : [],
      ...(body.includeValues && record.sparseValues && { sparseValues: record.sparseValues }),
      ...(body.includeMetadata && record.metadata && { metadata: record.metadata }),
    }));
    return { matches, namespace: name, usage };
  }

  function fetchRecords(parameters: URLSearchParams) {
    const ids = parameters.getAll("ids");
    demand(ids.length >= 1 && ids.length <= 1000, "ids must be 1 to 1000");
    const { name, records } = named(parameters.get("namespace") ?? undefined);
    const found = ids.flatMap((id) => records.get(id) ?? []);
    return { vectors: Object.fromEntries(found.map((one) => [one.id, one])), namespace: name, usage };
  }

  function upsertText(namespace: string, lines: string) {
    demand(embed, "the index has no integrated embedding");
    const { records } = named(namespace);
    for (const line of lines.split("\n")) {
      const { _id, id = _id, ...metadata } = JSON.parse(line);
      demand(isA.string(id), "a record needs an _id");
      demand(isA.string(metadata[TEXT_FIELD]), `a record needs the field ${TEXT_FIELD}`);
      demandMetadata(metadata);
      records.set(id, { id, values: embed(metadata[TEXT_FIELD]), metadata });
    }
    return {};
  }

  function searchText(namespace: string, body: Json) {
    demandFields(body, { query: "object", fields: "array", rerank: "object" }, ["query"]);
    const known: Record<string, Kind> = {
      top_k: "number",
      filter: "object",
      inputs: "object",
      vector: "object",
      id: "string",
      match_terms: "object",
    };
    demandFields(body.query, known, ["top_k"]);
    demand(!body.rerank, "this index has no reranker");
    const { top_k: topK, filter, inputs, vector, id } = body.query;
    demandTopK(topK);
    const { name, records } = named(namespace);
    demand([inputs, vector, id].filter((one) => one !== undefined).length === 1, "one of inputs, vector, id");
    demand(!inputs || (embed && isA.string(inputs.text)), "inputs.text needs integrated embedding");
    const values = inputs ? embed!(inputs.text) : (vector?.values ?? records.get(id)?.values);
    demandDense(values);
    const hits = search(records, { values, sparse: undefined, topK, filter }).map(({ record, score }) => {
      const fields = Object.entries(record.metadata ?? {});
      const wanted = fields.filter(([field]) => !body.fields || body.fields.includes(field));
      return { _id: record.id, _score: score, fields: Object.fromEntries(wanted) };
    });
    const tokens = inputs ? { embed_total_tokens: inputs.text.split(/\s+/).length } : {};
    return { result: { hits }, usage: { read_units: 1, ...tokens }, namespace: name };
  }

  function embedAll(body: Json) {
    demandFields(body, { model: "string", inputs: "array", parameters: "object" }, ["model", "inputs"]);
    demand(embed, "there is no hosted model");
    demandFields(body.parameters ?? {}, { input_type: "string", truncate: "string" });
    const data = body.inputs.map((input: Json) => {
      demandFields(input, { text: "string" }, ["text"]);
      return { values: embed(input.text), vector_type: "dense" };
    });
    return { model: body.model, vector_type: "dense", data, usage: { total_tokens: data.length } };
  }

  function describe(name: string, url: string) {
    const schema = { fields: { values: { type: "dense_vector", dimension, metric } } };
    return { name, host: url, schema, status: { ready: true, state: "Ready" } };
  }

  function answer(request: IncomingMessage, url: URL, text: string): unknown {
    if (request.headers["api-key"] !== KEY) throw new Refused("Invalid API Key", 401);
    const came = request.headers["x-pinecone-api-version"];
    demand(came === VERSION, `X-Pinecone-Api-Version must be ${VERSION}, not ${came}`);
    const route = `${request.method} ${url.pathname}`;
    const [, namespace, what] = /^POST \/records\/namespaces\/([^/]+)\/(upsert|search)$/.exec(route) ?? [];
    const type = what === "upsert" ? "application/x-ndjson" : "application/json";
    if (request.method === "POST") {
      demand(request.headers["content-type"] === type, `Content-Type must be ${type}`);
    }
    const body = text && what !== "upsert" ? JSON.parse(text) : Object.fromEntries(url.searchParams);
    requests.push({ path: url.pathname, body });
    if (what === "upsert") return upsertText(decodeURIComponent(namespace!), text);
    if (what === "search") return searchText(decodeURIComponent(namespace!), body);
    if (route === "POST /vectors/upsert") return upsert(body);
    if (route === "POST /vectors/update") return update(body);
    if (route === "POST /query") return query(body);
    if (route === "GET /vectors/fetch") return fetchRecords(url.searchParams);
    if (route === "POST /describe_index_stats") return stats();
    if (route === "POST /embed") return embedAll(body);
    const [, index] = /^GET \/indexes\/([a-z0-9-]+)$/.exec(route) ?? [];
    if (index) return describe(index, `http://${request.headers.host}`);
    throw new Refused(`there is no ${route}`, 404);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const url = new URL(request.url!, "http://localhost");
      const at = faults.findIndex(({ path }) => path === url.pathname);
      const fault = at < 0 ? undefined : faults.splice(at, 1)[0]!.fault;
      if (fault === "hang") return;
      if (fault === "cut") {
        response.destroy();
        return;
      }
      if (typeof fault === "number") throw new Refused(`the server says ${fault}`, fault);
      const truth = answer(request, url, Buffer.concat(chunks).toString());
      send(200, fault ? fault(structuredClone(truth)) : truth);
    } catch (error) {
      const status = error instanceof Refused ? error.status : 500;
      send(status, { code: status, message: (error as Error).message, details: [] });
    }
  }

  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    fail: (path, fault) => faults.push({ path, fault }),
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}
