/** The models that are served, by name. */
import type { RerankRequest } from "@oscillink/core";
import type { Config } from "../config/schema.ts";
import { Problem } from "../http/problem.ts";
import { cascade } from "./cascade.ts";
import { embed } from "./embed.ts";
import { given } from "./given.ts";
import { lexical } from "./lexical.ts";
import { order } from "./order.ts";

/** Where the evidence comes from that a request does not bring along. */
export interface Model {
  readonly name: string;
  /** In a sentence, for people. */
  readonly description: string;
  /** Whether it was set up. One that was not is listed, and refuses. */
  readonly available: boolean;
  /** @throws {Problem} for a request that it cannot complete, or where what it asks has failed. */
  complete(request: RerankRequest, signal: AbortSignal): Promise<RerankRequest> | RerankRequest;
}

export interface Models {
  readonly all: readonly Model[];
  /** @throws {Problem} 404 for a model that there is not. */
  find(name: string | null): Model;
}

/** Every model, set up as the configuration says. */
export const modelsOf = (settings: Config["models"]): readonly Model[] => [
  given,
  embed(settings),
  cascade(settings),
  lexical,
  order(settings.prior),
];

export function serveModels(
  all: readonly Model[],
  aliases: Readonly<Record<string, string>>,
  byDefault: string,
): Models {
  const known = new Map(all.map((model) => [model.name, model]));
  return {
    all,
    find(name) {
      const own = name === null ? byDefault : Object.hasOwn(aliases, name) ? aliases[name]! : name;
      const model = known.get(own);
      if (model) return model;
      const asked = name ?? own;
      const shown = asked.length > 64 ? `${asked.slice(0, 64)}…` : asked;
      throw new Problem(404, `model not found: ${shown}. There are ${[...known.keys()].join(", ")}.`);
    },
  };
}
