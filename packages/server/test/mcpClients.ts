/** Clients of the Model Context Protocol, of both lines. */
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { expect } from "vitest";

/** What both lines of clients do. @typeParam T the structured content of a tool. */
export interface McpClient<T> {
  listTools(): Promise<{
    readonly tools: readonly { readonly name: string; readonly annotations?: object }[];
  }>;
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<{
    readonly content: readonly { readonly text: string }[];
    readonly structuredContent: T;
    readonly isError?: boolean;
  }>;
  close(): Promise<void>;
}

const name = { name: "test", version: "1.0.0" };
const withKey = (key: string) => ({ requestInit: { headers: { Authorization: `Bearer ${key}` } } });

/** Clients by their names, each connected with a key. @param address where the server is, once it listens. */
export const mcpClients = <T>(
  address: () => URL,
): Readonly<Record<string, (key: string) => Promise<McpClient<T>>>> => ({
  "the client of 2025 (1.32)": async (key) => {
    const client = new OldClient(name);
    await client.connect(new OldTransport(address(), withKey(key)) as Parameters<OldClient["connect"]>[0]);
    return client as unknown as McpClient<T>;
  },
  "the client of 2026 (2.4)": async (key) => {
    const client = new Client(name);
    await client.connect(new StreamableHTTPClientTransport(address(), withKey(key)));
    expect(client.getNegotiatedProtocolVersion()).toBe("2025-11-25");
    return client as unknown as McpClient<T>;
  },
  "the client of 2026, which negotiates (2.4)": async (key) => {
    const client = new Client(name, { versionNegotiation: { mode: "auto" } });
    await client.connect(new StreamableHTTPClientTransport(address(), withKey(key)));
    expect(client.getNegotiatedProtocolVersion()).toBe("2026-07-28");
    return client as unknown as McpClient<T>;
  },
});
