import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openBurst } from "../src/limits/burst.ts";
import { administer, base64, bearer, makeServer, pool, post } from "./testing.ts";

const URL = "/v1/oscillink/rerank";
const bodyOf = (n: number, d: number): string => {
  const { query, embeddings } = pool(n, d);
  return JSON.stringify({
    query: base64(query),
    candidates: embeddings.map((one, i) => ({ id: String(i), embedding: base64(one) })),
  });
};

describe("bursts", () => {
  it("of 100,000 addresses take less than 50 MB (A26)", () => {
    // In a process of its own: what the runner takes is not in the figure.
    const script = `
      import { openBurst } from ${JSON.stringify(import.meta.resolve("../src/limits/burst.ts"))};
      const before = process.memoryUsage().rss;
      const burst = openBurst(1, 600);
      for (let i = 0; i < 100_000; i++) {
        const address = Buffer.from(\`10.\${(i >> 16) & 255}.\${(i >> 8) & 255}.\${i & 255}\`).toString();
        burst.address(address);
        burst.failed(address);
      }
      console.log(process.memoryUsage().rss - before);`;
    const taken = Number(execFileSync(process.execPath, ["--input-type=module", "-e", script]));
    expect(taken).toBeGreaterThan(2 ** 20);
    expect(taken).toBeLessThan(50 * 2 ** 20);
  }, 30_000);

  it("begin anew after their window, and are each one's own", async () => {
    const burst = openBurst(0.05, 2);
    for (let i = 0; i < 3; i++) burst.key("a", 3);
    expect(() => burst.key("a", 3)).toThrow(expect.objectContaining({ status: 429 }));
    burst.key("b", 3);
    await sleep(60);
    burst.key("a", 3);
    for (let i = 0; i < 2; i++) burst.failed("x");
    expect(() => burst.address("x")).toThrow(
      expect.objectContaining({ status: 429, headers: { "Retry-After": "60" } }),
    );
    burst.address("y");
  });

  it("of 0 are no limit", () => {
    const burst = openBurst(1, 0);
    for (let i = 0; i < 1000; i++) {
      burst.key("a", 0);
      burst.failed("x");
      burst.address("x");
    }
  });
});

describe("a client that leaves", () => {
  it("ends its work, and is charged nothing (A45)", async () => {
    const server = await makeServer({
      AUTH: "keys",
      LIMITS_INTERACTIVE_MS: "100000",
      LIMITS_UNITS: "100000000",
    });
    await server.listen();
    const client = request(`${server.url}${URL}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...bearer(server.firstKey!) },
    });
    client.on("error", () => {});
    client.end(bodyOf(1900, 1024));
    const metric = async (name: string) => {
      const { body: text } = await administer(server, "/metrics");
      return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1] ?? 0);
    };
    // It is being ranked: its units are set apart.
    await expect
      .poll(() => metric('oscillink_compute_seconds_count{stage="answer"}'), {
        interval: 20,
      })
      .toBe(1);
    client.destroy();
    await expect
      .poll(() => metric('oscillink_units_total{outcome="refunded"}'), { interval: 20 })
      .toBeGreaterThan(0);
    const headers = bearer(server.firstKey!);
    const rows = (await administer(server, { url: "/admin/ledger", headers })).body.trim().split("\n");
    expect(rows.map((row) => JSON.parse(row))).toMatchObject([{ outcome: "refunded", units: 0, n: 1900 }]);
    await expect
      .poll(() => metric('oscillink_http_requests_total{route="/v1/oscillink/rerank",status="499"}'))
      .toBe(1);
    await server.close();
  }, 60_000);

  it("gives its place to another, and with half a body holds none", async () => {
    // It answers nobody, so that a request is worked on for as long as its client stays.
    let asked = () => {};
    const upstream = createServer(() => asked()).listen(0, "127.0.0.1");
    await once(upstream, "listening");
    const { port } = upstream.address() as AddressInfo;
    const server = await makeServer({
      LIMITS_IN_FLIGHT: "1",
      MODELS_UPSTREAM_URL: `http://127.0.0.1:${port}/rerank`,
      MODELS_TIMEOUT_MS: "60000",
    });
    await server.listen();
    const body = JSON.stringify({
      model: "oscillink-cascade",
      queryText: "a",
      candidates: [{ id: "1", text: "b" }],
    });
    const status = async () => (await post(server, URL, bodyOf(5, 4))).status;
    for (const missing of [0, 1]) {
      const arrived = missing ? sleep(500) : new Promise<void>((resolve) => (asked = resolve));
      const client = request(`${server.url}${URL}`, {
        method: "POST",
        headers: { "content-type": "application/json", "content-length": body.length + missing },
      });
      client.on("error", () => {});
      client.write(body);
      await arrived;
      expect(await status()).toBe(missing ? 200 : 503);
      client.destroy();
      await expect.poll(status, { timeout: 10_000 }).toBe(200);
    }
    await server.close();
    upstream.closeAllConnections();
    upstream.close();
  }, 30_000);
});
