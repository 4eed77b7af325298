/** The public port: plugins, hooks and routes, in the order in which a request meets them. */
import cors from "@fastify/cors";
import swagger from "@fastify/swagger";
import reference from "@fastify/swagger-ui";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import type { Caller } from "./http/caller.ts";
import { presentedKey, refusalOf, sendProblem } from "./http/errors.ts";
import { linger } from "./http/linger.ts";
import { openPlaces } from "./http/places.ts";
import { Problem, type ProblemBody, problemOf } from "./http/problem.ts";
import { requestId } from "./http/requestId.ts";
import { SECURITY_FIELDS } from "./http/security.ts";
import { compatible } from "./routes/compatible.ts";
import { documentOf } from "./routes/document.ts";
import { feedback } from "./routes/feedback.ts";
import { health } from "./routes/health.ts";
import { jobs } from "./routes/jobs.ts";
import { mcp } from "./routes/mcp.ts";
import { own } from "./routes/own.ts";
import { page } from "./routes/page.ts";
import { published } from "./routes/published.ts";
import type { Services } from "./services.ts";

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller | null;
    /** When it came, in milliseconds since 1970. */
    at: number;
    /** Aborted when its client leaves before it is answered. */
    left: AbortController;
  }
  interface FastifyContextConfig {
    /** Open to anyone: no key is asked for. */
    open?: boolean;
    /** It takes a thread: only so many of these are worked on at a time. */
    ranks?: boolean;
    /** What the clients of this route read in place of problem+json. */
    refuse?: (problem: Problem, body: ProblemBody) => unknown;
  }
}

/** The header fields that a page of another origin may read. */
const EXPOSED = [
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "X-Request-Id",
  "Oscillink-Receipt-Digest",
  "X-Profile-Id",
];

export async function createApp(services: Services, logger: FastifyBaseLogger): Promise<FastifyInstance> {
  const { config } = services;
  const app = Fastify({
    loggerInstance: logger,
    // Lines of our own, in which no address and no body stands.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    requestIdHeader: false,
    bodyLimit: config.limits.bodyBytes,
    trustProxy: config.trustProxy.length > 0 ? config.trustProxy : false,
    forceCloseConnections: "idle",
    // What comes on a connection that was open before is answered to the end.
    return503OnClosing: false,
    // Clients keep a connection for longer than Node's 5 s, and would use one that was just closed.
    keepAliveTimeout: 72_000,
    // Who sends half a request holds nothing for longer.
    requestTimeout: 30_000,
    frameworkErrors: (error, request, reply) => {
      const problem = refusalOf(error, request);
      void sendProblem(reply, problem, problemOf(problem, request.id));
    },
  });
  // Bodies are judged where they are parsed, in a thread, and answers are written there: the schemas of routes are for OpenAPI.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(/^application\/(.+\+)?json\b/, { parseAs: "buffer" }, (_request, body, done) =>
    done(null, body),
  );
  app.setErrorHandler((error, request, reply) => {
    const problem = refusalOf(error, request);
    const body = problemOf(problem, request.id);
    return sendProblem(reply, problem, body, request.routeOptions.config.refuse?.(problem, body));
  });
  const methodsAt = watchRoutes(app);
  app.setNotFoundHandler((request, reply) => {
    const where = request.url.split("?")[0]!.slice(0, 200);
    const methods = methodsAt(where);
    const none = `There is no ${request.method} ${where} here`;
    const problem =
      methods.length > 0
        ? new Problem(405, `${none}, but ${methods.join(", ")}.`, { headers: { Allow: methods.join(", ") } })
        : new Problem(404, `${none}. What there is stands in /openapi.json.`);
    return sendProblem(reply, problem, problemOf(problem, request.id));
  });
  app.decorateRequest("caller", null);
  app.decorateRequest("at", 0);
  app.decorateRequest("left", null as unknown as AbortController);
  services.tracing?.watch(app);
  watch(app, services);

  if (config.cors.length > 0) await app.register(cors, { origin: config.cors, exposedHeaders: EXPOSED });
  admitCallers(app, services);
  await app.register(swagger, {
    openapi: documentOf({
      title: "Oscillink",
      summary: "Re-ranking with a receipt",
      description:
        "Re-ranking with a receipt: documents settle on a lattice, and each says why it was chosen.",
      keyed: config.auth === "keys",
    }),
  });
  // Its pages are not routes of the document, and open to anyone, as the document is.
  await app.register(async (pages) => {
    pages.addHook("onRoute", (route) => {
      route.config = { ...route.config, open: true };
    });
    await pages.register(reference, { routePrefix: "/reference" });
  });
  await app.register(async (routes) => {
    health(routes, services);
    own(routes, services);
    compatible(routes, services);
    jobs(routes, services);
    feedback(routes, services);
    published(routes, services);
    mcp(routes, services);
    page(routes, services);
    routes.get("/openapi.json", { config: { open: true }, schema: { hide: true } }, () => app.swagger());
  });
  return app;
}

