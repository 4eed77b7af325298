import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { context, propagation, trace } from "@opentelemetry/api";
import { startNodeSdk } from "@opentelemetry/sdk-node";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { moduleOf } from "./searching.ts";
import { bearer, makeServer, pool, temporary } from "./testing.ts";

/** A span as OTLP has it in JSON. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly events?: readonly unknown[];
  readonly status: { readonly code?: number; readonly message?: string };
}
interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Span["attributes"] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let body = "";
  for await (const part of request) body += part;
  return body;
};

/** A server on loopback. @returns its URL. */
async function listen(answer: (request: IncomingMessage) => Promise<unknown>): Promise<string> {
  const server = createServer(async (request, response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify(await answer(request)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  afterAll(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Running {
  readonly url: string;
  readonly key: string;
  readonly child: ChildProcess;
  readonly said: () => string;
}

const main = new URL("../src/main.ts", import.meta.url).pathname;

/** The command as a process of its own, when it listens or has ended. */
async function run(
  environment: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
  node: readonly string[] = [],
): Promise<Running> {
  const always = ["--data", temporary(), "--port", "0", "--admin-port", "0", "--threads", "1"];
  const quiet = ["--log-level", "silent", "--limits-loop-delay-ms", "60000"];
  const child = spawn(process.execPath, [...node, main, ...always, ...quiet, ...flags], {
    env: { PATH: process.env.PATH, ...environment },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (said += part));
  const ended = once(child, "close");
  while (!said.includes("Metrics are at") && child.exitCode === null) await Promise.race([sleep(20), ended]);
  const [, url = ""] = /listens at (\S+)/.exec(said) ?? [];
  const [, key = ""] = /The first key[^:]*: (\S+)/.exec(said) ?? [];
  return { url, key, child, said: () => said };
}

const SECRETS = { flag: "secret-of-a-flag", path: "secret-of-a-path", text: "Kegelrobben", id: "secret-id" };

describe("spans of a server that ends", () => {
  const exports: { readonly path: string; readonly body: string }[] = [];
  let spans: readonly Span[];
  let resource: Span["attributes"];
  let key: string;
  const incoming = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

  /** What every kind of request leaves behind, sent by SIGTERM alone. */
  beforeAll(async () => {
    const collector = await listen(async (request) => {
      exports.push({ path: request.url!, body: await bodyOf(request) });
      return {};
    });
    const { query, embeddings } = pool(3, 8);
    const embedder = await listen(async (request) => {
      const { input } = JSON.parse(await bodyOf(request)) as { input: string[] };
      return { data: input.map((_, index) => ({ index, embedding: [...embeddings[index % 3]!] })) };
    });
    const store = moduleOf(`export default ({ query, signal }) => {
      if (query === "fail") throw new Error("${SECRETS.text}");
      if (query === "wait") {
        process.stderr.write("The store waits.");
        return new Promise((_, reject) => signal.addEventListener("abort", reject));
      }
      return [{ id: "${SECRETS.id}", text: "${SECRETS.text}", score: 1 }];
    };`);
    const server = await run(
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        // Nothing is sent before the end.
        OTEL_BSP_SCHEDULE_DELAY: "600000",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
        OSCILLINK_TRACING: "true",
        OSCILLINK_TRUST_PROXY: "127.0.0.1",
      },
      [
        ...[
          "--models-embed-url",
          `${embedder}/v1`,
          "--models-embed-model",
          "m",
          "--models-embed-key",
          SECRETS.flag,
        ],
        ...["--search-module", store],
      ],
    );
    key = server.key;
    const send = async (path: string, body: unknown, headers = {}, signal?: AbortSignal) => {
      const response = await fetch(server.url + path, {
        ...(body !== null && { method: "POST", body: JSON.stringify(body) }),
        headers: {
          ...{ "content-type": "application/json", accept: "application/json, text/event-stream" },
          ...{ "x-forwarded-for": "203.0.113.9", "x-request-id": SECRETS.id },
          ...bearer(server.key),
          ...headers,
        },
        signal: signal ?? null,
      });
      await response.text();
      return response;
    };
    const candidates = embeddings.map((one, i) => ({
      id: `${SECRETS.id}-${i}`,
      embedding: [...one],
      text: SECRETS.text,
    }));
    const traceparent = `00-${incoming.traceId}-${incoming.spanId}-01`;
    await send("/v1/oscillink/rerank", { query: [...query], candidates }, { traceparent });
    await send("/v1/rerank", {
      model: "oscillink-embed",
      query: SECRETS.text,
      documents: [SECRETS.text, "b"],
    });
    const { headers } = await send("/v1/jobs", { query: [...query], candidates });
    await send(headers.get("location")!, null, { prefer: "wait=30" });
    const call = (tool: string, given: object, signal?: AbortSignal) =>
      send(
        "/mcp",
        { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: given } },
        {},
        signal,
      );
    await call("rerank", { query: SECRETS.text, texts: [SECRETS.text] });
    await call("search", { query: SECRETS.text });
    await call("search", { query: "fail" });
    const left = new AbortController();
    const leaving = call("search", { query: "wait" }, left.signal);
    while (!server.said().includes("The store waits.")) await sleep(20);
    left.abort();
    await expect(leaving).rejects.toThrow();
    await send(`/${SECRETS.path}?key=${SECRETS.flag}`, null);
    await send("/v1/oscillink/rerank", {}, { authorization: `Bearer ${SECRETS.flag}` });
    await send("/v1/oscillink/rerank", { candidates: SECRETS.text });
    expect(exports).toEqual([]);
    server.child.kill("SIGTERM");
    await once(server.child, "close");
    expect(server.said()).not.toContain("rror");
    const parsed = exports.flatMap(({ body }) => (JSON.parse(body) as Export).resourceSpans);
    resource = parsed[0]!.resource.attributes;
    spans = parsed.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  }, 120_000);

  const named = (name: string) => spans.filter((span) => span.name === name);
  const below = (parent: Span) => spans.filter(({ parentSpanId }) => parentSpanId === parent.spanId);
  const attributesOf = ({ attributes }: Pick<Span, "attributes">) =>
    Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

  test("they are sent at its end, to where the environment says, under its name", () => {
    expect(exports.map(({ path }) => path)).toEqual(["/v1/traces"]);
    expect(attributesOf({ attributes: resource })).toMatchObject({
      "service.name": "oscillink-server",
      "deployment.environment.name": "test",
    });
  });

  test("a request goes on in the trace that it came in, with its route and status", () => {
    const [span, ...others] = spans.filter(({ traceId }) => traceId === incoming.traceId);
    expect(span!.parentSpanId === incoming.spanId ? span : others[0]).toMatchObject({
      ...{ name: "POST /v1/oscillink/rerank", parentSpanId: incoming.spanId, kind: 2 },
    });
    const request = spans.find(({ parentSpanId }) => parentSpanId === incoming.spanId)!;
    expect(attributesOf(request)).toEqual({
      "http.request.method": "POST",
      "http.route": "/v1/oscillink/rerank",
      "http.response.status_code": 200,
    });
    expect(below(request)).toMatchObject([{ name: "answer", traceId: incoming.traceId }]);
  });

  test("others begin a trace of their own", () => {
    const requests = spans.filter(({ kind, parentSpanId }) => kind === 2 && parentSpanId !== incoming.spanId);
    expect(requests).toHaveLength(10);
    for (const { parentSpanId } of requests) expect(parentSpanId ?? "").toBe("");
    expect(new Set(requests.map(({ traceId }) => traceId)).size).toBe(10);
  });

  test("the stages of a request lie below it, one after the other", () => {
    expect(below(named("POST /v1/rerank")[0]!).map(({ name }) => name)).toEqual(["answer", "model", "rank"]);
  });

  test("a job is a trace of its own, and what read it belongs to its request", () => {
    expect(below(named("POST /v1/jobs")[0]!).map(({ name }) => name)).toEqual(["read"]);
    const [job] = named("job");
    expect(job!.parentSpanId ?? "").toBe("");
    expect(below(job!).map(({ name }) => name)).toEqual(["answer"]);
  });

  test("so do those of a tool, and a stage that fails says so, without a word", () => {
    const tools = named("POST /mcp").map((request) =>
      below(request).map(({ name, status: { code = 0, message }, events = [] }) => ({
        name,
        code,
        message,
        events,
      })),
    );
    const good = (name: string) => ({ name, code: 0, message: undefined, events: [] });
    const failed = { ...good("search"), code: 2 };
    expect(tools).toEqual([
      [good("answer"), good("model"), good("rank")],
      [good("search"), good("answer")],
      [failed],
      [failed],
    ]);
    expect(named("POST /mcp").map((span) => attributesOf(span)["http.response.status_code"])).toEqual([
      ...[200, 200, 200, 499],
    ]);
  });

  test("a request that was refused has its status, and one for nothing has no route", () => {
    const statuses = named("POST /v1/oscillink/rerank").map(
      (span) => attributesOf(span)["http.response.status_code"],
    );
    expect(statuses.sort()).toEqual([200, 401, 422]);
    expect(named("GET").map(attributesOf)).toEqual([
      { "http.request.method": "GET", "http.response.status_code": 404 },
    ]);
  });

  test("nothing of a body, an address, a key or the command is in them", () => {
    const all = exports.map(({ body }) => body).join();
    expect(spans.length).toBeGreaterThan(20);
    for (const secret of [
      ...Object.values(SECRETS),
      key,
      key.slice(-20),
      "127.0.0.1",
      "203.0.113.9",
      hostname(),
      main,
    ]) {
      expect(all).not.toContain(secret);
    }
  });
});

test("a program that has started OpenTelemetry itself gets the spans, and keeps its own", async () => {
  const ended: string[] = [];
  const sdk = startNodeSdk({
    spanProcessors: [
      {
        ...{ onStart: () => {}, onEnd: ({ name }) => void ended.push(name) },
        ...{ forceFlush: async () => {}, shutdown: async () => {} },
      },
    ],
    ...{ metricReaders: [], logRecordProcessors: [] },
  });
  onTestFinished(async () => {
    await sdk.shutdown();
    for (const api of [trace, context, propagation]) api.disable();
  });
  for (const _ of ["one server", "and another after it"]) {
    const server = await makeServer({ TRACING: "true" });
    await server.app.inject("/livez");
    await server.close();
  }
  trace.getTracer("of the program").startSpan("its own").end();
  expect(ended).toEqual(["GET /livez", "GET /livez", "its own"]);
});

test("a server after another in one process sends spans too", async () => {
  const names: string[] = [];
  const collector = await listen(async (request) => {
    const { resourceSpans } = JSON.parse(await bodyOf(request)) as Export;
    const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    names.push(...spans.map(({ name }) => name));
    return {};
  });
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", collector);
  vi.stubEnv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
  onTestFinished(() => void vi.unstubAllEnvs());
  for (const path of ["/livez", "/readyz"]) {
    const server = await makeServer({ TRACING: "true" });
    await server.app.inject(path);
    await server.close();
  }
  expect(names).toEqual(["GET /livez", "GET /readyz"]);
});

test("a collector that does not answer does not hold up the end", async () => {
  const asked = Promise.withResolvers<void>();
  const silent = createServer(() => asked.resolve()).listen(0, "127.0.0.1");
  await once(silent, "listening");
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const server = await run(
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      // Longer than the process has: it would end with 1.
      OTEL_EXPORTER_OTLP_TIMEOUT: "120000",
      OTEL_BSP_EXPORT_TIMEOUT: "120000",
    },
    ["--tracing", "true"],
  );
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  server.child.kill("SIGTERM");
  const [code] = await once(server.child, "close");
  expect(code).toBe(0);
  await asked.promise;
}, 60_000);

describe("its SDK", () => {
  /** Tells when the SDK is asked for, and perhaps has none. */
  const hook = (missing: boolean) => [
    "--import",
    `data:text/javascript,${encodeURIComponent(`
      import { registerHooks } from "node:module";
      registerHooks({ resolve(specifier, context, next) {
        if (!specifier.startsWith("@opentelemetry/sdk")) return next(specifier, context);
        process.stderr.write("asked for " + specifier + "\\n");
        if (${missing}) throw Object.assign(new Error("none"), { code: "ERR_MODULE_NOT_FOUND" });
        return next(specifier, context);
      } });`)}`,
  ];
  const stop = async ({ child }: Running) => {
    child.kill("SIGTERM");
    await once(child, "close");
  };

  test("is not loaded where no spans are wanted", async () => {
    const off = await run({}, [], hook(false));
    onTestFinished(() => stop(off));
    expect(off.url).toMatch(/^http/);
    expect(off.said()).not.toContain("asked for");
    const on = await run({ OTEL_SDK_DISABLED: "true" }, ["--tracing", "true"], hook(false));
    onTestFinished(() => stop(on));
    expect(on.said()).toContain("asked for @opentelemetry/sdk-node");
  });

  test("is named where it is missing, in the versions that the package says", async () => {
    const { child, said } = await run({}, ["--tracing", "true"], hook(true));
    expect(child.exitCode).toBe(78);
    const { peerDependencies } = JSON.parse(
      readFileSync(new URL("../package.json", import.meta.url), "utf8"),
    ) as { peerDependencies: Record<string, string> };
    const wanted = Object.entries(peerDependencies).map(([name, range]) => `${name}@${range}`);
    expect(
      said()
        .split("\n")
        .filter((line) => line.startsWith("oscillink-server")),
    ).toEqual([
      `oscillink-server: tracing: the SDK of OpenTelemetry is not installed: npm install ${wanted.join(" ")}`,
    ]);
  });
});
