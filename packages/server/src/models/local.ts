import type { RerankRequest } from "@oscillink/core";
import type { Config } from "../config/schema.ts";
import { given } from "./given.ts";
import { lexical } from "./lexical.ts";
import type { Model } from "./models.ts";
import { order } from "./order.ts";

/** A model that asks nobody else. */
export interface LocalModel extends Model {
  complete(request: RerankRequest): RerankRequest;
}

/** The models that ask nobody else: what they add is computed in the thread that ranks. */
export const localModels = (prior: Config["models"]["prior"]): readonly LocalModel[] => [
  given,
  lexical,
  order(prior),
];
