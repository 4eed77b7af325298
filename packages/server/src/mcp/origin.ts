/** Who may ask over MCP: no page of somebody else's. */
import { localhostAllowedHostnames, validateHostHeader } from "@modelcontextprotocol/server";
import type { FastifyRequest } from "fastify";
import type { Config } from "../config/schema.ts";
import { Problem } from "../http/problem.ts";

/**
 * Keeps pages of others from asking in the name of whoever opened them: a page says where it is from, and a name that was bent to this
 * machine ("DNS rebinding") is not this machine's.
 *
 * @throws {Problem} 403
 */
export function judgeOrigin({ headers }: FastifyRequest, { host, cors, trustProxy }: Config): void {
  const own = [...localhostAllowedHostnames(), host];
  // Behind a proxy, or at an address of its own, it goes by other names.
  const local = trustProxy.length === 0 && localhostAllowedHostnames().includes(host);
  if (local && !validateHostHeader(headers.host, own).ok) {
    throw new Problem(403, "The header field Host names another machine than this one.");
  }
  const { origin } = headers;
  if (origin === undefined || cors.includes(origin)) return;
  if (URL.canParse(origin) && new URL(origin).host === headers.host) return;
  throw new Problem(403, "Pages of this origin may not ask here: the setting `cors` names those that may.");
}
