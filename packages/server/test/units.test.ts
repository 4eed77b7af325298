import fc from "fast-check";
import { type InnerList, type Item, parseList } from "structured-headers";
import { describe, expect, it } from "vitest";
import type { LedgerRow } from "../src/state/durable.ts";
import type { UnitLimits } from "../src/state/shared.ts";
import { openState } from "../src/state/sqlite/open.ts";
import { base64, bearer, keyOf, pool, post, testServer } from "./testing.ts";

const URL = "/v1/oscillink/rerank";
const bodyOf = (n: number, d: number) => {
  const { query, embeddings } = pool(n, d);
  return {
    query: base64(query),
    candidates: embeddings.map((one, i) => ({ id: String(i), embedding: base64(one) })),
  };
};
const row = (id: string, units: number): LedgerRow => ({
  ...{ id, at: 0, tenant: "t", keyId: "k", route: "r", n: 1, d: 1, units },
  ...{ outcome: units > 0 ? "charged" : "refunded", durationMs: 1, digest: null },
});
const NOON = Date.UTC(2026, 10, 15, 12);
const asked = (id: string, units: number, limits: UnitLimits, now = NOON) => ({
  ...{ id, keyId: "k", units, limits, now, expires: now + 60_000 },
});

describe("units of the store", () => {
  const open = () => openState(":memory:").shared.limits;

  it("100 reservations of 19 at 1000 at once: exactly 52, and 988 are counted (A18)", async () => {
    const limits = open();
    const all = { units: 1000, window: 60, month: 0 };
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => limits.reserve(asked(String(i), 19, all))),
    );
    expect(answers.filter(({ refused }) => refused.length === 0)).toHaveLength(52);
    expect((await limits.used("k", all, NOON))[0]).toMatchObject({ left: 12 });
    // A small one still fits, though large ones were refused (F7).
    expect((await limits.reserve(asked("small", 12, all))).refused).toEqual([]);
  });

  it.each([
    ["units", { units: 10, window: 60, month: 1000 }, "month", 1000],
    ["month", { units: 1000, window: 60, month: 10 }, "units", 1000],
  ] as const)("where %s refuses, the other is not touched (A21)", async (which, all, other, left) => {
    const limits = open();
    const { refused } = await limits.reserve(asked("a", 11, all));
    expect(refused).toEqual([which]);
    expect((await limits.used("k", all, NOON)).find(({ name }) => name === other)).toMatchObject({ left });
  });

  it("settle once: a second time, and after a refund, nothing moves (A22)", async () => {
    const limits = open();
    const all = { units: 100, window: 60, month: 100 };
    await limits.reserve(asked("a", 40, all));
    await limits.reserve(asked("b", 30, all));
    expect(await limits.settle("a", row("a", 4))).toBe(true);
    expect(await limits.settle("a", row("a", 40))).toBe(false);
    expect(await limits.settle("b", row("b", 0))).toBe(true);
    expect((await limits.used("k", all, NOON)).map(({ left }) => left)).toEqual([96, 96]);
  });

  it("that nobody spoke for are given back", async () => {
    const limits = open();
    const all = { units: 100, window: 3600, month: 100 };
    await limits.reserve(asked("a", 40, all));
    expect(await limits.sweep(NOON + 60_000)).toBe(0);
    expect(await limits.sweep(NOON + 60_001)).toBe(1);
    expect((await limits.used("k", all, NOON)).map(({ left }) => left)).toEqual([100, 100]);
  });

  it("the month ends at 00:00 UTC, and a clock that is set back opens neither a month nor a window (A23)", async () => {
    const limits = open();
    const all = { units: 100, window: 3600, month: 100 };
    const midnight = Date.UTC(2026, 11, 1);
    await limits.reserve(asked("a", 60, all, midnight - 1));
    expect((await limits.reserve(asked("b", 60, all, midnight - 1))).refused).toEqual(["units", "month"]);
    // A new month, the same window.
    expect((await limits.reserve(asked("c", 60, all, midnight + 1))).refused).toEqual(["units"]);
    expect((await limits.reserve(asked("d", 40, all, midnight + 1))).refused).toEqual([]);
    // Back in November, as the clock says: December's counter holds, and the window is not fresh.
    const back = midnight - 3_600_000;
    expect((await limits.reserve(asked("e", 61, all, back))).refused).toEqual(["units", "month"]);
    const [units, month] = await limits.used("k", all, back);
    expect([units!.left, month!.left]).toEqual([0, 60]);
  });

  it("random sequences are what a sequential model says (A20)", async () => {
    const step = fc.record({
      units: fc.integer({ min: 1, max: 60 }),
      settle: fc.constantFrom("all", "tenth", "none", "later"),
      wait: fc.integer({ min: 0, max: 40_000 }),
    });
    const all = { units: 100, window: 60, month: 400 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const limits = open();
        let now = NOON;
        let window = { start: 0, used: 0 };
        let month = 0;
        for (const [i, { units, settle, wait }] of steps.entries()) {
          now += wait;
          if (now >= window.start + 60_000) window = { start: now, used: 0 };
          const fits = window.used + units <= 100 && month + units <= 400;
          const { refused } = await limits.reserve({
            ...asked(String(i), units, all, now),
            expires: Number.MAX_SAFE_INTEGER,
          });
          expect(refused.length === 0).toBe(fits);
          if (!fits) continue;
          const charged = { all: units, tenth: Math.ceil(units / 10), none: 0, later: units }[settle];
          if (settle !== "later") await limits.settle(String(i), row(String(i), charged));
          window.used += charged;
          month += charged;
        }
        const remains = await limits.used("k", all, now);
        expect(remains.map(({ left }) => left)).toEqual([
          100 - (now < window.start + 60_000 ? window.used : 0),
          400 - month,
        ]);
      }),
      { numRuns: 300 },
    );
  });
});

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
    const { keys } = (await server.admin.inject({ url: "/admin/keys", headers: key })).json();
    const usage = await server.admin.inject({ url: `/admin/keys/${keys[0].id}/usage`, headers: key });
    expect(usage.json().limits[0]).toMatchObject({ left: 999_960 });
    const ledger = (await server.admin.inject({ url: "/admin/ledger", headers: key })).body
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(ledger.map(({ outcome, units }) => [outcome, units])).toEqual([
      ["refunded", 0],
      ["refunded", 0],
      ["charged", 40],
    ]);
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
