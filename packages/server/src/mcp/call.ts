import type { FastifyBaseLogger } from "fastify";
import { answer } from "../answer.ts";
import type { Caller } from "../http/caller.ts";
import type { Services } from "../services.ts";

/** The HTTP request that calls a tool. */
export interface McpCall {
  readonly id: string;
  readonly at: number;
  readonly caller: Caller;
  /** Aborted when its client leaves. */
  readonly signal: AbortSignal;
  readonly log: FastifyBaseLogger;
}

/** What is answered to a request of our own form; both are JSON. @throws {Problem} */
export async function rankedBy(
  request: string,
  { log: _, ...call }: McpCall,
  services: Services,
): Promise<string> {
  return (await answer({ ...call, body: Buffer.from(request), route: "/mcp", shape: "own" }, services)).body;
}
