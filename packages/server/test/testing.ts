/** A server as a client meets it, on a folder of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {} from "@fastify/swagger";
import { Ajv, type ValidateFunction } from "ajv";
import type { InjectOptions } from "fastify";
import { afterAll, onTestFinished } from "vitest";
import { createServer, loadConfig, type Server } from "../src/index.ts";

/** Settings by their names in the environment, without the prefix. */
export type Environment = Readonly<Record<string, string>>;

const folders: string[] = [];
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "oscillink-server-"));
  folders.push(folder);
  return folder;
}

export async function makeServer(environment: Environment = {}, data = temporary()): Promise<Server> {
  const named = Object.entries(environment).map(([name, value]) => [`OSCILLINK_${name}`, value]);
  const all = {
    OSCILLINK_AUTH: "none",
    OSCILLINK_PORT: "0",
    OSCILLINK_ADMIN_PORT: "0",
    OSCILLINK_THREADS: "1",
    // The machine that runs the tests may be busy.
    OSCILLINK_LIMITS_LOOP_DELAY_MS: "60000",
    OSCILLINK_LOG_LEVEL: "silent",
    OSCILLINK_DATA: data,
  };
  return createServer(loadConfig({ environment: { ...all, ...Object.fromEntries(named) } }));
}

/** A server that is gone when its test is. */
export async function testServer(environment: Environment = {}): Promise<Server> {
  const server = await makeServer(environment);
  onTestFinished(() => server.close());
  return server;
}

const shared = new Map<string, Promise<Server>>();

/** A server that tests of one file share: for those that leave nothing behind. */
export function sharedServer(environment: Environment = {}): Promise<Server> {
  const key = JSON.stringify(environment);
  const server = shared.get(key) ?? makeServer(environment);
  shared.set(key, server);
  return server;
}

afterAll(async () => {
  for (const server of shared.values()) await (await server).close();
  shared.clear();
});

/** A pool of vectors by a seed: the same for the same seed. */
export function pool(n: number, d: number, seed = 1) {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24 - 0.5;
  };
  const vector = () => Float32Array.from({ length: d }, random);
  return { query: vector(), embeddings: Array.from({ length: n }, vector) };
}

export const base64 = (vector: Float32Array): string =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");

/** POSTs JSON, and reads the answer's. Whatever comes must be what the OpenAPI document says. */
export async function post(
  server: Server,
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  const payload = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return ask(server, {
    method: "POST",
    url,
    payload,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** Any request, by the application of the server itself. */
export async function ask({ app }: Pick<Server, "app">, request: InjectOptions & { readonly url: string }) {
  const answer = await app.inject(request);
  const type = String(answer.headers["content-type"] ?? "");
  const json = type.includes("json") ? answer.json() : null;
  if (app.hasDecorator("swagger"))
    promised(app, request.method ?? "GET", request.url.split("?")[0]!, answer.statusCode, type, json);
  return { status: answer.statusCode, headers: answer.headers, type, json, text: answer.body };
}

/** @throws for an answer that the document does not promise; a path that is not in it is none of its affair. */
function promised(
  app: Server["app"],
  method: string,
  path: string,
  status: number,
  type: string,
  json: unknown,
): void {
  const { paths } = app.swagger() as unknown as {
    paths: Record<string, Record<string, { responses: Record<string, Promised> }>>;
  };
  const [, operations] =
    Object.entries(paths).find(([known]) =>
      new RegExp(`^${known.replace(/\{[^}]*\}/g, "[^/]+")}$`).test(path),
    ) ?? [];
  const responses = operations?.[method.toLowerCase()]?.responses;
  if (!responses) return;
  const promise = responses[status];
  if (!promise) throw new Error(`${method} ${path} answers ${status}, which the document does not promise`);
  const schema = promise.content?.[type.split(";")[0]!]?.schema;
  if (!schema || json === null) return;
  const validate = validators.get(schema) ?? ajv.compile(schema);
  validators.set(schema, validate);
  if (!validate(json)) throw new Error(`${method} ${path}, ${status}: ${ajv.errorsText(validate.errors)}`);
}

type Promised = { content?: Record<string, { schema: object }> };
const ajv = new Ajv({ strict: false, allErrors: true });
const validators = new WeakMap<object, ValidateFunction>();

/** A new key, made with the first one, which may do everything. */
export async function keyOf(server: Server, key: object = {}): Promise<string> {
  const answer = await administer(server, {
    method: "POST",
    url: "/admin/keys",
    headers: bearer(server.firstKey!),
    payload: key,
  });
  return answer.json().key;
}

/** Any request to the second port. Whatever comes must be what its own document says. */
export async function administer({ admin }: Pick<Server, "admin">, asked: InjectOptions | string) {
  const request = typeof asked === "string" ? { url: asked } : asked;
  const answer = await admin.inject(request);
  const type = String(answer.headers["content-type"] ?? "");
  const json = type.includes("json") && !type.includes("jsonl") ? answer.json() : null;
  const path = String(request.url).split("?")[0]!;
  promised(admin, request.method ?? "GET", path, answer.statusCode, type, json);
  return answer;
}

export const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });
