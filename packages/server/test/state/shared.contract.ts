/** What every driver of `Shared` must do. A driver runs it by a call with what opens it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LedgerRow } from "../../src/state/durable.ts";
import type { Job, UnitLimits } from "../../src/state/shared.ts";
import type { Opened } from "./durable.contract.ts";

const NOON = Date.UTC(2026, 10, 15, 12);
const asked = (id: string, units: number, limits: UnitLimits, now = NOON, keyId = "k") => ({
  ...{ id, keyId, units, limits, now, expires: now + 60_000 },
});
const row = (id: string, units: number, keyId = "k"): LedgerRow => ({
  ...{ id, at: NOON, tenant: "t", keyId, route: "/r", n: 1, d: 1, units },
  ...{ outcome: units > 0 ? "charged" : "refunded", durationMs: 1, digest: null },
});

export function sharedContract(name: string, open: () => Promise<Opened>): void {
  limitsContract(name, open);
  queueContract(name, open);
}

function limitsContract(name: string, open: () => Promise<Opened>): void {
  describe(`units of ${name}`, () => {
    it("100 reservations of 19 at 1000 at once: exactly 52, and 988 are counted (A18)", async () => {
      const { limits } = (await open()).state.shared;
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
      ["units", { units: 10, window: 60, month: 1000 }, "month"],
      ["month", { units: 1000, window: 60, month: 10 }, "units"],
    ] as const)("where %s refuses, the other is not touched (A21)", async (which, all, other) => {
      const { limits } = (await open()).state.shared;
      await limits.reserve(asked("a", 5, all));
      for (let i = 0; i < 20; i++)
        expect((await limits.reserve(asked("b", 6, all))).refused).toEqual([which]);
      const remains = await limits.used("k", all, NOON);
      expect(remains.find((one) => one.name === other)).toMatchObject({ left: 995 });
    });

    it("without a limit are counted all the same, and nothing is said to remain", async () => {
      const { limits } = (await open()).state.shared;
      const none = { units: 0, window: 60, month: 0 };
      expect(await limits.reserve(asked("a", 1e9, none))).toEqual({ refused: [], remains: [] });
      const [units] = await limits.used("k", { ...none, units: 2e9 }, NOON);
      expect(units).toEqual({ name: "units", limit: 2e9, left: 1e9, reset: 60, window: 60 });
    });

    it("settle once: a second time, and after a refund, nothing moves (A22)", async () => {
      const { state } = await open();
      const { limits } = state.shared;
      const all = { units: 100, window: 60, month: 100 };
      await limits.reserve(asked("a", 40, all));
      await limits.reserve(asked("b", 30, all));
      expect(await limits.settle("a", row("a", 4))).toBe(true);
      expect(await limits.settle("a", row("a", 40))).toBe(false);
      expect(await limits.settle("b", row("b", 0))).toBe(true);
      expect(await limits.settle("b", row("b", 30))).toBe(false);
      expect(await limits.settle("never", row("never", 30))).toBe(false);
      expect((await limits.used("k", all, NOON)).map(({ left }) => left)).toEqual([96, 96]);
      expect(await state.durable.ledger.sums(0, NOON + 1)).toEqual([{ keyId: "k", units: 4, requests: 2 }]);
    });

    it("that nobody spoke for are given back, also after a restart", async () => {
      const { state, reopen } = await open();
      const all = { units: 100, window: 3600, month: 100 };
      await state.shared.limits.reserve(asked("a", 40, all));
      const { limits } = (await reopen()).shared;
      expect((await limits.used("k", all, NOON)).map(({ left }) => left)).toEqual([60, 60]);
      expect(await limits.sweep(NOON + 60_000)).toBe(0);
      expect(await limits.sweep(NOON + 60_001)).toBe(1);
      expect((await limits.used("k", all, NOON)).map(({ left }) => left)).toEqual([100, 100]);
      // Too late: it is neither charged nor written down.
      expect(await limits.settle("a", row("a", 40))).toBe(false);
    });

    it("given back after their window has ended do not enlarge the next one", async () => {
      const { limits } = (await open()).state.shared;
      const all = { units: 100, window: 60, month: 1000 };
      await limits.reserve(asked("a", 100, all));
      await limits.reserve(asked("b", 100, all, NOON + 60_000));
      await limits.settle("a", row("a", 0));
      expect((await limits.used("k", all, NOON + 60_000)).map(({ left }) => left)).toEqual([0, 900]);
      expect((await limits.reserve(asked("c", 1, all, NOON + 60_000))).refused).toEqual(["units"]);
    });

    it("the month ends at 00:00 UTC, and a clock that is set back opens neither a month nor a window (A23)", async () => {
      const { limits } = (await open()).state.shared;
      const all = { units: 100, window: 3600, month: 100 };
      const midnight = Date.UTC(2026, 11, 1);
      await limits.reserve(asked("a", 60, all, midnight - 1));
      expect((await limits.reserve(asked("b", 60, all, midnight - 1))).refused).toEqual(["units", "month"]);
      expect((await limits.used("k", all, midnight - 1))[1]).toMatchObject({ left: 40, reset: 1 });
      // A new month, the same window.
      expect((await limits.reserve(asked("c", 60, all, midnight))).refused).toEqual(["units"]);
      expect((await limits.reserve(asked("d", 40, all, midnight))).refused).toEqual([]);
      // Back in November, as the clock says: December's counter holds, and the window is not fresh.
      const back = midnight - 3_600_000;
      expect((await limits.reserve(asked("e", 61, all, back))).refused).toEqual(["units", "month"]);
      const [units, month] = await limits.used("k", all, back);
      expect([units!.left, month!.left]).toEqual([0, 60]);
      // And once the clock is right again, the same window ends when it would have.
      expect((await limits.reserve(asked("f", 60, all, midnight + 3_599_998))).refused).toEqual(["units"]);
      expect((await limits.reserve(asked("g", 60, all, midnight + 3_599_999))).refused).toEqual([]);
    });

    it("1,000 random sequences are what a sequential model says, and no limit is passed (A20)", async () => {
      const { limits } = (await open()).state.shared;
      const all = { units: 100, window: 60, month: 300 };
      const key = fc.constantFrom("a", "b");
      const step = fc.oneof(
        {
          weight: 5,
          arbitrary: fc.record({ do: fc.constant("reserve"), key, units: fc.integer({ min: 1, max: 70 }) }),
        },
        {
          weight: 4,
          arbitrary: fc.record({
            do: fc.constant("settle"),
            which: fc.nat(),
            share: fc.constantFrom(0, 0.1, 1),
          }),
        },
        // Three days at most, and back again by an hour.
        {
          weight: 3,
          arbitrary: fc.record({
            do: fc.constant("wait"),
            ms: fc.oneof(fc.integer({ min: -3_600_000, max: 90_000 }), fc.nat(3 * 24 * 3_600_000)),
          }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant("sweep") }) },
      );
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step as fc.Arbitrary<Step>, { maxLength: 40 }), async (steps) => {
          const model = new Model(all);
          // Every sequence has its own keys, and reservations that no other's sweep can end.
          const [prefix, held] = [`${run++}-`, [] as string[]];
          let now = Date.UTC(2026, 10, 29, 12);
          for (const [i, one] of steps.entries()) {
            if (one.do === "wait") now += one.ms;
            else if (one.do === "reserve") {
              const id = `${prefix}${i}`;
              const { refused } = await limits.reserve({
                ...asked(id, one.units, all, now, prefix + one.key),
                expires: now + 600_000,
              });
              expect(refused).toEqual(model.reserve(id, one.key, one.units, now));
              if (refused.length === 0) held.push(id);
            } else if (one.do === "settle" && held.length > 0) {
              const id = held[one.which % held.length]!;
              const units = Math.ceil(model.unitsOf(id) * one.share);
              expect(await limits.settle(id, row(id, units))).toBe(model.settle(id, units));
            } else if (one.do === "sweep") {
              await limits.sweep(now);
              model.sweep(now);
            }
            for (const name of ["a", "b"]) {
              const [units, month] = await limits.used(prefix + name, all, now);
              expect([units!.left, month!.left]).toEqual(model.left(name, now));
              expect(Math.min(...model.left(name, now))).toBeGreaterThanOrEqual(0);
            }
          }
        }),
        { numRuns: 1000 },
      );
    }, 30_000);
  });
}

type Step =
  | { readonly do: "reserve"; readonly key: string; readonly units: number }
  | { readonly do: "settle"; readonly which: number; readonly share: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "sweep" };

interface Held {
  readonly key: string;
  readonly units: number;
  readonly window: { charged: number };
  readonly month: { charged: number };
  readonly expires: number;
  open: boolean;
}

/** Limits as one would keep them in one's head: a list of windows and months a key, of which the last holds. */
class Model {
  private readonly windows = new Map<string, { start: number; charged: number }>();
  private readonly months = new Map<string, { name: string; charged: number }>();
  private readonly held = new Map<string, Held>();
  private readonly limits: UnitLimits;

