/** The models that are served, by name. */
import type { RerankRequest } from "@oscillink/core";
import { Problem } from "../http/problem.ts";

/** Where the evidence comes from that a request does not bring along. */
export interface Model {
  readonly name: string;
  /** In a sentence, for people. */
  readonly description: string;
  /** @throws {Problem} for a request that it cannot complete. */
  complete(request: RerankRequest, signal: AbortSignal): Promise<RerankRequest> | RerankRequest;
}

export interface Models {
  readonly all: readonly Model[];
  /** @throws {Problem} 404 for a model that there is not. */
  find(name: string | null): Model;
}

export function serveModels(
  all: readonly Model[],
  aliases: Readonly<Record<string, string>>,
  byDefault: string,
): Models {
  const known = new Map(all.map((model) => [model.name, model]));
  return {
    all,
    find(name) {
      const own = name === null ? byDefault : (aliases[name] ?? name);
      const model = known.get(own);
      if (model) return model;
      throw new Problem(404, `model not found: ${name ?? own}. There are ${[...known.keys()].join(", ")}.`);
    },
  };
}
