import { once } from "node:events";
import { openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { newSecret, readKey, writeKey } from "../src/keys/form.ts";
import { QUIET, run, start } from "./command.ts";
import {
  administer,
  ask,
  base64,
  bearer,
  keyOf,
  pool,
  post,
  sharedServer,
  temporary,
  testServer,
} from "./testing.ts";

const URL = "/v1/oscillink/rerank";
const { query, embeddings } = pool(5, 4);
const body = {
  query: base64(query),
  candidates: embeddings.map((one, i) => ({ id: String(i), embedding: base64(one) })),
};
const KEYS = { AUTH: "keys" };

describe("keys", () => {
  it("take a checksum, so that a slip is told from a key that is not known", async () => {
    const server = await sharedServer(KEYS);
    const key = server.firstKey!;
    const slip = key.slice(0, -8) + (key.at(-8) === "A" ? "B" : "A") + key.slice(-7);
    expect(readKey(key)).not.toBeNull();
    expect(readKey(slip)).toBeNull();
    expect((await post(server, URL, body, bearer(slip))).json.detail).toContain("malformed");
  });

  it.each([
    ["none", undefined, 401],
    ["what is no key", "hello", 401],
    ["a key that was never made", writeKey({ id: "a".repeat(22), secret: "b".repeat(43) }), 401],
    ["a key in another form", "sk-proj-1234567890", 401],
  ])("%s is refused, and nobody is anonymous (A11)", async (_, key, status) => {
    const server = await sharedServer(KEYS);
    for (const url of [URL, "/v1/jobs", "/v1/oscillink/verify"]) {
      const answer = await post(server, url, body, key === undefined ? {} : bearer(key));
      expect(answer).toMatchObject({
        status,
        headers: { "www-authenticate": expect.stringContaining("Bearer") },
      });
    }
    for (const url of ["/v1/models", "/v1/jobs/some"]) {
      expect((await ask(server, { url, headers: key === undefined ? {} : bearer(key) })).status).toBe(status);
    }
  });

  it("with the right id and another's secret are refused", async () => {
    const server = await sharedServer(KEYS);
    const [mine, other] = [readKey(server.firstKey!)!, readKey(await keyOf(server))!];
    const mixed = writeKey({ id: mine.id, secret: other.secret });
    expect((await post(server, URL, body, bearer(mixed))).status).toBe(401);
  });

  it("that expired are refused, those to come are not", async () => {
    const server = await sharedServer(KEYS);
    const past = await keyOf(server, { expires: Date.now() - 1 });
    const future = await keyOf(server, { expires: Date.now() + 60_000 });
    expect((await post(server, URL, body, bearer(past))).status).toBe(401);
    expect((await post(server, URL, body, bearer(future))).status).toBe(200);
  });

  it("are taken as X-API-Key too", async () => {
    const server = await sharedServer(KEYS);
    expect((await post(server, URL, body, { "x-api-key": server.firstKey! })).status).toBe(200);
  });

  it.each([
    ["suspended", "The key was suspended"],
    ["revoked", "The key was revoked"],
  ])("that are %s are refused at once (A12)", async (status, said) => {
    const server = await sharedServer(KEYS);
    const key = await keyOf(server);
    expect((await post(server, URL, body, bearer(key))).status).toBe(200);
    await change(server, key, { status });
    expect(await post(server, URL, body, bearer(key))).toMatchObject({
      status: 403,
      json: { detail: `${said}.` },
    });
  });

  it("have two secrets while one takes the place of the other, and never three", async () => {
    const server = await sharedServer(KEYS);
    const first = await keyOf(server);
    const rotate = async () => {
      const url = `/admin/keys/${readKey(first)!.id}/rotate`;
      return (await administer(server, { method: "POST", url, headers: bearer(server.firstKey!) })).json()
        .key as string;
    };
    const [second, third] = [await rotate(), await rotate()];
    const statuses = await Promise.all(
      [first, second, third].map(async (key) => (await post(server, URL, body, bearer(key))).status),
    );
    expect(statuses).toEqual([401, 200, 200]);
  });

  it("may do what their scopes say", async () => {
    const server = await sharedServer(KEYS);
    const key = await keyOf(server, { scopes: ["feedback"] });
    expect(await post(server, URL, body, bearer(key))).toMatchObject({
      status: 403,
      json: { detail: expect.stringContaining("scope rerank") },
    });
    expect((await post(server, "/v1/jobs", body, bearer(key))).status).toBe(403);
  });

  it("stand in no file, no log and no metric (A13)", async () => {
    const data = temporary();
    const log = join(temporary(), "log");
    const flags = ["--data", data, ...QUIET, "--log-level", "trace"];
    const { child, url, adminUrl, key } = await start(flags, openSync(log, "w"));
    const keys = [key, (await run(["keys", "create", "--data", data])).out.trim()];
    const headers = (own: string) => ({ "content-type": "application/json", ...bearer(own) });
    const send = async (path: string, own: string, text: string) =>
      (await fetch(url + path, { method: "POST", headers: headers(own), body: text })).status;
    for (const own of keys) expect(await send(URL, own, JSON.stringify(body))).toBe(200);
    expect(await send(`${URL}?key=${key}`, key, "{")).toBe(400);
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
    child.kill("SIGTERM");
    await once(child, "exit");
    const lines = readFileSync(log, "utf8");
    expect(lines).toContain(readKey(key)!.id);
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    const kept = files.map((file) => readFileSync(join(file.parentPath, file.name), "latin1")).join();
    expect(kept).toContain(readKey(keys[0]!)!.id);
    for (const secret of keys.map((key) => readKey(key)!.secret)) {
      for (const place of [kept, lines, metrics]) expect(place).not.toContain(secret);
    }
  });
});

const change = (server: Awaited<ReturnType<typeof testServer>>, key: string, payload: object) =>
  administer(server, {
    method: "PATCH",
    url: `/admin/keys/${readKey(key)!.id}`,
    headers: bearer(server.firstKey!),
    payload,
  });

describe("a change of a key", () => {
  it("leaves the limits that it does not name", async () => {
    const server = await testServer(KEYS);
    const key = await keyOf(server, { limits: { units: 1 } });
    await change(server, key, { limits: { burst: 100 } });
    expect((await post(server, URL, body, bearer(key))).status).toBe(413);
  });

  it("cannot revive one that was revoked, nor give it a new secret", async () => {
    const server = await testServer(KEYS);
    const key = await keyOf(server);
    await change(server, key, { status: "revoked" });
    expect((await change(server, key, { status: "active" })).statusCode).toBe(409);
    const url = `/admin/keys/${readKey(key)!.id}/rotate`;
    const rotated = await administer(server, { method: "POST", url, headers: bearer(server.firstKey!) });
    expect(rotated.statusCode).toBe(409);
  });
});

describe("administration", () => {
  it("is on the second port alone, for a key with its scope, and leaves a row (A14)", async () => {
    const server = await testServer(KEYS);
    const admin = (key: string | null, url = "/admin/keys") =>
      administer(server, { url, headers: key === null ? {} : bearer(key) });
    expect((await ask(server, { url: "/admin/keys", headers: bearer(server.firstKey!) })).status).toBe(404);
    expect((await ask(server, { url: "/metrics" })).status).toBe(404);
    expect((await admin(null)).statusCode).toBe(401);
    expect((await admin("osk_wrong")).statusCode).toBe(401);
    const other = await keyOf(server, { scopes: ["rerank"] });
    expect((await admin(other)).statusCode).toBe(403);
    const listed = (await admin(server.firstKey)).json();
    expect(listed.keys).toHaveLength(2);
    expect(JSON.stringify(listed)).not.toContain("mac");
    const { rows } = (await admin(server.firstKey, "/admin/audit")).json();
    const about = "GET /admin/keys";
    expect(rows).toMatchObject([
      { who: readKey(other)!.id, what: "refused 403", about, count: 1 },
      { who: readKey(server.firstKey!)!.id, what: "create" },
      { who: "nobody", what: "refused 401", about, count: 2 },
      { who: "start", what: "create" },
    ]);
  });

  it("that is tried with many keys is held off, leaves one row, and shows no secret (A14)", async () => {
    const server = await testServer({ ...KEYS, LIMITS_ADDRESS_BURST: "50" });
    const mine = readKey(server.firstKey!)!;
    const wrong = () => writeKey({ id: mine.id, secret: newSecret() });
    const keys = Array.from({ length: 80 }, wrong);
    const statuses = [];
    for (const key of keys)
      statuses.push((await administer(server, { url: "/admin/ledger", headers: bearer(key) })).statusCode);
    expect(statuses).toEqual([...Array(50).fill(401), ...Array(30).fill(429)]);
    const { body, statusCode } = await administer(server, {
      url: "/admin/audit",
      headers: bearer(server.firstKey!),
    });
    expect(statusCode).toBe(200);
    expect(JSON.parse(body).rows).toMatchObject([
      { who: mine.id, what: "refused 401", about: "GET /admin/ledger", count: 50 },
      { who: "start", what: "create" },
    ]);
    for (const key of keys) expect(body).not.toContain(readKey(key)!.secret);
  });

  it("asks for a key where no other route does", async () => {
    const server = await testServer();
    expect((await administer(server, "/admin/keys")).statusCode).toBe(401);
    expect((await administer(server, "/metrics")).statusCode).toBe(200);
  });

  it.each([
    ["a status that there is not", { status: "banana" }, "/status"],
    ["a limit below 0", { limits: { units: -1 } }, "/limits/units"],
    ["an unknown field", { tier: "platinum" }, "/tier"],
    ["a text for a number", { limits: { units: "5" } }, "/limits/units"],
  ])("refuses %s (F44)", async (_, payload, pointer) => {
    const server = await sharedServer(KEYS);
    const answer = await change(server, await keyOf(server), payload);
    expect(answer.statusCode).toBe(422);
    expect(answer.json().errors.map((fault: { pointer: string }) => fault.pointer)).toContain(pointer);
  });

  it("clears a limit that was set (F44)", async () => {
    const server = await sharedServer(KEYS);
    const key = await keyOf(server, { limits: { units: 1 } });
    expect((await post(server, URL, body, bearer(key))).status).toBe(413);
    expect((await change(server, key, { limits: { units: null } })).statusCode).toBe(200);
    expect((await post(server, URL, body, bearer(key))).status).toBe(200);
  });

  it("says 404 of a key that there is not", async () => {
    const server = await sharedServer(KEYS);
    const unknown = writeKey({ id: "a".repeat(22), secret: "b".repeat(43) });
    expect((await change(server, unknown, { name: "x" })).statusCode).toBe(404);
  });
});

describe("addresses (A25, A26)", () => {
  it("that try many keys are held off, whatever they write into X-Forwarded-For", async () => {
    const server = await testServer({ ...KEYS, LIMITS_ADDRESS_BURST: "5" });
    const attempt = (i: number) =>
      post(server, URL, body, { ...bearer("no-key"), "x-forwarded-for": `10.0.0.${i}` });
    for (let i = 0; i < 5; i++) expect((await attempt(i)).status).toBe(401);
    const { status, headers } = await attempt(9);
    expect(status).toBe(429);
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
  });

  it("that try many keys do not hold off a good one", async () => {
    const server = await testServer({ ...KEYS, LIMITS_ADDRESS_BURST: "3" });
    for (let i = 0; i < 6; i++) await post(server, URL, body, bearer("no-key"));
    expect((await post(server, URL, body, bearer("no-key"))).status).toBe(429);
    expect((await post(server, URL, body, bearer(server.firstKey!))).status).toBe(200);
  });

  it("are read from X-Forwarded-For behind a proxy that is trusted", async () => {
    const server = await testServer({ ...KEYS, LIMITS_ADDRESS_BURST: "2", TRUST_PROXY: "127.0.0.1" });
    const attempt = (address: string) =>
      post(server, URL, body, { ...bearer("no-key"), "x-forwarded-for": `6.6.6.6, ${address}` });
    for (let i = 0; i < 2; i++) expect((await attempt("10.0.0.1")).status).toBe(401);
    expect((await attempt("10.0.0.1")).status).toBe(429);
    expect((await attempt("10.0.0.2")).status).toBe(401);
  });
});

describe("bursts", () => {
  it("are told beside the units", async () => {
    const server = await testServer({ ...KEYS, LIMITS_UNITS: "1000", LIMITS_BURST: "9" });
    const { headers } = await post(server, URL, body, bearer(server.firstKey!));
    expect(headers["ratelimit-policy"]).toBe('"units";q=1000;w=3600, "burst";q=9;w=1');
    expect(headers.ratelimit).toBe('"units";r=980;t=3600, "burst";r=8;t=1');
  });

  it("of a key are held off, and others are not hurt", async () => {
    const server = await testServer({ ...KEYS, LIMITS_BURST_WINDOW: "60" });
    const [key, other] = [await keyOf(server, { limits: { burst: 3 } }), await keyOf(server)];
    const statuses = [];
    const left = [];
    for (let i = 0; i < 5; i++) {
      const { status, headers } = await post(server, URL, body, bearer(key));
      statuses.push(status);
      expect(headers["ratelimit-policy"]).toBe('"burst";q=3;w=60');
      left.push(/^"burst";r=(\d);t=\d+$/.exec(String(headers.ratelimit))?.[1]);
    }
    expect([statuses, left]).toEqual([
      [200, 200, 200, 429, 429],
      ["2", "1", "0", "0", "0"],
    ]);
    const free = await post(server, URL, body, bearer(other));
    expect([free.status, free.headers.ratelimit]).toEqual([200, undefined]);
  });
});
