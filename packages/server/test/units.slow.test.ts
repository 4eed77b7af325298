import { type InnerList, type Item, parseList } from "structured-headers";
import { describe, expect, it } from "vitest";
import { administer, base64, bearer, keyOf, pool, post, testServer } from "./testing.ts";

const URL = "/v1/oscillink/rerank";
const bodyOf = (n: number, d: number) => {
  const { query, embeddings } = pool(n, d);
  return {
    query: base64(query),
    candidates: embeddings.map((one, i) => ({ id: String(i), embedding: base64(one) })),
  };
};
describe("units on the wire", () => {
  it("are told as RFC 9651 has it, and after `t` seconds the next request passes (A24)", async () => {
    const server = await testServer({
      AUTH: "keys",
      LIMITS_UNITS: "60",
      LIMITS_UNITS_WINDOW: "1",
      LIMITS_UNITS_MONTH: "500",
    });
    const key = bearer(server.firstKey!);
    const first = await post(server, URL, bodyOf(10, 4), key);
    const fields = (name: string) => (list: string) =>
      Object.fromEntries(
        (parseList(list) as (Item | InnerList)[]).map(([id, parameters]) => [id, parameters.get(name)]),
      );
    expect(fields("q")(String(first.headers["ratelimit-policy"]))).toEqual({ units: 60, month: 500 });
    expect(fields("w")(String(first.headers["ratelimit-policy"]))).toEqual({ units: 1, month: undefined });
    expect(fields("r")(String(first.headers.ratelimit))).toEqual({ units: 20, month: 460 });
    const refused = await post(server, URL, bodyOf(10, 4), key);
    expect(refused.status).toBe(429);
    expect(refused.json).toMatchObject({
      "violated-policies": ["units"],
      type: expect.stringMatching(/quota-exceeded$/),
    });
    const wait = Number(refused.headers["retry-after"]);
    expect(wait).toBe(fields("t")(String(refused.headers.ratelimit)).units);
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    expect((await post(server, URL, bodyOf(10, 4), key)).status).toBe(200);
  });

  it("are charged for answers alone: what is refused costs nothing (A3, A22)", async () => {
    const server = await testServer({ AUTH: "keys", LIMITS_UNITS: "1000000" });
    const key = bearer(server.firstKey!);
    const bad = { ...bodyOf(10, 4), k: 0 };
    for (const body of ["{", {}, bad, { ...bodyOf(10, 4), model: "none" }]) {
      expect((await post(server, URL, body, key)).status).toBeGreaterThanOrEqual(400);
    }
    const { headers } = await post(server, URL, bodyOf(10, 4), key);
    expect(headers.ratelimit).toMatch(/"units";r=999960;/);
    const { keys } = (await administer(server, { url: "/admin/keys", headers: key })).json();
    const usage = await administer(server, { url: `/admin/keys/${keys[0].id}/usage`, headers: key });
    expect(usage.json().limits[0]).toMatchObject({ left: 999_960 });
    const ledger = (await administer(server, { url: "/admin/ledger", headers: key })).body
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(ledger.map(({ outcome, units }) => [outcome, units])).toEqual([
      ["refunded", 0],
      ["refunded", 0],
      ["charged", 40],
    ]);
  });

  it.each([
    [
      "one value as the query's vector",
      { query: [1], queryText: "b", candidates: [{ text: "a" }], missing: "append" },
      384,
    ],
    ["nothing to rank", { query: [1], candidates: [] }, 1],
    [
      "one vector among two",
      { query: [1, 0], queryText: "a", candidates: [{ embedding: [1, 0], text: "a" }, { text: "b" }] },
      386,
    ],
  ])("count each document by what it has: %s", async (_, body, units) => {
    const server = await testServer({ AUTH: "keys", LIMITS_UNITS: "1000000" });
    const { headers } = await post(server, URL, body, bearer(server.firstKey!));
    expect(Number(/r=(\d+)/.exec(String(headers.ratelimit))?.[1] ?? 1_000_000)).toBe(1_000_000 - units);
  });

  it("of several requests at once are counted for each, an empty one too", async () => {
    const server = await testServer({ AUTH: "keys", LIMITS_UNITS: "1000000" });
    const requests = Array(5).fill({ query: [1], candidates: [] });
    const { status, headers } = await post(server, `${URL}-many`, { requests }, bearer(server.firstKey!));
    expect([status, headers.ratelimit]).toEqual([200, expect.stringContaining("r=999995;")]);
  });

  it("of a request that is larger than the limit are refused for good", async () => {
    const server = await testServer({ AUTH: "keys", LIMITS_UNITS: "39" });
    expect((await post(server, URL, bodyOf(10, 4), bearer(server.firstKey!))).status).toBe(413);
  });

  it("of a key are its own, and so are its limits", async () => {
    const server = await testServer({ AUTH: "keys", LIMITS_UNITS: "50" });
    const [small, large] = [await keyOf(server), await keyOf(server, { limits: { units: 90 } })];
    const statuses = [];
    for (const key of [small, small, large, large, large]) {
      statuses.push((await post(server, URL, bodyOf(10, 4), bearer(key))).status);
    }
    expect(statuses).toEqual([200, 429, 200, 200, 429]);
  });
});

describe("answers that are kept (A9)", () => {
  it("cost a tenth, and are the same but for their id", async () => {
    const server = await testServer({ AUTH: "keys", LIMITS_UNITS: "1000", CACHE_BYTES: "1000000" });
    const key = bearer(server.firstKey!);
    const [first, second] = [
      await post(server, URL, bodyOf(10, 4), key),
      await post(server, URL, bodyOf(10, 4), key),
    ];
    expect(second.headers.ratelimit).toMatch(/"units";r=920;/);
    expect(second.json.id).toBe(second.headers["x-request-id"]);
    expect({ ...second.json, id: 0 }).toEqual({ ...first.json, id: 0 });
    const { headers } = await post(server, URL, bodyOf(10, 4), key);
    // 40, and twice 4 of it.
    expect(headers.ratelimit).toMatch(/"units";r=916;/);
  });

  it("are those of another server without a cache, for pairs that differ in one field", async () => {
    const server = await testServer({ CACHE_BYTES: "10000000" });
    const plain = await testServer();
    const pool = bodyOf(8, 4);
    const text = (words: string) =>
      pool.candidates.map((one, i) => ({ ...one, text: i === 2 ? words : "ferry" }));
    const body = { ...pool, candidates: text("terns nest"), queryText: "terns", k: 3 };
    const variants = [
      body,
      { ...body, k: 4 },
      { ...body, queryText: "tern" },
      { ...body, query: pool.candidates[0]!.embedding },
      { ...body, candidates: text("tern nests") },
      { ...body, candidates: body.candidates.map((one, i) => (i === 0 ? { ...one, trust: 0.5 } : one)) },
      { ...body, lamC: 0.25 },
      { ...body, profile: "cosine" },
    ];
    for (let round = 0; round < 2; round++) {
      for (const variant of variants) {
        const [kept, fresh] = await Promise.all([post(server, URL, variant), post(plain, URL, variant)]);
        expect(kept.status).toBe(200);
        expect(kept.json.receipt.digest).toBe(fresh.json.receipt.digest);
      }
    }
  });
});
