import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../src/index.ts";
import { makeServer, temporary } from "./testing.ts";

const require = createRequire(import.meta.url);
const suite = require.resolve("@modelcontextprotocol/conformance/dist/index.js");

let server: Server;
beforeAll(async () => {
  server = await makeServer();
  await server.listen();
});
afterAll(() => server.close());

// The other scenarios of the suite call the tools, resources and prompts of a server that was made for it.
test.each(["server-initialize", "ping", "tools-list", "dns-rebinding-protection"])(
  "the conformance suite of the protocol: %s",
  async (scenario) => {
    const args = ["server", "--url", `${server.url}/mcp`, "--scenario", scenario, "-o", temporary()];
    const { stdout } = await promisify(execFile)(process.execPath, [suite, ...args]);
    expect(stdout).toMatch(/Passed: ([1-9]\d*)\/\1, 0 failed, 0 warnings/);
  },
);
