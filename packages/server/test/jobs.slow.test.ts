import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Server } from "../src/index.ts";
import { QUIET, run, start } from "./command.ts";
import {
  administer,
  ask,
  base64,
  bearer,
  keyOf,
  makeServer,
  pool,
  post,
  temporary,
  testServer,
} from "./testing.ts";

const URL = "/v1/jobs";
const bodyOf = (n: number, d: number, seed = 1) => {
  const { query, embeddings } = pool(n, d, seed);
  return {
    query: base64(query),
    candidates: embeddings.map((one, i) => ({ id: String(i), embedding: base64(one) })),
  };
};
const LONG = bodyOf(1900, 256);

describe("jobs", () => {
  it("give what the route gives at once, and their place is told", async () => {
    const server = await testServer();
    const posted = await post(server, URL, bodyOf(20, 8));
    expect(posted).toMatchObject({ status: 202, json: { state: "queued" } });
    const url = String(posted.headers.location);
    const { json, headers } = await ask(server, { url, headers: { prefer: "wait=20" } });
    const direct = await post(server, "/v1/oscillink/rerank", bodyOf(20, 8));
    expect(json).toMatchObject({ state: "done", answer: { results: direct.json.results } });
    expect(json.answer.receipt.digest).toBe(direct.json.receipt.digest);
    const again = await ask(server, { url, headers: { "if-none-match": String(headers.etag) } });
    expect(again.status).toBe(304);
  });

  it("that cannot be ranked are refused when they are posted", async () => {
    const server = await testServer();
    expect((await post(server, URL, { query: ["x"], candidates: [] })).status).toBe(422);
    const good = bodyOf(3, 4);
    const [first, ...others] = good.candidates;
    const cases: readonly (readonly [body: object, pointer: string])[] = [
      [{ ...good, k: 0 }, "/k"],
      [{ ...good, nonsense: 1 }, "/nonsense"],
      [{ ...good, candidates: [{ ...first, trust: 2 }, ...others] }, "/candidates/0/trust"],
      [{ ...good, candidates: [...good.candidates, { id: "0" }] }, "/candidates/3/id"],
      [{ model: "oscillink-order", queryText: "a", candidates: [{ text: "b" }], k: -1 }, "/k"],
    ];
    for (const [body, pointer] of cases) {
      const [job, direct] = [await post(server, URL, body), await post(server, "/v1/oscillink/rerank", body)];
      expect(job).toMatchObject({ status: 422, json: { errors: [{ pointer }] } });
      expect(job.json.errors).toEqual(direct.json.errors);
    }
    // A model that asks others is asked when the job is worked on.
    const asks = { model: "oscillink-embed", queryText: "a", candidates: [{ text: "b" }] };
    expect((await post(server, URL, asks)).status).toBe(202);
    expect((await post(server, URL, { ...asks, lamC: -1 })).json.errors).toMatchObject([
      { pointer: "/lamC" },
    ]);
  });

  it("that are cancelled while they wait never run, and cost nothing (A31)", async () => {
    const server = await testServer({ AUTH: "keys", LIMITS_UNITS: "100000000" });
    const key = bearer(server.firstKey!);
    const first = await post(server, URL, LONG, key);
    const second = await post(server, URL, bodyOf(20, 8), key);
    const url = String(second.headers.location);
    expect((await ask(server, { method: "DELETE", url, headers: key })).json).toMatchObject({
      state: "cancelled",
    });
    await ask(server, { url: String(first.headers.location), headers: { ...key, prefer: "wait=30" } });
    expect((await ask(server, { url, headers: key })).json).toMatchObject({ state: "cancelled" });
    const rows = (await administer(server, { url: "/admin/ledger", headers: key })).body
      .trim()
      .split("\n")
      .map((line: string) => JSON.parse(line) as { id: string });
    expect(rows.find(({ id }) => id === second.json.id)).toMatchObject({ outcome: "refunded", units: 0 });
    expect(rows.find(({ id }) => id === first.json.id)).toMatchObject({
      outcome: "charged",
      units: 1900 * 256,
    });
  }, 30_000);

  it("that are cancelled while they run end within a second, and stay cancelled (A31)", async () => {
    const server = await testServer();
    const { headers } = await post(server, URL, LONG);
    const url = String(headers.location);
    await expect.poll(async () => (await ask(server, { url })).json.state, { interval: 5 }).toBe("running");
    const began = Date.now();
    expect((await ask(server, { method: "DELETE", url })).json.state).toBe("cancelled");
    // The thread is free again for the next.
    const next = await post(server, URL, bodyOf(5, 4));
    const done = await ask(server, { url: String(next.headers.location), headers: { prefer: "wait=20" } });
    expect(done.json.state).toBe("done");
    expect(Date.now() - began).toBeLessThan(5000);
    expect((await ask(server, { url })).json.state).toBe("cancelled");
  }, 30_000);

  it("are seen by their tenant alone (A15, A17)", async () => {
    const server = await testServer({ AUTH: "keys" });
    const [mine, theirs] = [await keyOf(server, { tenant: "a" }), await keyOf(server, { tenant: "b" })].map(
      bearer,
    );
    const { headers } = await post(server, URL, bodyOf(5, 4), mine);
    const url = String(headers.location);
    for (const method of ["GET", "DELETE"] as const) {
      expect((await ask(server, { method, url, headers: theirs! })).status).toBe(404);
      expect((await ask(server, { method, url })).status).toBe(401);
    }
    expect((await ask(server, { url, headers: { ...mine, prefer: "wait=20" } })).json.state).toBe("done");
  });

  it("wait in a line that has an end", async () => {
    const server = await testServer({ JOBS_QUEUED: "2" });
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push((await post(server, URL, LONG)).status);
    expect(statuses.slice(0, 2)).toEqual([202, 202]);
    expect(statuses.at(-1)).toBe(429);
  }, 30_000);

  it("that wait when the process ends are done by the next one", async () => {
    const data = temporary();
    const first = await makeServer({ GRACE_SECONDS: "1" }, data);
    await post(first, URL, LONG);
    const { headers } = await post(first, URL, bodyOf(20, 8));
    await first.close();
    const second = await makeServer({}, data);
    const { json } = await ask(second, { url: String(headers.location), headers: { prefer: "wait=30" } });
    expect(json.state).toBe("done");
    await second.close();
  }, 60_000);
});

