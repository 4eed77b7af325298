/** Spans of OpenTelemetry, where they are wanted. Its SDK is an optional package, which is loaded here alone, and only then. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Context, ProxyTracerProvider } from "@opentelemetry/api";
import { version } from "@oscillink/core";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ConfigError } from "./config/load.ts";
import type { Config } from "./config/schema.ts";

export interface Tracing {
  /** A span a request, below the one that its header fields name. It holds the method, the route and the status: nothing of an address, a body or a key. */
  watch(app: FastifyInstance): void;
  /** Some work as a span, below that of the request which it belongs to. */
  stage<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Sends what was not sent yet. */
  close(): Promise<void>;
}

/** The optional package, and the versions that were tried. */
const SDK = "@opentelemetry/sdk-node@^0.301.0";

/** How long the last spans may take, in milliseconds: nobody waits for a collector that is gone. */
const LAST = 2000;

/** @returns null where no spans are wanted. @throws {ConfigError} where the SDK is not installed. */
export async function startTracing({ tracing }: Pick<Config, "tracing">): Promise<Tracing | null> {
  if (!tracing) return null;
  const [{ context, propagation, ProxyTracerProvider, SpanKind, SpanStatusCode, trace }, { startNodeSdk }] =
    await packages();
  // A program that embeds the server may have started OpenTelemetry itself: then the spans are for its own.
  const provider = trace.getTracerProvider() as Partial<ProxyTracerProvider>;
  const started = provider.getDelegate?.() !== new ProxyTracerProvider().getDelegate();
  const sdk = started
    ? null
    : startNodeSdk({
        logLevel: process.env.OTEL_LOG_LEVEL ?? "warn",
        resourceAttributes: {
          "service.name": process.env.OTEL_SERVICE_NAME ?? "oscillink-server",
          "service.version": version,
        },
        // Those of the process tell its command, and with it the keys that are flags.
        resourceDetectors: [],
        // Spans alone: metrics and logs have ways of their own.
        ...{ metricReaders: [], logRecordProcessors: [] },
      });
  const tracer = trace.getTracer("@oscillink/server", version);
  const contexts = new WeakMap<FastifyRequest, Context>();
  return {
    watch(app) {
      app.addHook("onRequest", async (request, reply) => {
        const { method } = request;
        const { url: route } = request.routeOptions;
        const outer = context.active();
        const parent = trace.getSpan(outer) ? outer : propagation.extract(outer, request.headers);
        const span = tracer.startSpan(
          route === undefined ? method : `${method} ${route}`,
          {
            kind: SpanKind.SERVER,
            attributes: {
              "http.request.method": method,
              ...(route !== undefined && { "http.route": route }),
            },
          },
          parent,
        );
        contexts.set(request, trace.setSpan(parent, span));
        reply.raw.once("close", () => {
          // A client that has left is counted as proxies do.
          const status = reply.raw.writableFinished ? reply.statusCode : 499;
          span.setAttribute("http.response.status_code", status);
          if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        });
      });
      // The body was read meanwhile, by what knows nothing of the request.
      app.addHook("preHandler", (request, _reply, done) => context.with(contexts.get(request)!, done));
    },
    stage: (name, work) =>
      tracer.startActiveSpan(name, async (span) => {
        try {
          return await work();
        } catch (error) {
          // What it says may quote a document.
          span.setStatus({ code: SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      }),
    async close() {
      if (sdk === null) return;
      await Promise.race([sdk.shutdown().catch(() => {}), sleep(LAST, undefined, { ref: false })]);
      for (const api of [trace, context, propagation]) api.disable();
    },
  };
}

async function packages() {
  try {
    return await Promise.all([import("@opentelemetry/api"), import("@opentelemetry/sdk-node")]);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ERR_MODULE_NOT_FOUND" ? "is not installed" : `cannot be loaded (${message})`;
    throw new ConfigError([`tracing: the SDK of OpenTelemetry ${why}: npm install ${SDK}`]);
  }
}
