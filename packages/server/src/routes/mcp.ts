/** The Model Context Protocol over HTTP ("Streamable HTTP"), without sessions and without streams of its own. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { judgeBounds, longestOf } from "../http/bounded.ts";
import { Problem } from "../http/problem.ts";
import type { Services } from "../services.ts";
import { operation, RANKS } from "./schemas.ts";

const URL_ = "/mcp";

/** The longest body, which is parsed on the event loop: for assistants, who send texts. */
const LONGEST = 2 ** 18;

const Message = Type.Object(
  { jsonrpc: Type.Literal("2.0") },
  { additionalProperties: true, description: "A message of JSON-RPC 2.0; see modelcontextprotocol.io." },
);

export function mcp(app: FastifyInstance, services: Services): void {
  const bodyLimit = Math.min(services.config.limits.bodyBytes, LONGEST);
  // The protocol's packages take a tenth of a start: they are loaded for who asks first.
  const loaded = onceAsked(async () => {
    const [{ judgeOrigin }, { createMcp }] = await Promise.all([
      import("../mcp/origin.ts"),
      import("../mcp/server.ts"),
    ]);
    return { judgeOrigin, serve: createMcp(services, app.log, bodyLimit) };
  });
  const answered = async (request: FastifyRequest) => {
    const { judgeOrigin, serve } = await loaded();
    judgeOrigin(request, services.config);
    judgeBody(request.body, longestOf(services.config.limits));
    const { id, at, caller, left, log, method, headers, body } = request;
    const passed = Object.entries(headers).filter(([name]) => !["authorization", "x-api-key"].includes(name));
    const asked = new Request(new URL(request.url, "http://localhost"), {
      ...{ method, signal: left.signal },
      headers: passed.map(([name, value]): [string, string] => [name, String(value)]),
      ...(Buffer.isBuffer(body) && { body: new Uint8Array(body) }),
    });
    return serve(asked, { id, at, log, caller: caller!, signal: left.signal });
  };
  app.post(
    URL_,
    {
      bodyLimit,
      config: { ranks: true },
      schema: operation({
        ...{
          summary: "Tools for assistants",
          tag: "mcp",
          body: Message,
          refusals: [...RANKS, 406],
          ownRefusals: true,
        },
        answer: ["The answer, or a stream of events that ends with it"],
      }),
    },
    answered,
  );
  // Sessions and their streams: the protocol has them no more, and its older clients ask whether there are any.
  app.route({ method: ["GET", "DELETE"], url: URL_, schema: { hide: true }, handler: answered });
}

/** The protocol's own reader tells of every wrong entry of a list: it gets none that is too long. */
function judgeBody(body: unknown, length: number): void {
  if (!Buffer.isBuffer(body)) return;
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    // It says so in its own form.
    return;
  }
  // A batch, which the protocol has no more, would be many calls in one place and under one count.
  if (Array.isArray(parsed)) throw new Problem(400, "A request holds one message, and no batch.");
  judgeBounds(parsed, length);
}

function onceAsked<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
