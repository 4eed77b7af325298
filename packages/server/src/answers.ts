/** Answers that are kept for the same request asked again. */
import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Answered, Call } from "./answer.ts";
import type { Config } from "./config/schema.ts";
import type { Counted } from "./http/caller.ts";

interface KeptAnswer {
  readonly counted: Counted;
  readonly answered: Answered;
}

export interface Answers {
  /** What was answered to the same bytes, asked by the same tenant of the same route under the same profile; null for nothing. */
  find(call: Call, profile: string | null): KeptAnswer | null;
  keep(call: Call, profile: string | null, kept: KeptAnswer): void;
}

/** None is kept where there is no room: nothing is digested then either. */
export function keepAnswers({ cacheBytes, cacheSeconds }: Config): Answers {
  if (cacheBytes === 0) return { find: () => null, keep: () => {} };
  const kept = new LRUCache<string, KeptAnswer & { readonly id: string }>({
    maxSize: cacheBytes,
    ttl: cacheSeconds * 1000,
    // Two bytes a character at most, and what goes with it.
    sizeCalculation: ({ answered }) => answered.body.length * 2 + 500,
  });
  const keyOf = ({ caller, route, shape, body }: Call, profile: string | null) =>
    createHash("sha256")
      .update(JSON.stringify([caller.tenant, route, shape, profile]))
      .update(body)
      .digest("base64");
  return {
    find(call, profile) {
      const found = kept.get(keyOf(call, profile));
      if (!found) return null;
      // Where an answer begins with the id of its request, it is that of this one.
      const [own, now] = [found.id, call.id].map((id) => `{"id":${JSON.stringify(id)}`) as [string, string];
      const { body } = found.answered;
      const renamed = body.startsWith(own) ? now + body.slice(own.length) : body;
      const counted = { ...found.counted, id: crypto.randomUUID() };
      return { counted, answered: { ...found.answered, body: renamed } };
    },
    keep(call, profile, answer) {
      kept.set(keyOf(call, profile), { ...answer, id: call.id });
    },
  };
}
