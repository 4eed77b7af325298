/** What every driver of `Durable` must do. A driver runs it by a call with what opens it. */
import { describe, expect, it } from "vitest";
import type { Kept, KeyRecord } from "../../src/state/durable.ts";
import type { State } from "../../src/state/state.ts";

/** An empty store, and how to close it and open it again with what it holds. */
export interface Opened {
  readonly state: State;
  reopen(): Promise<State>;
}

const NOON = Date.UTC(2026, 10, 15, 12);
const DAY = 24 * 3_600_000;

const record = (id: string): KeyRecord => ({
  ...{ id, tenant: "t", name: "n", scopes: ["rerank", "jobs"], status: "active", created: NOON },
  ...{ expires: NOON + DAY, limits: { units: 5, unitsMonth: null, burst: 0 } },
  secrets: [{ mac: "m", until: null }],
});

export function durableContract(name: string, open: () => Promise<Opened>): void {
  describe(`keys of ${name}`, () => {
    it("come back as they were written, also after a restart", async () => {
      const { state, reopen } = await open();
      await state.durable.keys.add(record("a"));
      expect(await state.durable.keys.get("a")).toEqual(record("a"));
      const { keys } = (await reopen()).durable;
      expect(await keys.get("a")).toEqual(record("a"));
      expect(await keys.get("b")).toBeNull();
      expect(await keys.list()).toEqual([record("a")]);
    });

    it("lose no change of two at once", async () => {
      const { keys } = (await open()).state.durable;
      await keys.add(record("a"));
      const [suspended] = await Promise.all([
        keys.update("a", (before) => ({ ...before, status: "suspended" })),
        keys.update("a", (before) => ({ ...before, name: "other" })),
      ]);
      expect(suspended).toMatchObject({ status: "suspended" });
      expect(await keys.get("a")).toEqual({ ...record("a"), status: "suspended", name: "other" });
      expect(await keys.update("b", (before) => before)).toBeNull();
    });

    it("of one id are written once: a second fails, and takes no other write with it", async () => {
      const { keys } = (await open()).state.durable;
      await keys.add(record("a"));
      const [second, other] = await Promise.allSettled([keys.add(record("a")), keys.add(record("b"))]);
      expect([second.status, other.status]).toEqual(["rejected", "fulfilled"]);
      expect((await keys.list()).map(({ id }) => id)).toEqual(["a", "b"]);
    });
  });

  describe(`idempotency of ${name}`, () => {
    const scope = { tenant: "t", route: "/r", key: "k" };
    const kept: Kept = { status: 200, headers: { "x-a": "1" }, body: '{"å":1}' };
    const lease = (begun: { state: string }): number => {
      expect(begun.state).toBe("new");
      return (begun as unknown as { lease: number }).lease;
    };

    it("lets one of 50 begin (A32)", async () => {
      const { idempotency } = (await open()).state.durable;
      const states = await Promise.all(
        Array.from({ length: 50 }, async () => (await idempotency.begin(scope, "f", NOON)).state),
      );
      expect(states.filter((state) => state === "new")).toHaveLength(1);
      expect(states.filter((state) => state === "running")).toHaveLength(49);
    });

    it("keeps an answer for a day, over a restart, for the same body alone (A32)", async () => {
      const { state, reopen } = await open();
      const first = state.durable.idempotency;
      await first.finish(scope, lease(await first.begin(scope, "f", NOON)), kept, NOON);
      const { idempotency } = (await reopen()).durable;
      expect(await idempotency.begin(scope, "f", NOON + DAY - 1)).toEqual({ state: "done", kept });
      expect(await idempotency.begin(scope, "g", NOON + DAY - 1)).toEqual({ state: "other" });
      lease(await idempotency.begin(scope, "g", NOON + DAY + 1));
    });

    it("is apart by tenant, route and key (A15)", async () => {
      const { idempotency } = (await open()).state.durable;
      for (const other of [{}, { tenant: "u" }, { route: "/s" }, { key: "l" }])
        lease(await idempotency.begin({ ...scope, ...other }, "f", NOON));
    });

    it("gives a key free that was abandoned, and one whose lease has ended", async () => {
      const { idempotency } = (await open()).state.durable;
      await idempotency.abandon(scope, lease(await idempotency.begin(scope, "f", NOON)));
      lease(await idempotency.begin(scope, "g", NOON));
      lease(await idempotency.begin(scope, "h", NOON + 3_600_000));
    });

    it("takes nothing from who was too late: the key may be another's", async () => {
      const { idempotency } = (await open()).state.durable;
      const late = lease(await idempotency.begin(scope, "f", NOON));
      const second = lease(await idempotency.begin(scope, "g", NOON + 3_600_000));
      await idempotency.finish(scope, late, kept, NOON + 3_600_000);
      await idempotency.abandon(scope, late);
      expect((await idempotency.begin(scope, "g", NOON + 3_600_000)).state).toBe("running");
      await idempotency.finish(scope, second, { ...kept, body: "second" }, NOON + 3_600_000);
      // And an answer that is there is not taken away.
      await idempotency.abandon(scope, second);
      expect(await idempotency.begin(scope, "g", NOON + 3_600_000)).toMatchObject({
        state: "done",
        kept: { body: "second" },
      });
    });
  });

  describe(`the ledger of ${name}`, () => {
    async function charge({ shared }: State, id: string, keyId: string): Promise<void> {
      const at = NOON + Number(id);
      const limits = { units: 0, window: 60, month: 0 };
      await shared.limits.reserve({ id, keyId, units: 3, limits, now: at, expires: at + 1 });
      await shared.limits.settle(id, {
        ...{ id, at, tenant: "t", keyId, route: "/r", n: 1, d: 3, units: 3, outcome: "charged" },
        ...{ durationMs: 1.5, digest: "sha256:0" },
      });
    }

    it("gives more rows than fit a page in their order, to several readers at once", async () => {
      const { state } = await open();
      const ids = Array.from({ length: 1203 }, (_, i) => String(i));
      for (const id of ids) await charge(state, id, `k${Number(id) % 2}`);
      const read = async (since: number) => {
        const rows = [];
        for await (const row of state.durable.ledger.rows(since)) rows.push(row);
        return rows;
      };
      const [all, late] = await Promise.all([read(0), read(NOON + 1200)]);
      expect(all.map(({ id }) => id)).toEqual(ids);
      expect(late.map(({ id }) => id)).toEqual(["1200", "1201", "1202"]);
      expect(all[5]).toEqual({
        ...{ id: "5", at: NOON + 5, tenant: "t", keyId: "k1", route: "/r", n: 1, d: 3, units: 3 },
        ...{ outcome: "charged", durationMs: 1.5, digest: "sha256:0" },
      });
      // A thousand at a time.
      const gone = [];
      for (let i = 0; i < 3; i++) gone.push(await state.durable.ledger.forget(NOON + 1100));
      expect(gone).toEqual([1000, 100, 0]);
      expect((await read(0)).map(({ id }) => id)).toEqual(ids.slice(1100));
    });

    it("sums what was charged from a time on, up to another", async () => {
      const { state } = await open();
      for (const [i, keyId] of ["k0", "k1", "k0", "k0"].entries()) await charge(state, String(i), keyId);
      expect(await state.durable.ledger.sums(NOON, NOON + 3)).toEqual([
        { keyId: "k0", units: 6, requests: 2 },
        { keyId: "k1", units: 3, requests: 1 },
      ]);
    });
  });

  describe(`the audit rows of ${name}`, () => {
    it("come the latest first, also after a restart", async () => {
      const { state, reopen } = await open();
      for (const what of ["one", "two", "three"])
        await state.durable.audit.add({ at: NOON, who: "command", what, about: "a" });
      const rows = await (await reopen()).durable.audit.rows(2);
      expect(rows.map(({ what }) => what)).toEqual(["three", "two"]);
    });

    it("of refusals are one an hour for what says the same, with a count (A14)", async () => {
      const { audit } = (await open()).state.durable;
      const refusal = { at: NOON, who: "nobody", what: "refused 401", about: "GET /admin/keys" };
      for (let i = 0; i < 9; i++) await audit.refuse({ ...refusal, at: NOON + i * 60_000 }, 10);
      await audit.refuse({ ...refusal, who: "a" }, 10);
      await audit.refuse({ ...refusal, at: NOON + 3_600_000 }, 10);
      expect(await audit.rows(9)).toEqual([
        { ...refusal, at: NOON + 3_600_000, count: 1 },
        { ...refusal, who: "a", count: 1 },
        { ...refusal, count: 9 },
      ]);
    });

    it("of refusals are so many at most, and push no change out (A14)", async () => {
      const { audit } = (await open()).state.durable;
      const row = { at: NOON, who: "command", what: "create", about: "a" };
      await audit.add(row);
      for (let i = 0; i < 50; i++)
        await audit.refuse({ at: NOON, who: "nobody", what: "refused 401", about: `GET /${i}` }, 10);
      const rows = await audit.rows(99);
      expect(rows.map(({ about }) => about)).toEqual([
        ...Array.from({ length: 10 }, (_, i) => `GET /${49 - i}`),
        "a",
      ]);
    });
  });

  describe(`learning of ${name}`, () => {
    const answer = {
      ...{ digest: "sha256:0", keyId: "a", profile: "cosine", at: NOON },
      ...{ ids: ["x", "å"], others: ["y"] },
    };

    it("gives an answer to its key once, however often it is given", async () => {
      const { learning } = (await open()).state.durable;
      await learning.remember(answer);
      expect(await learning.take(answer.digest, "b")).toBeNull();
      expect(await learning.find(answer.digest, "b")).toBeNull();
      // Who only looks takes nothing.
      for (const _ of "ab") expect(await learning.find(answer.digest, "a")).toEqual(answer);
      expect(await learning.take(answer.digest, "a")).toEqual(answer);
      await learning.remember({ ...answer, at: NOON + 1 });
      expect(await learning.find(answer.digest, "a")).toBeNull();
      expect(await learning.take(answer.digest, "a")).toBeNull();
    });

    it("forgets after 30 days", async () => {
      const { learning } = (await open()).state.durable;
      await learning.remember(answer);
      await learning.remember({ ...answer, digest: "sha256:1", at: NOON + 30 * DAY + 1 });
      expect(await learning.take(answer.digest, "a")).toBeNull();
    });

    it("adds rewards up by key and profile, over a restart, and forgets them when told to", async () => {
      const { state, reopen } = await open();
      for (const [key, profile, reward] of [
        ["a", "cosine", 0.5],
        ["a", "cosine", 1],
        ["a", "evidence", 0],
        ["b", "cosine", 1],
      ] as const)
        await state.durable.learning.reward(key, profile, reward);
      await state.durable.learning.pin("a", "cosine");
      const { learning } = (await reopen()).durable;
      expect(await learning.arms("a")).toEqual([
        { profile: "cosine", count: 2, sum: 1.5, squares: 1.25 },
        { profile: "evidence", count: 1, sum: 0, squares: 0 },
      ]);
      await learning.reset("a");
      expect([await learning.arms("a"), (await learning.arms("b")).length]).toEqual([[], 1]);
      expect(await learning.pinned("a")).toBe("cosine");
      await learning.pin("a", null);
      expect(await learning.pinned("a")).toBeNull();
    });
  });
}