  constructor(limits: UnitLimits) {
    this.limits = limits;
  }

  private at(key: string, now: number) {
    const [window, month] = [this.windows.get(key), this.months.get(key)];
    const name = new Date(now).toISOString().slice(0, 7);
    return {
      window: window && now - window.start < this.limits.window * 1000 ? window : { start: now, charged: 0 },
      month: month && month.name >= name ? month : { name, charged: 0 },
    };
  }

  reserve(id: string, key: string, units: number, now: number): string[] {
    const { window, month } = this.at(key, now);
    const refused = [
      ...(window.charged + units > this.limits.units ? ["units"] : []),
      ...(month.charged + units > this.limits.month ? ["month"] : []),
    ];
    if (refused.length > 0) return refused;
    window.charged += units;
    month.charged += units;
    this.windows.set(key, window);
    this.months.set(key, month);
    this.held.set(id, { key, units, window, month, expires: now + 600_000, open: true });
    return [];
  }

  unitsOf = (id: string): number => this.held.get(id)!.units;

  settle(id: string, units: number): boolean {
    const held = this.held.get(id)!;
    if (!held.open) return false;
    held.open = false;
    for (const counter of [held.window, held.month]) counter.charged -= held.units - units;
    return true;
  }

  sweep(now: number): void {
    for (const [id, { expires }] of this.held) if (expires < now) this.settle(id, 0);
  }