interface JobAnswer {
  readonly id: string;
  readonly state: string;
  readonly problem?: { readonly detail: string };
}

describe("a job that ends its process", () => {
  it("is begun three times, and then fails, and its units come back", async () => {
    const data = temporary();
    const flags = ["--auth", "none", "--data", data, ...QUIET];
    let place = "";
    const attempts = () => {
      using sql = new DatabaseSync(join(data, "state.db"), { readOnly: true });
      return sql.prepare("SELECT attempts FROM jobs").get()?.attempts;
    };
    for (let attempt = 1; attempt <= 3; attempt++) {
      const { child, url } = await start(flags);
      const send = async (body: object) => {
        const headers = { "content-type": "application/json" };
        const answer = await fetch(`${url}${URL}`, { method: "POST", headers, body: JSON.stringify(body) });
        return answer.headers.get("location")!;
      };
      if (attempt === 1) place = await send(LONG);
      // A worker that says nothing is given up after 15 s.
      await expect.poll(attempts, { interval: 10, timeout: 30_000 }).toBe(attempt);
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    const { child, url } = await start(flags);
    const wait = { headers: { prefer: "wait=30" } };
    const job = (await (await fetch(url + place, wait)).json()) as JobAnswer;
    expect(job).toMatchObject({ state: "failed", problem: { status: 500 } });
    expect(job.problem!.detail).toContain("3 times");
    child.kill("SIGTERM");
    await once(child, "exit");
    const { out } = await run(["usage", "--rows", "--data", data]);
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ id: job.id, outcome: "refunded", units: 0 }]);
  }, 120_000);

  it("does not count the times that its process was told to end", async () => {
    const data = temporary();
    let url = "";
    const state = async (server: Server) => (await ask(server, { url })).json.state;
    for (let i = 0; i < 4; i++) {
      const server = await makeServer({ GRACE_SECONDS: "1" }, data);
      if (i === 0) url = String((await post(server, URL, bodyOf(1900, 1024))).headers.location);
      await expect.poll(() => state(server), { interval: 5, timeout: 10_000 }).toBe("running");
      await server.close();
    }
    const server = await makeServer({}, data);
    onTestFinished(() => server.close());
    await expect.poll(() => state(server), { timeout: 60_000 }).toBe("done");
  }, 120_000);
});

