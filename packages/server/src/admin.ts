/** The second port, for whoever runs the server: metrics and keys. It listens at this machine alone, unless it is told otherwise. */
import { Readable } from "node:stream";
import swagger from "@fastify/swagger";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from "fastify";
import type { Static, TSchema } from "typebox";
import { createAjv } from "./ajv.ts";
import { presentedKey, refusalOf, sendProblem } from "./http/errors.ts";
import { Problem, problemOf } from "./http/problem.ts";
import { requestId } from "./http/requestId.ts";
import { readKey } from "./keys/form.ts";
import { type KeyChange, NO_LIMITS, require } from "./keys/keyring.ts";
import { openBurst } from "./limits/burst.ts";
import { limitsOf } from "./limits/meter.ts";
import { ADMIN, Change, NewKey } from "./routes/adminSchemas.ts";
import { documentOf } from "./routes/document.ts";
import type { Services } from "./services.ts";
import type { KeyRecord } from "./state/durable.ts";

type Key = { Params: { id: string } };

export async function createAdmin(services: Services, logger: FastifyBaseLogger): Promise<FastifyInstance> {
  const { metrics, keyring, state, config } = services;
  const { ledger, audit, learning } = state.durable;
  const adminOf = administrators(services);
  const admin = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    requestIdHeader: false,
    forceCloseConnections: true,
  });
  admin.setErrorHandler((error, request, reply) => {
    const problem = refusalOf(error, request);
    return sendProblem(reply, problem, problemOf(problem, request.id));
  });
  admin.setNotFoundHandler((request, reply) => {
    const problem = new Problem(404, "There is no such address on this port.");
    return sendProblem(reply, problem, problemOf(problem, request.id));
  });
  // What comes is judged where it is used: the schemas of routes are for OpenAPI.
  admin.setValidatorCompiler(() => () => true);
  admin.setSerializerCompiler(() => (data) => JSON.stringify(data));
  await admin.register(swagger, {
    openapi: documentOf({
      title: "Oscillink: administration",
      summary: "Keys, their usage, and metrics",
      description: "The second port of a server, for whoever runs it.",
      keyed: true,
    }),
  });
  admin.get("/openapi.json", { schema: { hide: true } }, () => admin.swagger());
  admin.get("/metrics", { schema: ADMIN.metrics }, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  await admin.register(async (routes) => {
    routes.decorateRequest("admin", "");
    routes.addHook("onRequest", async (request) => {
      request.admin = await adminOf(request);
    });
    routes.get("/admin/keys", { schema: ADMIN.list }, async () => ({
      keys: (await keyring.list()).map(shown),
    }));
    routes.post("/admin/keys", { schema: ADMIN.create }, async ({ body, admin: who }, reply) => {
      const { limits, expires = null, ...rest } = checked(NewKey, body);
      const { key, record } = await keyring.create(
        { ...rest, expires, limits: { ...NO_LIMITS, ...limits } },
        who,
      );
      return reply.code(201).send({ key, ...shown(record) });
    });
    routes.patch<Key>(
      "/admin/keys/:id",
      { schema: ADMIN.change },
      async ({ body, params: { id }, admin: who }) => {
        const { pinned, ...change } = checked(Change, body);
        const record = existing(await keyring.change(id, change as KeyChange, who));
        if (pinned !== undefined) {
          await learning.pin(id, pinned);
          await audit.add({ at: Date.now(), who, what: `change pinned ${pinned}`, about: id });
        }
        return shown(record);
      },
    );
    routes.post<Key>(
      "/admin/keys/:id/rotate",
      { schema: ADMIN.rotate },
      async ({ params: { id }, admin: who }) => ({
        key: existing(await keyring.rotate(id, who)),
      }),
    );
    routes.get<Key>("/admin/keys/:id/usage", { schema: ADMIN.usage }, async ({ params: { id } }) => {
      const { limits } = existing(await state.durable.keys.get(id));
      return { limits: await state.shared.limits.used(id, limitsOf(limits, config.limits), Date.now()) };
    });
    routes.get<Key>("/admin/keys/:id/profiles", { schema: ADMIN.profiles }, async ({ params: { id } }) => ({
      pinned: await learning.pinned(id),
      profiles: (await learning.arms(id)).map(({ profile, count, sum }) => ({
        profile,
        labels: count,
        mean: sum / count,
      })),
    }));
    routes.delete<Key>(
      "/admin/keys/:id/profiles",
      { schema: ADMIN.forget },
      async ({ params: { id }, admin: who }, reply) => {
        await learning.reset(id);
        await audit.add({ at: Date.now(), who, what: "reset profiles", about: id });
        return reply.code(204).send();
      },
    );
    routes.get("/admin/ledger", { schema: ADMIN.ledger }, async (_request, reply) => {
      const lines = Readable.from(ledger.rows(0)).map((row) => `${JSON.stringify(row)}\n`);
      return reply.type("application/jsonl").send(lines);
    });
    routes.get("/admin/audit", { schema: ADMIN.audit }, async () => ({ rows: await audit.rows(500) }));
  });
  return admin;
}

declare module "fastify" {
  interface FastifyRequest {
    /** The id of the key that administers. */
    admin: string;
  }
}

/** How many rows of refusals are kept. */
const REFUSALS = 1000;

/**
 * Who administers, by a key with the scope `admin`: also where no other route asks for one. Whoever may not leaves a row in the audit,
 * and an address that tries many keys is held off.
 */
function administrators({ keyring, state, config }: Services) {
  const { audit, keys } = state.durable;
  const burst = openBurst(1, config.limits.addressBurst);
  return async (request: FastifyRequest): Promise<string> => {
    const presented = presentedKey(request);
    try {
      const caller = await keyring.callerOf(presented);
      require(caller, "admin");
      return caller.keyId!;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      burst.address(request.ip);
      burst.failed(request.ip);
      // The id is no secret. One that no key has is anybody's invention.
      const { id = "" } = (presented === null ? null : readKey(presented)) ?? {};
      const who = (await keys.get(id)) ? id : "nobody";
      const about = `${request.method} ${request.routeOptions.url}`;
      await audit.refuse({ at: Date.now(), who, what: `refused ${error.status}`, about }, REFUSALS);
      throw error;
    }
  };
}

const ajv = createAjv({ useDefaults: true, allErrors: true });
const validators = new Map<TSchema, ReturnType<typeof ajv.compile>>();

function checked<S extends TSchema>(schema: S, body: unknown): Static<S> {
  const validate = validators.get(schema) ?? ajv.compile(schema);
  validators.set(schema, validate);
  const copy = structuredClone(body ?? {});
  if (validate(copy)) return copy as Static<S>;
  const faults = validate.errors!.map(({ instancePath, message, params }) => ({
    pointer: instancePath + ("additionalProperty" in params ? `/${params.additionalProperty}` : ""),
    detail: message ?? "",
  }));
  throw new Problem(422, "The change cannot be made.", { faults });
}

function existing<T>(value: T | null): T {
  if (value !== null) return value;
  throw new Problem(404, "There is no such key.");
}

const shown = ({ secrets, ...record }: KeyRecord) => ({ ...record, secrets: secrets.length });
