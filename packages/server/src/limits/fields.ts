/** What is told of limits on the wire: draft-ietf-httpapi-ratelimit-headers, as structured fields (RFC 9651). */
import { serializeList } from "structured-headers";
import type { Remains } from "../state/shared.ts";

/** What remains of any limit, those of bursts included. */
export interface Left extends Omit<Remains, "name"> {
  readonly name: Remains["name"] | "burst";
}

export function limitFields(remains: readonly Left[]): Record<string, string> {
  if (remains.length === 0) return {};
  const parameters = (values: Record<string, number>) => new Map(Object.entries(values));
  return {
    "RateLimit-Policy": serializeList(
      // A calendar month has no length of its own: the policy has none either.
      remains.map(({ name, limit, window }) => [
        name,
        parameters({ q: limit, ...(window !== null && { w: window }) }),
      ]),
    ),
    RateLimit: serializeList(
      remains.map(({ name, left, reset }) => [name, parameters({ r: left, t: reset })]),
    ),
  };
}
