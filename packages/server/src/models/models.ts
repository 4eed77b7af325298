/** The models that are served, by name. */
import type { RerankRequest } from "@oscillink/core";
import type { Config } from "../config/schema.ts";
import { Problem } from "../http/problem.ts";
import { cascade } from "./cascade.ts";
import { embed } from "./embed.ts";
import { localModels } from "./local.ts";

/** Where the evidence comes from that a request does not bring along. */
export interface Model {
  readonly name: string;
  /** In a sentence, for people. */
  readonly description: string;
  /** Whether it was set up. One that was not is listed, and refuses. */
  readonly available: boolean;
  /** Whether it asks others: then the event loop waits for them, and else it completes a request in the thread that ranks. */
  readonly asksOthers: boolean;
  /** @throws {Problem} for a request that it cannot complete, or where what it asks has failed. */
  complete(request: RerankRequest, signal: AbortSignal): Promise<RerankRequest> | RerankRequest;
}

export interface Models {
  readonly all: readonly Model[];
  /**
   * @param name as the client wrote it; null for none.
   * @param texts whether the request is of a form that has texts alone.
   * @throws {Problem} 404 for a model that there is not.
   */
  find(name: string | null, texts: boolean): Model;
}

/** Every model, set up as the configuration says. */
export const modelsOf = (settings: Config["models"]): readonly Model[] => [
  ...localModels(settings.prior),
  embed(settings),
  cascade(settings),
];

/**
 * The models by name. Where a request names none, the evidence that comes along is all there is; where texts alone come, it is the
 * configured default, else the first that was set up of an embedder, an upstream, and the order of the documents.
 */
export function serveModels(
  all: readonly Model[],
  { aliases, default: configured }: Config["models"],
): Models {
  const known = new Map(all.map((model) => [model.name, model]));
  const ready = ["oscillink-embed", "oscillink-cascade"].find((name) => known.get(name)?.available);
  const ofTexts = configured || ready || "oscillink-order";
  // An alias `*` stands for every name that there is not.
  const aliasOf = (name: string) => (Object.hasOwn(aliases, name) ? aliases[name]! : (aliases["*"] ?? name));
  const served = all.filter(({ available }) => available).map((model) => model.name);
  return {
    all,
    find(name, texts) {
      const asked = name ?? (texts ? ofTexts : "oscillink");
      const model = known.get(asked) ?? known.get(aliasOf(asked));
      if (model) return model;
      const shown = asked.length > 64 ? `${asked.slice(0, 64)}…` : asked;
      throw new Problem(
        404,
        `model not found: ${shown}. There are ${served.join(", ")}; the setting models.aliases gives them other names.`,
      );
    },
  };
}
