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

/** Where the answer to a request is kept. */
interface Place {
  /** What was answered before; null for nothing. */
  readonly kept: KeptAnswer | null;
  keep(answer: KeptAnswer): void;
}

export interface Answers {
  /** The place of the same bytes, asked by the same tenant of the same route under the same profile. */
  placeOf(call: Call, profile: string | null): Place;
}

/** None is kept where there is no room: nothing is digested then either. */
export function keepAnswers({ cacheBytes, cacheSeconds }: Config): Answers {
  if (cacheBytes === 0) return { placeOf: () => ({ kept: null, keep() {} }) };
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
    placeOf(call, profile) {
      const key = keyOf(call, profile);
      const keep = (answer: KeptAnswer) => void kept.set(key, { ...answer, id: call.id });
      const found = kept.get(key);
      if (!found) return { kept: null, keep };
      // Where an answer begins with the id of its request, it is that of this one.
      const [own, now] = [found.id, call.id].map((id) => `{"id":${JSON.stringify(id)}`) as [string, string];
      const { body } = found.answered;
      const renamed = body.startsWith(own) ? now + body.slice(own.length) : body;
      const counted = { ...found.counted, id: crypto.randomUUID() };
      return { kept: { counted, answered: { ...found.answered, body: renamed } }, keep };
    },
  };
}
