/** A server that is told to end while it is asked 200 times a second. */
import { once } from "node:events";
import { connect } from "node:net";
import autocannon from "autocannon";
import { expect, test } from "vitest";
import { startCommand } from "./command.ts";

/** Its bar for the end, in milliseconds. */
const BAR = 25_000;

const vector = (seed: number) =>
  Buffer.from(Float32Array.from({ length: 64 }, (_, i) => Math.sin(seed + i * i)).buffer);
const body = JSON.stringify({
  query: vector(0).toString("base64"),
  candidates: Array.from({ length: 20 }, (_, i) => ({
    id: `${i}`,
    embedding: vector(i + 1).toString("base64"),
  })),
});

/** How long it takes to end, in milliseconds, and how. */
async function ended(child: { kill(signal: "SIGTERM"): boolean }): Promise<{ code: unknown; ms: number }> {
  const began = performance.now();
  // With all that it wrote.
  const exit = once(child as never, "close");
  child.kill("SIGTERM");
  const [code] = await exit;
  return { code, ms: performance.now() - began };
}

test("SIGTERM at 200 requests a second: what was accepted is answered, and it ends within 25 s (A30)", async () => {
  await using server = await startCommand(["--auth", "none"]);
  const errors: string[] = [];
  const statuses = new Map<number, number>();
  const load = autocannon(
    {
      ...{
        url: `${server.url}/v1/oscillink/rerank`,
        method: "POST",
        body,
        connections: 20,
        overallRate: 200,
      },
      ...{ headers: { "content-type": "application/json" }, duration: 120 },
    },
    () => {},
  );
  load.on("reqError", (error: NodeJS.ErrnoException) => void errors.push(error.code ?? error.message));
  load.on("response", (_client, status) => void statuses.set(status, (statuses.get(status) ?? 0) + 1));
  // However long a busy machine takes for them: it is under load then.
  await expect.poll(() => statuses.get(200) ?? 0, { timeout: 60_000 }).toBeGreaterThan(400);
  const { code, ms } = await ended(server.child);
  const stopped = once(load, "done");
  load.stop();
  await stopped;
  const good = statuses.get(200)!;
  expect([...statuses.keys()]).toEqual([200]);
  // After the end nobody listens: that was not accepted.
  expect(new Set(errors)).toEqual(new Set(["ECONNREFUSED"]));
  expect(server.requests().filter(({ status }) => status !== 200)).toEqual([]);
  expect(server.requests()).toHaveLength(good);
  expect(code).toBe(0);
  expect(ms).toBeLessThan(BAR);
});

test("a connection that never asks does not hold up the end", async () => {
  await using server = await startCommand(["--auth", "none", "--grace-seconds", "2"]);
  const { hostname, port } = new URL(server.url);
  const silent = connect(Number(port), hostname);
  await once(silent, "connect");
  const { code, ms } = await ended(server.child);
  silent.destroy();
  expect(code).toBe(0);
  expect(ms).toBeLessThan(BAR);
});