  left(key: string, now: number): number[] {
    const { window, month } = this.at(key, now);
    return [this.limits.units - window.charged, this.limits.month - month.charged];
  }
}

function queueContract(name: string, open: () => Promise<Opened>): void {
  describe(`jobs of ${name}`, () => {
    const job = (id: string, tenant = "t"): Job => ({
      ...{ id, tenant, keyId: "k", shape: "own", created: NOON },
      body: Uint8Array.from({ length: 70_000 }, (_, i) => i % 251),
    });
    const soon = NOON + 15_000;

    it("are taken in the order in which they came, as they were, after a restart too", async () => {
      const { state, reopen } = await open();
      for (const id of ["c", "a", "b"]) expect(await state.shared.queue.add(job(id), 9)).toBe(true);
      expect((await state.shared.queue.take(NOON, soon))!.id).toBe("c");
      const { queue } = (await reopen()).shared;
      const second = (await queue.take(NOON, soon))!;
      expect({ ...second, body: Uint8Array.from(second.body) }).toEqual({ ...job("a"), attempt: 1 });
      expect((await queue.take(NOON, soon))!.id).toBe("b");
      expect(await queue.take(NOON, soon)).toBeNull();
      expect(await queue.counts()).toEqual({ queued: 0, running: 3, done: 0, failed: 0, cancelled: 0 });
    });

    it("are each taken by one of many", async () => {
      const { queue } = (await open()).state.shared;
      for (let i = 0; i < 20; i++) await queue.add(job(String(i)), 20);
      const taken = await Promise.all(Array.from({ length: 30 }, () => queue.take(NOON, soon)));
      const ids = taken.flatMap((one) => (one ? [one.id] : []));
      expect([ids.length, new Set(ids).size]).toEqual([20, 20]);
    });

    it("are so many of a tenant at most, and one id is one job", async () => {
      const { queue } = (await open()).state.shared;
      const added = [];
      for (const id of ["a", "b", "a", "c"]) added.push(await queue.add(job(id), 2));
      expect(added).toEqual([true, true, true, false]);
      expect(await queue.add(job("d", "u"), 2)).toBe(true);
      expect((await queue.counts()).queued).toBe(3);
      // One that is worked on waits no more.
      await queue.take(NOON, soon);
      expect(await queue.add(job("c"), 2)).toBe(true);
    });

    it("are taken again when their worker says nothing, and end once", async () => {
      const { queue } = (await open()).state.shared;
      await queue.add(job("a"), 9);
      await queue.take(NOON, soon);
      expect(await queue.take(soon, soon + 1)).toBeNull();
      expect(await queue.beat("a", soon + 10_000)).toBe(true);
      expect(await queue.take(soon + 10_000, soon)).toBeNull();
      expect((await queue.take(soon + 10_001, soon + 20_000))!.id).toBe("a");
      expect(await queue.finish("a", "done", "1", soon, row("a", 0))).toBe(true);
      // The first one comes back, and is too late.
      expect(await queue.finish("a", "failed", "2", soon, row("a", 0))).toBe(false);
      expect(await queue.beat("a", soon)).toBe(false);
      expect(await queue.get("a", "t")).toMatchObject({ state: "done", answer: "1", finished: soon });
    });

    it("count how often they were begun, also after a restart", async () => {
      const { state, reopen } = await open();
      await state.shared.queue.add(job("a"), 9);
      await state.shared.queue.add(job("b"), 9);
      expect(await state.shared.queue.take(NOON, soon)).toMatchObject({ id: "a", attempt: 1 });
      const { queue } = (await reopen()).shared;
      expect(await queue.take(soon + 1, soon + 2)).toMatchObject({ id: "a", attempt: 2 });
      // What is put back is the next again.
      await queue.putBack("a", true);
      expect(await queue.get("a", "t")).toMatchObject({ state: "queued" });
      expect(await queue.take(NOON, soon)).toMatchObject({ id: "a", attempt: 3 });
      await queue.putBack("a", false);
      expect(await queue.take(NOON, soon)).toMatchObject({ id: "a", attempt: 3 });
      // What was cancelled, or never taken, is not put back.
      await queue.cancel("a", "t", NOON, row("a", 0));
      for (const id of ["a", "b"]) await queue.putBack(id, false);
      expect(await queue.get("a", "t")).toMatchObject({ state: "cancelled" });
      expect(await queue.take(NOON, soon)).toMatchObject({ id: "b", attempt: 1 });
    });

    it("settle their units with their end, and once (A22)", async () => {
      const { state } = await open();
      const { queue, limits } = state.shared;
      const all = { units: 100, window: 60, month: 100 };
      const left = async () => (await limits.used("k", all, NOON)).map((one) => one.left);
      for (const id of ["a", "b", "c", "d"]) {
        await limits.reserve(asked(id, 20, all));
        await queue.add(job(id), 9);
      }
      expect(await left()).toEqual([20, 20]);
      // One that only waits has no end to settle.
      expect(await queue.finish("a", "done", "1", soon, row("a", 20))).toBe(false);
      expect(await left()).toEqual([20, 20]);
      for (const _ of "abc") await queue.take(NOON, soon);
      expect(await queue.finish("a", "done", "1", soon, row("a", 20))).toBe(true);
      expect(await queue.finish("b", "failed", "{}", soon, row("b", 0))).toBe(true);
      expect(await queue.cancel("c", "t", NOON, row("c", 0))).toBe("cancelled");
      expect(await queue.cancel("d", "u", NOON, row("d", 0))).toBeNull();
      expect(await left()).toEqual([60, 60]);
      // Neither a second end nor a late one moves anything.
      expect(await queue.finish("c", "done", "1", soon, row("c", 20))).toBe(false);
      expect(await queue.cancel("a", "t", NOON, row("a", 0))).toBe("done");
      expect(await limits.settle("a", row("a", 20))).toBe(false);
      expect(await left()).toEqual([60, 60]);
      expect(await state.durable.ledger.sums(0, NOON + 1)).toEqual([{ keyId: "k", units: 20, requests: 3 }]);
    });

    it("that are cancelled while they wait never run (A31)", async () => {
      const { queue } = (await open()).state.shared;
      await queue.add(job("a"), 9);
      expect(await queue.cancel("a", "t", NOON, row("a", 0))).toBe("cancelled");
      expect(await queue.take(NOON, soon)).toBeNull();
    });

    it("that are cancelled while they run stay cancelled, and those that ended stay as they are (A31)", async () => {
      const { queue } = (await open()).state.shared;
      for (const id of ["a", "b"]) {
        await queue.add(job(id), 9);
        await queue.take(NOON, soon);
      }
      expect(await queue.cancel("a", "t", NOON, row("a", 0))).toBe("cancelled");
      expect(await queue.beat("a", soon)).toBe(false);
      expect(await queue.finish("a", "done", "1", soon, row("a", 0))).toBe(false);
      expect(await queue.get("a", "t")).toMatchObject({ state: "cancelled", answer: null });
      await queue.finish("b", "failed", "{}", soon, row("b", 0));
      expect(await queue.cancel("b", "t", soon, row("b", 0))).toBe("failed");
      expect(await queue.take(soon + 1, soon + 2)).toBeNull();
    });

    it("are their tenant's alone (A15)", async () => {
      const { queue } = (await open()).state.shared;
      await queue.add(job("a"), 9);
      expect(await queue.get("a", "u")).toBeNull();
      expect(await queue.cancel("a", "u", NOON, row("a", 0))).toBeNull();
      expect((await queue.get("a", "t"))!.state).toBe("queued");
    });

    it("are forgotten some time after their end, and not before", async () => {
      const { queue } = (await open()).state.shared;
      for (const id of ["a", "b", "c"]) await queue.add(job(id), 9);
      await queue.cancel("a", "t", NOON, row("a", 0));
      await queue.cancel("b", "t", NOON + 1, row("b", 0));
      await queue.purge(NOON + 1);
      const found = await Promise.all(["a", "b", "c"].map((id) => queue.get(id, "t")));
      expect(found.map((one) => one?.state)).toEqual([undefined, "cancelled", "queued"]);
    });
  });
}
