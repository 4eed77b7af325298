import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** The id that a client or a proxy gave a request, if it can stand in a log; else a new one. */
export function requestId({ headers }: Pick<IncomingMessage, "headers">): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID();
}