/** The methods that a path takes, of all routes that are registered after this. */
function watchRoutes(app: FastifyInstance): (path: string) => string[] {
  const routes: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook("onRoute", ({ url, method }) => {
    const path = new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/:\w+/g, "[^/]+")}$`);
    routes.push({ path, methods: [method].flat() });
  });
  return (path) =>
    [...new Set(routes.flatMap((route) => (route.path.test(path) ? route.methods : [])))].sort();
}

/** Every request has an id, is counted, and leaves one line in the log. */
function watch(app: FastifyInstance, { metrics, jobs }: Services): void {
  let closing = false;
  app.addHook("preClose", async () => {
    closing = true;
    jobs.release();
    linger(app.server);
  });
  app.addHook("onSend", async (_request, reply) => {
    // A connection that stays open would hold up the end.
    if (closing) reply.header("Connection", "close");
  });
  app.addHook("onRequest", async (request, reply) => {
    request.at = Date.now();
    request.left = new AbortController();
    reply.headers(SECURITY_FIELDS).header("X-Request-Id", request.id);
    // There is no onResponse for a client that has left.
    reply.raw.once("close", () => {
      const left = !reply.raw.writableFinished;
      if (left) request.left.abort();
      told(request, reply, left);
    });
    const { "content-encoding": encoding = "identity" } = request.headers;
    if (encoding !== "identity")
      throw new Problem(415, "The body must come as it is: this server unpacks none.");
  });
  const told = (request: FastifyRequest, reply: FastifyReply, left: boolean) => {
    const route = request.routeOptions.url ?? "none";
    // A client that has left is counted as proxies do.
    const status = left ? 499 : reply.statusCode;
    metrics.requests.inc({ route, status: String(status) });
    metrics.duration.observe({ route }, reply.elapsedTime / 1000);
    request.log.info(
      {
        route,
        method: request.method,
        status,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        key: request.caller?.keyId,
      },
      "request",
    );
  };
}

/** Who asks is known before the body is read, and it is not read before there is room for it. */
function admitCallers(app: FastifyInstance, services: Services): void {
  const places = openPlaces(services.config.limits);
  app.addHook("onClose", async () => places.close());
  app.addHook("onRequest", async (request) => {
    const { open, ranks } = request.routeOptions.config;
    if (open || request.is404) return;
    request.caller = await services.callerOf(presentedKey(request), request.ip);
    if (ranks) await places.room(request.left.signal);
  });
  // A place is taken when the whole body is there: who sends half of one holds none.
  app.addHook("preHandler", async (request) => {
    if (request.routeOptions.config.ranks) await places.take(request, request.left.signal);
  });
  // Also for a client that has left: its work is done, or was given up.
  app.addHook("onSend", async (request) => places.leave(request));
}
