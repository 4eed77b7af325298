/** Judges values by our own schemas. */
import { Ajv, type Options } from "ajv";

/** Nothing judges the schemas themselves: they are written here, and that would take 40 ms of each start. */
export const createAjv = (options: Options = {}): Ajv =>
  new Ajv({ strict: false, meta: false, validateSchema: false, ...options });
