/** What somebody says of an answer, for the profiles that are learned key by key. */
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { createAjv } from "../ajv.ts";
import { Problem } from "../http/problem.ts";
import { require } from "../keys/keyring.ts";
import type { Feedback } from "../learn/learner.ts";
import type { Services } from "../services.ts";
import { KEYED, operation } from "./schemas.ts";

const ids = Type.Array(Type.Union([Type.String(), Type.Number()]), { maxItems: 1000, default: [] });
const Body = Type.Object(
  { digest: Type.String({ pattern: "^sha256:[0-9a-f]{64}$" }), relevant: ids, irrelevant: ids },
  { additionalProperties: false, required: ["digest"] },
);
const validate = createAjv({ useDefaults: true }).compile<Feedback>(Body);

export function feedback(app: FastifyInstance, services: Services): void {
  app.post<{ Body: Buffer }>(
    "/v1/feedback",
    {
      // It is read on the event loop.
      bodyLimit: Math.min(services.config.limits.bodyBytes, 2 ** 18),
      schema: operation({
        ...{
          summary: "Say what was relevant",
          tag: "rerank",
          body: Body,
          refusals: [400, 404, 413, 415, 422, ...KEYED],
        },
        answer: [
          "What the answer was worth: its nDCG under these labels",
          Type.Object({ reward: Type.Number() }),
        ],
      }),
    },
    async (request) => {
      const caller = request.caller!;
      require(caller, "feedback");
      if (!services.config.learning) throw new Problem(404, "This server does not learn: feedback is off.");
      const body = parsed(request.body ?? Buffer.alloc(0));
      if (!validate(body)) {
        const faults = validate.errors!.map(({ instancePath, message }) => ({
          pointer: instancePath,
          detail: message ?? "",
        }));
        throw new Problem(422, "The feedback cannot be used.", { faults });
      }
      return { reward: await services.learner.learn(caller, body) };
    },
  );
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new Problem(400, "The body is not JSON.");
  }
}