describe("Idempotency-Key", () => {
  it("50 at once: one computation, one charge; the others are told to wait, or get the same (A32)", async () => {
    const server = await testServer({ AUTH: "keys", LIMITS_UNITS: "1000", LIMITS_IN_FLIGHT: "100" });
    const headers = { ...bearer(server.firstKey!), "idempotency-key": '"one"' };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => post(server, "/v1/oscillink/rerank", bodyOf(10, 4), headers)),
    );
    const good = answers.filter(({ status }) => status === 200);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    const later = await post(server, "/v1/oscillink/rerank", bodyOf(10, 4), headers);
    expect(later.text).toBe(good[0]!.text);
    const rows = (await administer(server, { url: "/admin/ledger", headers })).body.trim().split("\n");
    expect(rows).toHaveLength(1);
    expect((await post(server, "/v1/oscillink/rerank", bodyOf(10, 5), headers)).status).toBe(422);
  });

  it("holds after a restart, byte for byte (A32), and for jobs", async () => {
    const data = temporary();
    const headers = { "idempotency-key": "bare-token" };
    const first = await makeServer({}, data);
    const one = await post(first, "/v1/oscillink/rerank", bodyOf(10, 4), headers);
    const job = await post(first, URL, bodyOf(10, 4), headers);
    await first.close();
    const second = await makeServer({}, data);
    expect((await post(second, "/v1/oscillink/rerank", bodyOf(10, 4), headers)).text).toBe(one.text);
    expect((await post(second, URL, bodyOf(10, 4), headers)).json.id).toBe(job.json.id);
    await second.close();
  });

  it("of what failed may be used again", async () => {
    const server = await testServer();
    const headers = { "idempotency-key": "x" };
    expect((await post(server, "/v1/oscillink/rerank", { ...bodyOf(10, 4), k: 0 }, headers)).status).toBe(
      422,
    );
    expect((await post(server, "/v1/oscillink/rerank", bodyOf(10, 4), headers)).status).toBe(200);
  });

  it.each(["", '"', "a b", "x".repeat(256)])("that is none is refused: %j", async (key) => {
    const server = await testServer();
    expect(
      (await post(server, "/v1/oscillink/rerank", bodyOf(10, 4), { "idempotency-key": key })).status,
    ).toBe(400);
  });

  it("of one tenant is not that of another (A15)", async () => {
    const server = await testServer({ AUTH: "keys" });
    const [mine, theirs] = [await keyOf(server, { tenant: "a" }), await keyOf(server, { tenant: "b" })].map(
      bearer,
    );
    const shared = { "idempotency-key": "same" };
    expect((await post(server, "/v1/oscillink/rerank", bodyOf(10, 4), { ...mine, ...shared })).status).toBe(
      200,
    );
    expect((await post(server, "/v1/oscillink/rerank", bodyOf(5, 4), { ...theirs, ...shared })).status).toBe(
      200,
    );
  });
});
