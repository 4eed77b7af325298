/** Servers with a store of their own, and clients that search it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Receipt } from "@oscillink/core";
import { onTestFinished, vi } from "vitest";
import type { SearchCall, Server } from "../src/index.ts";
import type { LedgerRow } from "../src/state/durable.ts";
import { type McpClient, mcpClients } from "./mcpClients.ts";
import { bearer, type Environment, makeServer, temporary } from "./testing.ts";

export interface Ranked {
  readonly model: string;
  readonly results: readonly Record<"id" | "rank" | "relevance" | "text" | "title", unknown>[];
  readonly receipt: Receipt;
  readonly signatures?: readonly { readonly sig: string }[];
  readonly usage: { readonly documents: number };
}

/** A module in a file of its own. */
export function moduleOf(text: string): string {
  const file = join(temporary(), "search.mjs");
  writeFileSync(file, text);
  return file;
}

/** A module that leaves the search to a function of the test. */
export const handed = moduleOf("export default (call) => globalThis.searchOfTheTest(call);");
export const hand = (search: (call: SearchCall) => unknown) => vi.stubGlobal("searchOfTheTest", search);

const LIMITS = { LIMITS_UNITS: "100000", LIMITS_UNITS_WINDOW: "86400" };

export async function serverOf(module: string, more: Environment = {}): Promise<Server> {
  const server = await makeServer({ AUTH: "keys", ...LIMITS, SEARCH_MODULE: module, ...more });
  await server.listen();
  return server;
}

export const address = (server: Server) => new URL("/mcp", server.url);

/** A client with the first key, which is gone when the test is. */
export async function clientOf(server: Server, key = server.firstKey!): Promise<McpClient<Ranked>> {
  const client = await Object.values(mcpClients<Ranked>(() => address(server)))[2]!(key);
  onTestFinished(() => client.close());
  return client;
}

export const ask = async (client: McpClient<Ranked>, given: Record<string, unknown>) =>
  client.callTool({ name: "search", arguments: given });

export const admin = async ({ admin, firstKey }: Server, url: string) =>
  (await admin.inject({ url, headers: bearer(firstKey!) })).body;

/** Every request that was counted. */
export const ledger = async (server: Server): Promise<LedgerRow[]> =>
  (await admin(server, "/admin/ledger"))
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

export const charged = async (server: Server) =>
  (await ledger(server)).reduce((sum, { units }) => sum + units, 0);
